"""The service desk places an order for a partner's customer and moves its numbers: the same order as a partner's, with who placed it on record."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import pytest_asyncio

from partner_portal.bench.pressing import pressed
from partner_portal.infra import db, outbox
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.billing.offering import location_of, on_offer
from tests.world import STAFF_DOOR, Partner, World

PATH = "/admin/orders"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(staff: SignsIn) -> httpx.AsyncClient:
    """Dirk of the service desk, with something on offer."""
    await on_offer()
    return await staff(StaffRole.SERVICE_DESK, name="dirk")


async def page(client: httpx.AsyncClient, path: str = PATH) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def shown(client: httpx.AsyncClient, whose: Partner, customer: str, **typed: str) -> httpx.Response:
    who = whose.customers[customer]
    async with db.unit_of_work(STAFF_DOOR):
        location = await location_of(who)
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(client, f"{PATH}/new?customer={who}"))
    assert token
    usual = {
        "customer": str(who),
        "offer": "bellen",
        "quantity": "1",
        "starts_on": "2026-12-16",
        "location": str(location),
        "channel": "DISTANCE",
    }
    return await client.post(f"{PATH}/new", data={"csrf_token": token[1], **usual, **typed})


async def accept(client: httpx.AsyncClient, terms: httpx.Response, **typed: str) -> httpx.Response:
    _, fields = pressed(terms.text)
    return await client.post(PATH, data={**fields, "accepted_by": "Bram Bakker", **typed})


async def rows(sql: str, *values: Any) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch(sql, *values)


async def test_the_desk_orders_and_everything_follows_as_for_a_partner(world: World, desk: httpx.AsyncClient) -> None:
    assert "Bakkerij De Korst" in await page(desk, f"{PATH}?q=korst")
    terms = await shown(desk, world.noord, "bakery", numbers="020 123 4567", donor="Oude Telefoon", accepts_fee="yes")
    assert terms.status_code == 200, terms.text
    assert "12,50" in terms.text
    placed = await accept(desk, terms)
    assert placed.status_code == 303, placed.text
    await outbox.drain()

    (order,) = await rows("SELECT * FROM billing_order")
    assert (order["tenant"], order["customer"], order["channel"]) == (world.noord.id, world.noord.customers["bakery"], "DISTANCE")
    assert (order["placed_by_label"], order["accepted_by"]) == ("Dirk van Kadetel", "Bram Bakker")
    assert order["placed_by"].startswith("staff:")
    assert order["number"] == "NRD-B-00001"
    assert "NRD-B-00001" in " ".join(mail.text for mail in world.mailbox.mailbox.mails("bakkerij@klant.example.com"))
    assert len(await rows("SELECT 1 FROM billing_invoice WHERE customer = $1", order["customer"])) == 1
    seen = await page(desk, placed.headers["location"])
    assert "Dirk van Kadetel" in seen
    assert "0201234567" in seen


async def test_numbers_are_moved_where_the_order_is_read(world: World, desk: httpx.AsyncClient) -> None:
    placed = await accept(desk, await shown(desk, world.noord, "bakery", numbers="0201234567", donor="Oude Telefoon", accepts_fee="yes"))
    path = placed.headers["location"].partition("?")[0]
    (port,) = await rows("SELECT id FROM billing_port_in")

    async def step(**typed: str) -> httpx.Response:
        token = re.search(r'name="csrf_token" value="(\w+)"', await page(desk, path))
        assert token
        return await desk.post(
            f"{path}/port-ins/{port['id']}", data={"csrf_token": token[1], "decision": "move", "id": str(port["id"]), **typed}
        )

    without_day = await step(step="plan")
    assert without_day.status_code == 422
    assert (await step(step="plan", planned_on="2026-12-18")).status_code == 303
    assert "18 december 2026" in await page(desk, path)
    assert "Oude Telefoon" in await page(desk)
    assert (await step(step="reject", note="Contract onbekend")).status_code == 303
    assert (await step(step="finish")).status_code == 409
    assert (await step(step="try_again")).status_code == 303
    assert [row["actor_label"] for row in await rows("SELECT actor_label FROM billing_port_in_step")] == ["Dirk van Kadetel"] * 4


async def test_a_price_is_asked_where_the_partner_sets_it(world: World, desk: httpx.AsyncClient) -> None:
    without = await shown(desk, world.zuid, "bakery")
    placed = await accept(desk, await shown(desk, world.zuid, "bakery", fee="19,95"))

    assert without.status_code == 422
    assert 'href="#fee"' in without.text
    assert placed.status_code == 303, placed.text
    (service,) = await rows("SELECT tenant, fee_cents, wholesale_cents FROM billing_service WHERE label = 'Zakelijk bellen'")
    assert tuple(service) == (world.zuid.id, 1995, 800)


async def test_in_person_a_consumer_has_no_cooling_off_and_by_telephone_it_has(world: World, desk: httpx.AsyncClient) -> None:
    by_telephone = await shown(desk, world.noord, "private", offer="thuis-internet")
    in_person = await shown(desk, world.noord, "private", offer="thuis-internet", channel="ON_PREMISES")

    assert "starts_early" in by_telephone.text
    assert "starts_early" not in in_person.text


async def test_terms_that_changed_nobody_who_accepted_and_twice_pressed(world: World, desk: httpx.AsyncClient) -> None:
    terms = await shown(desk, world.noord, "bakery")

    assert (await accept(desk, terms, accepted_by="")).status_code == 422
    assert (await accept(desk, terms, quantity="3")).status_code == 409
    answers = [await accept(desk, terms) for _ in range(2)]

    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await rows("SELECT 1 FROM billing_order")) == 1


@pytest.mark.parametrize("customer", ["", "x", "01935000-0000-7000-8000-000000000000"])
async def test_for_nobody_nothing_is_ordered(desk: httpx.AsyncClient, customer: str) -> None:
    assert (await desk.get(f"{PATH}/new?customer={customer}")).status_code == 404


async def test_it_is_the_desks_and_a_strangers_form_is_refused(
    world: World, desk: httpx.AsyncClient, finance: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await finance.get(PATH)).status_code == 403
    assert (await stranger.get(PATH)).status_code == 303
    for path in (PATH, f"{PATH}/new"):
        answer = await desk.post(path, data={"csrf_token": "0" * 64, "customer": str(world.noord.customers["bakery"])})
        assert answer.status_code == 403
    assert await rows("SELECT 1 FROM billing_order") == []
