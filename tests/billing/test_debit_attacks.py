"""Direct debit against hostile names, and returns that come too early, twice, with costs, or when nobody expects them any more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from billing.policy.money_in import Scheme
from billing.policy.money_in import Sequence as Turn
from billing.service import debits, issuers, mandates, payments, refunds, refused_files, sepa
from billing.service.debits import NothingToCollect
from billing.service.mandates import NewMandate
from billing.service.refused_files import FileCarriedOut
from billing.service.sepa import Given, Own, Taken
from billing.service.statements import booking
from billing.service.statements.booking import Part
from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid
from tenants.policy import Segment
from tests.billing.bank import PAYER_IBAN, Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_statements import open_cents, rows, take
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World, make_customer

NAMES = [
    "Bakkerij De Korst & Zn", "Łukasz Żółć", "日本株式会社", "😀😀", "a" * 200, "<b>&amp;\"'", "\u202eevil", "  ", "/start//slash/", "x\x00y\x01",
    "€100 %$#@!*;_=^{}[]|~\\`", "ß" * 70, "مرحبا",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_makes_a_file_that_a_bank_refuses(name: str) -> None:
    own = Own(name=name, iban="NL05TEST0417164300", bic=None, creditor_id="NL98ZZZ999999990000")
    day, now = date(2026, 12, 22), datetime(2026, 11, 1)
    taken = Taken(
        end_to_end="I1", cents=1, holder=name, iban=PAYER_IBAN, bic=None, mandate="M-1", signed_on=date(2026, 1, 1), text=f"HUIS 1 {name}"
    )
    given = Given(end_to_end="I1", cents=1, holder=name, iban=PAYER_IBAN, text=f"Terug {name}")

    for xml in (sepa.debits(own, "B1", day, now, Turn.FIRST, Scheme.CORE, [taken]), sepa.transfers(own, "B1", day, now, [given])):
        said = re.findall(r"<(?:Nm|Ustrd)>([^<]*)<", xml)
        assert len(said) >= 3
        for one in said:
            assert re.fullmatch(r"[A-Za-z0-9?:().,'+ -][A-Za-z0-9/?:().,'+ -]{0,139}", one)
            assert "//" not in one


@pytest_asyncio.fixture(loop_scope="session")
async def invoices(world: World) -> list[UUID]:
    """Of two debtors with a mandate each, in one file of EUR 121 and EUR 60.50."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
    made = []
    async with db.unit_of_work(world.noord.principal()):
        butcher = await make_customer(world.noord, "Slagerij De Zeug", segment=Segment.PROTECTED_BIZ)
    for who, cents in ((world.noord.customers["bakery"], 10000), (butcher, 5000)):
        signed = NewMandate(holder="Wie betaalt", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))
        async with db.unit_of_work(STAFF_DOOR):
            await mandates.sign(FINANCE, world.noord.id, who, world.house, signed)
        made.append(await issue(world.noord.id, who, [line(cents)]))
    clock.move_to(date(2026, 12, 19))
    async with db.unit_of_work(STAFF_DOOR):
        await debits.collect(FINANCE, world.house)
    return made


async def debit(invoice: UUID) -> Any:
    (row,) = await rows(
        "SELECT d.*, b.reference FROM billing_debit d JOIN billing_bank_batch b ON b.id = d.batch WHERE d.invoice = $1", invoice
    )
    return row


async def said(*bookings: Booking, number: str) -> None:
    await take(camt(list(bookings), number=number))


async def opens(invoices: Sequence[UUID]) -> list[int]:
    return [await open_cents(one) for one in invoices]


async def states() -> list[str]:
    return [row["state"] for row in await rows("SELECT e.state FROM billing_statement_entry e ORDER BY e.id")]


async def test_what_came_back_before_the_files_sum_was_seen_does_not_hold_up_the_others(invoices: list[UUID]) -> None:
    one = await debit(invoices[0])

    await said(Booking(cents=-12100, end_to_end=one["end_to_end"], reason="MS03"), number="S1")
    await said(Booking(cents=18150, batch=one["reference"]), number="S2")

    assert await opens(invoices) == [12100, 0]
    assert await states() == ["booked", "booked"]
    assert (await rows("SELECT sum(amount_cents)::bigint AS cents FROM billing_payment"))[0]["cents"] == 18150 - 12100


async def test_one_that_came_back_before_it_was_seen_coming_in_is_nobodys_money(invoices: list[UUID]) -> None:
    one = await debit(invoices[0])

    await said(Booking(cents=-12100, end_to_end=one["end_to_end"], reason="MS03"), number="S2")
    await said(Booking(cents=12100, end_to_end=one["end_to_end"]), number="S1")

    assert await opens(invoices) == [12100, 6050]
    assert await states() == ["booked", "settled"], "both sums are on record since the return"


async def test_a_return_of_what_we_gave_back_as_well_holds_up_nothing_else(invoices: list[UUID]) -> None:
    one, two = await debit(invoices[0]), await debit(invoices[1])
    await said(Booking(cents=18150, batch=one["reference"]), number="S1")
    paid = (await rows("SELECT id FROM billing_payment WHERE source_key = $1", one["end_to_end"]))[0]["id"]
    async with db.unit_of_work(STAFF_DOOR):
        await payments.release(FINANCE, paid, invoices[0])
        await refunds.order(FINANCE, paid, iban=PAYER_IBAN, cents=100)

    back = [Booking(cents=-one["amount_cents"], end_to_end=one["end_to_end"], reason="MD06") for one in (one, two)]
    await said(*back, number="S2")

    assert await states() == ["booked", "waiting", "booked"]
    assert (await open_cents(invoices[1]), (await debit(invoices[1]))["state"]) == (6050, "returned")


async def test_a_return_that_is_told_twice_is_a_persons_and_takes_nothing_twice(invoices: list[UUID]) -> None:
    one = await debit(invoices[0])
    await said(Booking(cents=18150, batch=one["reference"]), number="S1")

    await said(Booking(cents=-12100, end_to_end=one["end_to_end"], reason="MS03"), number="S2")
    await said(Booking(cents=-12100, end_to_end=one["end_to_end"], reason="MS03", day="2026-11-21"), number="S3")

    assert await opens(invoices) == [12100, 0]
    assert await states() == ["booked", "booked", "waiting"]


async def test_a_return_after_the_mandate_was_withdrawn_is_booked(invoices: list[UUID]) -> None:
    one = await debit(invoices[0])
    await said(Booking(cents=18150, batch=one["reference"]), number="S1")
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.end(one["mandate"], "ingetrokken")

    await said(Booking(cents=-12100, end_to_end=one["end_to_end"], reason="MD01"), number="S2")

    assert await opens(invoices) == [12100, 0]
    assert [row["ended_because"] for row in await rows("SELECT ended_because FROM billing_mandate WHERE id = $1", one["mandate"])] == [
        "ingetrokken"
    ]


async def test_a_return_with_the_banks_costs_that_a_person_books_is_not_collected_again(world: World, invoices: list[UUID]) -> None:
    one = await debit(invoices[0])
    await said(Booking(cents=18150, batch=one["reference"]), number="S1")
    paid = (await rows("SELECT id FROM billing_payment WHERE source_key = $1", one["end_to_end"]))[0]["id"]
    await said(Booking(cents=-12100, end_to_end="ANDERS", reason="AC04"), number="S2")
    async with db.unit_of_work(STAFF_DOOR):
        (entry,) = await booking.waiting()
        await booking.take_back(FINANCE, entry["id"], [Part(str(paid))])

    again = await debit(invoices[0])
    assert (again["state"], again["reason"]) == ("returned", "AC04")
    assert await opens(invoices) == [12100, 0]
    with pytest.raises(NothingToCollect):
        async with db.unit_of_work(STAFF_DOOR):
            await debits.collect(FINANCE, world.house)


async def test_a_file_is_the_same_however_often_it_is_fetched(invoices: list[UUID]) -> None:
    batch = (await debit(invoices[0]))["batch"]
    found = []
    for _ in range(2):
        async with db.unit_of_work(STAFF_DOOR):
            found.append(await debits.file(batch))

    assert found[0] == found[1]
    assert found[0][1].count("<EndToEndId>") == 2


async def test_a_file_that_the_bank_refused_is_collected_by_another(world: World, invoices: list[UUID]) -> None:
    one = await debit(invoices[0])
    with pytest.raises(Invalid):
        async with db.unit_of_work(STAFF_DOOR):
            await refused_files.whole(FINANCE, one["batch"], " ")
    async with db.unit_of_work(STAFF_DOOR):
        await refused_files.whole(FINANCE, one["batch"], "no longer valid in this form")
        (again,) = await debits.collect(FINANCE, world.house)
        with pytest.raises(FileCarriedOut):
            await refused_files.whole(FINANCE, one["batch"], "twice")

    await said(Booking(cents=18150, batch=f"B{again.hex}"), number="S1")

    assert again != one["batch"]
    assert await opens(invoices) == [0, 0]
    with pytest.raises(FileCarriedOut):
        async with db.unit_of_work(STAFF_DOOR):
            await refused_files.whole(FINANCE, again, "too late")


async def test_one_that_the_bank_refused_is_asked_for_and_in_no_sum(world: World, invoices: list[UUID]) -> None:
    one = await debit(invoices[0])
    for wrong in ("I0", (await debit(invoices[1]))["end_to_end"].lower()):
        with pytest.raises(Invalid):
            async with db.unit_of_work(STAFF_DOOR):
                await refused_files.some(FINANCE, one["batch"], [wrong], "AC04")
    async with db.unit_of_work(STAFF_DOOR):
        await refused_files.some(FINANCE, one["batch"], [one["end_to_end"]], "AC04")

    await said(Booking(cents=6050, batch=one["reference"]), number="S1")
    await said(
        Booking(cents=12100, end_to_end=one["end_to_end"]), Booking(cents=-12100, end_to_end=one["end_to_end"], reason="MS03"), number="S2"
    )

    assert await opens(invoices) == [12100, 0]
    assert await states() == ["booked", "waiting", "waiting"], "what was refused moved nothing; where it did, a person looks"
    ended = await rows("SELECT ended_because FROM billing_mandate WHERE id = $1", one["mandate"])
    assert ended[0]["ended_because"] == "returned by the bank: AC04"
    with pytest.raises(NothingToCollect):
        async with db.unit_of_work(STAFF_DOOR):
            await debits.collect(FINANCE, world.house)
