"""What a debtor has coming settles what it owes, and what was paid of a document that is credited is on account again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing.policy.crediting import Part
from billing.policy.late import Uncollectable
from billing.policy.ledger import Kind, Label
from billing.policy.money_in import EntryState
from billing.service import credit_notes, documents, payments, refunds, setting_off, write_offs
from billing.service.account_changes import RESTS_FOR
from billing.service.credit_notes import Wanted
from billing.service.refunds import NothingToGiveBack
from billing.service.setting_off import NothingToSettle, NothingWasPaid
from billing.service.write_offs import WriteOffWanted
from partner_portal.infra import clock, db, settings
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line, pay
from tests.billing.test_service_late import notes, overdue, run
from tests.billing.test_service_reminders import staff
from tests.world import FINANCE, STAFF_DOOR, World

GIVEN_UP = WriteOffWanted(reason=Uncollectable.BANKRUPT, note="Curator: geen uitkering")


async def head(invoice: UUID) -> Any:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT * FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE i.id = $1", invoice)
    assert row
    return row


async def left(*made: UUID) -> list[int]:
    """What of these payments is on account."""
    async with db.unit_of_work(STAFF_DOOR):
        return [(await payments.one(payment))["left_cents"] for payment in made]


async def credit(invoice: UUID, cents: int | None = None) -> UUID:
    """A credit note of all that is left, or of so much of its first line."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT id FROM billing_line WHERE invoice = $1 ORDER BY position LIMIT 1", invoice)
        assert row
        parts = () if cents is None else (Part(line=row["id"], amount_cents=cents),)
        return await credit_notes.give_back(FINANCE, invoice, Wanted(reason="Verkeerd berekend", parts=parts))


async def test_what_was_paid_and_is_credited_is_on_account_again_and_can_go_back(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    clock.move_to(date(2026, 11, 25))
    first, last = await pay(invoice, 10_000), await pay(invoice, 2_100)
    clock.move_to(date(2026, 12, 1))

    credited = await credit(invoice)
    assert await left(first, last) == [0, 0]

    assert await staff(setting_off.put_on_account, credited) == 12_100

    note, billed = await head(credited), await head(invoice)
    assert (billed["open_cents"], billed["credited_cents"], billed["paid_on"], note["open_cents"]) == (0, 12_100, date(2026, 11, 25), 0)
    assert await left(first, last) == [10_000, 2_100]
    async with db.unit_of_work(STAFF_DOOR):
        assert {row["id"]: row["left_cents"] for row in await refunds.to_give_back()} == {first: 10_000, last: 2_100}


async def test_no_more_is_freed_than_is_credited_and_what_came_last_goes_first(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    first, last = await pay(invoice, 8_000), await pay(invoice, 2_000)

    credited = await credit(invoice, 5_000)
    assert await staff(setting_off.put_on_account, credited) == 6_050 - 2_100

    note = await head(credited)
    assert ((await head(invoice))["open_cents"], note["gross_cents"], note["open_cents"]) == (0, 6_050, 0)
    assert await left(first, last) == [1_950, 2_000]
    with pytest.raises(NothingWasPaid):
        await staff(setting_off.put_on_account, credited)
    async with db.unit_of_work(STAFF_DOOR):
        assert (await documents.standing(invoice)).label is Label.PAID


async def test_what_is_on_account_settles_what_fell_due_first_and_nothing_that_was_given_up(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    overpaid, given_up = [await issue(world.noord.id, bakery, [line(10_000)]) for _ in range(2)]
    await staff(write_offs.write_off, given_up, GIVEN_UP)
    payment = await pay(overpaid, 12_100)
    await staff(setting_off.put_on_account, await credit(overpaid))
    clock.move_to(clock.today() + timedelta(days=2))
    first, second = await issue(world.noord.id, bakery, [line(8_000)]), await issue(world.noord.id, bakery, [line(8_000)])

    assert await staff(setting_off.settle_open, payment) == 12_100

    assert [(await head(invoice))["open_cents"] for invoice in (given_up, first, second)] == [0, 0, 2 * 9_680 - 12_100]
    assert await left(payment) == [0]
    with pytest.raises(NothingToSettle):
        await staff(setting_off.settle_open, payment)


async def test_a_credit_note_beyond_its_invoice_fills_the_costs_of_paying_that_late_once(world: World) -> None:
    invoice, last = await overdue(world)
    assert await run(last + timedelta(days=6)) == 1
    (costs,) = await notes()
    assert costs.id
    await pay(invoice, 60_000)
    note = await issue(
        world.noord.id, world.noord.customers["private"], [line(100_000)], kind=Kind.CREDIT_NOTE, refers_to=invoice, reason="Dubbel"
    )

    assert await staff(setting_off.settle_by_document, note) == 61_000 + costs.gross.cents

    assert [(await head(one))["open_cents"] for one in (invoice, costs.id)] == [0, 0]


async def given_back(document: UUID) -> Any:
    """The refund of what a document below zero owes its debtor."""
    made = await staff(refunds.order_of, document, iban=PAYER_IBAN, reason="Dagen van vóór het portaal")
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch_one(
            "SELECT r.*, p.amount_cents AS gone, p.reverses FROM billing_refund r JOIN billing_payment p ON p.id = r.payment WHERE p.id = $1",
            made,
        )


async def test_a_document_below_zero_is_given_back_once_and_is_settled(world: World) -> None:
    document = await issue(world.noord.id, world.noord.customers["bakery"], [line(-2_000)])
    async with db.unit_of_work(STAFF_DOOR):
        assert (await setting_off.waits())[0] == 1

    gone = await given_back(document)

    assert (gone["amount_cents"], gone["gone"], gone["reverses"], gone["state"], gone["iban"]) == (
        2_420,
        -2_420,
        None,
        "agreed",
        PAYER_IBAN,
    )
    assert (await head(document))["open_cents"] == 0
    async with db.unit_of_work(STAFF_DOOR):
        assert (await setting_off.waits(), await setting_off.in_favour()) == ((0, None), [])
        assert [row["id"] for row in await refunds.listed()] == [gone["id"]]
        clock.move(RESTS_FOR)
        await refunds.pay_out(FINANCE, world.house)
    with pytest.raises(NothingToGiveBack):
        await given_back(document)


async def test_what_the_bank_cannot_pay_out_of_a_document_below_zero_is_on_account(world: World) -> None:
    gone = await given_back(await issue(world.noord.id, world.noord.customers["bakery"], [line(-2_000)]))
    clock.move(RESTS_FOR)
    async with db.unit_of_work(STAFF_DOOR):
        await refunds.pay_out(FINANCE, world.house)
        assert (await refunds.came_back(gone["id"], 2_420, "AC04"))[0] is EntryState.BOOKED

        (back,) = await refunds.to_give_back()
        assert back["left_cents"] == 2_420
        await refunds.order(FINANCE, back["id"], iban=PAYER_IBAN)
        assert await refunds.to_give_back() == []


@pytest.mark.parametrize("cents", [0, 3_000])
async def test_only_what_is_left_of_it_is_given_back(world: World, cents: int) -> None:
    bakery = world.noord.customers["bakery"]
    owed = await issue(world.noord.id, bakery, [line(1_000)])
    document = await issue(world.noord.id, bakery, [line(-1_000 - cents)])
    await staff(setting_off.settle_by_document, document)

    if cents:
        assert (await given_back(document))["amount_cents"] == 3_630
    for one in {owed} | ({document} if not cents else set()):
        with pytest.raises(NothingToGiveBack):
            await given_back(one)


async def test_a_large_sum_waits_for_a_second_person_and_is_on_account_when_it_is_refused(world: World) -> None:
    with settings.use(four_eyes_limit_cents=1_000):
        gone = await given_back(await issue(world.noord.id, world.noord.customers["bakery"], [line(-2_000)]))

    assert gone["state"] == "wanted"
    await staff(refunds.refuse, gone["id"], "Verkeerde rekening")
    async with db.unit_of_work(STAFF_DOOR):
        assert [row["left_cents"] for row in await refunds.to_give_back()] == [2_420]
