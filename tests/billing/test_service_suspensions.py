"""Services that stop days after the last reminder, and work again once it is paid, disputed or agreed otherwise."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from billing.policy.ledger import Layer
from billing.policy.reminding import Held
from billing.service import holds, reminder_policies, reminders, suspensions
from billing.service.reminder_policies import PolicyWanted
from partner_portal.infra import db
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import at, due, live, staff, stopped
from tests.world import FINANCE, STAFF_DOOR, World


async def test_a_service_stops_days_after_the_last_reminder_and_works_again_when_paid(world: World) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000, service=service)])
    day = await due(invoice) + timedelta(days=21)

    await live(day + timedelta(days=6))
    assert not await stopped(service)
    await asyncio.gather(*(_stop_at(day + timedelta(days=7)) for _ in range(3)))
    assert await stopped(service)

    await pay(invoice, 1210)
    async with db.unit_of_work(STAFF_DOOR):
        await suspensions.release(invoice)
        await suspensions.release(invoice)
        steps = [(row["nth"], row["because"]) for row in await suspensions.steps_of(service)]
    assert not await stopped(service)
    assert steps == [(1, "unpaid"), (2, "paid")]


async def _stop_at(day: date) -> None:
    at(day)
    await suspensions.run()


async def test_a_service_stays_stopped_as_long_as_one_of_its_invoices_is_unpaid(world: World) -> None:
    service = world.noord.services["free"]
    first = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000, service=service)])
    second = await issue(world.noord.id, world.noord.customers["bakery"], [line(2000, service=service)])
    day = await due(first) + timedelta(days=28)
    await live(day)
    assert await stopped(service)

    await pay(first, 1210)
    async with db.unit_of_work(STAFF_DOOR):
        await suspensions.release(first)
    assert await stopped(service)
    await pay(second, 2420)
    await suspensions.run()
    assert not await stopped(service)


@pytest.mark.parametrize(("reason", "works"), [(Held.DISPUTED, True), (Held.PLAN, True), (Held.BANKRUPT, False), (Held.DECEASED, False)])
async def test_who_disputes_or_pays_as_agreed_has_its_service_back(world: World, reason: Held, works: object) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000, service=service)])
    day = await due(invoice) + timedelta(days=28)
    await live(day)

    await staff(holds.on_invoice, invoice, reason)
    await suspensions.run()

    assert await stopped(service) is not works


async def test_a_product_has_its_lead_time_and_some_are_never_stopped(world: World) -> None:
    free, bound = world.noord.services["free"], world.noord.services["bound"]
    async with db.unit_of_work(STAFF_DOOR):
        kinds = {
            row["id"]: row["code"]
            for row in await db.fetch(
                "SELECT s.id, p.code FROM billing_service s JOIN billing_product p ON p.id = s.product WHERE s.id = ANY($1)", [free, bound]
            )
        }
        await reminder_policies.decide(FINANCE, world.noord.id, PolicyWanted(lead_days={kinds[free]: 10, kinds[bound]: None}))
    assert kinds[free] != kinds[bound]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000, service=free), line(1000, service=bound)])
    day = await due(invoice) + timedelta(days=28)

    await live(day + timedelta(days=9))
    assert not await stopped(free)
    await live(day + timedelta(days=40), since=day + timedelta(days=10))
    assert (await stopped(free), await stopped(bound)) == (True, False)


async def test_what_a_partner_owes_itself_is_reminded_by_the_provider_and_stops_none_of_its_customers(world: World) -> None:
    invoice = await issue(world.zuid.id, None, [line(90_000)], layer=Layer.PARTNER)
    day = await due(invoice) + timedelta(days=21)
    await live(day + timedelta(days=30))

    async with db.unit_of_work(STAFF_DOOR):
        last = (await reminders.of_invoice(invoice))[-1]
    assert (last["level"], last["suspends_on"]) == (3, None)
