"""A customer's contact tries everything: on every route, with every right, it reaches its own organisation and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from partner_portal.infra import outbox
from tests.attack import intruder, routes
from tests.attack.intruder import Victim, arrivals, body_of, dump
from tests.conftest import browser
from tests.tenants.people import PAGE, let_in, main_user, rows, sign_in_by_page
from tests.world import World

# Routes for whoever is signed in, and for everybody.
FOR_ALL = (
    "/portal/account",
    "/portal/preferences",
    "/portal/sign-",
    "/portal/password",
    "/portal/invitation",
    "/portal/help",
    "/confirm/",
    "/api/v1/session",
    "/end-contract",
    "/withdraw-contract",
    "/calendar",
    "/notices/",
    "/pay/",
    "/gateway/",
    "/sandbox-gateway/",
)
FOR_CONTACTS = ("/portal/own", "/api/v1/own")


@pytest_asyncio.fixture(loop_scope="session")
async def everything(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> Victim:
    """What Noord has, all of it another customer's than the bakery's."""
    return await intruder.victim(world, noord, stranger)


@pytest_asyncio.fixture(loop_scope="session")
async def baker(world: World, everything: Victim) -> AsyncIterator[httpx.AsyncClient]:
    """The bakery's main user, who has every right a contact can have."""
    email = await main_user(world.noord)
    async with browser() as client:
        assert (await sign_in_by_page(client, email)).status_code == 303
        client.headers["x-csrf-token"] = client.cookies["portal_csrf"]
        yield client


def _is_anybodys(way: routes.Way) -> bool:
    return way.path == "/" or way.path.startswith(FOR_ALL)


async def test_every_route_of_members_is_closed_to_contacts(world: World, everything: Victim, baker: httpx.AsyncClient) -> None:
    ids = everything.ids(everything.scheduled) | {"customer_id": world.noord.customers["bakery"]}
    before, open_to_it, walked = await dump(world.noord.id), [], 0

    for way in routes.ways():
        if _is_anybodys(way) or way.path.startswith(FOR_CONTACTS):
            continue
        sent = body_of(way.body, {"service_id": world.noord.services["free"], "quote_id": everything.quote})
        for headers in ({}, PAGE):
            given = sent | {"headers": sent.get("headers", {}) | headers}
            answer = await baker.request(way.method, way.filled(_with_defaults(ids, way)), **given)
            walked += 1
            leads_home = way.path == "/portal" and answer.headers.get("location") == "/portal/own"
            if not (answer.status_code in {403, 404} or leads_home) or "Geheim" in answer.text:
                open_to_it.append((way.name, answer.status_code, answer.headers.get("location")))
    await outbox.drain()

    assert open_to_it == []
    assert walked >= 60
    assert await dump(world.noord.id, but=_OWN_DOING) == {name: rows for name, rows in before.items() if name not in _OWN_DOING}


_OWN_DOING = ("contact", "infra_audit")  # when it signed in


def _with_defaults(ids: dict[str, object], way: routes.Way) -> dict[str, object]:
    """An id of nobody for what the walk of tenants has no id of."""
    return {name: uuid4() if kind is UUID else "x" for name, kind in way.parameters.items()} | ids


async def test_every_route_of_contacts_shows_only_its_own_organisation(world: World, everything: Victim, baker: httpx.AsyncClient) -> None:
    before, mails = await dump(world.noord.id), arrivals(world.mailbox)
    wrong, walked = [], 0

    for way in routes.ways():
        if not way.path.startswith(FOR_CONTACTS) or not way.parameters:
            continue
        sent = body_of(way.body, {"service_id": everything.service, "quote_id": everything.quote})
        for case in (everything.scheduled, everything.proposed):
            answer = await baker.request(way.method, way.filled(_with_defaults(everything.ids(case), way)), **sent)
            walked += 1
            if answer.status_code not in {403, 404, 405} or any(word in answer.text for word in ("Geheim", "geheim@")):
                wrong.append((way.name, answer.status_code, answer.text[:300]))
    await outbox.drain()

    assert wrong == []
    assert walked >= 10
    assert await dump(world.noord.id) == before
    assert arrivals(world.mailbox) == mails


async def test_lists_for_contacts_hold_nothing_of_other_customers(everything: Victim, baker: httpx.AsyncClient) -> None:
    read = 0
    for way in routes.ways():
        if way.method == "GET" and way.path.startswith((*FOR_CONTACTS, "/portal/account", "/portal/help")) and not way.parameters:
            for headers in ({}, PAGE):
                answer = await baker.get(way.path, headers=headers)
                read += answer.status_code == 200
                assert answer.status_code < 500, (way.name, answer.text)
                assert [word for word in everything.words if word in answer.text and word != "NRD-"] == [], way.name
    assert read >= 4


async def test_members_and_software_are_kept_out_of_the_pages_of_contacts(world: World, noord: httpx.AsyncClient) -> None:
    for way in routes.ways():
        if way.path.startswith(FOR_CONTACTS):
            answer = await noord.request(
                way.method, way.filled(_with_defaults({}, way)), **body_of(way.body, {"service_id": uuid4(), "quote_id": uuid4()})
            )
            assert answer.status_code in {403, 404}, (way.name, answer.status_code)


async def test_a_contact_of_a_namesake_at_another_partner_sees_its_own_bakery(world: World, everything: Victim) -> None:
    """Both partners have a bakery of this name: the two contacts have the same address, and so the same password."""
    email = await main_user(world.noord)
    zuids = (await rows("SELECT id FROM contact WHERE customer = $1 AND is_main", world.zuid.customers["bakery"]))[0]["id"]
    await let_in("contact", zuids)
    async with browser() as client:
        body = {"email": email, "password": "correct horse battery", "account": str(zuids)}
        signed_in = await client.post("/api/v1/session", json=body)
        listed = (await client.get("/api/v1/own/contacts")).json()

    assert signed_in.json()["tenant_id"] == str(world.zuid.id)
    assert [one["id"] for one in listed] == [str(zuids)]
