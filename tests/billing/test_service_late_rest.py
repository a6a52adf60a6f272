"""Interest runs on until the day of payment: the rest is charged once, by itself or by finance, let go with a reason, and never at a rate nobody knows."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from billing.policy.interest import CONSUMER_RATES, TABLES, RateKind, known_until, statutory_interest
from billing.policy.ledger import LineKind
from billing.service import documents, interest_rates, late, late_rest, reminder_policies
from billing.service.interest_rates import RateWanted
from billing.service.late import NothingToWaive
from billing.service.late_rest import NothingRanOn
from billing.service.reminder_policies import PolicyWanted
from partner_portal.infra import db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from tests.billing.test_service_late import DAY, DESK_ACTOR, days_of, notes, overdue, paid_on, run, stands
from tests.billing.test_service_reminders import at, due
from tests.world import FINANCE, STAFF_DOOR, World

known = pytest.mark.usefixtures("rates_go_on")


async def rest(day: date) -> int:
    at(day)
    return await late_rest.run()


def made(document: documents.Document) -> UUID:
    """Its id: it was issued."""
    assert document.id
    return document.id


async def by_finance(invoice: UUID) -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        return await late_rest.charge(FINANCE, invoice)


async def whole(invoice: UUID, cents: int, until: date) -> int:
    """What all days up to this one cost, in one sum."""
    return statutory_interest(cents, await due(invoice), until, CONSUMER_RATES).cents


@known
async def test_once_the_invoice_is_paid_the_rest_of_the_interest_follows_up_to_that_day(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    charged = last + timedelta(days=6)
    await run(charged)
    assert await rest(charged + timedelta(days=30)) == 0, "still open"
    paid = charged + timedelta(days=60)
    at(paid)
    await paid_on(invoice, 1_210_000, paid)

    assert await rest(paid + timedelta(days=5)) == 0, "transfers of the last day are still on their way"
    async with db.unit_of_work(STAFF_DOOR):
        at(paid + timedelta(days=6))
        (coming,) = await late_rest.preview()
    assert await rest(paid + timedelta(days=6)) == 1
    assert await rest(paid + timedelta(days=7)) == 0

    first, more = await notes()
    interest = next(one.amount.cents for one in first.lines if one.kind is LineKind.INTEREST)
    assert [(one.kind, one.amount.cents) for one in more.lines] == [(LineKind.INTEREST, await whole(invoice, 1_210_000, paid) - interest)]
    assert coming.cents == more.lines[0].amount.cents
    assert await days_of(invoice) == [
        (1, await due(invoice) + DAY, charged, interest),
        (2, charged, paid, more.lines[0].amount.cents),
    ]
    assert more.vat.cents == 0


@known
async def test_the_rest_of_several_invoices_of_one_letter_is_one_document_and_what_is_small_waits_for_finance(world: World) -> None:
    invoice, last = await overdue(world, cents=10_000)
    await run(last + timedelta(days=6))
    paid = last + timedelta(days=30)
    at(paid)
    await paid_on(invoice, 12_100, paid)

    assert await rest(paid + timedelta(days=6)) == 0, "less than anybody is reminded of"
    await by_finance(invoice)

    assert len(await notes()) == 2
    with pytest.raises(NothingRanOn):
        await by_finance(invoice)


@known
async def test_finance_charges_before_it_is_paid_and_no_day_is_charged_twice(world: World) -> None:
    invoice, last = await overdue(world)
    day = last + timedelta(days=6)
    await run(day)
    for later in (20, 45):
        at(day + timedelta(days=later))
        await by_finance(invoice)
    paid = day + timedelta(days=100)
    at(paid)
    await paid_on(invoice, 121_000, paid)
    assert await rest(paid + timedelta(days=6)) == 1

    found = await days_of(invoice)
    assert [(nth, until - day) for nth, _, until, _ in found] == [(1, 0 * DAY), (2, 20 * DAY), (3, 45 * DAY), (4, 100 * DAY)]
    assert [first for _, first, _, _ in found[1:]] == [until for _, _, until, _ in found[:-1]]
    assert sum(cents for *_, cents in found) == await whole(invoice, 121_000, paid)


@known
async def test_two_of_finance_at_once_charge_it_once(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=6))
    at(last + timedelta(days=60))

    done = await asyncio.gather(by_finance(invoice), by_finance(invoice), return_exceptions=True)

    assert sorted(isinstance(one, NothingRanOn) for one in done) == [False, True]
    assert len(await days_of(invoice)) == 2


@known
@pytest.mark.breaks_the_books
@pytest.mark.parametrize("shift", [-1, 1], ids=["twice", "left out"])
async def test_the_database_takes_no_day_twice_and_leaves_none_out(world: World, shift: int) -> None:
    invoice, last = await overdue(world)
    day = last + timedelta(days=6)
    await run(day)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.unit_of_work(STAFF_DOOR):
            await db.execute(
                "INSERT INTO billing_late_claim (id, tenant, invoice, note, principal_cents, interest_cents, nth, first_on, until)"
                " SELECT $1, tenant, invoice, note, 1, 1, 2, $3, $4 FROM billing_late_claim WHERE invoice = $2",
                *(new_id(), invoice, day + shift * DAY, day + 9 * DAY),
            )
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.unit_of_work(STAFF_DOOR):
            await db.execute(
                "INSERT INTO billing_late_claim (id, tenant, invoice, note, principal_cents, interest_cents, nth, first_on, until)"
                " SELECT $1, tenant, invoice, note, 1, 1, 1, first_on, until FROM billing_late_claim WHERE invoice = $2",
                *(new_id(), invoice),
            )


@known
async def test_a_payment_that_turns_out_to_be_earlier_makes_the_rest_less(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    day = last + timedelta(days=6)
    await run(day)
    at(day + timedelta(days=50))
    await by_finance(invoice)
    before = sum(cents for *_, cents in await days_of(invoice))
    await paid_on(invoice, 1_210_000, day + timedelta(days=20))

    at(day + timedelta(days=51))
    assert await late.run() == 1, "one document asks too much"

    _, more = await notes()
    credited = (await stands(made(more))).credited.cents
    assert before - credited == await whole(invoice, 1_210_000, day + timedelta(days=20))


@known
async def test_the_rest_is_let_go_with_a_reason_before_and_after(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    await run(last + timedelta(days=6))
    (first,) = await notes()
    at(last + timedelta(days=40))
    more = await by_finance(invoice)
    async with db.unit_of_work(STAFF_DOOR):
        await late.waive(FINANCE, invoice, "Vaste klant")
        with pytest.raises(NothingToWaive):
            await late.waive(FINANCE, invoice, "Nog eens")

    for document in (made(first), more):
        found = await stands(document)
        assert found.open.cents == 0, "both are credited"
    paid = last + timedelta(days=90)
    at(paid)
    await paid_on(invoice, 1_210_000, paid)
    assert await rest(paid + timedelta(days=6)) == 0
    with pytest.raises(NothingRanOn):
        await by_finance(invoice)


@known
async def test_who_pays_may_be_spared_the_rest_before_it_is_charged(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    await run(last + timedelta(days=6))
    (first,) = await notes()
    paid = last + timedelta(days=60)
    at(paid)
    await paid_on(invoice, 1_210_000, paid)
    await paid_on(made(first), first.gross.cents, paid)
    async with db.unit_of_work(STAFF_DOOR):
        await late.waive(FINANCE, invoice, "Heeft alles betaald")

    assert await rest(paid + timedelta(days=6)) == 0


@known
async def test_a_policy_that_charges_nothing_charges_no_rest(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    await run(last + timedelta(days=6))
    async with db.unit_of_work(STAFF_DOOR):
        await reminder_policies.decide(FINANCE, world.noord.id, PolicyWanted(charge_days=None))
    paid = last + timedelta(days=60)
    at(paid)
    await paid_on(invoice, 1_210_000, paid)

    assert await rest(paid + timedelta(days=60)) == 0
    with pytest.raises(NothingRanOn):
        await by_finance(invoice)


async def test_days_whose_rate_nobody_knows_are_charged_once_it_is_entered(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    charged, unknown = last + timedelta(days=6), known_until(CONSUMER_RATES)
    assert charged > unknown
    await run(charged)
    assert [until for _, _, until, _ in await days_of(invoice)] == [unknown], "costs are charged, interest as far as its rate is known"
    at(charged)
    with pytest.raises(NothingRanOn):
        await by_finance(invoice)
    async with db.unit_of_work(STAFF_DOOR):
        assert [(one.kind, one.since, one.has_begun) for one in await interest_rates.missing()] == [
            (kind, unknown, True) for kind in RateKind
        ]
        await interest_rates.enter(
            FINANCE, RateWanted(kind=RateKind.CONSUMER, since=unknown, percentage=Decimal("5.00"), source="Stb. 2026, 999")
        )
        assert [one.kind for one in await interest_rates.missing()] == [RateKind.TRADE]

    await by_finance(invoice)

    (_, _, _, before), (_, first, until, more) = await days_of(invoice)
    assert (first, until) == (unknown, charged)
    rates = [*CONSUMER_RATES, CONSUMER_RATES[-1].__class__(unknown, Decimal(5))]
    assert before + more == statutory_interest(1_210_000, await due(invoice), charged, rates).cents


@known
async def test_a_rate_that_was_entered_too_high_is_mended_by_itself(world: World) -> None:
    invoice, last = await overdue(world, cents=1_000_000)
    await run(last + timedelta(days=6))
    ((_, first, until, before),) = await days_of(invoice)
    async with db.unit_of_work(STAFF_DOOR):
        at(last + timedelta(days=7))
        lower = RateWanted(
            kind=RateKind.CONSUMER, since=known_until(CONSUMER_RATES), percentage=Decimal(1), source="Verbeterd: Stb. 2026, 999"
        )
        await interest_rates.enter(FINANCE, lower)

    assert await late.run() == 1
    assert await late.run() == 0
    (note,) = await notes()
    rates = [*CONSUMER_RATES, CONSUMER_RATES[-1].__class__(known_until(CONSUMER_RATES), Decimal(1))]
    owed = statutory_interest(1_210_000, first - DAY, until, rates).cents
    assert (await stands(made(note))).credited.cents == before - owed > 0


@pytest.mark.parametrize(
    ("since", "percentage", "field", "code"),
    [
        (date(2027, 2, 1), "10", "/since", "not-a-half-year"),
        (date(2015, 7, 1), "10", "/since", "not-a-half-year"),
        (date(2027, 7, 1), "10", "/since", "half-year-before-it"),
        (date(2027, 1, 1), "100", "/percentage", "not-a-percentage"),
        (date(2027, 1, 1), "-1", "/percentage", "not-a-percentage"),
        (date(2027, 1, 1), "10.405", "/percentage", "not-a-percentage"),
        (date(2027, 1, 1), "NaN", "/percentage", "not-a-percentage"),
    ],
)
@pytest.mark.usefixtures("world")
async def test_a_rate_is_for_the_next_half_year_or_corrects_one(since: date, percentage: str, field: str, code: str) -> None:
    wanted = RateWanted(kind=RateKind.TRADE, since=since, percentage=Decimal(percentage), source="rijksoverheid.nl")
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(Invalid) as wrong:
            await interest_rates.enter(FINANCE, wanted)
        assert [(one.pointer, one.code) for one in wrong.value.fields] == [(field, code)]
        assert (await interest_rates.tables()) == {kind: tuple(rates) for kind, rates in TABLES.items()}


@pytest.mark.usefixtures("world")
async def test_only_finance_charges_the_rest_and_enters_rates() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(NotAllowed):
            await late_rest.charge(DESK_ACTOR, new_id())
        with pytest.raises(NotAllowed):
            await interest_rates.enter(
                DESK_ACTOR, RateWanted(kind=RateKind.TRADE, since=date(2027, 1, 1), percentage=Decimal(9), source="Stb. 1")
            )
        with pytest.raises(NotFound):
            await late_rest.charge(FINANCE, new_id())
        rows = await db.fetch("SELECT 1 FROM billing_late_claim")
    assert list(rows) == []
