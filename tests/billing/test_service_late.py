"""Interest and collection costs: once per invoice, after the last letter's term, made less where less is owed, paid in the order of the law."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing.policy.collection import collection_costs
from billing.policy.crediting import Part
from billing.policy.interest import CONSUMER_RATES, TRADE_RATES, statutory_interest
from billing.policy.ledger import Kind, Layer, LineKind
from billing.policy.money_in import Source
from billing.policy.reminding import Held
from billing.service import credit_notes, documents, holds, late, late_told, payments, reminder_policies, reminders
from billing.service.credit_notes import Wanted
from billing.service.late import NoLongerCharged, NothingToWaive
from billing.service.payments import Debtor, Receipt
from billing.service.reminder_policies import PolicyWanted
from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from tenants.policy import Segment
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import at, due, live, staff
from tests.counting import counted
from tests.world import FINANCE, STAFF_DOOR, World

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("rates_go_on")
DESK_ACTOR = FINANCE.__class__(kind=FINANCE.kind, id="9", roles=frozenset({"service desk"}), label="Dirk")


async def term(invoice: UUID) -> date:
    """The last day to pay of the invoice's last letter."""
    async with db.unit_of_work(STAFF_DOOR):
        day: date = (await reminders.of_invoice(invoice))[-1]["pays_by"]
    return day


async def run(day: date) -> int:
    at(day)
    return await late.run()


async def notes() -> list[documents.Document]:
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT id FROM billing_invoice WHERE kind = 'costs' ORDER BY issued_at, id")
        return await documents.several([row["id"] for row in rows])


async def stands(invoice: UUID) -> documents.Standing:
    async with db.unit_of_work(STAFF_DOOR):
        return await documents.standing(invoice)


async def overdue(world: World, who: str = "private", cents: int = 100_000, **more: Any) -> tuple[UUID, date]:
    """An invoice of a debtor of Noord for which the last letter went out, with the last day of its term."""
    invoice = await issue(world.noord.id, world.noord.customers[who], [line(cents)], **more)
    await live(await due(invoice) + timedelta(days=21))
    return invoice, await term(invoice)


async def paid_on(invoice: UUID, cents: int, day: date, *, named: bool = True) -> None:
    """So much was received on the day, and is booked now."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT tenant, customer, issuer FROM billing_invoice WHERE id = $1", invoice)
        assert row
        receipt = Receipt(
            debtor=Debtor(row["tenant"], row["customer"], row["issuer"]), source=Source.MANUAL, source_key=f"{invoice}{cents}{day}{named}",
            amount_cents=cents, received_on=day, invoices=(invoice,) if named else None,
        )  # fmt: skip
        await payments.book(FINANCE, receipt)


async def test_a_consumer_owes_costs_and_interest_once_when_the_letters_term_is_over(world: World) -> None:
    invoice, last = await overdue(world)
    assert await run(last + timedelta(days=5)) == 0, "transfers of the last day are still on their way"

    assert await run(last + timedelta(days=6)) == 1
    assert await run(last + timedelta(days=7)) == 0
    assert await run(last + timedelta(days=400)) == 0

    (note,) = await notes()
    owed = statutory_interest(121_000, await due(invoice), last + timedelta(days=6), CONSUMER_RATES).cents
    assert [(one.kind, one.amount.cents) for one in note.lines] == [
        (LineKind.COLLECTION, collection_costs([121_000])),
        (LineKind.INTEREST, owed),
    ]
    assert (note.kind, note.vat.cents, note.customer) == (Kind.COSTS, 0, world.noord.customers["private"])
    assert note.number.split("-")[1].startswith("S2")


async def test_a_business_owes_trade_interest_and_at_least_forty_euros(world: World) -> None:
    invoice, last = await overdue(world, "bakery", 5000)

    await run(last + timedelta(days=6))

    (note,) = await notes()
    owed = statutory_interest(6050, await due(invoice), last + timedelta(days=6), TRADE_RATES).cents
    assert [one.amount.cents for one in note.lines] == [4000, owed]


async def test_what_a_partner_owes_itself_is_charged_alike(world: World) -> None:
    invoice = await issue(world.zuid.id, None, [line(100_000)], layer=Layer.PARTNER)
    await live(await due(invoice) + timedelta(days=21))

    await run(await term(invoice) + timedelta(days=6))

    (note,) = await notes()
    assert (note.customer, note.layer, note.lines[0].amount.cents) == (None, Layer.PARTNER, collection_costs([121_000]))


async def test_the_principals_of_one_letter_are_added_and_nothing_is_charged_twice(world: World) -> None:
    first = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    at(clock.today() + timedelta(days=10))
    await issue(world.noord.id, world.noord.customers["private"], [line(20_000)])
    day = await due(first) + timedelta(days=21)
    await live(day, since=clock.today())
    last = await term(first)

    await live(last + timedelta(days=6), since=day + DAY)
    await late.run()

    (note,) = await notes()
    assert note.lines[0].amount.cents == collection_costs([12_100, 24_200]) == 5_445
    assert len(note.lines) == 3
    await live(last + timedelta(days=60), since=last + timedelta(days=7))
    assert await late.run() == 0, "the second invoice had its own last letter since, which names no costs"


async def test_only_what_was_open_when_the_term_ended_counts(world: World) -> None:
    invoice, last = await overdue(world)
    await paid_on(invoice, 100_000, last)

    await run(last + timedelta(days=6))

    (note,) = await notes()
    assert note.lines[0].amount.cents == 4000, "15 % of EUR 210 is less than the least"


async def test_who_pays_within_the_term_owes_nothing_more_however_late_that_is_booked(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=6))
    (note,) = await notes()
    assert note.id

    at(last + timedelta(days=8))
    await paid_on(invoice, 121_000, last)
    assert await late.run() == 1
    assert await late.run() == 0

    assert (await stands(note.id)).credited == note.gross


async def test_a_credit_note_afterwards_takes_its_part_of_the_costs_back(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=6))
    (note,) = await notes()
    async with db.unit_of_work(STAFF_DOOR):
        (row,) = await db.fetch("SELECT id FROM billing_line WHERE invoice = $1", invoice)
        part = Part(line=row["id"], amount_cents=50_000)
        await credit_notes.give_back(FINANCE, invoice, Wanted(reason="Verkeerd berekend", parts=(part,)))

    assert await late.run() == 1

    until = last + timedelta(days=6)
    still = collection_costs([60_500]) + statutory_interest(60_500, await due(invoice), until, CONSUMER_RATES).cents
    assert note.id
    assert note.gross.cents - (await stands(note.id)).credited.cents == still


@pytest.mark.parametrize("reason", list(Held))
async def test_what_is_held_is_not_charged_until_it_is_let_go(world: World, reason: Held) -> None:
    invoice, last = await overdue(world)
    at(last)
    hold = await staff(holds.on_invoice, invoice, reason)
    assert await run(last + timedelta(days=30)) == 0

    await staff(holds.lift, hold)

    assert await late.run() == 1


async def test_a_policy_may_charge_later_or_never(world: World) -> None:
    _, last = await overdue(world)
    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(charge_days=None))
    assert await run(last + timedelta(days=200)) == 0

    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(charge_days=0))

    at(last)
    assert await late.run() == 0
    assert await run(last + DAY) == 1


async def test_nobody_of_whom_it_is_not_known_whether_a_consumer_is_charged(world: World) -> None:
    _, last = await overdue(world)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET segment = $2 WHERE id = $1", world.noord.customers["private"], Segment.UNKNOWN.value)

    assert await run(last + timedelta(days=30)) == 0


async def test_finance_lets_go_before_or_after_with_a_reason(world: World) -> None:
    invoice, _ = await overdue(world)
    other, last = await overdue(world, "bakery")
    with pytest.raises(Invalid):
        await staff(late.waive, invoice, " ")
    with pytest.raises(NotFound):
        await staff(late.waive, world.house, "Bestaat niet")
    with pytest.raises(NotAllowed):
        async with db.unit_of_work(STAFF_DOOR):
            await late.waive(DESK_ACTOR, invoice, "Vaste klant")
    await staff(late.waive, invoice, "Vaste klant")
    with pytest.raises(NothingToWaive):
        await staff(late.waive, invoice, "Nog eens")

    await run(last + timedelta(days=30))
    (note,) = await notes()
    assert note.customer == world.noord.customers["bakery"]
    await staff(late.waive, other, "Coulance")

    assert note.id
    assert (await stands(note.id)).credited == note.gross
    async with db.unit_of_work(STAFF_DOOR):
        (reason,) = await db.fetch("SELECT reason FROM billing_invoice WHERE refers_to = $1", note.id)
    assert reason["reason"] == "Coulance"


async def test_what_is_paid_can_be_let_go_only_while_its_costs_are_owed(world: World) -> None:
    never, _ = await overdue(world)
    charged, last = await overdue(world, "bakery")
    await pay(never, await _open(never))
    with pytest.raises(NoLongerCharged):
        await staff(late.waive, never, "Vaste klant")
    async with db.unit_of_work(STAFF_DOOR):
        assert await late_told.of_invoice(never) == ([], "")
    await run(last + timedelta(days=30))
    await pay(charged, await _open(charged))
    (note,) = await notes()

    await staff(late.waive, charged, "Coulance")

    assert note.id
    assert (await stands(note.id)).credited == note.gross


async def test_what_was_charged_and_paid_is_let_go_no_more(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=30))
    (note,) = await notes()
    assert note.id
    for one in (invoice, note.id):
        await pay(one, await _open(one))

    with pytest.raises(NoLongerCharged):
        await staff(late.waive, invoice, "Coulance")


async def _open(invoice: UUID) -> int:
    async with db.unit_of_work(STAFF_DOOR):
        return (await documents.standing(invoice)).open.cents


async def test_a_debtor_that_cannot_be_charged_holds_nobody_else_up(world: World) -> None:
    _, first = await overdue(world)
    _, last = await overdue(world, "bakery")
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE location SET street = '' WHERE customer = $1", world.noord.customers["private"])

    assert await run(max(first, last) + timedelta(days=9)) == 1

    assert [note.customer for note in await notes()] == [world.noord.customers["bakery"]]


async def test_two_workers_charge_once(world: World) -> None:
    await overdue(world)
    _, last = await overdue(world, "bakery")
    at(last + timedelta(days=30))

    counts = await asyncio.gather(*(late.run() for _ in range(4)))

    assert sum(counts) == len(await notes()) == 2


async def test_a_payment_that_names_nothing_goes_to_costs_and_interest_first(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=6))
    (note,) = await notes()
    assert note.id

    await paid_on(invoice, note.gross.cents + 1000, last + timedelta(days=7), named=False)

    assert (await stands(note.id)).open.cents == 0
    assert (await stands(invoice)).open.cents == 120_000


async def test_a_payment_that_names_the_invoice_goes_there_and_what_is_left_to_its_costs(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=6))
    (note,) = await notes()
    assert note.id

    await paid_on(invoice, 121_500, last + timedelta(days=7))

    assert (await stands(invoice)).open.cents == 0
    assert note.gross.cents - (await stands(note.id)).open.cents == 500


async def test_costs_are_never_reminded_of_and_bear_no_costs(world: World) -> None:
    invoice, last = await overdue(world)
    await run(last + timedelta(days=6))
    await pay(invoice, 121_000)

    await live(last + timedelta(days=120), since=last + timedelta(days=7))

    assert await late.run() == 0
    async with db.unit_of_work(STAFF_DOOR):
        assert await db.fetch("SELECT 1 FROM billing_reminder r JOIN billing_invoice i ON i.id = r.invoice WHERE i.kind = 'costs'") == []


async def test_looking_ahead_says_what_would_be_charged_and_writes_nothing(world: World) -> None:
    invoice, last = await overdue(world)
    at(last + timedelta(days=6))
    async with db.unit_of_work(STAFF_DOOR):
        (seen,) = await late.preview()
    assert (list(seen.numbers), seen.is_consumer, seen.reckoned.costs_cents) == ([invoice], True, collection_costs([121_000]))
    assert await notes() == []

    await late.run()

    (note,) = await notes()
    assert note.gross.cents == seen.cents


async def days_of(invoice: UUID) -> list[tuple[Any, ...]]:
    """The days whose interest is charged, and what each document asks for it."""
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch(
            "SELECT nth, first_on, until, interest_cents FROM billing_late_claim WHERE invoice = $1 ORDER BY nth", invoice
        )
    return [tuple(row) for row in rows]


async def test_a_preview_of_many_asks_as_much_as_one_of_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owed = [await issue(world.noord.id, world.noord.customers[who], [line(100_000)]) for who in ("private", "bakery")]
    await live(max([await due(invoice) for invoice in owed]) + timedelta(days=21))
    at(max([await term(invoice) for invoice in owed]) + timedelta(days=6))
    asked, found = counted(monkeypatch), {}
    for most in (1, 200):
        asked.clear()
        monkeypatch.setattr(late, "BATCH", most)
        async with db.unit_of_work(STAFF_DOOR):
            found[most] = (len(await late.preview(most=most)), len(asked))

    assert (found[1][0], found[200][0]) == (1, 2)
    assert found[200][1] == found[1][1]
