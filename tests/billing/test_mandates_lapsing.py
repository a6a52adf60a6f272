"""A mandate that was not used for 36 months: the day of collection counts, to the day, wherever it is said whether something is collected."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from billing.policy.debit import SOON, holds_on, lapses_on, lapses_soon
from billing.service import announcing, debits, issuers, mandates, reminders, transfers
from billing.service.debits import NothingToCollect
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.dates import add_months
from tests.billing.money import issue, line
from tests.billing.test_debits import SIGNED
from tests.billing.test_statements import rows
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

COLLECTED_ON = date(2026, 12, 22)
"""The day on which an invoice of the world's today is due, and collected."""


@pytest.mark.parametrize(
    ("signed", "last_used", "last_day"),
    [
        (date(2023, 11, 30), None, date(2026, 11, 29)),
        (date(2023, 12, 31), None, date(2026, 12, 30)),
        (date(2024, 2, 29), None, date(2027, 2, 27)),  # there is no 29th three years later: it lapses on the 28th
        (date(2021, 2, 28), None, date(2024, 2, 27)),  # and not a day later because there is one
        (date(2025, 3, 1), None, date(2028, 2, 29)),
        (date(2020, 1, 1), date(2024, 2, 29), date(2027, 2, 27)),  # its last use counts, not its signature
        (date(2020, 1, 1), date(2023, 8, 31), date(2026, 8, 30)),
    ],
)
def test_it_holds_until_the_day_before_it_lapses(signed: date, last_used: date | None, last_day: date) -> None:
    assert holds_on(last_day, signed, last_used)
    assert not holds_on(last_day + timedelta(days=1), signed, last_used)


def test_whoever_looks_is_told_sixty_days_before() -> None:
    signed, ends = date(2023, 12, 22), date(2026, 12, 22)
    assert lapses_soon(signed, None, ends - SOON) == ends
    assert lapses_soon(signed, None, ends - SOON - timedelta(days=1)) is None


async def test_the_database_counts_as_the_rule_does(world: World) -> None:
    days = await rows(
        "SELECT d::date AS day, (d::date + interval '36 months')::date AS lapses FROM generate_series('2020-01-01'::date, '2029-01-01', '1 day') d"
    )
    assert [row["day"] for row in days if lapses_on(row["day"], None) != row["lapses"]] == []


async def signed(world: World, on: date) -> UUID:
    """A mandate of the bakery's that was signed on this day and never used."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        new = msgspec.structs.replace(SIGNED, signed_on=on)
        return await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, new)


async def told(invoice: UUID) -> tuple[list[date], bool, bool]:
    """The days that were announced, whether the invoice is collected as things stand, and whether its debtor is told where to transfer."""
    async with db.unit_of_work(STAFF_DOOR):
        announced = await db.fetch("SELECT collects_on FROM billing_announcement WHERE invoice = $1", invoice)
        return [row["collects_on"] for row in announced], invoice in await announcing.now([invoice]), bool(await transfers.of([invoice]))


@pytest.mark.parametrize("days_left", [1, 0, -1])
async def test_an_invoice_is_announced_only_if_the_mandate_holds_when_it_is_collected(world: World, days_left: int) -> None:
    is_collected = days_left > 0
    await signed(world, add_months(COLLECTED_ON + timedelta(days=days_left), -36))

    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await announcing.announce()
    await outbox.drain()

    assert await told(invoice) == ([COLLECTED_ON] if is_collected else [], is_collected, not is_collected)
    (mail,) = await rows("SELECT text FROM infra_mail WHERE about = $1", invoice)
    assert ("Wij schrijven af" in mail["text"]) is is_collected
    clock.move_to(date(2026, 12, 18))
    async with db.unit_of_work(STAFF_DOOR):
        assert [row["id"] for row in await debits.due(world.house)] == ([invoice] if is_collected else [])


async def test_what_was_announced_for_a_day_on_which_it_will_have_lapsed_is_neither_collected_nor_left_alone(world: World) -> None:
    """Announced before the day of collection counted, or told anew with less time left."""
    mandate = await signed(world, date(2026, 11, 1))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_mandate SET signed_on = $2 WHERE id = $1", mandate, add_months(COLLECTED_ON, -36))

    clock.move_to(date(2026, 12, 18))
    with pytest.raises(NothingToCollect):
        async with db.unit_of_work(STAFF_DOOR):
            await debits.collect(FINANCE, world.house)
    assert (await told(invoice))[1:] == (False, True)
    clock.move_to(date(2026, 12, 19))
    await reminders.run()
    assert await rows("SELECT level FROM billing_reminder WHERE invoice = $1", invoice), "the note before the due date goes out again"


async def test_a_collection_before_the_day_keeps_the_mandate_for_later_ones(world: World) -> None:
    mandate = await signed(world, add_months(COLLECTED_ON + timedelta(days=1), -36))
    first = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    clock.move_to(date(2026, 12, 1))
    later = await issue(world.noord.id, world.noord.customers["bakery"], [line(5_000)])
    assert (await told(later))[0] == [], "it would be collected after the mandate has lapsed"

    clock.move_to(date(2026, 12, 18))
    async with db.unit_of_work(STAFF_DOOR):
        await debits.collect(FINANCE, world.house)
    await announcing.announce()

    assert [row["last_used_on"] for row in await rows("SELECT last_used_on FROM billing_mandate WHERE id = $1", mandate)] == [COLLECTED_ON]
    (day,) = (await told(later))[0]
    assert day > COLLECTED_ON + timedelta(days=1)
    assert (await told(first))[1], "the bank has the file"
