"""What banks make of the same statement: encodings, pages, batches, their own words; and files that are bytes only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.service.statements.importing import read
from billing.service.statements.read import ReadStatement, StatementUnreadable
from tests.billing.bank import MT940, PAYER_IBAN, Booking, camt
from tests.billing.test_statements import open_cents, owed, reference, rows, take
from tests.world import World

PLAIN = camt([Booking(cents=12100, text="Café", reference="RF18539007547034")]).decode()
ABN = """ABNANL2A
940
ABNANL2A
:20:ABN AMRO BANK NV
:25:0417164300
:28:32401/1
:60F:C261119EUR100,00
:61:2611201120C121,00N654NONREF
:86:{text}
:62F:C261120EUR221,00
-
"""
BUNQ = """:20:bunq
:25:NL05TEST0417164300
:28C:00001
:60F:C261119EUR100,00
:61:2611201120C121,00NTRFNONREF//123456
:86:/IBAN/NL91ABNA0417164300/NAME/De Korst/REMI/Factuur HUIS-F2026-000001
:62F:C261120EUR221,00
"""


def one(content: bytes) -> ReadStatement:
    (statement,) = read(content)
    return statement


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        b"\r\n  " + PLAIN.encode(),
        b"\xef\xbb\xbf\n" + PLAIN.encode(),
        PLAIN.replace("><", ">\r\n  <").encode(),
        PLAIN.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        PLAIN.replace("UTF-8", "windows-1252").encode("cp1252"),
        PLAIN.replace("UTF-8", "UTF-16").encode("utf-16"),
        PLAIN.encode("latin-1"),
        PLAIN.partition("?>")[2].encode("latin-1"),
        PLAIN.replace("<", "<n:").replace("<n:/", "</n:").replace("<n:?", "<?").replace("xmlns=", "xmlns:n=").encode(),
    ],
    ids=["plain", "mark", "blank first", "mark and blank", "lines", "latin", "windows", "utf-16", "says utf-8", "says nothing", "prefixed"],
)
def test_a_camt_is_the_same_however_it_is_written(content: bytes) -> None:
    statement = one(content)

    assert statement.adds_up
    assert [(entry.amount_cents, entry.text, entry.reference, entry.iban) for entry in statement.entries] == [
        (12100, "Café", "RF18539007547034", PAYER_IBAN)
    ]


@pytest.mark.parametrize("version", [f"{number:02}" for number in range(2, 14)])
@pytest.mark.parametrize("kind", ["053", "054"])
def test_every_version_is_read(version: str, kind: str) -> None:
    statement = one(camt([Booking(cents=12100), Booking(cents=-1, status="PDNG")], version=version, kind=kind))

    assert (statement.format, statement.sum_cents, statement.skipped, statement.adds_up) == (f"camt.{kind}.001.{version}", 12100, 1, True)


def test_a_page_of_a_statement_adds_up_by_the_balances_between_pages() -> None:
    whole = camt([Booking(cents=12100)])
    page = one(whole.replace(b"OPBD", b"ITBD").replace(b"CLBD", b"ITBD"))
    first = one(whole.replace(b"CLBD", b"ITBD"))
    last = one(whole.replace(b"OPBD", b"ITBD"))
    alone = one(whole.replace(b"OPBD", b"ITBD").replace(b"CLBD", b"XXXX"))

    assert [(told.opening_cents, told.closing_cents) for told in (page, first, last)] == [(10000, 22100)] * 3
    assert (alone.adds_up, alone.closing_cents) == (False, None)


def test_several_statements_of_a_file_are_kept_apart() -> None:
    first, second = (camt([Booking(cents=cents)], number=f"S{cents}").decode() for cents in (100, 200))
    both = first.replace("</BkToCstmrStmt>", second[second.index("<Stmt>") : second.index("</BkToCstmrStmt>")] + "</BkToCstmrStmt>")

    assert [(told.number, told.sum_cents) for told in read(both.encode())] == [("S100", 100), ("S200", 200)]


PART = "<TxDtls><Refs>{e2e}</Refs>{amount}<RmtInf><Ustrd>{text}</Ustrd></RmtInf>{back}</TxDtls>"


def batch(cents: int, parts: list[str], extra: str = "") -> ReadStatement:
    whole = camt([Booking(cents=cents)]).decode()
    start, end = whole.index("<NtryDtls>"), whole.index("</NtryDtls>")
    return one((whole[:start] + extra + "<NtryDtls>" + "".join(parts) + whole[end:]).encode())


def part(text: str, amount: str = "", e2e: str = "", back: str = "") -> str:
    return PART.format(text=text, amount=amount, e2e=f"<EndToEndId>{e2e}</EndToEndId>" if e2e else "", back=back)


def euro(cents: int, where: str = "Amt") -> str:
    said = f'<Amt Ccy="EUR">{cents / 100:.2f}</Amt>'
    return said if where == "Amt" else f"<AmtDtls><{where}>{said}</{where}></AmtDtls>"


@pytest.mark.parametrize("where", ["Amt", "TxAmt", "InstdAmt"])
def test_a_batch_is_split_wherever_its_amounts_stand_and_whether_or_not_it_has_ids(where: str) -> None:
    statement = batch(300, [part("a", euro(100, where), "E1"), part("b", euro(200, where))])

    assert [(entry.amount_cents, entry.end_to_end, entry.text) for entry in statement.entries] == [(100, "E1", "a"), (200, None, "b")]


def test_what_a_bank_keeps_for_itself_leaves_the_batch_whole() -> None:
    charges = "<Chrgs><Rcrd><Amt Ccy='EUR'>0.35</Amt></Rcrd></Chrgs>"
    several = batch(265, [part("a", euro(100)), part("b", euro(200))], charges)
    single = batch(9965, [part("a", euro(10000, "TxAmt"))], charges)

    assert [(entry.amount_cents, entry.text) for entry in several.entries] == [(265, "a b")]
    assert [entry.amount_cents for entry in single.entries] == [9965], "what was booked counts, not what was sent"


def test_each_return_in_a_batch_of_returns_says_its_own_reason() -> None:
    back = "<RtrInf><Rsn><Cd>{}</Cd></Rsn></RtrInf>"
    statement = batch(
        -300, [part("a", euro(100), "E1", back.format("MD06")), part("b", euro(200), "E2", back.format("AC04"))], "<RvslInd>true</RvslInd>"
    )

    assert [(entry.amount_cents, entry.is_return, entry.return_reason, entry.end_to_end) for entry in statement.entries] == [
        (-100, True, "MD06", "E1"),
        (-200, True, "AC04", "E2"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            ABN.format(
                text="SEPA OVERBOEKING                 IBAN: NL91ABNA0417164300\nBIC: ABNANL2A                    NAAM: DE KORST\n"
                "OMSCHRIJVING: factuur 12         KENMERK: EV-123"
            ),
            {"iban": PAYER_IBAN, "name": "DE KORST", "end_to_end": "EV-123"},
        ),
        (
            ABN.format(
                text="/TRTP/SEPA INCASSO ALGEMEEN DOORLOPEND/CSID/NL98ZZZ999999990000\n/NAME/DE KORST/MARF/M-1/REMI/factuur 12/IBAN/NL91ABNA04171643\n"
                "00/BIC/ABNANL2A/EREF/I0123456789"
            ),
            {"iban": PAYER_IBAN, "name": "DE KORST", "end_to_end": "I0123456789", "mandate": "M-1", "text": "factuur 12"},
        ),
        (
            ABN.format(text="/TRTP/SEPA TERUGBOEKING/RTRN/MS03/NAME/DE KORST/EREF/I01").replace(
                "20C121,00N654NONREF", "20D121,00NRTINONREF"
            ),
            {"amount_cents": -12100, "is_return": True, "return_reason": "MS03", "end_to_end": "I01"},
        ),
        (BUNQ, {"iban": PAYER_IBAN, "name": "De Korst", "text": "Factuur HUIS-F2026-000001", "bank_ref": "123456"}),
        (MT940["Knab"].format(text="").replace(" \n:62F", "\n:62F"), {"iban": PAYER_IBAN, "name": "DE KORST"}),
        (MT940["Triodos"].format(text="factuur 12"), {"name": "DE KORST", "text": "factuur 12"}),
        (MT940["SNS"].format(text="factuur 12"), {"iban": PAYER_IBAN, "name": "DE KORST", "bank_ref": "00123456"}),
        (
            MT940["ING"].format(text="factuur 12").replace("\n-}", "\n:86:/SUM/0/1/0,0/121,0/\n-}"),
            {"text": "factuur 12", "end_to_end": "EV123"},
        ),
    ],
    ids=["ABN in words", "ABN by labels", "ABN taken back", "bunq", "Knab", "Triodos", "SNS", "ING with its sums"],
)
@pytest.mark.parametrize("written", ["as it is", "lines of Windows", "marked"])
def test_each_banks_own_words_are_told_apart(content: str, said: dict[str, Any], written: str) -> None:
    bytes_ = {
        "as it is": content.encode(),
        "lines of Windows": content.replace("\n", "\r\n").encode(),
        "marked": content.encode("utf-8-sig"),
    }[written]
    (entry,) = one(bytes_).entries

    assert {name: getattr(entry, name) for name in said} == said


def test_days_at_the_turn_of_a_year_and_amounts_without_decimals_are_read() -> None:
    (late,) = one(ABN.format(text="x").replace(":61:2611201120C", ":61:2701011231C").encode()).entries
    (bare,) = one(ABN.format(text="x").replace("C121,00N", "C121,N").encode()).entries

    assert late.booked_on.isoformat() == "2026-12-31"
    assert bare.amount_cents == 12100


async def test_statements_that_overlap_tell_each_payment_once(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    days = [Booking(cents=1000 + day, reference=said, day=f"2026-11-{day}", bank_ref=f"B{day}") for day in range(10, 16)]

    first = await take(camt(days[:4], number="A"))
    second = await take(camt(days[2:], number="B"))
    again = await take(camt(days[:4], number="A"))

    assert [(told.new, told.is_known) for told in (*first, *second, *again)] == [(4, False), (2, False), (0, True)]
    assert await open_cents(invoice) == 12100 - sum(one_.cents for one_ in days)
    assert len(await rows("SELECT 1 FROM billing_payment")) == len(days)


bookings = st.lists(
    st.builds(
        Booking,
        cents=st.integers(-10_000_000, 10_000_000).filter(bool),
        text=st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=40),
        end_to_end=st.sampled_from(["", "E1", "E2"]),
        day=st.sampled_from(["2026-11-19", "2026-11-20"]),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(bookings, st.sampled_from(["02", "04", "08", "13"]))
def test_whatever_is_booked_is_read_to_the_cent(made: list[Booking], version: str) -> None:
    statement = one(camt(made, version=version))

    assert [entry.amount_cents for entry in statement.entries] == [booking.cents for booking in made]
    assert statement.adds_up


@settings(max_examples=60)
@given(bookings, st.integers(0, 12))
def test_the_beginning_of_a_day_is_known_again_in_the_whole_day(made: list[Booking], until: int) -> None:
    whole, part_ = one(camt(made)), one(camt(made[:until]))

    assert len(set(whole.entry_keys())) == len(made), "no two entries of one statement are taken for one"
    assert set(part_.entry_keys()) <= set(whole.entry_keys())


@settings(max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(lambda a, b: PLAIN.encode()[:a] + b + PLAIN.encode()[a:], st.integers(0, 900), st.binary(max_size=9)),
    )
)
def test_bytes_are_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        statements = read(content)
    except StatementUnreadable:
        return
    assert statements


@settings(max_examples=150)
@given(st.integers(0, 400), st.text(max_size=12), st.sampled_from(sorted(MT940)))
def test_a_damaged_mt940_is_read_or_refused_and_nothing_else(place: int, dirt: str, bank: str) -> None:
    good = MT940[bank].format(text="factuur 12")
    try:
        statements = read((good[:place] + dirt + good[place:]).encode("utf-8", "surrogatepass"))
    except StatementUnreadable:
        return
    assert statements
