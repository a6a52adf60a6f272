"""Bank statements: read whatever their format, once, and booked by the surest sign; hostile files do nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from billing.service.statements import booking, importing
from billing.service.statements.booking import EntryDecided, Part
from billing.service.statements.importing import Imported, StatementDecided, read
from billing.service.statements.read import StatementUnreadable
from partner_portal.infra import db, outbox
from partner_portal.kernel.errors import Invalid
from tests.billing.bank import MT940, PAYER_IBAN, Booking, camt
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "bank"
BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


async def take(content: bytes, name: str = "bank.xml") -> list[Imported]:
    async with db.unit_of_work(STAFF_DOOR):
        done = await importing.take(FINANCE, name, content)
    await outbox.drain()
    return done


async def rows(sql: str, *values: Any) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch(sql, *values)


async def open_cents(invoice: UUID) -> int:
    found = await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice)
    cents: int = found[0]["open_cents"]
    return cents


async def reference(invoice: UUID) -> tuple[str, str]:
    found = await rows("SELECT reference, number FROM billing_invoice WHERE id = $1", invoice)
    return found[0]["reference"], found[0]["number"]


async def owed(world: World, cents: int = 10000, *, who: str = "bakery") -> UUID:
    return await issue(world.noord.id, world.noord.customers[who], [line(cents)])


@pytest.mark.parametrize("version", ["02", "03", "04", "08"])
async def test_a_camt_of_each_version_pays_the_invoice_it_names_once(world: World, version: str) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    file = camt([Booking(cents=12100, reference=said), Booking(cents=-500, name="Leverancier")], version=version)

    first = await take(file)
    again = await take(file)

    assert [(one.new, one.matched, one.waiting, one.is_parked) for one in first] == [(2, 1, 0, False)]
    assert [one.is_known for one in again] == [True]
    assert await open_cents(invoice) == 0
    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry ORDER BY position")] == ["booked", "out"]


@pytest.mark.parametrize("bank", MT940)
async def test_an_mt940_of_each_bank_pays_the_invoice_it_names(world: World, bank: str) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    spaced = " ".join(said[start : start + 4] for start in range(0, len(said), 4))

    done = await take(MT940[bank].format(text=spaced).encode(), "bank.sta")

    assert [(one.new, one.matched, one.is_parked) for one in done] == [(1, 1, False)]
    assert await open_cents(invoice) == 0


async def test_a_notification_and_the_statement_tell_of_one_payment(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    one = Booking(cents=12100, reference=said, bank_ref="BANK1")

    await take(camt([one], kind="054", version="02"))
    later = await take(camt([one], version="08"))

    assert [(statement.new, statement.is_parked) for statement in later] == [(0, False)]
    assert len(await rows("SELECT 1 FROM billing_payment")) == 1


async def test_two_alike_in_one_statement_are_two_payments(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    one = Booking(cents=6050, reference=said)

    await take(camt([one, one]))

    assert await open_cents(invoice) == 0


async def test_what_does_not_add_up_is_booked_only_when_a_person_says_so(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    done = await take(camt([Booking(cents=12100, reference=said)], closing=1))
    assert [(one.is_parked, one.new) for one in done] == [(True, 1)]
    assert await open_cents(invoice) == 12100

    async def accept() -> bool:
        try:
            async with db.unit_of_work(STAFF_DOOR):
                await importing.decide(FINANCE, done[0].id, accept=True)
        except StatementDecided:
            return False
        return True

    assert sorted(await asyncio.gather(accept(), accept(), accept())) == [False, False, True]
    await outbox.drain()
    assert await open_cents(invoice) == 0


async def test_a_refused_statement_books_nothing_and_leaves_room_for_the_right_one(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    done = await take(camt([Booking(cents=12100, reference=said)], closing=1))
    async with db.unit_of_work(STAFF_DOOR):
        await importing.decide(FINANCE, done[0].id, accept=False)

    await take(camt([Booking(cents=12100, reference=said)]))

    assert await open_cents(invoice) == 0


async def test_each_rule_books_what_it_knows(world: World) -> None:
    by_number, by_account, other = await owed(world, 1000), await owed(world, 2000), await owed(world, 3000)
    _said, number = await reference(by_number)
    await take(camt([Booking(cents=1210, text=f"factuur {number.lower()}")]))
    assert await open_cents(by_number) == 0

    await take(camt([Booking(cents=2420, text="zonder iets")], number="S2"))
    assert await open_cents(by_account) == 0, "the account is known by now, and one invoice has exactly this sum"

    done = await take(camt([Booking(cents=3630, iban="NL20INGB0001234567", name="Iemand")], number="S3"))
    assert [(one.matched, one.waiting) for one in done] == [(0, 1)]
    assert await open_cents(other) == 3630, "the sum alone decides nothing"


async def test_too_much_stays_on_account_and_too_little_leaves_the_rest_open(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    await take(camt([Booking(cents=2100, reference=said), Booking(cents=10001, reference=said)]))

    assert await open_cents(invoice) == 0
    booked = await rows(
        "SELECT (SELECT sum(amount_cents) FROM billing_payment) - (SELECT sum(amount_cents) FROM billing_allocation) AS left"
    )
    assert booked[0]["left"] == 1


async def test_finance_splits_puts_on_account_and_sets_aside(world: World) -> None:
    first, second = await owed(world, 1000), await owed(world, 2000)
    private = await owed(world, 500, who="private")
    numbers = [(await reference(one))[1] for one in (first, second, private)]
    unknown: dict[str, Any] = {"iban": "NL20INGB0001234567", "name": "X"}
    await take(camt([Booking(cents=cents, text=f"{cents}", **unknown) for cents in (3000, 800, 700)]))
    entries = [row["id"] for row in await rows("SELECT id FROM billing_statement_entry ORDER BY position")]
    customer = (await rows("SELECT number FROM customer WHERE id = $1", world.noord.customers["private"]))[0]["number"]

    async with db.unit_of_work(STAFF_DOOR):
        for wrong in ([Part("NIETS")], [], [Part(numbers[0]), Part(numbers[2])]):
            with pytest.raises(Invalid):
                await booking.settle(FINANCE, entries[0], wrong)
    async with db.unit_of_work(STAFF_DOOR):
        await booking.settle(FINANCE, entries[0], [Part(numbers[0]), Part(numbers[1], 1000)])
        await booking.put_on_account(FINANCE, entries[1], customer)
        await booking.ignore(FINANCE, entries[2], "rente van de bank")
    with pytest.raises(EntryDecided):
        async with db.unit_of_work(STAFF_DOOR):
            await booking.ignore(FINANCE, entries[0], "nog eens")

    assert [await open_cents(one) for one in (first, second, private)] == [0, 1420, 605]
    assert await rows("SELECT 1 FROM billing_statement_entry WHERE state = 'waiting'") == []


async def test_one_who_decides_twice_at_once_books_once(world: World) -> None:
    invoice = await owed(world)
    _said, number = await reference(invoice)
    await take(camt([Booking(cents=12100, iban="NL20INGB0001234567")]))
    entry = (await rows("SELECT id FROM billing_statement_entry"))[0]["id"]

    async def book() -> bool:
        try:
            async with db.unit_of_work(STAFF_DOOR):
                await booking.settle(FINANCE, entry, [Part(number)])
        except EntryDecided:
            return False
        return True

    assert sorted(await asyncio.gather(*(book() for _ in range(4)))) == [False, False, False, True]
    assert len(await rows("SELECT 1 FROM billing_payment")) == 1


async def test_a_return_that_nobody_knows_is_taken_back_by_a_person(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    await take(camt([Booking(cents=12100, reference=said)]))
    await take(camt([Booking(cents=-12100, reason="MD06", end_to_end="X")], number="S2"))
    entry = (await booking_waiting())[0]
    payment = (await rows("SELECT id FROM billing_payment"))[0]["id"]

    async with db.unit_of_work(STAFF_DOOR):
        await booking.take_back(FINANCE, entry["id"], [Part(str(payment))])

    assert await open_cents(invoice) == 12100


async def booking_waiting() -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await booking.waiting()


async def test_an_account_of_nobody_here_is_refused_whole(world: World) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        await take(camt([Booking(cents=100)], iban=PAYER_IBAN))

    assert refused.value.why == "account"
    assert await rows("SELECT 1 FROM billing_statement") == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"hello", "not-a-statement"),
        (b"<a/>", "namespace"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.008.001.02'/>", "namespace"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.99'/>", "namespace"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'/>", "no-statement"),
        (b"<Document xmlns='urn", "damaged"),
        (camt([Booking(cents=1)]).replace(b"<Document", BOMB.encode() + b"<Document", 1), "document-type"),
        (
            camt([Booking(cents=1, text="&x;")]).replace(
                b"<Document", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document', 1
            ),
            "document-type",
        ),
        (camt([Booking(cents=1)]).replace(b'Ccy="EUR">0.01', b'Ccy="USD">0.01'), "currency"),
        (camt([Booking(cents=1)]).replace(b"<Ccy>EUR</Ccy>", b"<Ccy>USD</Ccy>"), "currency"),
        (camt([Booking(cents=1)]).replace(b">0.01<", b">0.011<"), "amount"),
        (camt([Booking(cents=1)]).replace(b">0.01<", b">1e999<"), "amount"),
        (camt([Booking(cents=1)]).replace(b">0.01<", b">NaN<"), "amount"),
        (camt([Booking(cents=1)]).replace(b">0.01<", b">-1<"), "amount"),
        (camt([Booking(cents=1)]).replace(b">0.01<", b">1,00<"), "amount"),
        (camt([Booking(cents=1, day="2026-13-01")]), "day"),
        (b":20:X\n:25:NL05TEST0417164300\n:60F:C261101USD1,00\n:62F:C261101USD1,00\n", "currency"),
        (b":20:X\n:60F:C261101EUR1,00\n", "account"),
        (b":20:X\n:25:NL05TEST0417164300\n:61:nonsense\n", "damaged"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_why(content: bytes, why: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        read(content)

    assert refused.value.why == why


def test_five_decimals_are_read_where_they_are_whole_cents() -> None:
    (statement,) = read(camt([Booking(cents=10575)]).replace(b">105.75<", b">105.75000<"))

    assert statement.sum_cents == 10575


def test_a_file_nested_deep_or_without_end_is_refused_and_not_swallowed() -> None:
    deep = b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'>" + b"<a>" * 100_000
    with pytest.raises(StatementUnreadable):
        read(deep)
    with pytest.raises(StatementUnreadable):
        read(b"<" + b"a" * (33 * 1024 * 1024))


def test_a_batch_is_split_where_its_parts_add_up() -> None:
    part = (
        b"<TxDtls><Refs><EndToEndId>E%d</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy='EUR'>%d.00</Amt></TxAmt></AmtDtls>"
        b"<RmtInf><Ustrd>deel %d</Ustrd></RmtInf></TxDtls>"
    )
    whole = camt([Booking(cents=300)])
    start, end = whole.index(b"<TxDtls>"), whole.index(b"</TxDtls>") + len(b"</TxDtls>")

    (split,) = read(whole[:start] + part % (1, 1, 1) + part % (2, 2, 2) + whole[end:])
    (kept,) = read(whole[:start] + part % (1, 1, 1) + part % (2, 5, 2) + whole[end:])

    assert [(entry.amount_cents, entry.end_to_end, entry.text) for entry in split.entries] == [(100, "E1", "deel 1"), (200, "E2", "deel 2")]
    assert [(entry.amount_cents, entry.text) for entry in kept.entries] == [(300, "deel 1 deel 2")]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public samples are not on this machine")
@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.[xs][mt][la]")) if SAMPLES.is_dir() else [], ids=lambda path: path.name)
def test_public_samples_are_read_and_what_is_broken_is_refused(file: Path) -> None:
    content = file.read_bytes()
    if "wrong" in file.name:
        with pytest.raises(StatementUnreadable):
            read(content)
        return
    statements = read(content)

    assert statements
    assert sum(len(one.entries) for one in statements) > 0
    assert all(entry.amount_cents for one in statements for entry in one.entries)


async def test_no_partner_sees_a_statement(world: World) -> None:
    await take(camt([Booking(cents=100)]))
    for table in ("billing_statement", "billing_statement_entry", "billing_bank_batch", "billing_payout"):
        with pytest.raises(Exception, match="permission denied"):
            async with db.unit_of_work(world.noord.principal()):
                await db.fetch(f"SELECT 1 FROM {table}")  # noqa: S608  # names from this file
