"""Coming in by a browser: one form for members and contacts, a password forgotten, an invitation taken, and what strangers learn of it: nothing."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
import pytest

from partner_portal.infra import clock, db, outbox, settings, tokens
from partner_portal.kernel.actor import Role
from tenants import policy
from tenants.jobs import people as people_jobs
from tenants.service import contacts, invitations, members
from tenants.service.contacts import ContactChange
from tenants.service.members import MemberChange
from tests.attack.test_sign_in import slowed_down
from tests.conftest import browser
from tests.tenants.people import (
    PAGE,
    add_contact,
    add_member,
    link_in,
    main_user,
    open_page,
    read,
    rows,
    send,
    sign_in_by_page,
    signed_in,
)  # fmt: skip
from tests.world import PASSWORD, STAFF_DOOR, World

NEW = "a new and long password"


async def arrivals(world: World) -> int:
    await outbox.drain()
    return len(world.mailbox.mailbox.arrivals)


# -- one form ---------------------------------------------------------------------------------------------------------


async def test_a_member_comes_to_the_portal_and_a_contact_to_its_own_organisation(world: World) -> None:
    email = await main_user(world.noord)
    async with browser() as member, browser() as contact:
        to_portal = await sign_in_by_page(member, world.noord.clerk)
        to_own = await sign_in_by_page(contact, email)

        assert (to_portal.status_code, to_portal.headers["location"]) == (303, "/portal")
        assert (to_own.status_code, to_own.headers["location"]) == (303, "/portal/own")
        assert "Bakkerij De Korst" in read(await open_page(contact, "/portal/own/contacts"))


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/portal/customers?q=a%20b", "/portal/customers?q=a%20b"),
        ("https://evil.example.com/portal", "/portal"),
        ("//evil.example.com", "/portal"),
        ("/portal\\evil", "/portal"),
        ("/portalevil.example.com", "/portal"),
        ("/portal/own/contacts", "/portal"),
        ("", "/portal"),
    ],
)
async def test_afterwards_one_goes_on_to_paths_of_the_portal_only(
    world: World, stranger: httpx.AsyncClient, wanted: str, reached: str
) -> None:
    answer = await sign_in_by_page(stranger, world.noord.owner, next=wanted)

    assert answer.headers["location"] == reached


async def test_a_wrong_password_is_said_at_its_field_and_the_address_stays_typed(world: World, stranger: httpx.AsyncClient) -> None:
    answer = await sign_in_by_page(stranger, world.noord.owner, "not the password")

    assert answer.status_code == 422
    assert "do not belong together" in read(answer)
    assert f'value="{world.noord.owner}"' in answer.text
    assert "not the password" not in answer.text
    assert "session=" not in str(answer.headers)


async def test_guessing_on_the_page_is_slowed_down_as_in_the_api(world: World) -> None:
    async with browser() as client:
        client._transport.client = ("198.51.100.77", 1)  # type: ignore[attr-defined]  # from somewhere else
        answer = await slowed_down(lambda: sign_in_by_page(client, world.noord.owner, "wrong"))
        right = await sign_in_by_page(client, world.noord.owner)

    assert "Too many attempts" in read(answer)
    assert right.status_code == 429, "nor is the right password looked at meanwhile"


async def test_whoever_has_several_accounts_chooses_one_after_the_password(world: World, stranger: httpx.AsyncClient) -> None:
    await add_contact(world.zuid, world.zuid.customers["bakery"], world.noord.clerk)
    await add_contact(world.noord, world.noord.customers["private"], world.noord.clerk.upper())

    asked = await sign_in_by_page(stranger, world.noord.clerk, next="/portal/customers")

    assert asked.status_code == 200
    assert "session=" not in str(asked.headers)
    for words in ("Noord ICT", "customer of Zuid Telecom", "Pieter Particulier"):
        assert words in read(asked)
    proof = re.search(r'name="proof" value="([^"]+)"', asked.text)
    accounts = re.findall(r'name="account" value="([^"]+)"', asked.text)
    assert proof
    assert len(accounts) == 3
    chosen: dict[str, int] = {}
    for account in accounts:
        async with browser() as client:
            answer = await client.post(
                "/portal/sign-in/account", data={"proof": proof[1], "account": account, "next": "/portal/customers"}, headers=PAGE
            )
            chosen[answer.headers["location"]] = chosen.get(answer.headers["location"], 0) + 1
    assert chosen == {"/portal/customers": 1, "/portal/own": 2}


async def test_the_proof_of_a_password_is_for_its_own_accounts_and_for_minutes_only(world: World, stranger: httpx.AsyncClient) -> None:
    await add_contact(world.zuid, world.zuid.customers["bakery"], world.noord.clerk)
    elsewhere = str((await rows("SELECT id FROM member WHERE email = $1", world.noord.owner))[0]["id"])
    asked = await sign_in_by_page(stranger, world.noord.clerk)
    proof = re.search(r'name="proof" value="([^"]+)"', asked.text)[1]  # type: ignore[index]
    account = re.findall(r'name="account" value="([^"]+)"', asked.text)[0]

    async def tried(**form: str) -> str:
        answer = await stranger.post("/portal/sign-in/account", data=form, headers=PAGE)
        return str(answer.headers["location"])

    refused = [
        await tried(proof=proof, account=elsewhere),
        await tried(proof=proof[:-4] + "AAAA", account=account),
        await tried(proof="", account=account),
        await tried(proof=proof, account="junk"),
    ]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE credential SET changed_at = changed_at + interval '1 second' WHERE email = $1", world.noord.clerk)
    refused.append(await tried(proof=proof, account=account))

    assert set(refused) == {"/portal/sign-in"}


async def test_the_proof_is_forgotten_after_some_minutes(world: World, stranger: httpx.AsyncClient) -> None:
    await add_contact(world.zuid, world.zuid.customers["bakery"], world.noord.clerk)
    asked = await sign_in_by_page(stranger, world.noord.clerk)
    form = {name: re.search(rf'name="{name}" value="([^"]+)"', asked.text)[1] for name in ("proof", "account")}  # type: ignore[index]

    clock.set_to(clock.now() + policy.CHOOSING + timedelta(seconds=1))

    assert (await stranger.post("/portal/sign-in/account", data=form, headers=PAGE)).headers["location"] == "/portal/sign-in"


async def test_the_api_asks_for_the_account_too_and_says_who_it_is(world: World, stranger: httpx.AsyncClient) -> None:
    contact = await add_contact(world.zuid, world.zuid.customers["bakery"], world.noord.clerk, may_sign=True)
    body = {"email": world.noord.clerk, "password": PASSWORD}

    asked = await stranger.post("/api/v1/session", json=body)
    wrong = await stranger.post("/api/v1/session", json=body | {"account": str(world.noord.id)})
    chosen = await stranger.post("/api/v1/session", json=body | {"account": str(contact)})

    assert asked.status_code == 409
    assert asked.json()["type"] == "/problems/choose-account"
    assert {one["kind"] for one in asked.json()["facts"]["accounts"]} == {"member", "contact"}
    assert wrong.status_code == 403
    assert chosen.json() | {"csrf_token": ""} == {
        "name": f"Contact {world.noord.clerk}",
        "tenant_id": str(world.zuid.id),
        "customer_id": str(world.zuid.customers["bakery"]),
        "kind": "contact",
        "roles": ["may sign"],
        "language": "nl",
        "csrf_token": "",
    }


@pytest.mark.parametrize("how", ["ended", "partner suspended", "moved", "not invited"])
async def test_a_contact_who_may_not_come_in_has_a_wrong_password(world: World, stranger: httpx.AsyncClient, how: str) -> None:
    bakery = world.noord.customers["bakery"]
    contact = await add_contact(world.noord, bakery, "anna@klant.example.com", accepts=how != "not invited")
    if how == "partner suspended":
        await rows("UPDATE tenant SET suspended_at = now() WHERE id = $1 RETURNING id", world.noord.id)
    async with db.unit_of_work(world.noord.principal()):
        if how == "ended":
            await contacts.end(world.noord.actor, bakery, contact)
        if how == "moved":
            await contacts.change(world.noord.actor, bakery, contact, ContactChange(email="elders@klant.example.com"))

    for email in ("anna@klant.example.com", "elders@klant.example.com"):
        assert (await sign_in_by_page(stranger, email)).status_code == 422


async def test_signing_out_ends_the_session_itself(world: World) -> None:
    async with signed_in(world.noord.owner) as client, browser() as thief:
        token = client.cookies["session"]

        left = await send(client, "/portal/sign-out", on="/portal/account")

        assert left.headers["location"] == "/portal/sign-in"
        answer = await thief.get("/portal/account", headers=PAGE | {"cookie": f"session={token}"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/portal/sign-in")


# -- a password forgotten ---------------------------------------------------------------------------------------------


async def test_a_forgotten_password_is_chosen_anew_by_a_link_that_works_once(world: World) -> None:
    async with signed_in(world.noord.clerk) as old_session, browser() as client:
        asked = await send(client, "/portal/password", email=world.noord.clerk.upper())
        await outbox.drain()
        link = link_in(world, world.noord.clerk, "password")
        for _ in range(3):  # a mail scanner opens every link
            assert "Choose a new password" in read(await open_page(client, link))
        short = await client.post(link, data={"password": "short"}, headers=PAGE)
        changed = await client.post(link, data={"password": NEW}, headers=PAGE)
        again = await client.post(link, data={"password": NEW}, headers=PAGE)
        await outbox.drain()

        assert asked.status_code == 200
        assert short.status_code == 422
        assert "12 to 128" in read(short)
        assert changed.headers["location"] == "/portal/sign-in"
        assert again.status_code == 404
        assert (await old_session.get("/api/v1/customers")).status_code == 401, "every session is over"
        assert (await sign_in_by_page(client, world.noord.clerk)).status_code == 422, "the old one is over"
        assert (await sign_in_by_page(client, world.noord.clerk, NEW)).status_code == 303
    assert (
        "changed" in world.mailbox.mailbox.mails(world.noord.clerk)[0].subject
        or "gewijzigd" in world.mailbox.mailbox.mails(world.noord.clerk)[0].subject
    )


async def test_the_answer_and_the_work_tell_nobody_whether_there_is_an_account(
    world: World, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows("UPDATE member SET disabled_at = now() WHERE email = $1 RETURNING id", world.zuid.clerk)
    asked = [world.noord.owner, "nobody@example.com", world.zuid.clerk]
    said: dict[str, list[str]] = {}
    statements: dict[str, list[str]] = {}
    plain = db._Connection.fetch, db._Connection.fetchrow, db._Connection.execute
    current: list[str] = []
    for name, real in zip(("fetch", "fetchrow", "execute"), plain, strict=True):

        async def counted(self: db._Connection, sql: str, *args: object, real: object = real) -> object:
            current.append(sql.split("(", maxsplit=1)[0])
            return await real(self, sql, *args)  # type: ignore[operator]

        monkeypatch.setattr(db._Connection, name, counted)

    for email in asked:
        current.clear()
        answer = await stranger.post("/portal/password", data={"email": email}, headers=PAGE)
        statements[email] = list(current)
        said[email] = [str(answer.status_code), read(answer).replace(email, "")]

    assert len({tuple(words) for words in said.values()}) == 1
    assert len({tuple(done) for done in statements.values()}) == 1, statements
    assert len(statements[asked[0]]) >= 4
    await outbox.drain()
    assert [len(world.mailbox.mailbox.mails(email)) for email in asked] == [1, 0, 0]


async def test_a_link_for_a_new_password_lives_an_hour(world: World, stranger: httpx.AsyncClient) -> None:
    await send(stranger, "/portal/password", email=world.noord.owner)
    await outbox.drain()
    link = link_in(world, world.noord.owner, "password")

    clock.set_to(clock.now() + policy.PASSWORD_LINK_FOR)

    assert "cannot be used any more" in read(await open_page(stranger, link, 404))
    assert (await stranger.post(link, data={"password": NEW}, headers=PAGE)).status_code == 404


async def test_of_several_links_for_a_new_password_one_is_used_and_all_are_over(world: World, stranger: httpx.AsyncClient) -> None:
    links = []
    for _ in range(2):
        await send(stranger, "/portal/password", email=world.noord.owner)
        await outbox.drain()
        links.append(link_in(world, world.noord.owner, "password"))

    first = await stranger.post(links[0], data={"password": NEW}, headers=PAGE)
    second = await stranger.post(links[1], data={"password": "of somebody else altogether"}, headers=PAGE)

    assert (first.status_code, second.status_code) == (303, 404)


async def test_a_new_password_is_for_all_accounts_of_the_address_and_ends_their_sessions(world: World, stranger: httpx.AsyncClient) -> None:
    contact = await add_contact(world.zuid, world.zuid.customers["bakery"], world.noord.clerk)
    async with browser() as as_contact:
        entered = await as_contact.post("/api/v1/session", json={"email": world.noord.clerk, "password": PASSWORD, "account": str(contact)})
        assert entered.status_code == 200
        await send(stranger, "/portal/password", email=world.noord.clerk)
        await outbox.drain()
        await stranger.post(link_in(world, world.noord.clerk, "password"), data={"password": NEW}, headers=PAGE)

        assert (await as_contact.get("/api/v1/own/contacts")).status_code == 401


async def test_asking_for_links_is_slowed_down(world: World) -> None:
    async with browser() as client:
        client._transport.client = ("198.51.100.78", 1)  # type: ignore[attr-defined]  # from somewhere else
        answered = [
            (await client.post("/portal/password", data={"email": world.noord.owner}, headers=PAGE)).status_code
            for _ in range(settings.current().sign_in_attempts + 5)
        ]

    assert set(answered) == {200, 429}
    assert await arrivals(world) == answered.count(200)


async def test_no_table_and_no_stored_mail_holds_a_secret_of_these_links(world: World, stranger: httpx.AsyncClient) -> None:
    await add_contact(world.noord, world.noord.customers["bakery"], "anna@klant.example.com", accepts=False)
    contact = (await rows("SELECT id FROM contact WHERE email = 'anna@klant.example.com'"))[0]["id"]
    async with db.unit_of_work(world.noord.principal()):
        await contacts.invite(world.noord.actor, world.noord.customers["bakery"], contact)
    await send(stranger, "/portal/password", email=world.noord.owner)
    await outbox.drain()
    secrets = [
        link_in(world, "anna@klant.example.com", "invitation").rpartition("/")[2],
        link_in(world, world.noord.owner, "password").rpartition("/")[2],
    ]

    for table in ("invitation", "password_link", "infra_mail", "infra_outbox", "infra_audit", "credential"):
        kept = " ".join(row["said"] for row in await rows(f"SELECT t::text AS said FROM {table} t"))  # noqa: S608  # ours
        for secret in secrets:
            assert secret not in kept
            assert secret.encode().hex() not in kept


async def test_links_nobody_can_use_any_more_are_forgotten_with_their_addresses(world: World, stranger: httpx.AsyncClient) -> None:
    await send(stranger, "/portal/password", email="somebody.unknown@example.com")
    await outbox.drain()
    clock.set_to(clock.now() + timedelta(days=3))

    await people_jobs.forget_links()

    assert await rows("SELECT 1 FROM password_link") == []


# -- an invitation ----------------------------------------------------------------------------------------------------


async def invited_contact(world: World, email: str = "anna@klant.example.com") -> str:
    """A contact of the bakery is invited; its link."""
    contact = await add_contact(world.noord, world.noord.customers["bakery"], email, accepts=False)
    async with db.unit_of_work(world.noord.principal()):
        await contacts.invite(world.noord.actor, world.noord.customers["bakery"], contact)
    await outbox.drain()
    return link_in(world, email, "invitation")


async def test_whoever_is_invited_chooses_a_password_and_is_in(world: World, stranger: httpx.AsyncClient) -> None:
    link = await invited_contact(world)
    page = await open_page(stranger, link)
    assert "Bakkerij De Korst" in read(page)
    assert "Noord ICT" in read(page)
    assert "Kadetel" not in read(page), "the partner's face, not the provider's"

    short = await stranger.post(link, data={"password": "short"}, headers=PAGE)
    taken = await stranger.post(link, data={"password": NEW}, headers=PAGE)

    assert short.status_code == 422
    assert (taken.status_code, taken.headers["location"]) == (303, "/portal/own")
    assert "Bakkerij De Korst" in read(await open_page(stranger, "/portal/own/contacts"))
    assert "taken this account already" in read(await open_page(stranger, link))
    async with browser() as later:
        assert (await later.post(link, data={"password": "somebody else's password"}, headers=PAGE)).status_code == 200, "used"
        assert (await sign_in_by_page(later, "anna@klant.example.com", NEW)).status_code == 303


async def test_opening_an_invitation_uses_nothing_up(world: World, stranger: httpx.AsyncClient) -> None:
    link = await invited_contact(world)
    for _ in range(3):  # a mail scanner opens every link
        await open_page(stranger, link)

    assert (await stranger.post(link, data={"password": NEW}, headers=PAGE)).status_code == 303


async def test_whoever_has_a_password_takes_the_account_with_that_and_no_other(world: World, stranger: httpx.AsyncClient) -> None:
    link = await invited_contact(world, world.zuid.owner)
    page = await open_page(stranger, link)

    wrong = await stranger.post(link, data={"password": NEW}, headers=PAGE)
    right = await stranger.post(link, data={"password": PASSWORD}, headers=PAGE)

    assert "You have a password for this address already" in read(page)
    assert wrong.status_code == 422
    assert right.headers["location"] == "/portal/own"
    async with browser() as client:
        assert (await sign_in_by_page(client, world.zuid.owner, NEW)).status_code == 422, "nobody's password was changed by it"


async def test_guessing_the_password_by_an_invitation_is_slowed_down(world: World) -> None:
    link = await invited_contact(world, world.zuid.owner)
    async with browser() as client:
        client._transport.client = ("198.51.100.79", 1)  # type: ignore[attr-defined]  # from somewhere else
        answered = {
            (await client.post(link, data={"password": f"guess number {nth}"}, headers=PAGE)).status_code
            for nth in range(settings.current().sign_in_attempts + 8)
        }

    assert answered == {422, 429}


async def test_an_invitation_lives_a_week_and_the_next_one_replaces_it(world: World, stranger: httpx.AsyncClient) -> None:
    first = await invited_contact(world)
    bakery = world.noord.customers["bakery"]
    contact = (await rows("SELECT id FROM contact WHERE email = 'anna@klant.example.com'"))[0]["id"]
    async with db.unit_of_work(world.noord.principal()):
        await contacts.invite(world.noord.actor, bakery, contact)
    await outbox.drain()
    second = link_in(world, "anna@klant.example.com", "invitation")

    assert first != second
    assert "newer invitation" in read(await open_page(stranger, first))
    assert (await stranger.post(first, data={"password": NEW}, headers=PAGE)).status_code == 200
    clock.set_to(clock.now() + policy.INVITED_FOR)
    assert "valid for a week" in read(await open_page(stranger, second))
    assert (await stranger.post(second, data={"password": NEW}, headers=PAGE)).status_code == 200
    assert await rows("SELECT 1 FROM contact WHERE accepted_as IS NOT NULL AND email = 'anna@klant.example.com'") == []


@pytest.mark.parametrize("how", ["contact ended", "contact moved", "partner suspended"])
async def test_an_invitation_that_was_taken_back_lets_nobody_in(world: World, stranger: httpx.AsyncClient, how: str) -> None:
    link = await invited_contact(world)
    bakery = world.noord.customers["bakery"]
    contact = (await rows("SELECT id FROM contact WHERE email = 'anna@klant.example.com'"))[0]["id"]
    async with db.unit_of_work(world.noord.principal()):
        if how == "contact ended":
            await contacts.end(world.noord.actor, bakery, contact)
        if how == "contact moved":
            await contacts.change(world.noord.actor, bakery, contact, ContactChange(email="dief@example.com"))
    if how == "partner suspended":
        await rows("UPDATE tenant SET suspended_at = now() WHERE id = $1 RETURNING id", world.noord.id)

    assert "taken back" in read(await open_page(stranger, link))
    assert (await stranger.post(link, data={"password": NEW}, headers=PAGE)).status_code == 200
    assert await rows("SELECT 1 FROM credential WHERE email = ANY($1)", ["anna@klant.example.com", "dief@example.com"]) == []


async def test_a_closed_member_cannot_take_its_invitation(world: World, stranger: httpx.AsyncClient) -> None:
    member = await add_member(world.noord, "nieuw@noord.example.com", Role.CLERK, accepts=False)
    link = link_in(world, "nieuw@noord.example.com", "invitation")
    async with db.unit_of_work(world.noord.principal()):
        await members.change(world.noord.actor, member, MemberChange(disabled=True))

    assert (await stranger.post(link, data={"password": NEW}, headers=PAGE)).status_code == 200
    assert (await sign_in_by_page(stranger, "nieuw@noord.example.com", NEW)).status_code == 422


async def test_two_who_take_the_same_invitation_at_once_are_one(world: World) -> None:
    link = await invited_contact(world)
    token = link.rpartition("/")[2]

    taken = await asyncio.gather(*(invitations.accept(token, f"{NEW} {nth}") for nth in range(4)), return_exceptions=True)

    assert sum(not isinstance(one, BaseException) for one in taken) == 1, taken


async def test_no_session_counts_where_a_link_bears_its_own_proof(world: World) -> None:
    link = await invited_contact(world)
    async with signed_in(world.noord.owner) as client:
        page = await open_page(client, link)
        taken = await client.post(link, data={"password": NEW}, headers=PAGE)

        assert "Owner of Noord" not in read(page)
        assert taken.headers["location"] == "/portal/own"


@pytest.mark.parametrize("path", ["/portal/invitation/", "/portal/password/"])
@pytest.mark.parametrize("token", ["x", "a" * 43, "%2e%2e%2f", "[[token:0]]", tokens.sha256("x").hex()])
async def test_what_is_no_link_is_not_found_and_asks_nobody_to_sign_in(stranger: httpx.AsyncClient, path: str, token: str) -> None:
    for answer in (
        await stranger.get(path + token, headers=PAGE),
        await stranger.post(path + token, data={"password": NEW}, headers=PAGE),
    ):
        assert answer.status_code == 404
        assert "location" not in answer.headers
