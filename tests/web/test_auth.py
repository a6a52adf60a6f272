"""Who is let in, as whom, for how long, and what a forged request may not do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from partner_portal.infra import rates, redis, sessions, settings
from partner_portal.kernel.actor import Role
from partner_portal.web import csrf, identity
from partner_portal.web.middleware import Shell
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import NOORD, People

HELLO = {"hello": "member:owner-noord"}


async def test_signing_in_gives_a_session_and_signing_out_ends_it(stranger: httpx.AsyncClient) -> None:
    signed = await stranger.post("/session")
    token = stranger.cookies["session"]

    assert (await stranger.get("/hello")).json() == HELLO
    assert signed.json()["csrf"] == stranger.cookies["portal_csrf"] == csrf.token(token)
    assert (await stranger.post("/session/end", headers={"x-csrf-token": signed.json()["csrf"]})).status_code == 200
    assert "session" not in stranger.cookies
    stranger.cookies.set("session", token)
    assert (await stranger.get("/hello")).json() == {"hello": "stranger"}


async def test_a_session_chosen_by_somebody_else_is_never_signed_in(portal: Shell) -> None:
    planted = "a" * 43
    async with browser(portal) as victim, browser(portal) as thief:
        signed = await victim.post("/session", headers={"cookie": f"session={planted}"})
        stolen = await thief.get("/hello", headers={"cookie": f"session={planted}"})

    assert planted not in str(signed.headers)
    assert stolen.json() == {"hello": "stranger"}


async def test_signing_in_again_ends_the_session_before(noord: httpx.AsyncClient, portal: Shell) -> None:
    before = noord.cookies["session"]
    answer = await noord.post("/session")
    after = (
        next(cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("session=")).split(";")[0].partition("=")[2]
    )

    assert after != before
    async with browser(portal) as client:
        client.cookies.set("session", before)
        assert (await client.get("/hello")).json() == {"hello": "stranger"}


async def test_of_a_token_only_the_hash_is_kept(noord: httpx.AsyncClient) -> None:
    token = noord.cookies["session"]
    await noord.get("/hello", headers={"authorization": "Bearer pp_robot_secret"})

    for key in await redis.client().keys("*"):
        kind = await redis.client().type(key)
        held = await redis.client().get(key) if kind == b"string" else b"".join(await redis.client().zrange(key, 0, -1))
        assert token.encode() not in key + held
        assert b"robot_secret" not in key + held


async def test_a_member_lists_its_sessions_and_revokes_one(portal: Shell, people: People) -> None:
    who = people.owner_of_noord.trail
    async with browser(portal) as laptop, browser(portal) as phone:
        await signed_in(laptop, people.owner_of_noord)
        lost = await signed_in(phone, people.owner_of_noord)
        listed = await sessions.all_of(who)

        assert {one.who for one in listed} == {who}
        assert len(listed) == 2
        assert not await sessions.revoke("member:somebody-else", sessions.fingerprint(lost))
        assert await sessions.revoke(who, sessions.fingerprint(lost))
        assert (await phone.get("/hello")).json() == {"hello": "stranger"}
        assert (await laptop.get("/hello")).json() == HELLO
        assert len(await sessions.all_of(who)) == 1


async def test_all_sessions_but_this_one_end_at_once(portal: Shell, people: People) -> None:
    async with browser(portal) as laptop, browser(portal) as phone:
        mine = await signed_in(laptop, people.owner_of_noord)
        await signed_in(phone, people.owner_of_noord)
        await sessions.revoke_all(people.owner_of_noord.trail, but=mine)

        assert (await phone.get("/hello")).json() == {"hello": "stranger"}
        assert (await laptop.get("/hello")).json() == HELLO


async def test_the_database_is_asked_who_somebody_is_once_a_minute_and_when_it_changed(noord: httpx.AsyncClient, people: People) -> None:
    for _ in range(5):
        await noord.get("/hello")
    assert people.asked == 1
    assert (await noord.get("/owners-only")).status_code == 200

    demoted = msgspec.structs.replace(people.owner_of_noord, roles=frozenset({Role.READER}))
    people.members[demoted.trail] = demoted
    await sessions.forget(demoted.trail)
    assert (await noord.get("/owners-only")).status_code == 403

    del people.members[demoted.trail]
    await sessions.forget(demoted.trail)
    assert (await noord.get("/owners-only")).status_code == 401
    people.members[demoted.trail] = people.owner_of_noord
    assert (await noord.get("/hello")).json() == {"hello": "stranger"}  # the session of somebody who left does not come back


async def test_a_session_ends_after_rest_and_after_a_day_of_work(people: People, portal: Shell) -> None:
    async with browser(portal) as client:
        token = await signed_in(client, people.owner_of_noord)
        key = f"session:{sessions.fingerprint(token)}"
        idle = await redis.client().ttl(key)
        await redis.client().expire(key, 1000)
        await client.get("/hello")
        slid = await redis.client().ttl(key)

        with settings.use(session_hours=1, session_idle_minutes=120):
            short = await signed_in(client, people.owner_of_noord)
            await client.get("/hello")
            capped = await redis.client().ttl(f"session:{sessions.fingerprint(short)}")

    assert (idle, slid) == (pytest.approx(7200, abs=5), pytest.approx(7200, abs=5))
    assert capped == pytest.approx(3600, abs=5)


async def test_an_api_key_acts_as_itself_and_has_no_role_of_a_person(stranger: httpx.AsyncClient, people: People) -> None:
    stranger.headers["authorization"] = "Bearer pp_robot_secret"

    answers = [await stranger.get(path) for path in ("/hello", "/owners-only")]

    assert answers[0].json() == {"hello": "key:robot"}
    assert [answer.status_code for answer in answers] == [200, 403]
    assert people.asked == 1


async def test_a_revoked_api_key_opens_nothing(stranger: httpx.AsyncClient, people: People) -> None:
    stranger.headers["authorization"] = "Bearer pp_robot_secret"
    await stranger.get("/hello")
    people.keys.clear()
    await sessions.forget("key:robot")

    assert (await stranger.get("/hello")).status_code == 401


@pytest.mark.parametrize(
    "brought", ["Bearer", "Bearer ", "Bearer x", "Basic eDp5", "pp_robot_secret", "bearer pp_unknown", "Bearer pp_robot_secret x", "\xff"]
)
async def test_what_is_no_api_key_is_refused_also_where_nobody_must_be_known(stranger: httpx.AsyncClient, brought: str) -> None:
    assert (await stranger.get("/hello", headers={b"authorization": brought.encode("latin-1")})).status_code == 401


async def test_an_api_key_wins_over_a_session_and_needs_no_token(noord: httpx.AsyncClient) -> None:
    del noord.headers["x-csrf-token"]
    answer = await noord.post(
        "/things", json={"name": "bell"}, headers={"authorization": "Bearer pp_robot_secret", "origin": "https://elsewhere.test"}
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("headers", [{"x-csrf-token": ""}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": b"\xff"}, {}])
async def test_a_change_without_the_right_token_is_refused(noord: httpx.AsyncClient, headers: dict[str, str]) -> None:
    del noord.headers["x-csrf-token"]
    answer = await noord.post("/things", json={"name": "bell"}, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/untrusted-origin")
    assert (await noord.get("/count")).json() == {"things": 0}


async def test_the_token_of_another_session_is_not_right(noord: httpx.AsyncClient) -> None:
    other = await sessions.start("member:owner-noord", tenant=NOORD)

    assert (await noord.post("/things", json={"name": "a"}, headers={"x-csrf-token": csrf.token(other)})).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://portal.test.evil.test"}, 403),
        ({"origin": "http://portal.test"}, 201),
        ({"origin": "https://portal.test"}, 201),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 201),
    ],
)
async def test_a_change_from_another_site_is_refused_even_with_the_token(
    noord: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await noord.post("/things", json={"name": "a"}, headers=headers)).status_code == status


async def test_another_site_cannot_sign_anybody_in(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.post("/session", headers={"origin": "https://evil.test"})).status_code == 403


async def test_forms_bring_the_token_as_a_field(noord: httpx.AsyncClient) -> None:
    token = noord.headers.pop("x-csrf-token")
    file = {"file": ("a.txt", b"x" * 100_000)}

    answers = [
        await noord.post("/forms", data={"name": "bell", "csrf_token": token}),
        await noord.post("/uploads", data={"name": "bell", "csrf_token": token}, files=file),
        await noord.post("/forms", data={"name": "bell"}),
        await noord.post("/uploads", data={"name": "bell"}, files=file),
        await noord.post("/uploads", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"}),
        await noord.post("/uploads", content=b"", headers={"content-type": "multipart/form-data"}),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 403, 403, 403, 403]
    assert answers[0].json() == answers[1].json() == {"name": "bell"}


async def test_in_pages_the_token_looks_different_each_time_and_is_as_right(noord: httpx.AsyncClient) -> None:
    session = noord.cookies["session"]
    plain = noord.headers.pop("x-csrf-token")
    seen = {csrf.masked(session) for _ in range(20)}

    assert len(seen) == 20
    assert not any(plain[:8] in token for token in seen)
    for token in seen:
        assert (await noord.post("/forms", data={"name": "bell", "csrf_token": token})).status_code == 201


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: ("1" if token[0] == "0" else "0") + token[1:],
        lambda token: "é" + token[1:],
        lambda token: token[::-1],
        lambda token: token * 2,
    ],
)
async def test_a_spoilt_mask_is_no_token(noord: httpx.AsyncClient, spoil: Callable[[str], str]) -> None:
    del noord.headers["x-csrf-token"]
    token = spoil(csrf.masked(noord.cookies["session"]))
    file = {"file": ("a.txt", b"x")}

    assert (await noord.post("/forms", data={"name": "bell", "csrf_token": token})).status_code == 403
    assert (await noord.post("/uploads", data={"name": "bell", "csrf_token": token}, files=file)).status_code == 403


async def test_the_mask_of_another_session_is_not_right(noord: httpx.AsyncClient) -> None:
    del noord.headers["x-csrf-token"]
    other = await sessions.start("member:owner-noord", tenant=NOORD)

    assert (await noord.post("/forms", data={"name": "bell", "csrf_token": csrf.masked(other)})).status_code == 403


async def test_reading_needs_no_token(noord: httpx.AsyncClient) -> None:
    del noord.headers["x-csrf-token"]

    assert (await noord.get("/things", headers={"sec-fetch-site": "cross-site"})).status_code == 200


def test_one_ipv6_customer_is_one_address() -> None:
    assert identity.rate_address("2001:db8:1:2:3:4:5:6") == identity.rate_address("2001:db8:1:2::9") == "2001:0db8:0001:0002"
    assert identity.rate_address("2001:db8:1:3::9") != identity.rate_address("2001:db8:1:2::9")
    assert identity.rate_address("192.0.2.7") == "192.0.2.7"
    assert identity.rate_address(":::") == "unknown"


async def test_after_too_many_attempts_waiting_grows_and_success_forgives(people: People) -> None:
    assert people.asked == 0
    with settings.use(sign_in_attempts=3):
        waits = [await rates.attempt("jan@example.com", "192.0.2.1") for _ in range(4)]
        assert waits[:3] == [0, 0, 0]
        assert 1 <= waits[3] <= 2
        assert await rates.attempt("JAN@example.com ", "198.51.100.1") >= 1  # the same account from elsewhere
        assert await rates.attempt("piet@example.com", "198.51.100.1") == 0  # another account from elsewhere

        await rates.succeeded("jan@example.com", "192.0.2.1")
        assert await rates.attempt("jan@example.com", "203.0.113.5") == 0


async def test_waiting_doubles_up_to_a_quarter_of_an_hour(people: People) -> None:
    assert people.asked == 0
    account, address = rates._keys("jan@example.com", "192.0.2.1")
    seen = []
    with settings.use(sign_in_attempts=1):
        for _ in range(12):
            await rates.attempt("jan@example.com", "192.0.2.1")
            seen.append(int(await _command("HGET", account, "until")) - int((await redis.client().time())[0]))
            await _command("HDEL", account, "until")
            await _command("HDEL", address, "until")

    assert seen[:6] == [pytest.approx(2**n, abs=1) for n in range(6)]
    assert seen[-1] == pytest.approx(rates.LONGEST_WAIT, abs=1)


async def test_a_hundred_attempts_at_once_are_a_hundred_attempts(people: People) -> None:
    assert people.asked == 0
    with settings.use(sign_in_attempts=5):
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(rates.attempt("jan@example.com", "192.0.2.1")) for _ in range(100)]

    assert [task.result() for task in tries].count(0) == 5


async def test_nobody_learns_from_redis_who_has_an_account(people: People) -> None:
    assert people.asked == 0
    await rates.attempt("jan@example.com", "192.0.2.1")

    assert not [key for key in await redis.client().keys("*") if b"jan" in key or b"example.com" in key]


async def _command(*words: str) -> Any:
    return await redis.client().execute_command(*words)  # type: ignore[no-untyped-call]
