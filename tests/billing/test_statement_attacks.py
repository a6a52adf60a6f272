"""Bank files as others write them, and as somebody would who wants money booked twice, or on the wrong invoice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from billing.service.statements import booking, importing
from billing.service.statements.booking import Part
from billing.service.statements.importing import read
from billing.service.statements.read import ReadStatement, StatementUnreadable
from partner_portal import invariants
from partner_portal.infra import db
from partner_portal.kernel.errors import Invalid
from tests.billing.bank import MT940, Booking, camt
from tests.billing.test_statements import open_cents, owed, reference, rows, take
from tests.world import FINANCE, STAFF_DOOR, World

HEAD = ":20:X1\n:25:{account}\n:28C:12/1\n:60F:C261119EUR100,00\n"
RF = "RF18539007547034"


def mt940(entry: str, *, closing: str = "C261120EUR221,00", account: str = "NL05TEST0417164300") -> str:
    return HEAD.format(account=account) + entry + f"\n:62F:{closing}\n-\n"


def one(content: bytes | str) -> ReadStatement:
    (statement,) = read(content.encode() if isinstance(content, str) else content)
    return statement


def detailed(parts: str, cents: int = 12100) -> bytes:
    whole = camt([Booking(cents=cents)]).decode()
    start, end = whole.index("<NtryDtls>"), whole.index("</NtryDtls>")
    return (whole[:start] + "<NtryDtls>" + parts + whole[end:]).encode()


GERMAN = (
    ":61:2611201120CR121,00NTRFNONREF//ABC\n:86:166?00SEPA-UEBERWEISUNG?109310?20EREF+EV-77?21KREF+B-9?22SVWZ+Rechnung HUIS-F2026-00"
    "?230001, danke?30ABNANL2A?31NL91ABNA0417164300?32DE KORST?33 BV"
)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            GERMAN,
            {"text": "Rechnung HUIS-F2026-000001, danke", "end_to_end": "EV-77", "batch": "B-9", "iban": "NL91ABNA0417164300"},
        ),
        (GERMAN.replace("?", ">"), {"name": "DE KORST BV", "end_to_end": "EV-77"}),
        (
            ":61:2611201120CR121,00NTRFNONREF\n:86:EREF+EV-77 MREF+M-1 SVWZ+Rechnung 12 ABWA+Jemand",
            {"text": "Rechnung 12", "end_to_end": "EV-77", "mandate": "M-1"},
        ),
        (":61:261120C121,NTRFNONREF\n:86:x", {"amount_cents": 12100, "text": "x"}),
        (":61:2611201120CR121,NTRFNONREF\n:86:x", {"amount_cents": 12100}),
        (":61:2611201120c121,00NTRFNONREF\n:86:x", {"amount_cents": 12100}),
        (":61:2611201120RD121,00NTRFNONREF\n:86:x", {"amount_cents": 12100, "is_return": True}),
        ("  :61:2611201120C121,00NTRFNONREF\n\t:86:x", {"amount_cents": 12100, "text": "x"}),
        (
            ":61:2611201120C121,00N541NONREF\n:86:/RTYP/SEPA/NAME/De Korst/REMI/" + "a" * 600 + " " + RF,
            {"name": "De Korst", "text": "a" * 600 + " " + RF},
        ),
    ],
    ids=["German", "German with points", "keywords only", "whole euros", "funds code", "small mark", "debit back", "indented", "very long"],
)
def test_mt940_of_other_banks_tells_the_same(entry: str, said: dict[str, Any]) -> None:
    statement = one(mt940(entry))

    assert statement.adds_up
    assert {name: getattr(statement.entries[0], name) for name in said} == said


@pytest.mark.parametrize(("text", "reason"), [("SVWZ+RETOURE MS03 SONSTIGES", "MS03"), ("SVWZ+RETOURE", "914")])
def test_a_debit_taken_back_at_a_german_bank_says_which_and_why(text: str, reason: str) -> None:
    entry = f":61:2611201120D121,00NMSCNONREF\n:86:109?00RUECKLASTSCHRIFT?20EREF+I01?21MREF+M-1?22{text}?31NL91ABNA0417164300?34914"
    (back,) = one(mt940(entry, closing="D261120EUR21,00")).entries

    assert (back.amount_cents, back.is_return, back.return_reason, back.end_to_end) == (-12100, True, reason, "I01")


@pytest.mark.parametrize("written", [str.encode, lambda text: text.replace("\n", "\r").encode(), lambda text: text.encode("utf-16")])
def test_an_mt940_is_the_same_in_each_encoding(written: Any) -> None:
    assert one(written(mt940(":61:2611201120C121,00NTRFNONREF\n:86:x"))).adds_up


@pytest.mark.parametrize("number", ["12", "2026/000123", "A12/1", ""])
def test_however_a_bank_numbers_its_statements_they_are_read(number: str) -> None:
    statement = one(mt940(":61:2611201120C121,00NTRFNONREF\n:86:x").replace("12/1", number))

    assert (statement.adds_up, statement.number) == (True, f"X1 {number}".strip())


@pytest.mark.parametrize(
    "text", ["wat?20 euro?30 euro HUIS-F2026-000001", "a>20>b>30 HUIS-F2026-000001", "SVWZ HUIS-F2026-000001", "REK: x? HUIS-F2026-000001"]
)
def test_what_a_payer_writes_is_not_taken_for_a_banks_code(text: str) -> None:
    (entry,) = one(mt940(f":61:2611201120C121,00NTRFNONREF\n:86:{text}")).entries

    assert "HUIS-F2026-000001" in entry.text


def test_what_is_only_expected_is_not_booked() -> None:
    lines = ":61:2611201120C121,00NTRFNONREF\n:86:x\n:61:2611201120EC50,00NTRFNONREF\n:86:y"

    assert (one(mt940(lines)).sum_cents, one(mt940(lines)).skipped, one(mt940(lines)).adds_up) == (12100, 1, True)


def test_an_interim_report_has_no_balances_to_add_up() -> None:
    text = ":20:X\n:25:NL05TEST0417164300\n:28C:1/1\n:34F:EURD0,00\n:13D:2611201200+0100\n:61:2611201120C121,00NTRFNONREF\n:86:x\n:90C:1EUR121,00\n-\n"

    assert (one(text).format, one(text).adds_up, one(text).sum_cents) == ("MT942", True, 12100)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (mt940(":61:2611201120C1.121,00NTRFNONREF\n:86:x"), "amount"),
        (mt940(":61:2611201120C121.00NTRFNONREF\n:86:x"), "amount"),
        (mt940(":61:2611201120C121,00NTRFNONREF\n:86:x", closing="C261120EUR1.221,00"), "amount"),
        (mt940(":61:2602300230C121,00NTRFNONREF\n:86:x"), "damaged"),
        (camt([Booking(cents=1)]).replace(b"camt.053", b"camt.052").decode(), "namespace"),
        ("PK\x03\x04 zip", "not-a-statement"),
        ('<?xml version="1.0"?><Envelope xmlns="urn:x">' + camt([]).decode().partition("?>")[2] + "</Envelope>", "namespace"),
        (camt([Booking(cents=1, text="a&#1;b")]).decode(), "damaged"),
    ],
)
def test_what_nobody_can_be_sure_of_is_refused_and_says_what_to_do(content: str, why: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        read(content.encode())

    assert [(field.pointer, field.code) for field in refused.value.fields] == [("/file", f"statement-{why}")]


@pytest.mark.parametrize(
    "structured",
    [
        "<Strd><CdtrRefInf><Ref>RF471234</Ref></CdtrRefInf></Strd><Strd><CdtrRefInf><Ref>SAID</Ref></CdtrRefInf></Strd>",
        "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>SAID</Nb></RfrdDocInf></Strd>",
        "<Strd><AddtlRmtInf>SAID</AddtlRmtInf></Strd>",
    ],
)
def test_whatever_is_structured_is_read(structured: str) -> None:
    (entry,) = one(detailed(f"<TxDtls><RmtInf>{structured}</RmtInf></TxDtls>")).entries

    assert "SAID" in entry.text


BUNDLE = "<TxDtls><RmtInf><Ustrd>{number}</Ustrd></RmtInf></TxDtls><TxDtls><RmtInf><Ustrd>iemand anders</Ustrd></RmtInf></TxDtls>"


async def test_several_payments_in_one_sum_are_nobodys_until_a_person_says_whose(world: World) -> None:
    invoice = await owed(world)
    _said, number = await reference(invoice)

    done = await take(detailed(BUNDLE.format(number=number), 30000))

    assert [(told.matched, told.waiting) for told in done] == [(0, 1)], "the rest of the sum is somebody else's"
    assert await open_cents(invoice) == 12100


@pytest.mark.parametrize(
    "account", ["0417164300", "NL05TEST0417164300", "NL05TEST0417164300EUR", "TESTNL2A/0417164300", "NL05TEST0417164300/EUR"]
)
async def test_the_same_entry_counts_once_however_the_file_writes_the_account(world: World, account: str) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    entry = f":61:2611201120C60,50NTRFNONREF//BANK1\n:86:{said}"

    await take(mt940(entry, closing="C261120EUR160,50").encode(), "a.sta")
    again = await take(mt940(entry, closing="C261120EUR160,50", account=account).replace(":28C:12/1", ":28C:13/1").encode(), "b.sta")

    assert [told.new for told in again] == [0]
    assert await open_cents(invoice) == 6050


@pytest.mark.parametrize("bank", MT940)
async def test_a_statement_that_the_bank_also_gives_in_another_format_counts_once(world: World, bank: str) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    files = [MT940[bank].format(text=said).encode(), camt([Booking(cents=12100, reference=said, bank_ref="B1")])]

    first, second = await take(files[0], "bank.sta"), await take(files[1])

    assert [(told.new, told.is_known) for told in (*first, *second)] == [(1, False), (0, True)]
    assert len(await rows("SELECT 1 FROM billing_payment")) == 1


async def test_what_was_told_in_another_format_with_other_words_waits_for_a_person(world: World) -> None:
    invoice, other = await owed(world), await owed(world, 2000)
    said, _number = await reference(invoice)
    named, _number = await reference(other)
    await take(camt([Booking(cents=6050, reference=said)], kind="054"))
    both = [Booking(cents=6050, reference=said, bank_ref="B1"), Booking(cents=2420, reference=named, bank_ref="B2")]

    later = await take(camt(both, number="S2"))

    assert [(told.new, told.matched, told.waiting) for told in later] == [(2, 1, 1)], "one may be known already, the other cannot"
    assert [await open_cents(each) for each in (invoice, other)] == [6050, 0]
    async with db.unit_of_work(STAFF_DOOR):
        (waiting,) = await booking.waiting()
        assert json.loads(waiting["found"])["told_in"] == "S1"
        await booking.ignore(FINANCE, waiting["id"], "dezelfde betaling")


async def test_two_alike_on_pages_that_follow_each_other_are_two_payments(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    entry = f":61:2611201120C60,50NTRFNONREF\n:86:{said}"
    first = mt940(entry, closing="C261120EUR160,50")
    second = (
        first.replace("12/1", "12/2")
        .replace("261119EUR100,00", "261120EUR160,50")
        .replace(":62F:C261120EUR160,50", ":62F:C261120EUR221,00")
    )

    await take((first + second).encode(), "bank.sta")
    again = await take((first + second).encode(), "bank.sta")

    assert await open_cents(invoice) == 0
    assert [told.is_known for told in again] == [True, True]


async def test_the_right_statement_counts_also_while_the_wrong_one_still_waits(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    one_ = Booking(cents=12100, reference=said)
    (wrong,) = await take(camt([one_], closing=1))

    (right,) = await take(camt([one_]))
    assert (right.new, right.matched) == (1, 1)
    async with db.unit_of_work(STAFF_DOOR):
        await importing.decide(FINANCE, wrong.id, accept=True)

    assert await open_cents(invoice) == 0
    assert len(await rows("SELECT 1 FROM billing_payment")) == 1


async def test_what_was_refused_by_mistake_can_be_taken_in_again(world: World) -> None:
    file = camt([Booking(cents=12100)], closing=1)
    (wrong,) = await take(file)
    async with db.unit_of_work(STAFF_DOOR):
        await importing.decide(FINANCE, wrong.id, accept=False)

    (again,) = await take(file)

    assert (again.is_known, again.is_parked, again.new) == (False, True, 1)


async def test_files_that_several_people_take_in_at_the_same_moment_count_once(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    as_mt940 = MT940["ING"].format(text=said).encode()
    as_camt = camt([Booking(cents=12100, reference=said, bank_ref="B1")])

    done = await asyncio.gather(*(take(file) for file in (as_mt940, as_camt, as_mt940, as_camt)))

    assert sorted(one_.is_known for (one_,) in done) == [False, True, True, True]
    assert len(await rows("SELECT 1 FROM billing_payment")) == 1
    assert await open_cents(invoice) == 0


async def test_a_sum_of_several_debtors_is_divided_by_a_person_to_the_cent(world: World) -> None:
    mine, other = await owed(world), await owed(world, 5000, who="private")
    numbers = [(await reference(each))[1] for each in (mine, other)]
    await take(detailed(BUNDLE.format(number=numbers[0]), 18000))
    (entry,) = await rows("SELECT id FROM billing_statement_entry")

    for wrong in ([12100, 5901], [12100, None], [None, None], [18100, -100], [18000, 0]):
        with pytest.raises(Invalid) as refused:
            async with db.unit_of_work(STAFF_DOOR):
                await booking.settle(FINANCE, entry["id"], [Part(number, cents) for number, cents in zip(numbers, wrong, strict=True)])
        assert [field.code for field in refused.value.fields] == ["several-debtors-divided"]
    async with db.unit_of_work(STAFF_DOOR):
        await booking.settle(FINANCE, entry["id"], [Part(numbers[0], 12000), Part(numbers[1], 6000)])
        assert await invariants.breaches() == []

    assert [await open_cents(each) for each in (mine, other)] == [100, 50]
    assert {row["amount_cents"] for row in await rows("SELECT amount_cents FROM billing_payment")} == {12000, 6000}
