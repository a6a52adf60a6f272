"""Prices change from a day on, never for days that were billed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.service import prices, runs, services
from billing.service.prices import BilledAlready, ChangesLater, Indexation, PriceChangeWanted
from billing.service.services import TermsChangeWanted
from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid, NotFound
from tests.world import FINANCE, STAFF_DOOR, World, make_service

FIRST = date(2027, 1, 1)


def wanted(since: date = FIRST, **said: Any) -> PriceChangeWanted:
    return PriceChangeWanted(since=since, reason="Nieuw tarief", **({"fee_cents": 6000} | said))


async def change(world: World, named: str, asked: PriceChangeWanted) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await prices.change(FINANCE, world.noord.services[named], asked)


async def price_of(world: World, named: str) -> tuple[int, date | None]:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT fee_cents, price_since FROM billing_service WHERE id = $1", world.noord.services[named])
    assert row
    return row["fee_cents"], row["price_since"]


async def followed(day: date) -> int:
    async with db.unit_of_work(STAFF_DOOR):
        return await prices.follow(day)


async def test_the_service_shows_its_new_price_when_the_day_has_come(world: World) -> None:
    await change(world, "free", wanted())

    assert await followed(date(2026, 12, 31)) == 0
    assert await price_of(world, "free") == (5000, None)
    assert await followed(FIRST) == 1
    assert await price_of(world, "free") == (6000, FIRST)
    assert await followed(FIRST) == 0


async def test_days_that_were_missed_are_followed_to_the_last_price(world: World) -> None:
    await change(world, "free", wanted())
    await change(world, "free", wanted(date(2027, 2, 1), fee_cents=7000))

    assert await followed(date(2027, 3, 1)) == 1
    assert await price_of(world, "free") == (7000, date(2027, 2, 1))


async def test_a_price_corrected_by_hand_is_not_undone(world: World) -> None:
    await change(world, "free", wanted())
    await followed(FIRST)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET fee_cents = 5500 WHERE id = $1", world.noord.services["free"])

    await followed(date(2027, 1, 2))

    assert (await price_of(world, "free"))[0] == 5500


async def test_a_price_corrected_by_hand_is_what_every_day_since_costs_and_what_is_indexed(world: World) -> None:
    service = world.noord.services["free"]
    await change(world, "free", wanted(date(2026, 12, 15)))
    await runs.bill(date(2026, 12, 1))
    await followed(FIRST)
    async with db.unit_of_work(STAFF_DOOR):
        await services.change_terms(FINANCE, service, TermsChangeWanted({"fee_cents": 3100}, "Verkeerd overgenomen"))
        await services.plan_end(service, ends_on=date(2027, 1, 10), billing_ends_on=date(2027, 1, 10))

    await runs.bill(FIRST)

    async with db.unit_of_work(STAFF_DOOR):
        found = await db.fetch("SELECT period_from, amount_cents FROM billing_line WHERE service = $1 ORDER BY period_from", service)
        await services.drop_planned_end(service)
        await prices.index(FINANCE, Indexation(percentage=Decimal(10), since=date(2027, 2, 1), reason="CPI 2026", tenant=world.noord.id))
        indexed = await prices.of_service(service)
    assert [tuple(row) for row in found] == [(date(2026, 12, 1), 2258), (date(2026, 12, 15), 3290), (FIRST, 1000)]
    assert (indexed[0]["fee_before_cents"], indexed[0]["fee_cents"]) == (3100, 3410)


async def test_a_price_that_has_come_but_is_not_followed_yet_is_not_lost_by_the_next(world: World) -> None:
    await change(world, "free", wanted())
    clock.move_to(FIRST)

    await change(world, "free", wanted(date(2027, 2, 1), fee_cents=None, wholesale_cents=100))
    await followed(date(2027, 2, 1))

    assert (await price_of(world, "free"))[0] == 6000


async def test_days_that_were_billed_keep_their_price(world: World) -> None:
    await runs.bill(date(2026, 12, 1))

    with pytest.raises(BilledAlready):
        await change(world, "free", wanted(date(2026, 12, 31)))
    await change(world, "free", wanted(FIRST))


async def test_a_change_never_overtakes_another(world: World) -> None:
    await change(world, "free", wanted(date(2027, 2, 1)))

    for since in (FIRST, date(2027, 2, 1)):
        with pytest.raises(ChangesLater):
            await change(world, "free", wanted(since, fee_cents=1))


async def test_what_cannot_be_a_change_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        await change(world, "free", wanted(fee_cents=None))
    with pytest.raises(Invalid):
        await change(world, "free", wanted(date(2024, 1, 1)))
    with pytest.raises(NotFound):
        async with db.unit_of_work(world.zuid.principal()):
            await prices.change(world.zuid.actor, world.noord.services["free"], wanted())


async def test_many_services_are_indexed_at_once_and_those_billed_further_are_left(world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await make_service(world.noord, world.noord.customers["private"], fee_cents=333, paid_until=date(2027, 6, 1))
        await make_service(world.noord, world.noord.customers["private"], fee_cents=333)
    async with db.unit_of_work(STAFF_DOOR):
        done = await prices.index(FINANCE, Indexation(percentage=Decimal("3.5"), since=FIRST, reason="CPI 2026"))
    await followed(FIRST)

    assert (done.changed, done.left) == (5, 1)
    async with db.unit_of_work(STAFF_DOOR):
        found = await db.fetch("SELECT fee_cents, wholesale_cents FROM billing_service ORDER BY fee_cents, wholesale_cents")
    assert [tuple(row) for row in found] == [(333, None), (345, None), (5175, 6210), (5175, None), (9310, 6210), (9310, None)]


async def test_indexing_twice_for_a_day_changes_nothing_more(world: World) -> None:
    clock.move_to(date(2026, 12, 1))
    asked = Indexation(percentage=Decimal(3), since=FIRST, reason="CPI 2026", tenant=world.noord.id)
    async with db.unit_of_work(STAFF_DOOR):
        assert (await prices.index(FINANCE, asked)).changed == 2
        assert (await prices.index(FINANCE, asked)).changed == 0
    with pytest.raises(Invalid):
        async with db.unit_of_work(STAFF_DOOR):
            await prices.index(FINANCE, Indexation(percentage=Decimal(3), since=clock.today(), reason="CPI 2026"))
