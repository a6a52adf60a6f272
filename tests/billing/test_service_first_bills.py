"""The first invoice follows an order at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from billing.service import first_bills, orders, services
from partner_portal.infra import clock, db, outbox
from tests.billing.offering import on_offer, wanted
from tests.world import STAFF_DOOR, Partner, World


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def offered(world: World) -> None:
    await on_offer()


async def ordered(partner: Partner, *lines: dict[str, Any]) -> UUID:
    async with db.unit_of_work(partner.principal()):
        order = await orders.place(partner.actor, await wanted(partner, "bakery", *lines))
    await outbox.drain()
    return order


async def billed(layer: str = "customer") -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch(
            "SELECT i.number, i.gross_cents, l.kind, l.amount_cents, l.period_from, l.period_until FROM billing_invoice i"
            " JOIN billing_line l ON l.invoice = i.id WHERE i.layer = $1 ORDER BY i.number, l.position",
            layer,
        )
    return [tuple(row) for row in rows]


async def test_set_up_and_first_period_are_billed_though_the_service_begins_later(world: World) -> None:
    await ordered(world.noord, {"offer": "zakelijk-internet", "quantity": 2})

    period = (date(2026, 12, 16), date(2027, 1, 16))
    assert await billed() == [
        ("HUIS-F2026-000001", 34848, "setup", 19800, None, None),
        ("HUIS-F2026-000001", 34848, "recurring", 9000, *period),
    ]


async def test_what_was_withdrawn_before_it_began_stops_nothing_else_of_the_order(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        order = await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen"}, {"offer": "zakelijk-internet"}))
        _, (first, _) = await orders.one(order)
        day = first["starts_on"] - timedelta(days=1)
        await services.plan_end(first["service"], ends_on=day, billing_ends_on=day)

    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        assert await outbox.dead() == []
        assert await db.fetch("SELECT 1 FROM infra_outbox WHERE done_at IS NULL") == []
    assert [kind for _, _, kind, *_ in await billed()] == ["setup", "recurring"]


async def test_what_begins_today_is_billed_today(world: World) -> None:
    await ordered(world.noord, {"offer": "bellen", "starts_on": date(2026, 11, 22)})

    assert [(kind, cents, since) for _, _, kind, cents, since, _ in await billed()] == [("recurring", 1250, date(2026, 11, 22))]


async def test_asked_again_nothing_is_billed_twice_and_the_next_period_follows_the_first(world: World) -> None:
    order = await ordered(world.noord, {"offer": "bellen"})
    for day in (22, 22):
        clock.set_to(clock.now().replace(day=day))
        async with db.unit_of_work(STAFF_DOOR):
            await first_bills.bill(world.noord.id, order)

    async with db.unit_of_work(STAFF_DOOR):
        service = await db.fetch_one("SELECT billed_from, paid_until FROM billing_service WHERE label = 'Zakelijk bellen'")
    assert service
    assert len(await billed()) == 1
    assert tuple(service) == (date(2026, 12, 16), date(2027, 1, 16))


async def test_a_partner_that_bills_itself_is_billed_apart_at_the_providers_price(world: World) -> None:
    await ordered(world.zuid, {"offer": "zakelijk-internet", "fee_cents": 6000})

    async with db.unit_of_work(STAFF_DOOR):
        waiting = await db.fetch("SELECT kind, amount_cents FROM billing_charge WHERE layer = 'partner' AND line IS NULL ORDER BY kind")
    assert [(number, kind, cents) for number, _, kind, cents, _, _ in await billed()] == [
        ("ZUD-F2026-000001", "recurring", 6000),
    ]
    assert [tuple(row) for row in waiting] == [("recurring", 3000), ("setup", 5000)]


@pytest.mark.parametrize("change", ["in_advance = false", "billing_ends_on = starts_on - 1, ends_on = starts_on - 1"])
async def test_what_is_billed_afterwards_or_not_at_all_has_no_first_period(world: World, change: str) -> None:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen"}))
        await db.execute(f"UPDATE billing_service SET {change} WHERE label = 'Zakelijk bellen'")  # noqa: S608  # from the list above
    await outbox.drain()

    assert await billed() == []
