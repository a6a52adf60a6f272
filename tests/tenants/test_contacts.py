"""The people at a customer: who manages them, what their rights are, and that there is always exactly one main user."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from partner_portal.infra import clock, db, outbox, sessions
from partner_portal.kernel.actor import Actor, ActorKind, ContactRight
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from tenants import policy
from tenants.service import accounts, contacts, customers
from tenants.service.contacts import ContactChange, ContactEnded, MainUserStays, NewContact, TooManyContacts
from tenants.service.customers import CustomerChange, MainContact
from tenants.service.members import AccountClosed, HasAccount
from tests.conftest import browser
from tests.tenants.people import PAGE, add_contact, link_in, main_user, open_page, read, rows, send, sign_in_by_page, signed_in
from tests.world import World

ANNA = "anna@klant.example.com"


def path(world: World, *more: object, customer: str = "bakery") -> str:
    return "/".join([f"/portal/customers/{world.noord.customers[customer]}/contacts", *map(str, more)])


def api(world: World, *more: object) -> str:
    return "/".join([f"/api/v1/customers/{world.noord.customers['bakery']}/contacts", *map(str, more)])


async def mains(world: World) -> list[str]:
    found = await rows("SELECT email FROM contact WHERE customer = $1 AND is_main", world.noord.customers["bakery"])
    return [row["email"] for row in found]


# -- by the partner, on the customer's page ---------------------------------------------------------------------------


async def test_a_clerk_adds_a_contact_who_is_invited_and_has_its_rights(world: World, stranger: httpx.AsyncClient) -> None:
    async with signed_in(world.noord.clerk) as clerk:
        sent = await send(clerk, path(world, "new"), name="Anna", email=ANNA, phone="06 1234-5678", may_sign="yes", invite="yes")
        await outbox.drain()
        listed = read(await open_page(clerk, path(world)))
    taken = await stranger.post(link_in(world, ANNA, "invitation"), data={"password": "a new and long password"})

    assert sent.headers["location"] == path(world)
    assert "Anna" in listed
    assert "+31612345678" in listed
    assert "tekenbevoegd" in listed
    assert taken.headers["location"] == "/portal/own"
    contact = (await rows("SELECT id FROM contact WHERE email = $1", ANNA))[0]["id"]
    account = await accounts.now(f"contact:{contact}")
    assert account is not None
    assert account.actor.roles == {ContactRight.SIGNS.value}
    assert account.actor.customer == world.noord.customers["bakery"]


async def test_a_contact_that_is_not_invited_gets_no_mail(world: World) -> None:
    async with signed_in(world.noord.clerk) as clerk:
        await send(clerk, path(world, "new"), name="Anna", email=ANNA)
        await outbox.drain()

        assert world.mailbox.mailbox.mails(ANNA) == []
        assert "niet uitgenodigd" in read(await open_page(clerk, path(world)))


async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(world: World) -> None:
    async with signed_in(world.noord.clerk) as clerk:
        answer = await send(clerk, path(world, "new"), name="", email="anna", phone="12", may_sign="yes")

    assert answer.status_code == 422
    for name in ("name", "email", "phone"):
        assert f'id="{name}-error"' in answer.text
    assert 'value="anna"' in answer.text
    assert 'id="may_sign" name="may_sign" value="yes" checked' in answer.text
    assert await rows("SELECT 1 FROM contact WHERE email = 'anna'") == []


async def test_a_contact_is_changed_and_what_was_changed_meanwhile_is_not_overwritten(world: World) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(world.noord.clerk) as clerk:
        saved = await send(clerk, path(world, contact), name="Anna de Wit", email=ANNA, is_technical="yes")
        stale = await send(clerk, path(world, contact), name="Overschreven", email=ANNA, version="1")

    row = (await rows("SELECT name, is_technical, may_sign FROM contact WHERE id = $1", contact))[0]
    assert saved.status_code == 303
    assert stale.status_code == 409
    assert "intussen gewijzigd" in read(stale)
    assert (row["name"], row["is_technical"], row["may_sign"]) == ("Anna de Wit", True, False)


async def test_the_form_stands_where_other_forms_stand(world: World) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(world.noord.clerk) as clerk, signed_in(await main_user(world.noord)) as main:
        own = f"/portal/own/contacts/{contact}"
        for client, where in ((clerk, path(world, contact)), (clerk, path(world, "new")), (main, own), (main, "/portal/own/contacts/new")):
            assert '<main id="main" tabindex="-1" class="task">' in (await client.get(where, headers=PAGE)).text


async def test_rights_taken_away_are_gone_at_the_next_request(world: World) -> None:
    email = await main_user(world.noord)
    other = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(email) as main:
        assert (await main.get("/portal/own/contacts/new", headers=PAGE)).status_code == 200
        async with signed_in(world.noord.clerk) as clerk:
            await send(clerk, path(world, other, "main"), on=path(world, other))

        assert (await main.get("/portal/own/contacts/new", headers=PAGE)).status_code == 403
    assert await mains(world) == [ANNA]
    kept = "SELECT may_sign, is_administrative, is_technical FROM contact WHERE email = $1 AND tenant = $2"
    assert list((await rows(kept, email, world.noord.id))[0]) == [True, True, True], "who was the main user keeps every other right"


async def test_a_contact_with_another_address_is_out_until_it_is_invited_there(world: World, stranger: httpx.AsyncClient) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(ANNA) as anna, signed_in(world.noord.clerk) as clerk:
        assert (await anna.get("/portal/own/contacts", headers=PAGE)).status_code == 200
        moved = await send(clerk, path(world, contact), name="Anna", email="anna@elders.example.com")

        assert (await anna.get("/api/v1/own/contacts")).status_code == 401
        assert moved.headers["location"] == path(world, contact)
        await send(clerk, path(world, contact, "invitation"), on=path(world, contact))
        await outbox.drain()
    link = link_in(world, "anna@elders.example.com", "invitation")
    assert (await stranger.post(link, data={"password": "a new and long password"})).status_code == 303


async def test_a_contact_whose_access_is_ended_is_out_at_once_and_comes_back_when_let(world: World) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(ANNA) as anna, signed_in(world.noord.clerk) as clerk:
        await send(clerk, path(world, contact, "end"), on=path(world, contact))
        assert (await anna.get("/api/v1/own/contacts")).status_code == 401
        over = read(await open_page(clerk, path(world, contact)))
        saved = await send(clerk, path(world, contact), name="Anna", email=ANNA)
        still = (await rows("SELECT active_until FROM contact WHERE id = $1", contact))[0]["active_until"]
        await send(clerk, path(world, contact, "reopening"), on=path(world, contact))

    assert "Weer toegang geven" in over
    assert saved.status_code == 303
    assert still == clock.today() - timedelta(days=1), "saving other data lets nobody in again"
    async with browser() as client:
        assert (await sign_in_by_page(client, ANNA)).status_code == 303


async def test_a_contact_comes_in_through_its_last_day_and_no_longer(world: World) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    last = clock.today() + timedelta(days=2)
    async with db.unit_of_work(world.noord.principal()):
        await contacts.change(world.noord.actor, world.noord.customers["bakery"], contact, ContactChange(active_until=last))
        with pytest.raises(Invalid):
            past = ContactChange(active_until=clock.today() - timedelta(days=1))
            await contacts.change(world.noord.actor, world.noord.customers["bakery"], contact, past)
    async with signed_in(ANNA) as anna:
        answered = []
        for day in (last, last + timedelta(days=1)):
            clock.move_to(day)
            await sessions.forget(f"contact:{contact}")  # or a minute later
            answered.append((await anna.get("/api/v1/own/contacts")).status_code)

    assert answered == [200, 401]


async def test_a_reader_sees_the_contacts_and_changes_none(world: World) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(world.noord.reader) as reader:
        page = await open_page(reader, path(world))
        assert ANNA in page.text
        assert "/contacts/new" not in page.text
        assert str(contact) not in page.text
        for way in (path(world, "new"), path(world, contact)):
            assert (await reader.get(way, headers=PAGE)).status_code == 403
        assert (await reader.post(path(world, contact, "end"), headers=PAGE)).status_code == 403


async def test_a_contact_of_another_customer_is_not_found_there(world: World) -> None:
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(world.noord.clerk) as clerk:
        assert (await clerk.get(path(world, contact, customer="private"), headers=PAGE)).status_code == 404
        token = {"csrf_token": clerk.cookies["portal_csrf"]}
        for deed in ("", "invitation", "main", "end", "reopening"):
            way = path(world, contact, *filter(None, [deed]), customer="private")
            assert (await clerk.post(way, data=token, headers=PAGE)).status_code == 404, deed
    assert (await rows("SELECT active_until, is_main FROM contact WHERE id = $1", contact))[0]["active_until"] is None


# -- by the main user itself ------------------------------------------------------------------------------------------


async def test_the_main_user_manages_the_contacts_of_its_own_organisation(world: World, stranger: httpx.AsyncClient) -> None:
    email = await main_user(world.noord)
    async with signed_in(email) as main:
        await send(main, "/portal/own/contacts/new", name="Anna", email=ANNA, is_administrative="yes", invite="yes")
        await outbox.drain()
        listed = read(await open_page(main, "/portal/own/contacts"))
        contact = (await rows("SELECT id, tenant, customer FROM contact WHERE email = $1", ANNA))[0]
        changed = await send(main, f"/portal/own/contacts/{contact['id']}", name="Anna de Wit", email=ANNA)
        ended = await send(main, f"/portal/own/contacts/{contact['id']}/end", on=f"/portal/own/contacts/{contact['id']}")

    assert "administratief" in listed
    assert (contact["tenant"], contact["customer"]) == (world.noord.id, world.noord.customers["bakery"])
    assert changed.status_code == ended.status_code == 303
    link = link_in(world, ANNA, "invitation")
    assert (await stranger.post(link, data={"password": "a new and long password"})).status_code == 200, "taken back"
    trail = await rows("SELECT actor FROM infra_audit WHERE relation = 'contact' AND action = 'insert' ORDER BY at DESC LIMIT 1")
    assert trail[0]["actor"].startswith("contact:")


async def test_the_main_user_gives_the_right_away_and_then_no_longer_has_it(world: World) -> None:
    email = await main_user(world.noord)
    contact = await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    async with signed_in(email) as main, signed_in(ANNA) as anna:
        given = await send(main, f"/portal/own/contacts/{contact}/main", on=f"/portal/own/contacts/{contact}")

        assert given.status_code == 303
        assert (await main.get(f"/portal/own/contacts/{contact}", headers=PAGE)).status_code == 403
        assert (await anna.get(f"/portal/own/contacts/{contact}", headers=PAGE)).status_code == 200
    assert await mains(world) == [ANNA]


async def test_other_contacts_look_and_change_nothing(world: World) -> None:
    contact = await add_contact(
        world.noord, world.noord.customers["bakery"], ANNA, may_sign=True, is_administrative=True, is_technical=True
    )
    async with signed_in(ANNA) as anna:
        page = await open_page(anna, "/portal/own/contacts")
        token = {"csrf_token": anna.cookies["portal_csrf"]}

        assert "/own/contacts/new" not in page.text
        for way in ("/portal/own/contacts/new", f"/portal/own/contacts/{contact}"):
            assert (await anna.get(way, headers=PAGE)).status_code == 403
        for deed in ("main", "end", "invitation", "reopening"):
            assert (await anna.post(f"/portal/own/contacts/{contact}/{deed}", data=token, headers=PAGE)).status_code == 403
    assert await mains(world) != [ANNA]


async def test_a_main_user_reaches_no_contact_of_another_organisation(world: World) -> None:
    email = await main_user(world.noord)
    elsewhere = [
        await add_contact(world.noord, world.noord.customers["private"], "piet@klant.example.com"),
        await add_contact(world.zuid, world.zuid.customers["bakery"], "zef@klant.example.com"),
    ]
    async with signed_in(email) as main:
        token = {"csrf_token": main.cookies["portal_csrf"]}
        headers = {"x-csrf-token": main.cookies["portal_csrf"], "if-match": "*"}
        for contact in elsewhere:
            assert (await main.get(f"/portal/own/contacts/{contact}", headers=PAGE)).status_code == 404
            for deed in ("main", "end", "invitation", "reopening"):
                assert (await main.post(f"/portal/own/contacts/{contact}/{deed}", data=token, headers=PAGE)).status_code == 404
                assert (await main.patch(f"/api/v1/own/contacts/{contact}", json={"name": "X"}, headers=headers)).status_code == 404


# -- exactly one main user --------------------------------------------------------------------------------------------


async def test_the_main_user_cannot_end_nor_be_ended(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    main = (await rows("SELECT id FROM contact WHERE customer = $1 AND is_main", bakery))[0]["id"]
    with pytest.raises(MainUserStays):
        async with db.unit_of_work(world.noord.principal()):
            await contacts.end(world.noord.actor, bakery, main)
    with pytest.raises(MainUserStays):
        async with db.unit_of_work(world.noord.principal()):
            await contacts.change(world.noord.actor, bakery, main, ContactChange(active_until=clock.today()))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE contact SET is_main = false WHERE customer = $1",
        "DELETE FROM contact WHERE customer = $1 AND is_main",
        "UPDATE contact SET active_until = '2026-01-01' WHERE customer = $1 AND is_main",
        "UPDATE contact SET is_main = true WHERE customer = $1",
    ],
)
async def test_the_database_itself_keeps_exactly_one_main_user(world: World, sql: str) -> None:
    await add_contact(world.noord, world.noord.customers["bakery"], ANNA)
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.CheckViolationError, asyncpg.UniqueViolationError)):
        async with db.unit_of_work(world.noord.principal()):
            await db.execute(sql, world.noord.customers["bakery"])


async def test_two_who_become_the_main_user_at_once_are_not_both(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    two = [await add_contact(world.noord, bakery, f"{name}@klant.example.com") for name in ("anna", "bas")]

    async def transfer(contact: Any) -> None:
        async with db.unit_of_work(world.noord.principal()):
            await contacts.make_main(world.noord.actor, bakery, contact)

    done = await asyncio.gather(*(transfer(contact) for contact in two * 3), return_exceptions=True)

    assert [one for one in done if one is not None] == []
    assert len(await mains(world)) == 1


async def test_whoever_ends_is_not_made_the_main_user(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    contact = await add_contact(world.noord, bakery, ANNA)
    async with db.unit_of_work(world.noord.principal()):
        await contacts.end(world.noord.actor, bakery, contact)
    with pytest.raises(ContactEnded):
        async with db.unit_of_work(world.noord.principal()):
            await contacts.make_main(world.noord.actor, bakery, contact)
    with pytest.raises(AccountClosed):
        async with db.unit_of_work(world.noord.principal()):
            await contacts.invite(world.noord.actor, bakery, contact)


async def test_a_customer_changed_with_another_main_address_signs_the_main_user_out(world: World, noord: httpx.AsyncClient) -> None:
    email = await main_user(world.noord)
    bakery = world.noord.customers["bakery"]
    async with signed_in(email) as main:
        async with db.unit_of_work(world.noord.principal()):
            same = CustomerChange(main_contact=MainContact("Nieuwe naam", email))
            await customers.change(world.noord.actor, bakery, same)
        assert (await main.get("/api/v1/own/contacts")).status_code == 200, "the same address is the same person"
        async with db.unit_of_work(world.noord.principal()):
            await customers.change(world.noord.actor, bakery, CustomerChange(main_contact=MainContact("Ander", "ander@klant.example.com")))

        assert (await main.get("/api/v1/own/contacts")).status_code == 401
    assert await mains(world) == ["ander@klant.example.com"]


async def test_a_customer_has_so_many_contacts_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "MOST_CONTACTS", 3)
    bakery = world.noord.customers["bakery"]

    async def add(nth: int) -> None:
        async with db.unit_of_work(world.noord.principal()):
            await contacts.add(world.noord.actor, bakery, NewContact(name=f"Nummer {nth}", email=f"n{nth}@klant.example.com"))

    done = await asyncio.gather(*(add(nth) for nth in range(5)), return_exceptions=True)

    assert sum(isinstance(one, TooManyContacts) for one in done) == 3
    assert len(await rows("SELECT 1 FROM contact WHERE customer = $1", bakery)) == 3


# -- by software ------------------------------------------------------------------------------------------------------


async def test_software_manages_contacts_by_the_api(world: World, noord: httpx.AsyncClient) -> None:
    made = await noord.post(api(world), json={"name": "Anna", "email": ANNA, "may_sign": True})
    contact = made.json()
    shown = await noord.get(api(world, contact["id"]))
    blind = await noord.patch(api(world, contact["id"]), json={"may_sign": False})
    match = {"if-match": shown.headers["etag"]}
    changed = await noord.patch(api(world, contact["id"]), json={"may_sign": False, "phone": "+31201234567"}, headers=match)
    stale = await noord.patch(api(world, contact["id"]), json={"may_sign": True}, headers=match)
    wrong = await noord.post(api(world), json={"name": " ", "email": "anna", "is_main": True})
    invited = await noord.post(api(world, contact["id"], "invitation"))
    promoted = await noord.post(api(world, contact["id"], "main"))
    stays = await noord.post(api(world, contact["id"], "end"))

    assert made.status_code == 201
    assert made.headers["location"] == api(world, contact["id"])
    assert (contact["may_sign"], contact["is_main"], contact["has_account"]) == (True, False, False)
    assert (blind.status_code, stale.status_code) == (428, 412)
    assert (changed.json()["may_sign"], changed.json()["phone"]) == (False, "+31201234567")
    assert {error["pointer"] for error in wrong.json()["errors"]} == {"/name", "/email", "/is_main"}
    assert invited.status_code == 202
    assert promoted.json()["is_main"]
    assert stays.status_code == 409
    assert stays.json()["type"] == "/problems/main-user-stays"
    listed = (await noord.get(api(world))).json()
    assert [one["is_main"] for one in listed] == [True, False]
    assert listed[0]["invited_until"] is not None


async def test_services_refuse_whoever_may_not(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    contact = await add_contact(world.noord, bakery, ANNA)
    signer = Actor(
        kind=ActorKind.CONTACT, id=str(contact), tenant=world.noord.id, customer=bakery, roles=frozenset({ContactRight.SIGNS.value})
    )
    new = NewContact(name="X", email="x@example.com")
    deeds: list[Callable[[], Awaitable[object]]] = [
        lambda: contacts.add(signer, bakery, new),
        lambda: contacts.change(signer, bakery, contact, ContactChange(name="X")),
        lambda: contacts.end(signer, bakery, contact),
        lambda: contacts.make_main(signer, bakery, contact),
        lambda: contacts.invite(signer, bakery, contact),
    ]
    for deed in deeds:
        with pytest.raises(NotAllowed):
            async with db.unit_of_work(world.noord.principal()):
                await deed()
    with pytest.raises(HasAccount):
        async with db.unit_of_work(world.noord.principal()):
            await contacts.invite(world.noord.actor, bakery, contact)
    with pytest.raises(NotFound):
        async with db.unit_of_work(world.zuid.principal()):
            await contacts.add(world.zuid.actor, bakery, new)
