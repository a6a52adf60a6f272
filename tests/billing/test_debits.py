"""Direct debit: by a mandate, in files the bank takes, booked by the statement, taken back by it; and refunds."""

from __future__ import annotations

import asyncio
import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from billing.policy.debit import collection_day, lapses_on, sequence
from billing.policy.money_in import Source
from billing.policy.settling import MoreThanLeft
from billing.service import debits, documents, issuers, mandates, payments, refunds
from billing.service.debits import CreditorUnknown, NothingToCollect
from billing.service.mandates import MandateEnded, MandateInForce, NewMandate
from billing.service.payments import Debtor, Receipt
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Invalid
from tests.billing.bank import PAYER_IBAN, Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_statements import open_cents, rows, take
from tests.journeys import partner
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

SIGNED = NewMandate(holder="Bakkerij De Korst & Zn", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("issued", "due", "today", "day"),
    [
        (date(2026, 11, 1), date(2026, 11, 27), date(2026, 11, 22), date(2026, 11, 27)),
        (date(2026, 11, 1), date(2026, 11, 28), date(2026, 11, 22), date(2026, 11, 30)),  # a Saturday
        (date(2026, 11, 20), date(2026, 11, 20), date(2026, 11, 22), date(2026, 12, 4)),  # announced fourteen days before
        (date(2026, 10, 1), date(2026, 10, 15), date(2026, 11, 22), date(2026, 11, 24)),  # the file must be in time
        (date(2026, 12, 1), date(2026, 12, 25), date(2026, 12, 20), date(2026, 12, 28)),  # Christmas, then a weekend
    ],
)
def test_money_is_taken_when_due_announced_and_possible(issued: date, due: date, today: date, day: date) -> None:
    assert collection_day(issued, due, today) == day


def test_a_mandate_lapses_after_36_months_without_use() -> None:
    assert lapses_on(date(2023, 11, 30), None) == date(2026, 11, 30)
    assert lapses_on(date(2020, 1, 1), date(2024, 2, 29)) == date(2027, 2, 28)
    assert [sequence(None).value, sequence(date(2026, 1, 1)).value, sequence(None, is_final=True).value] == ["FRST", "RCUR", "FNAL"]


@pytest_asyncio.fixture(loop_scope="session")
async def invoice(world: World) -> UUID:
    """Owed by a debtor with a mandate, announced long enough ago and due in three days."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, SIGNED)
    made = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    clock.move_to(date(2026, 12, 19))
    return made


async def collect(world: World) -> list[UUID]:
    async with db.unit_of_work(STAFF_DOOR):
        return await debits.collect(FINANCE, world.house)


async def the_file(batch: UUID) -> str:
    async with db.unit_of_work(STAFF_DOOR):
        return (await debits.file(batch))[1]


def told(xml: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>([^<]*)<", xml)
    assert found, name
    return found[1]


async def test_what_is_due_is_in_one_valid_file_and_never_in_two(world: World, invoice: UUID) -> None:
    (batch,) = await collect(world)
    xml = await the_file(batch)

    assert "pain.008.001.08" in xml
    assert (told(xml, "SeqTp"), told(xml, "ReqdColltnDt"), told(xml, "CtrlSum")) == ("FRST", "2026-12-22", "121.00")
    assert (told(xml, "PmtInfId"), told(xml, "MsgId")) == (f"B{batch.hex}",) * 2
    with pytest.raises(NothingToCollect):
        await collect(world)
    assert await open_cents(invoice) == 12100, "nothing is paid before the bank says so"


async def test_two_who_collect_at_once_make_one_file(world: World, invoice: UUID) -> None:
    async def once() -> int:
        try:
            return len(await collect(world))
        except NothingToCollect:
            return 0

    assert sorted(await asyncio.gather(once(), once(), once())) == [0, 0, 1]
    assert len(await rows("SELECT 1 FROM billing_debit WHERE invoice = $1", invoice)) == 1


@pytest.mark.parametrize("by", ["batch", "end_to_end"])
async def test_the_statement_books_what_was_collected_and_takes_back_what_was_returned(world: World, invoice: UUID, by: str) -> None:
    (batch,) = await collect(world)
    debit = (await rows("SELECT id, end_to_end FROM billing_debit"))[0]
    sign: dict[str, Any] = {"batch": f"B{batch.hex}"} if by == "batch" else {"end_to_end": debit["end_to_end"]}

    await take(camt([Booking(cents=12100, **sign)]))
    assert await open_cents(invoice) == 0

    await take(camt([Booking(cents=-12100, end_to_end=debit["end_to_end"], reason="MD06", reversal=True)], number="S2"))

    assert await open_cents(invoice) == 12100
    assert [(row["state"], row["reason"]) for row in await rows("SELECT state, reason FROM billing_debit")] == [("returned", "MD06")]
    with pytest.raises(NothingToCollect):
        await collect(world)
    assert (await rows("SELECT ended_on FROM billing_mandate"))[0]["ended_on"] is None


async def test_a_return_that_will_come_again_ends_the_mandate_also_before_the_sum_was_seen(world: World, invoice: UUID) -> None:
    await collect(world)
    debit = (await rows("SELECT end_to_end FROM billing_debit"))[0]

    await take(camt([Booking(cents=-12100, end_to_end=debit["end_to_end"], reason="AC04")]))

    assert await open_cents(invoice) == 12100
    assert (await rows("SELECT ended_because FROM billing_mandate"))[0]["ended_because"] == "returned by the bank: AC04"
    assert (await rows("SELECT sum(amount_cents)::bigint AS cents FROM billing_payment"))[0]["cents"] == 0


async def test_another_sum_than_was_collected_waits_for_a_person(world: World, invoice: UUID) -> None:
    (batch,) = await collect(world)
    await take(camt([Booking(cents=12099, batch=f"B{batch.hex}")]))

    assert await open_cents(invoice) == 12100
    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry")] == ["waiting"]


async def test_the_invoice_says_when_and_from_where_it_will_be_collected(world: World, invoice: UUID) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        said, stands = (await documents.one(invoice)).collects, await documents.standing(invoice)

    assert said
    assert (said.on, said.amount_cents, said.iban, said.creditor_id) == (date(2026, 12, 22), 12100, PAYER_IBAN, "NL98ZZZ999999990000")
    assert stands.collects == said
    await outbox.drain()
    mailed = partner.newest(world.mailbox, "bakkerij@")
    assert "22 december 2026" in mailed.subject
    assert "NL91 •••• 4300" in mailed.text
    assert "Naar rekening" not in mailed.text, "nobody is asked to pay what will be collected"


@pytest.mark.usefixtures("invoice")
async def test_a_mandate_is_one_per_debtor_moves_on_record_and_ends(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    mandate = (await rows("SELECT id FROM billing_mandate"))[0]["id"]
    with pytest.raises(MandateInForce):
        async with db.unit_of_work(STAFF_DOOR):
            await mandates.sign(FINANCE, world.noord.id, bakery, world.house, SIGNED)
    for wrong in ({"iban": "NL00ABNA0417164300"}, {"signed_on": date(2027, 1, 1)}, {"signed_on": date(2023, 12, 1)}, {"bic": "XXXXXXXX"}):
        with pytest.raises(Invalid):
            async with db.unit_of_work(STAFF_DOOR):
                await mandates.sign(
                    FINANCE, world.noord.id, world.noord.customers["private"], world.house, msgspec.structs.replace(SIGNED, **wrong)
                )
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.move(FINANCE, mandate, iban="NL20 INGB 0001 2345 67")
        await mandates.end(mandate, "opgezegd")
    with pytest.raises(MandateEnded):
        async with db.unit_of_work(STAFF_DOOR):
            await mandates.move(FINANCE, mandate, iban=PAYER_IBAN)

    row = (await rows("SELECT iban, amendments FROM billing_mandate"))[0]
    assert row["iban"] == "NL20INGB0001234567"
    assert PAYER_IBAN in row["amendments"]
    with pytest.raises(NothingToCollect):
        await collect(world)


@pytest.mark.usefixtures("invoice")
async def test_without_a_creditor_id_nothing_is_collected(world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, HOUSE_DETAILS)

    with pytest.raises(CreditorUnknown):
        await collect(world)


async def test_what_is_on_account_is_paid_back_by_one_valid_file(world: World) -> None:
    debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
    receipt = Receipt(debtor=debtor, source=Source.MANUAL, source_key="k", amount_cents=5000, received_on=clock.today(), invoices=())
    async with db.unit_of_work(STAFF_DOOR):
        payment = await payments.book(FINANCE, receipt)
        with pytest.raises(Invalid):
            await refunds.order(FINANCE, payment, iban="onzin")
        await refunds.order(FINANCE, payment, cents=2000, iban=PAYER_IBAN, holder="De Korst")
    with pytest.raises(MoreThanLeft):
        async with db.unit_of_work(STAFF_DOOR):
            await refunds.order(FINANCE, payment, cents=3001, iban=PAYER_IBAN)
    clock.move_to(clock.today() + timedelta(days=5))
    async with db.unit_of_work(STAFF_DOOR):
        batch = await refunds.pay_out(FINANCE, world.house)
        with pytest.raises(NothingToCollect):
            await refunds.pay_out(FINANCE, world.house)
    xml = await the_file(batch)
    refund = (await rows("SELECT end_to_end FROM billing_refund"))[0]
    await take(camt([Booking(cents=-2000, end_to_end=refund["end_to_end"])]))

    assert "pain.001.001.09" in xml
    assert (told(xml, "CtrlSum"), told(xml, "EndToEndId")) == ("20.00", refund["end_to_end"])
    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry")] == ["settled"]
