"""Whoever tries to come in without a right to: by guessing, by stealing, by waiting, or by having been somebody once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import argon2
import httpx
import pytest

from admin import access
from partner_portal.infra import clock, db, redis, sessions, settings
from partner_portal.kernel.actor import Role, StaffRole
from partner_portal.kernel.errors import Invalid
from tenants import policy
from tenants.policy import Scope
from tenants.service import accounts, members, passwords
from tests.attack.test_links import rows
from tests.conftest import browser
from tests.conftest import sign_in as sign_in_as
from tests.world import PASSWORD, STAFF_DOOR, World

SESSION = "/api/v1/session"
CUSTOMERS = "/api/v1/customers"


class Counting(argon2.PasswordHasher):
    """The hasher, with what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.seconds: list[float] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002  # argon2's name
        """Does the work, and counts it."""
        self.asked.append(hash if isinstance(hash, str) else hash.decode())
        begun = time.perf_counter()
        try:
            return super().verify(hash, password)
        finally:
            self.seconds.append(time.perf_counter() - begun)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Counts the verifications."""
    counting = Counting()
    monkeypatch.setattr(passwords, "_hasher", counting)
    return counting


async def try_in(client: httpx.AsyncClient, email: str, password: str = "wrong password") -> httpx.Response:
    return await client.post(SESSION, json={"email": email, "password": password})


async def change(table: str, what: str, **where: Any) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        (name, value), *_ = where.items()
        tag = await db.execute(f"UPDATE {table} SET {what} WHERE {name} = $1", value)  # noqa: S608  # ours
        assert tag == "UPDATE 1"


async def test_known_and_unknown_accounts_cost_the_same_work_and_get_the_same_answer(
    world: World, stranger: httpx.AsyncClient, hasher: Counting
) -> None:
    await change("member", "disabled_at = now()", email=world.zuid.clerk)
    await change("member", "accepted_as = NULL", email=world.zuid.reader)
    await change("tenant", "suspended_at = now()", id=world.zuid.id)
    asked = [world.noord.owner, "nobody@example.com", world.zuid.owner, world.zuid.clerk, world.zuid.reader, "", "no address", "x" * 320]

    answers = [await try_in(stranger, email) for email in asked]

    assert len(hasher.asked) == len(asked), "one verification each"
    parameters = {hashed.rpartition("$")[0].rpartition("$")[0] for hashed in hasher.asked}
    assert len(parameters) == 1
    assert parameters.pop().startswith("$argon2id$")
    assert {answer.status_code for answer in answers} == {403}
    assert len({tuple(sorted((k, v) for k, v in answer.json().items() if k != "instance")) for answer in answers}) == 1


async def test_the_right_password_of_somebody_who_may_not_come_in_is_a_wrong_one(world: World, stranger: httpx.AsyncClient) -> None:
    await change("member", "disabled_at = now()", email=world.noord.clerk)
    await change("tenant", "suspended_at = now()", id=world.zuid.id)

    for email in (world.noord.clerk, world.zuid.owner):
        assert (await try_in(stranger, email, PASSWORD)).status_code == 403
    assert (await try_in(stranger, world.noord.owner.upper(), PASSWORD)).status_code == 200, "letter case is no part of an address"


async def test_staff_never_come_in_by_the_partners_door(stranger: httpx.AsyncClient, hasher: Counting) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await access.enter(
            username="fien",
            email="fien@kadetel.example.com",
            name="Fien Financiën",
            roles=frozenset({StaffRole.ADMINISTRATOR}),
            password=PASSWORD,
        )

    for name in ("fien", "fien@kadetel.example.com", "1"):
        assert (await try_in(stranger, name, PASSWORD)).status_code == 403
    assert len(hasher.asked) == 3
    answer = await stranger.get(CUSTOMERS, headers={"cookie": "id=1; session=1"})
    assert answer.status_code == 401


async def slowed_down(guess: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Guesses until it has to wait so long that hashing one password takes no more: each failure makes the wait twice as long."""
    async with asyncio.timeout(60):
        while True:
            answer = await guess()
            if answer.status_code == 429 and int(answer.headers["retry-after"]) > 2:
                return answer
            await asyncio.sleep(0.2 if answer.status_code == 429 else 0)


@pytest.mark.usefixtures("world")
async def test_guessing_is_slowed_down_and_says_until_when_whoever_is_guessed(world: World) -> None:
    limit = settings.current().sign_in_attempts
    for email in (world.noord.owner, "nobody@example.com"):
        async with browser() as client:
            client._transport.client = (f"198.51.100.{len(email)}", 1)  # type: ignore[attr-defined]  # from somewhere else each
            answers = [await try_in(client, email) for _ in range(limit)]
            assert {answer.status_code for answer in answers} == {403}
            refused = await slowed_down(lambda: try_in(client, email))  # noqa: B023  # called before the next round
            assert 1 <= int(refused.headers["retry-after"]) <= 900
            right = await try_in(client, email, PASSWORD)
            assert right.status_code == 429, "nor is the right password looked at meanwhile"


async def test_signing_in_turns_every_earlier_token_of_the_browser_into_nothing(world: World, stranger: httpx.AsyncClient) -> None:
    planted = "a" * 43
    stranger.cookies.set("session", planted, domain="portal.test")
    await sign_in_as(stranger, world.noord.owner)
    held = {cookie.value for cookie in stranger.cookies.jar if cookie.name == "session"}
    first = (held - {planted}).pop()

    async with browser() as thief:
        assert (await thief.get(CUSTOMERS, headers={"cookie": f"session={planted}"})).status_code == 401
        assert (await thief.get(CUSTOMERS, headers={"cookie": f"session={first}"})).status_code == 200
        again = await thief.post(
            SESSION,
            json={"email": world.noord.owner, "password": PASSWORD},
            headers={"cookie": f"session={first}", "x-csrf-token": stranger.headers["x-csrf-token"]},
        )
        assert again.status_code == 200
    async with browser() as thief:
        assert (await thief.get(CUSTOMERS, headers={"cookie": f"session={first}"})).status_code == 401


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(world: World, stranger: httpx.AsyncClient) -> None:
    answer = await try_in(stranger, world.noord.owner, PASSWORD)

    cookie = next(said for said in answer.headers.get_list("set-cookie") if said.startswith("session=")).lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain=" not in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    assert token not in answer.text.lower()
    keys = b" ".join(await redis.client().keys("*")).decode().lower()
    assert token not in keys


@pytest.mark.parametrize("how", ["member disabled", "partner suspended", "member demoted"])
async def test_whoever_loses_the_right_loses_the_session(world: World, stranger: httpx.AsyncClient, how: str) -> None:
    await sign_in_as(stranger, world.noord.clerk)
    assert (await stranger.get(CUSTOMERS)).status_code == 200
    member = (await rows("SELECT id FROM member WHERE email = $1", world.noord.clerk))[0]["id"]
    if how == "partner suspended":
        await change("tenant", "suspended_at = now()", id=world.noord.id)
    else:
        await change("member", "disabled_at = now()" if how == "member disabled" else "role = 'read-only'", id=member)
    await sessions.forget(f"member:{member}")  # or a minute later

    seen = await stranger.get(CUSTOMERS)
    changed = await stranger.post("/api/v1/quotes", json={"service_ids": [str(world.noord.services["free"])]})

    expected = (200, 403) if how == "member demoted" else (401, 401)
    assert (seen.status_code, changed.status_code) == expected
    assert sessions.ACTOR_SECONDS <= 60


async def test_a_key_is_shown_once_and_kept_as_a_hash(noord: httpx.AsyncClient) -> None:
    body = {"name": "Koppeling", "scopes": ["read"]}
    made = await noord.post("/api/v1/api-keys", json=body, headers={"idempotency-key": "one"})
    again = await noord.post("/api/v1/api-keys", json=body, headers={"idempotency-key": "one"})
    secret = made.json()["key"]

    assert made.status_code == 201
    assert again.status_code == 409
    assert secret not in again.text
    assert secret not in (await noord.get("/api/v1/api-keys")).text
    for table in ("api_key", "infra_audit", "infra_idempotency"):
        kept = " ".join(row["said"] for row in await rows(f"SELECT t::text AS said FROM {table} t"))  # noqa: S608  # ours
        assert secret not in kept
        assert secret.rpartition("_")[2] not in kept
        assert secret.encode().hex() not in kept
    assert (await rows("SELECT secret_sha256 FROM api_key"))[0]["secret_sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret.encode() not in b"".join(await redis.client().keys("*"))


async def test_a_key_works_through_its_last_day_and_no_longer(noord: httpx.AsyncClient) -> None:
    last = clock.today() + timedelta(days=3)
    made = await noord.post("/api/v1/api-keys", json={"name": "Tijdelijk", "scopes": ["read"], "expires_on": last.isoformat()})
    past = await noord.post("/api/v1/api-keys", json={"name": "Voorbij", "scopes": ["read"], "expires_on": "2026-11-21"})
    async with browser(headers={"authorization": f"Bearer {made.json()['key']}"}) as software:
        answered = []
        for day in (clock.today(), last, last + timedelta(days=1)):
            clock.move_to(day)
            await redis.client().flushdb()  # what was remembered for a minute
            answered.append((await software.get(CUSTOMERS)).status_code)

    assert past.status_code == 422
    assert answered == [200, 200, 401]


async def test_a_revoked_key_opens_nothing_from_that_moment_on(noord: httpx.AsyncClient) -> None:
    made = (await noord.post("/api/v1/api-keys", json={"name": "Gelekt", "scopes": ["read"]})).json()
    async with browser(headers={"authorization": f"Bearer {made['key']}"}) as thief:
        assert (await thief.get(CUSTOMERS)).status_code == 200

        assert (await noord.delete(f"/api/v1/api-keys/{made['id']}")).status_code == 204

        assert (await thief.get(CUSTOMERS)).status_code == 401, "also while it is still remembered"
    assert (await noord.delete(f"/api/v1/api-keys/{made['id']}")).status_code == 204


async def test_a_key_of_a_suspended_partner_opens_nothing(world: World, noord: httpx.AsyncClient) -> None:
    made = (await noord.post("/api/v1/api-keys", json={"name": "Koppeling", "scopes": ["read"]})).json()
    await change("tenant", "suspended_at = now()", id=world.noord.id)

    async with browser(headers={"authorization": f"Bearer {made['key']}"}) as software:
        assert (await software.get(CUSTOMERS)).status_code == 401


async def test_what_only_looks_like_the_key_opens_nothing(noord: httpx.AsyncClient) -> None:
    key = (await noord.post("/api/v1/api-keys", json={"name": "Koppeling", "scopes": ["read"]})).json()["key"]
    kind, prefix, secret = key.split("_", 2)
    stored = (await rows("SELECT secret_sha256 FROM api_key"))[0]["secret_sha256"]
    forged = [
        f"{kind}_{prefix}_", f"{kind}_{prefix}_{secret[:-1]}", f"{kind}_{prefix}_{secret}A", f"{kind}_{prefix}_{stored}",
        f"{kind}_{prefix}_{secret.swapcase()}", f"{kind}_{'0' * 10}_{secret}", f"{kind}_{prefix}%_{secret}", key.upper(), f"{key} ", f"{key}\u00e9",
    ]  # fmt: skip

    for one in forged:
        async with browser(headers={"authorization": f"Bearer {one}".encode()}) as thief:
            expected = 200 if one.strip() == key else 401
            assert (await thief.get(CUSTOMERS)).status_code == expected, one


async def test_two_keys_never_share_a_prefix(noord: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    real = policy.new_key
    first = (await noord.post("/api/v1/api-keys", json={"name": "Een", "scopes": ["read"]})).json()["key"]
    prefix = policy.prefix_of(first)
    made = policy.NewKey(f"pp_{prefix}_other", str(prefix), policy.fingerprint(f"pp_{prefix}_other"))
    monkeypatch.setattr(policy, "new_key", lambda: made)

    clash = await noord.post("/api/v1/api-keys", json={"name": "Twee", "scopes": ["read"]})

    assert clash.status_code == 409, "asked again, it gets another"
    monkeypatch.setattr(policy, "new_key", real)
    async with browser(headers={"authorization": f"Bearer {first}"}) as software:
        assert (await software.get(CUSTOMERS)).status_code == 200


async def test_a_cookie_needs_its_token_and_a_key_needs_none(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    key = (await noord.post("/api/v1/api-keys", json={"name": "Koppeling", "scopes": [scope.value for scope in Scope]})).json()["key"]
    ask = {"service_ids": [str(world.noord.services["free"])]}
    token = noord.headers.pop("x-csrf-token")
    tried: list[tuple[dict[str, str], int]] = [
        ({}, 403),
        ({"x-csrf-token": ""}, 403),
        ({"x-csrf-token": "0" * 64}, 403),
        ({"x-csrf-token": zuid.headers["x-csrf-token"]}, 403),
        ({"x-csrf-token": token, "sec-fetch-site": "cross-site"}, 403),
        ({"x-csrf-token": token, "origin": "https://evil.example.com"}, 403),
        ({"authorization": "Bearer junk"}, 401),
        ({"authorization": ""}, 401),
        ({"authorization": "Basic b3duZXI6eA=="}, 401),
        ({"x-csrf-token": token}, 201),
        ({"authorization": f"Bearer {key}"}, 201),
    ]

    answered = [(headers, (await noord.post("/api/v1/quotes", json=ask, headers=headers)).status_code) for headers, _expected in tried]

    assert answered == tried


async def test_an_owner_cannot_make_a_key_for_what_it_may_not_do_and_a_key_makes_no_keys(noord: httpx.AsyncClient) -> None:
    made = await noord.post("/api/v1/api-keys", json={"name": "Alles", "scopes": [scope.value for scope in Scope]})
    async with browser(headers={"authorization": f"Bearer {made.json()['key']}"}) as software:
        assert (await software.post("/api/v1/api-keys", json={"name": "Kind", "scopes": ["read"]})).status_code == 403
        assert (await software.get("/api/v1/api-keys")).status_code == 403
    for scope in ("owner", "clerk", "finance", "*", "member", ""):
        assert (await noord.post("/api/v1/api-keys", json={"name": "Meer", "scopes": [scope]})).status_code == 422


async def test_whoever_enters_another_partners_member_gets_no_password_for_it(world: World) -> None:
    with pytest.raises(Invalid):
        async with db.unit_of_work(STAFF_DOOR):
            await members.enter(
                tenant=world.zuid.id, email=world.noord.owner.upper(), name="Dief", role=Role.OWNER, password="of the thief"
            )


async def test_a_partner_has_one_member_per_address_and_learns_nothing_of_other_partners(world: World, zuid: httpx.AsyncClient) -> None:
    taken = await zuid.post("/api/v1/members", json={"name": "Twee", "email": world.zuid.clerk.upper(), "role": "clerk"})
    elsewhere = await zuid.post("/api/v1/members", json={"name": "Elders", "email": world.noord.owner, "role": "owner"})
    unknown = await zuid.post("/api/v1/members", json={"name": "Nieuw", "email": "nieuw@example.com", "role": "owner"})

    assert (taken.status_code, elsewhere.status_code, unknown.status_code) == (422, 201, 201)
    assert sorted(elsewhere.json()) == sorted(unknown.json())
    async with browser() as client:
        only = await try_in(client, world.noord.owner, PASSWORD)
    assert only.json()["tenant_id"] == str(world.noord.id), "who has not accepted has nothing there"


async def test_what_was_read_before_a_right_was_taken_away_is_not_remembered_after_it(world: World) -> None:
    """The database is asked, then the right is taken away, then the answer arrives: it must not hold for another minute."""
    member = (await rows("SELECT id FROM member WHERE email = $1", world.noord.clerk))[0]["id"]
    who = f"member:{member}"
    account = await accounts.now(who)
    assert account is not None
    token = await sessions.start(who, tenant=world.noord.id)
    asked = await sessions.look_up(session=token, otherwise="here", window_ms=60_000)

    await sessions.forget(who)
    await sessions.remember(account.actor, since=asked.since)

    late = await sessions.look_up(session=token, otherwise="here", window_ms=60_000)
    assert late.actor is None
    await sessions.remember(account.actor, since=late.since)
    known = await sessions.look_up(session=token, otherwise="here", window_ms=60_000)
    assert known.actor == account.actor
