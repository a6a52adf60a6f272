"""What an entry says of itself is said by whoever pays, and it may lie: nothing is booked for somebody else, or on a sum alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from billing.service import debits, issuers, mandates
from billing.service.mandates import NewMandate
from partner_portal import invariants
from partner_portal.infra import clock, db
from tests.billing.bank import PAYER_IBAN, Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_statements import open_cents, owed, reference, rows, take
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

ZUIDS_IBAN = "NL61BANK0123456780"
STRANGER: dict[str, Any] = {"iban": "NL20INGB0001234567", "name": "Iemand"}


async def states() -> list[tuple[str, str | None]]:
    return [(row["state"], row["rule"]) for row in await rows("SELECT state, rule FROM billing_statement_entry ORDER BY position, id")]


async def in_order() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []


async def test_two_invoices_of_the_same_sum_are_a_persons_choice(world: World) -> None:
    paid, first, second = await owed(world, 500), await owed(world), await owed(world)
    said, _number = await reference(paid)
    await take(camt([Booking(cents=605, reference=said)]))  # the account is known from now on

    await take(camt([Booking(cents=12100, text="factuur")], number="S2"))

    assert [await open_cents(one) for one in (first, second)] == [12100, 12100]
    assert await states() == [("booked", "reference"), ("waiting", None)]


async def test_the_sum_of_several_invoices_is_only_suggested(world: World) -> None:
    paid, first, second = await owed(world, 500), await owed(world, 1000), await owed(world, 2000)
    said, _number = await reference(paid)
    await take(camt([Booking(cents=605, reference=said)]))

    await take(camt([Booking(cents=3630, text="alles")], number="S2"))

    (entry,) = await rows("SELECT found FROM billing_statement_entry WHERE state = 'waiting'")
    assert {one["invoice"] for one in msgspec.json.decode(entry["found"])["suggestions"]} == {str(first), str(second)}


async def test_several_that_are_named_are_paid_in_that_order_and_too_much_stays_on_account(world: World) -> None:
    first, second = await owed(world, 1000), await owed(world, 2000)
    numbers = [(await reference(one))[1] for one in (second, first)]

    await take(camt([Booking(cents=3000, text=" en ".join(numbers)), Booking(cents=1000, text=" en ".join(numbers))]))

    assert [await open_cents(one) for one in (first, second)] == [0, 0]
    await in_order()
    (left,) = await rows("SELECT sum(left_cents)::bigint AS cents FROM billing_on_account")
    assert left["cents"] == 4000 - 3630


async def test_what_names_documents_of_two_debtors_is_a_persons(world: World) -> None:
    mine, other = await owed(world), await owed(world, who="private")
    numbers = [(await reference(one))[1] for one in (mine, other)]

    own, _number = await reference(mine)
    await take(camt([Booking(cents=24200, text=" ".join(numbers)), Booking(cents=100, text=numbers[1], reference=own)]))

    assert [await open_cents(one) for one in (mine, other)] == [12000, 12100], "the structured reference counts before the text"
    assert await states() == [("waiting", None), ("booked", "reference")]


@pytest.mark.parametrize("text", ["HUIS-F2026-000001", "F2026-000001", "ZUID-F2026-000001"])
async def test_a_number_of_another_issuer_pays_nothing_here(world: World, text: str) -> None:
    invoice = await owed(world)

    await take(camt([Booking(cents=12100, text=text, **STRANGER)], iban=ZUIDS_IBAN))

    assert await open_cents(invoice) == 12100
    assert await states() == [("waiting", None)]


@pytest_asyncio.fixture(loop_scope="session")
async def collected(world: World) -> Any:
    """A collection of the house's that is at the bank."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        signed = NewMandate(holder="De Korst", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))
        await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, signed)
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    clock.move_to(date(2026, 12, 19))
    async with db.unit_of_work(STAFF_DOOR):
        await debits.collect(FINANCE, world.house)
    (row,) = await rows("SELECT d.*, b.reference FROM billing_debit d JOIN billing_bank_batch b ON b.id = d.batch")
    return row


@pytest.mark.parametrize(
    "lie",
    [
        lambda row: Booking(cents=12100, end_to_end=row["end_to_end"], **STRANGER),
        lambda row: Booking(cents=12100, batch=row["reference"], **STRANGER),
        lambda row: Booking(cents=-12100, end_to_end=row["end_to_end"], reason="AC04", **STRANGER),
    ],
    ids=["collected", "whole file", "taken back"],
)
async def test_a_statement_of_one_issuer_moves_no_collection_of_another(world: World, collected: Any, lie: Any) -> None:
    await take(camt([lie(collected)], iban=ZUIDS_IBAN))

    assert await states() == [("waiting", None)]
    (now,) = await rows("SELECT d.state, m.ended_on FROM billing_debit d JOIN billing_mandate m ON m.id = d.mandate")
    assert (now["state"], now["ended_on"]) == ("sent", None)
    assert await rows("SELECT 1 FROM billing_payment") == []


async def test_a_payer_who_writes_the_id_of_anothers_collection_pays_only_that_sum_of_it(world: World, collected: Any) -> None:
    await take(camt([Booking(cents=1, end_to_end=collected["end_to_end"], **STRANGER)]))

    assert await states() == [("waiting", "collection")]
    assert await open_cents(collected["invoice"]) == 12100


async def test_money_that_leaves_settles_nothing_whatever_it_says(world: World) -> None:
    invoice = await owed(world)
    said, number = await reference(invoice)

    await take(camt([Booking(cents=-12100, reference=said, text=number, name="Leverancier")]))

    assert await open_cents(invoice) == 12100
    assert await states() == [("out", None)]


async def test_what_is_paid_twice_stays_on_account_and_is_not_used_by_itself(world: World) -> None:
    invoice, later = await owed(world), await owed(world, 3000)
    said, _number = await reference(invoice)

    await take(camt([Booking(cents=12100, reference=said, bank_ref="A"), Booking(cents=12100, reference=said, bank_ref="B")]))

    assert [await open_cents(one) for one in (invoice, later)] == [0, 3630]
    await in_order()
