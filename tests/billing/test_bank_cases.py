"""What banks do that is rare: sums of nothing, returns without amounts, costs inside a return, entries outside a statement, the end before the beginning."""

from __future__ import annotations

from typing import Any

import pytest

from billing.service.statements import booking, gaps, mt940
from billing.service.statements.booking import Part
from billing.service.statements.importing import read
from billing.service.statements.read import ReadStatement, StatementUnreadable
from partner_portal.infra import db
from partner_portal.kernel.errors import Invalid
from tests.billing.bank import HOUSE_IBAN, Booking, camt
from tests.billing.test_statements import open_cents, owed, reference, rows, take
from tests.world import FINANCE, STAFF_DOOR, World

RETURNED = "<RtrInf><Rsn><Cd>{}</Cd></Rsn></RtrInf>"
HEAD = ":20:X1\n:25:{account}\n:28C:12/1\n:60F:C261119EUR100,00\n"
ENTRY = ":61:2611201120C121,00NTRFNONREF\n:86:{text}\n"
TAIL = ":62F:C261120EUR221,00\n-\n"


def one(content: bytes) -> ReadStatement:
    (statement,) = read(content)
    return statement


def detailed(cents: int, parts: str, extra: str = "") -> bytes:
    """A statement of one entry with these parts; below zero the bank took it."""
    whole = camt([Booking(cents=cents or 1)], closing=100_00 + cents).decode()
    whole = whole.replace('<Ntry><Amt Ccy="EUR">0.01</Amt>', '<Ntry><Amt Ccy="EUR">0</Amt>') if not cents else whole
    start, end = whole.index("<NtryDtls>"), whole.index("</NtryDtls>")
    return (whole[:start] + extra + "<NtryDtls>" + parts + whole[end:]).encode()


def part(text: str, *, amount: str = "", sign: str = "", e2e: str = "", back: str = "") -> str:
    said = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    said += f"<CdtDbtInd>{sign}</CdtDbtInd>" if sign else ""
    ids = f"<Refs><EndToEndId>{e2e}</EndToEndId></Refs>" if e2e else ""
    return f"<TxDtls>{ids}{said}<RmtInf><Ustrd>{text}</Ustrd></RmtInf>{back}</TxDtls>"


def test_returns_in_one_sum_without_amounts_are_returns() -> None:
    statement = one(detailed(-30000, part("a", e2e="E1", back=RETURNED.format("MD06")) + part("b", e2e="E2", back=RETURNED.format("AC04"))))

    assert [(entry.amount_cents, entry.is_return, entry.is_bundle) for entry in statement.entries] == [(-30000, True, True)]


async def test_returns_in_one_sum_are_taken_back_by_a_person_payment_by_payment(world: World) -> None:
    invoices = [await owed(world), await owed(world, 5000)]
    for nth, invoice in enumerate(invoices):
        said, _number = await reference(invoice)
        await take(camt([Booking(cents=12100 if nth == 0 else 6050, reference=said)], number=f"P{nth}"))
    keys = [str(row["id"]) for row in await rows("SELECT id FROM billing_payment ORDER BY amount_cents DESC")]
    parts = part("a", e2e="E1", back=RETURNED.format("MD06")) + part("b", e2e="E2", back=RETURNED.format("MD06"))
    await take(detailed(-18500, parts))

    async with db.unit_of_work(STAFF_DOOR):
        (entry,) = await booking.waiting()
    for wrong in ([Part(keys[0], 12100), Part(keys[1])], [Part(keys[0], 12100), Part(keys[1], 6401)], []):
        with pytest.raises(Invalid):
            async with db.unit_of_work(STAFF_DOOR):
                await booking.take_back(FINANCE, entry["id"], wrong)
    async with db.unit_of_work(STAFF_DOOR):
        await booking.take_back(FINANCE, entry["id"], [Part(keys[0], 12100), Part(keys[1], 6050)])

    assert [await open_cents(invoice) for invoice in invoices] == [12100, 6050]
    assert (await rows("SELECT sum(amount_cents)::bigint AS cents FROM billing_payment"))[0]["cents"] == 0


def test_what_comes_in_and_leaves_in_one_sum_of_nothing_is_read() -> None:
    statement = one(detailed(0, part("in", amount="121.00", sign="CRDT") + part("out", amount="121.00", sign="DBIT")))

    assert [(entry.amount_cents, entry.text) for entry in statement.entries] == [(12100, "in"), (-12100, "out")]
    assert statement.adds_up
    assert one(detailed(0, part("nothing"))).entries == ()


def test_one_detail_of_several_payments_says_nothing_of_the_rest() -> None:
    several = one(detailed(50000, "<Btch><NbOfTxs>5</NbOfTxs></Btch>" + part("a", amount="100.00")))
    single = one(detailed(50000, "<Btch><NbOfTxs>1</NbOfTxs></Btch>" + part("a")))

    assert [entry.is_bundle for entry in (*several.entries, *single.entries)] == [True, False]


@pytest.mark.parametrize(
    "content",
    [
        HEAD + ENTRY + TAIL.replace("-\n", "") + ":25:{account}\n:28C:13/1\n:60F:C261120EUR221,00\n" + ENTRY + ":62F:C261121EUR342,00\n-\n",
        ENTRY + HEAD + ENTRY + TAIL,
    ],
)
def test_an_entry_outside_any_statement_refuses_the_file(content: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        read(content.format(account=HOUSE_IBAN, text="x").encode())

    assert refused.value.why == "damaged"


async def test_a_character_that_no_database_holds_is_left_out(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)

    await take((HEAD + ENTRY + TAIL).format(account=HOUSE_IBAN, text=f"{said} \x00 dank").encode(), "bank.sta")

    assert await open_cents(invoice) == 0


@pytest.mark.parametrize(
    ("said", "is_same"),
    [
        ("37040044/0532013000", True),
        ("37040044/532013000", True),
        ("DE89370400440532013000", True),
        ("37040045/0532013000", False),
        ("37040044/0532013001", False),
        ("0532013000", False),
        ("37040044/", False),
        ("37040044/٣", False),
    ],
)
def test_a_german_bank_may_name_its_own_number_and_the_account(said: str, is_same: bool) -> None:  # noqa: FBT001  # a parameter
    assert mt940.same_account(said, "DE89370400440532013000") is is_same


def of_day(day: int, opening: int, *bookings: Booking) -> bytes:
    """The statement of a day of November, from this balance on."""
    content = camt(list(bookings), number=f"D{day}", closing=opening + sum(one.cents for one in bookings)).decode()
    return (
        content.replace('<Amt Ccy="EUR">100.00</Amt>', f'<Amt Ccy="EUR">{opening / 100:.2f}</Amt>', 1)
        .replace("2026-11-20", f"2026-11-{day}")
        .encode()
    )


async def test_a_day_that_was_never_taken_in_is_noticed_until_it_is(world: World) -> None:
    async def missing() -> list[tuple[Any, ...]]:
        async with db.unit_of_work(STAFF_DOOR):
            return [(row["number"], row["before_number"], row["before_cents"]) for row in await gaps.seen()]

    await take(of_day(16, 10000, Booking(cents=100, text="a", day="2026-11-16")))
    await take(of_day(17, 10100, Booking(cents=200, text="b", day="2026-11-17")))
    assert await missing() == []

    await take(of_day(19, 10700, Booking(cents=500, text="d", day="2026-11-19")))
    assert await missing() == [("D19", "D17", 10300)]

    await take(of_day(18, 10300, Booking(cents=400, text="c", day="2026-11-18")))
    assert await missing() == []

    overlapping = [Booking(cents=cents, text=text, day=day) for cents, text, day in ((500, "d", "2026-11-19"), (600, "e", "2026-11-20"))]
    await take(of_day(20, 10700, *overlapping))
    assert await missing() == [], "days that overlap are no gap"


async def test_two_alike_in_files_that_follow_each_other_are_two_payments_and_each_counts_once(world: World) -> None:
    invoice = await owed(world)
    said, _number = await reference(invoice)
    alike = Booking(cents=6050, reference=said)

    for _ in range(2):
        await take(of_day(20, 10000, alike))
        await take(of_day(20, 16050, alike, Booking(cents=-100, text="kosten")))
    await take(of_day(20, 10000, alike, alike, Booking(cents=-100, text="kosten")))  # the whole day once more

    assert await open_cents(invoice) == 0
    assert len(await rows("SELECT 1 FROM billing_payment")) == 2
