"""A payment that was booked on the wrong invoice: taken off it with a reason, booked where it belongs, and told to whoever read that it was paid."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from billing.policy.money_in import Source
from billing.policy.settling import MoreThanLeft, MoreThanOpen, Share
from billing.service import issuers, mandates, payments, taking_off
from billing.service.payments import Debtor, NotADebtorsPayment, Receipt
from billing.service.statements.booking import Part
from billing.service.taking_off import Why
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Invalid, NotFound
from tests.billing.money import issue, line
from tests.billing.test_debits import SIGNED
from tests.billing.test_service_payments import left, open_cents
from tests.billing.test_statements import rows
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

WHY = Why(reason="Was voor een andere factuur")


async def owed(world: World, cents: int = 10_000, who: str = "bakery") -> tuple[UUID, str]:
    """An invoice of one line, with VAT, and its number."""
    made = await issue(world.noord.id, world.noord.customers[who], [line(cents)])
    return made, (await rows("SELECT number FROM billing_invoice WHERE id = $1", made))[0]["number"]


async def paid(world: World, cents: int, *invoices: UUID, on: date | None = None) -> UUID:
    """Money of the bakery for these invoices, and what follows it is done."""
    receipt = Receipt(
        debtor=Debtor(world.noord.id, world.noord.customers["bakery"], world.house),
        source=Source.MANUAL,
        source_key=str(uuid4()),
        amount_cents=cents,
        received_on=on or clock.today(),
        invoices=invoices,
    )
    async with db.unit_of_work(STAFF_DOOR):
        made = await payments.book(FINANCE, receipt)
    await outbox.drain()
    return made


async def take_off(payment: UUID, invoice: UUID, *parts: Part, cents: int | None = None) -> int:
    async with db.unit_of_work(STAFF_DOOR):
        taken = await taking_off.take_off(FINANCE, payment, invoice, WHY, cents=cents, parts=parts)
    await outbox.drain()
    return taken


async def mails(invoice: UUID) -> list[str]:
    """What went out about the invoice after it was paid, in order: the mails' names."""
    found = await rows("SELECT name FROM infra_mail WHERE about = $1 ORDER BY queued_at, id", invoice)
    return [row["name"].removeprefix("billing/") for row in found if row["name"] != "billing/invoice"]


async def text(invoice: UUID) -> str:
    (found,) = await rows("SELECT text FROM infra_mail WHERE about = $1 AND name = 'billing/invoice_open_again'", invoice)
    return " ".join(found["text"].replace("\xa0", " ").split())


async def test_it_is_booked_where_it_belongs_with_the_reason_on_record_and_the_debtor_is_told(world: World) -> None:
    (wrong, wrong_number), (right, right_number) = await owed(world), await owed(world, 5_000)
    payment = await paid(world, 12_100, wrong)
    assert await mails(wrong) == ["invoice_paid"]

    assert await take_off(payment, wrong, Part(right_number)) == 12_100

    assert (await open_cents(wrong, right), await left(payment)) == ([12_100, 0], 6_050)
    steps = await rows("SELECT amount_cents, note, made_by FROM billing_allocation WHERE payment = $1 ORDER BY made_at, id", payment)
    assert [(row["amount_cents"], row["note"]) for row in steps] == [(12_100, None), (-12_100, WHY.reason), (6_050, None)]
    assert {row["made_by"] for row in steps} == {FINANCE.trail}
    assert (await mails(wrong), await mails(right)) == (["invoice_paid", "invoice_open_again"], ["invoice_paid"])
    said = await text(wrong)
    for what in (wrong_number, f"Op factuur {right_number}", "EUR 60,50", "EUR 121,00", "/pay/[[token:"):
        assert what in said, what
    assert WHY.reason not in said


async def test_without_a_number_it_stays_on_account_and_a_part_can_be_taken_off(world: World) -> None:
    wrong, _number = await owed(world)
    payment = await paid(world, 12_100, wrong)

    assert await take_off(payment, wrong, cents=2_100) == 2_100

    assert (await open_cents(wrong), await left(payment)) == ([2_100], 2_100)
    assert "Op uw rekening bij ons" in await text(wrong)
    with pytest.raises(MoreThanLeft):
        await take_off(payment, wrong, cents=10_001)


async def test_what_was_never_told_to_be_paid_is_not_taken_back_in_a_mail(world: World) -> None:
    partly, _number = await owed(world)
    payment = await paid(world, 2_000, partly)
    soon, _number = await owed(world)
    async with db.unit_of_work(STAFF_DOOR):
        at_once = await payments.book(
            FINANCE,
            Receipt(
                debtor=Debtor(world.noord.id, world.noord.customers["bakery"], world.house),
                source=Source.MANUAL,
                source_key="at once",
                amount_cents=12_100,
                received_on=clock.today(),
                invoices=(soon,),
            ),
        )
        await taking_off.take_off(FINANCE, at_once, soon, WHY)

    await take_off(payment, partly)

    assert (await mails(partly), await mails(soon)) == ([], [])


async def test_what_is_paid_again_on_the_same_day_is_told_again(world: World) -> None:
    """Two payments of one day, booked crosswise: whoever read that the invoice is open reads that it is paid."""
    (one, one_number), (other, _number) = await owed(world), await owed(world)
    first, second = await paid(world, 12_100, one), await paid(world, 12_100, other)

    await take_off(first, one)
    await take_off(second, other, Part(one_number))
    async with db.unit_of_work(STAFF_DOOR):
        await payments.allocate(FINANCE, first, [Share(other, 12_100)])
    await outbox.drain()

    assert await open_cents(one, other) == [0, 0]
    assert await mails(one) == ["invoice_paid", "invoice_open_again", "invoice_paid"]
    assert (await mails(other))[-1] == "invoice_paid"


async def test_what_is_settled_again_before_the_mail_is_written_is_not_told(world: World) -> None:
    wrong, _number = await owed(world)
    payment = await paid(world, 12_100, wrong)
    async with db.unit_of_work(STAFF_DOOR):
        await taking_off.take_off(FINANCE, payment, wrong, WHY)
    await paid(world, 12_100, wrong)

    assert "invoice_open_again" not in await mails(wrong)


async def test_what_will_be_collected_is_not_to_be_paid(world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, SIGNED)
    wrong, _number = await owed(world)
    payment = await paid(world, 12_100, wrong)

    await take_off(payment, wrong)

    said = await text(wrong)
    assert "wij schrijven het bedrag van uw rekening af" in said
    assert "/pay/" not in said


async def test_numbers_that_cannot_be_are_refused_and_nothing_is_done(world: World) -> None:
    wrong, number = await owed(world)
    somebody, of_somebody = await owed(world, who="private")
    settled, of_settled = await owed(world)
    payment = await paid(world, 12_100, wrong)
    await paid(world, 12_100, settled)

    refused: list[tuple[Part, type[Exception]]] = [
        (Part("HUIS-F2026-999999"), Invalid),
        (Part(number), Invalid),
        (Part(of_settled), Invalid),
        (Part(of_settled, 1), MoreThanOpen),
        (Part(of_somebody), NotADebtorsPayment),
    ]
    for part, why in refused:
        with pytest.raises(why):
            await take_off(payment, wrong, part)
    with pytest.raises(NotFound):
        await take_off(UUID(int=7), wrong)
    with pytest.raises(MoreThanLeft):
        await take_off(payment, settled)

    assert (await open_cents(wrong, somebody), await left(payment)) == ([0, 12_100], 0)
    assert await mails(wrong) == ["invoice_paid"]


async def test_pressed_twice_at_once_it_is_taken_off_once(world: World) -> None:
    (wrong, _number), (right, right_number) = await owed(world), await owed(world)
    payment = await paid(world, 12_100, wrong)

    async def press() -> int:
        try:
            return await take_off(payment, wrong, Part(right_number))
        except MoreThanLeft:
            return 0

    assert sorted(await asyncio.gather(press(), press(), press())) == [0, 0, 12_100]
    assert await open_cents(wrong, right) == [12_100, 0]


async def test_two_that_are_exchanged_crosswise_at_once_do_not_wait_for_each_other(world: World) -> None:
    (one, one_number), (other, other_number) = await owed(world), await owed(world)
    first, second = await paid(world, 12_100, one), await paid(world, 12_100, other)

    async def exchanged(payment: UUID, invoice: UUID, number: str) -> Any:
        try:
            return await take_off(payment, invoice, Part(number))
        except Invalid as problem:  # the other invoice is settled still: whoever comes first is told so
            return problem.fields[0].code

    done = await asyncio.gather(exchanged(first, one, other_number), exchanged(second, other, one_number))

    assert sorted(map(str, done)) in (["12100", "nothing-open-of-it"], ["nothing-open-of-it", "nothing-open-of-it"])
