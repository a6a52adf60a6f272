"""What will not be paid is given up on record, above a limit by two people, and comes back to life when it is paid."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest

from billing.policy.late import Uncollectable, a_year_after, vat_within
from billing.policy.ledger import Label
from billing.policy.money_in import Source
from billing.service import credit_notes, documents, open_items, payments, suspensions, write_offs
from billing.service.credit_notes import Wanted
from billing.service.open_items import Filter
from billing.service.payments import Debtor, Receipt
from billing.service.write_offs import (
    NothingToWriteOff,
    NotWrittenOff,
    ProposerCannotAgree,
    WriteOffDecided,
    WriteOffWaits,
    WriteOffWanted,
)
from partner_portal.infra import clock, db, outbox, settings
from partner_portal.kernel.errors import Invalid, NotAllowed
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import live, staff
from tests.world import FINANCE, FINANCE_TOO, STAFF_DOOR, World

WANTED = WriteOffWanted(reason=Uncollectable.BANKRUPT, note="Curator: geen uitkering")
DESK = FINANCE.__class__(kind=FINANCE.kind, id="9", roles=frozenset({"service desk"}), label="Dirk")


@pytest.mark.parametrize(
    ("part", "vat", "gross", "within"),
    [
        (12_100, 2_100, 12_100, 2_100),
        (1, 2_100, 12_100, 0),
        (6_050, 2_100, 12_100, 1_050),
        (-6_050, 2_100, 12_100, -1_050),
        (5, 0, 10, 0),
        (5, 1, 0, 0),
    ],
)
def test_the_vat_in_a_part_is_its_share(part: int, vat: int, gross: int, within: int) -> None:
    assert vat_within(part, vat_cents=vat, gross_cents=gross) == within


def test_a_year_after_a_leap_day_is_the_last_of_february() -> None:
    assert a_year_after(date(2028, 2, 29)) == date(2029, 2, 28)
    assert a_year_after(date(2027, 2, 28)) == date(2028, 2, 28)


async def stands(invoice: UUID) -> documents.Standing:
    async with db.unit_of_work(STAFF_DOOR):
        return await documents.standing(invoice)


async def record(invoice: UUID) -> list[asyncpg.Record]:
    async with db.unit_of_work(STAFF_DOOR):
        return list(await write_offs.of_invoice(invoice))


async def receive(world: World, cents: int, *invoices: UUID) -> None:
    debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
    async with db.unit_of_work(STAFF_DOOR):
        receipt = Receipt(
            debtor=debtor,
            source=Source.MANUAL,
            source_key=f"{cents}{invoices}",
            amount_cents=cents,
            received_on=clock.today(),
            invoices=invoices or None,
        )
        await payments.book(FINANCE, receipt)


async def test_what_is_written_off_is_open_no_more_and_was_not_paid(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await pay(invoice, 2_100)

    assert await staff(write_offs.write_off, invoice, WANTED)

    found = await stands(invoice)
    assert (found.label, found.open.cents, found.written_off.cents, found.paid_on) == (Label.WRITTEN_OFF, 0, 10_000, None)
    (row,) = await record(invoice)
    assert (row["amount_cents"], row["vat_cents"], row["vat_back_on"]) == (10_000, 1_736, clock.today())
    async with db.unit_of_work(world.noord.principal()):
        assert (await open_items.ageing(Filter())).cents == 0
        rows = await db.fetch("SELECT 1 FROM infra_outbox WHERE topic = 'InvoicePaid'")
    assert rows == [], "nobody is told that it was paid"
    with pytest.raises(NothingToWriteOff):
        await staff(write_offs.write_off, invoice, WANTED)


async def test_once_a_year_has_passed_the_vat_was_due_back_on_that_day(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    due = (await record_due(invoice)) + timedelta(days=400)
    clock.move_to(due)

    await staff(write_offs.write_off, invoice, WANTED)

    (row,) = await record(invoice)
    assert row["vat_back_on"] == row["year_passed_on"] == a_year_after(due - timedelta(days=400))


async def record_due(invoice: UUID) -> date:
    async with db.unit_of_work(STAFF_DOOR):
        day: date = (await documents.one(invoice)).due_on
    return day


async def test_above_the_limit_two_people_are_needed(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    with settings.use(four_eyes_limit_cents=12_100):
        assert not await staff(write_offs.write_off, invoice, WANTED)
        with pytest.raises(WriteOffWaits):
            await staff(write_offs.write_off, invoice, WANTED)
    async with db.unit_of_work(STAFF_DOOR):
        (proposal,) = await write_offs.waiting()
        with pytest.raises(ProposerCannotAgree):
            await write_offs.agree(FINANCE, proposal["id"])
        await write_offs.agree(FINANCE_TOO, proposal["id"])
        with pytest.raises(WriteOffDecided):
            await write_offs.decline(FINANCE, proposal["id"])

    assert (await stands(invoice)).label is Label.WRITTEN_OFF


async def test_a_proposal_that_is_declined_changes_nothing(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    with settings.use(four_eyes_limit_cents=1):
        await staff(write_offs.write_off, invoice, WANTED)
    async with db.unit_of_work(STAFF_DOOR):
        (proposal,) = await write_offs.waiting()
        await write_offs.decline(FINANCE_TOO, proposal["id"])
        assert await write_offs.waiting() == []

    assert (await stands(invoice)).open.cents == 12_100


@pytest.mark.parametrize("reason", [Uncollectable.PAID, Uncollectable.MISTAKE])
async def test_a_reason_to_revive_is_none_to_give_up(world: World, reason: Uncollectable) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    with pytest.raises(Invalid):
        await staff(write_offs.write_off, invoice, WriteOffWanted(reason=reason, note="Zomaar"))


async def test_only_finance_gives_up(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(NotAllowed):
            await write_offs.write_off(DESK, invoice, WANTED)


async def test_a_payment_that_names_it_brings_it_back_to_life(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await staff(write_offs.write_off, invoice, WANTED)

    await receive(world, 5_000, invoice)
    assert (await stands(invoice)).label is Label.WRITTEN_OFF
    assert (await stands(invoice)).written_off.cents == 7_100
    await receive(world, 7_100, invoice)

    found = await stands(invoice)
    assert (found.label, found.open.cents, found.written_off.cents, found.paid_on) == (Label.PAID, 0, 0, clock.today())
    assert [row["amount_cents"] for row in await record(invoice)] == [12_100, -5_000, -7_100]
    assert sum(row["vat_cents"] for row in await record(invoice)) == 0
    async with db.unit_of_work(STAFF_DOOR):
        assert await db.fetch("SELECT 1 FROM infra_outbox WHERE topic = 'InvoicePaid'")


async def test_a_payment_that_names_nothing_settles_what_is_owed_before_what_was_given_up(world: World) -> None:
    given_up = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await staff(write_offs.write_off, given_up, WANTED)
    clock.move_to(clock.today() + timedelta(days=3))
    later = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])

    await receive(world, 13_000)

    assert (await stands(later)).open.cents == 0
    assert (await stands(given_up)).written_off.cents == 11_200


async def test_what_was_given_up_and_is_credited_is_owed_back_to_nobody(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await pay(invoice, 2_100)
    await staff(write_offs.write_off, invoice, WANTED)

    note = await staff(credit_notes.give_back, invoice, Wanted(reason="Nooit geleverd"))

    found = await stands(invoice)
    assert (found.open.cents, found.written_off.cents, (await stands(note)).open.cents) == (0, 0, 2_100), "only what was paid is"
    assert sum(row["vat_cents"] for row in await record(invoice)) == 0


async def test_a_mistake_is_taken_back(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await staff(write_offs.write_off, invoice, WANTED)
    with pytest.raises(Invalid):
        await staff(write_offs.revive, invoice, " ")

    assert await staff(write_offs.revive, invoice, "Verkeerd nummer") == 12_100

    assert (await stands(invoice)).open.cents == 12_100
    with pytest.raises(NotWrittenOff):
        await staff(write_offs.revive, invoice, "Nog eens")


async def test_what_stopped_for_it_stays_stopped_until_it_is_paid(world: World) -> None:
    monthly = line(10_000, service=world.noord.services["bound"])
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [monthly])
    await live((await record_due(invoice)) + timedelta(days=40))
    service = world.noord.services["bound"]

    async def is_stopped() -> bool:
        await outbox.drain()
        await suspensions.run()
        async with db.unit_of_work(STAFF_DOOR):
            return service in await suspensions.of_services([service])

    assert await is_stopped()
    await staff(write_offs.write_off, invoice, WANTED)
    assert await is_stopped()
    await receive(world, 12_100, invoice)
    assert not await is_stopped()


async def test_no_more_is_written_off_than_is_open_whatever_anybody_writes(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    with pytest.raises(asyncpg.CheckViolationError):
        async with db.unit_of_work(STAFF_DOOR):
            await write_offs._record(
                await write_offs._found(invoice), 12_101, write_offs._Decided(Uncollectable.OTHER, "", "test", None, clock.today())
            )
