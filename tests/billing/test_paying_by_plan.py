"""Who pays from the mail of a payment plan is asked the instalment, may pay everything, and either is booked on what the plan is about."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.instalments import Instalment, due_now
from billing.service import plans
from partner_portal.infra import clock, db
from tests.billing.money import issue, line, pay
from tests.billing.test_agreements import agreed, mails, state, watch
from tests.billing.test_paying import begin, link_of, press, standing, wire
from tests.billing.test_service_reminders import staff
from tests.journeys.partner import newest
from tests.tenants.people import read
from tests.world import STAFF_DOOR, World

__all__ = ["wire"]

SCHEDULE = (Instalment(date(2026, 12, 1), 5000), Instalment(date(2027, 1, 1), 5000), Instalment(date(2027, 2, 1), 2100))


@pytest.mark.parametrize(
    ("paid", "today", "asked"),
    [
        (0, date(2026, 11, 22), Instalment(date(2026, 12, 1), 5000)),
        (2000, date(2026, 11, 22), Instalment(date(2026, 12, 1), 3000)),
        (5000, date(2026, 12, 15), Instalment(date(2027, 1, 1), 5000)),
        (0, date(2026, 12, 31), Instalment(date(2026, 12, 1), 5000)),
        (0, date(2027, 1, 1), Instalment(date(2026, 12, 1), 10_000)),
        (6000, date(2027, 3, 1), Instalment(date(2027, 1, 1), 6100)),
        (12_100, date(2027, 3, 1), None),
    ],
    ids=["the first", "what is missing of it", "the next", "late", "two at once", "all that is late", "nothing any more"],
)
def test_asked_is_what_fell_due_else_the_next(paid: int, today: date, asked: Instalment | None) -> None:
    assert due_now(SCHEDULE, paid, today) == asked


@given(st.integers(0, 12_100), st.dates(date(2026, 11, 1), date(2027, 4, 1)))
def test_whoever_pays_what_is_asked_again_and_again_pays_everything_and_no_cent_more(paid: int, today: date) -> None:
    while (asked := due_now(SCHEDULE, paid, today)) is not None:
        assert 0 < asked.amount_cents <= 12_100 - paid
        paid += asked.amount_cents

    assert paid == 12_100


def in_mail(world: World) -> str:
    found = re.search(r"/pay/[A-Za-z0-9_-]{43}", newest(world.mailbox, "bakkerij@").text)
    assert found
    return found[0]


@pytest.mark.usefixtures("wire")
async def test_the_page_in_the_plans_mail_asks_one_instalment_after_the_other(world: World, stranger: httpx.AsyncClient) -> None:
    plan, invoice = await agreed(world, 6000, 6100)
    await mails("plan_agreed")
    link = in_mail(world)

    shown = read(await stranger.get(link))
    assert "Betaal EUR 60,00 aan Kadetel B.V." in shown
    assert "In totaal staat EUR 121,00 open" in shown
    await press(stranger, await begin(stranger, link), "paid")

    assert await standing(invoice) == (6100, 6000)
    after = read(await stranger.get(link))
    assert "EUR 60,00 is binnen" in after
    assert "Betaal EUR 61,00 aan Kadetel B.V." in after
    assert "Alles betalen" not in after, "it is the last"
    await watch(clock.today() + timedelta(days=16))
    assert await state(plan) is None, "the first instalment came"
    await press(stranger, await begin(stranger, link), "paid")
    assert await standing(invoice) == (0, 12_100)
    await watch(clock.today())
    assert await state(plan) == "kept"


@pytest.mark.usefixtures("wire")
async def test_everything_can_be_paid_at_once_also_after_an_attempt_for_the_instalment(world: World, stranger: httpx.AsyncClient) -> None:
    _plan, invoice = await agreed(world, 6000, 6100)
    link = await link_of(world, invoice)
    first = await begin(stranger, link)

    pressed = await stranger.post(link, data={"what": "all"})
    waiting = await stranger.get(pressed.headers["location"])
    assert waiting.status_code == 200, "the attempt for the instalment is not what was asked for"
    page = await begin(stranger, link, what="all")

    assert page != first
    await press(stranger, page, "paid")
    assert await standing(invoice) == (0, 12_100)


@pytest.mark.usefixtures("wire")
async def test_of_a_late_plan_all_that_is_late_is_asked_and_of_a_broken_one_everything(world: World, stranger: httpx.AsyncClient) -> None:
    plan, invoice = await agreed(world, 4000, 4000, 4100)
    link = await link_of(world, invoice)
    await pay(invoice, 4000)
    clock.move(timedelta(days=22))
    assert "Betaal EUR 40,00" in read(await stranger.get(link))
    async with db.unit_of_work(STAFF_DOOR):
        await plans.watch()
    clock.move(timedelta(days=9))
    assert "Betaal EUR 81,00" in read(await stranger.get(link)), "the third is due as well"

    await watch(clock.today())

    assert await state(plan) == "broken"
    page = read(await stranger.get(link))
    assert "Betaal EUR 81,00" in page
    assert "regeling" not in page


async def test_a_link_that_also_pays_what_no_plan_holds_asks_everything(world: World, stranger: httpx.AsyncClient) -> None:
    _plan, invoice = await agreed(world, 6000, 6100)
    other = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])

    assert "Betaal EUR 133,10" in read(await stranger.get(await link_of(world, invoice, other)))


async def test_one_invoice_of_a_plan_asks_no_more_than_is_open_of_it(world: World, stranger: httpx.AsyncClient) -> None:
    small, large = [await issue(world.noord.id, world.noord.customers["bakery"], [line(cents)]) for cents in (1000, 10_000)]
    wanted = [plans.InstalmentWanted(clock.today() + timedelta(days=10 * nth), 6655) for nth in (1, 2)]
    await staff(plans.agree, [small, large], wanted)

    assert "Betaal EUR 12,10" in read(await stranger.get(await link_of(world, small)))
    assert "Betaal EUR 66,55" in read(await stranger.get(await link_of(world, small, large)))


async def test_the_mails_name_account_name_and_every_reference(world: World) -> None:
    _plan, invoice = await agreed(world, 6000, 6100)
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one(
            "SELECT reference, issuer_details ->> 'iban' AS iban FROM billing_invoice WHERE id = $1", UUID(str(invoice))
        )
    assert row

    (text,) = await mails("plan_agreed")

    for said in (row["reference"], row["iban"], "Kadetel B.V."):
        assert said in text
