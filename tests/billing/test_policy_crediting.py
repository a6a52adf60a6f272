"""What a credit note may take back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from billing.policy.charges import Proration
from billing.policy.crediting import Charged, MoreThanCharged, NothingToCredit, Part, drafted, gross, takings, unused
from billing.policy.drafting import amounts
from billing.policy.ledger import DraftLine, LineKind
from billing.policy.tax import Vat

DECEMBER = (date(2026, 12, 1), date(2027, 1, 1))
Q4 = (date(2026, 10, 1), date(2027, 1, 1))


def charged(cents: int = 8995, *, credited: int = 0, **given: Any) -> Charged:
    usual: dict[str, Any] = {"id": uuid4(), "position": 1, "description": "Hosting", "vat": Vat(), "unit_price": Decimal(abs(cents)) / 100}
    return Charged(amount_cents=cents, credited_cents=credited, **{**usual, **given})


def document(lines: list[Charged]) -> int:
    """The gross of the document with these lines."""
    made = [
        DraftLine(kind=LineKind.OTHER, description="", amount_cents=line.amount_cents, unit_price=line.unit_price, vat=line.vat)
        for line in lines
    ]
    return amounts(made).gross_cents


@pytest.mark.parametrize(
    ("cents", "period", "since", "proration", "expected"),
    [
        (8995, DECEMBER, date(2026, 12, 16), Proration.CAL, 4643),  # rules 2.3 #12
        (26985, Q4, date(2026, 12, 16), Proration.CAL, 4643),  # the same, billed by the quarter
        (8995, DECEMBER, date(2026, 12, 23), Proration.CAL, 2611),  # rules 2.3 #15
        (11988, (date(2026, 3, 1), date(2027, 3, 1)), date(2026, 12, 23), Proration.YEAR_365, 2233),  # rules 2.3 #13
        (26985, Q4, date(2026, 12, 16), Proration.NONE, 0),
        (26985, Q4, date(2026, 11, 16), Proration.NONE, 8995),
        (8995, DECEMBER, date(2026, 12, 1), Proration.CAL, 8995),
        (8995, DECEMBER, date(2026, 12, 31), Proration.CAL, 290),
    ],
)
def test_days_are_given_back_as_they_were_charged(
    cents: int, period: tuple[date, date], since: date, proration: Proration, expected: int
) -> None:
    line = charged(cents, period=period, proration=proration)

    if not expected:
        with pytest.raises(NothingToCredit):
            takings([line], [Part(line=line.id, since=since)], left_gross_cents=document([line]))
        return
    (taken,) = takings([line], [Part(line=line.id, since=since)], left_gross_cents=document([line]))

    assert (taken.amount_cents, taken.period) == (expected, (since, period[1]))


def test_a_day_that_a_month_of_thirty_days_does_not_count_is_given_back_as_it_was_charged() -> None:
    line = charged(300, period=(date(2026, 12, 30), date(2026, 12, 31)), proration=Proration.E30_360)

    assert unused(line, date(2026, 12, 1)) == 300


def test_nothing_chosen_is_everything_that_is_left() -> None:
    lines = [charged(10000), charged(5000, credited=2000), charged(-1000), charged(300, credited=300)]

    taken = takings(lines, [], left_gross_cents=10**6)

    assert [one.amount_cents for one in taken] == [10000, 3000, -1000]


def test_a_line_taken_back_whole_reads_as_it_was_charged() -> None:
    line = charged(26985, quantity=Decimal(3), unit_price=Decimal("89.95"), period=Q4)
    (whole,) = takings([line], [], left_gross_cents=10**6)
    (part,) = takings([line], [Part(line=line.id, amount_cents=100)], left_gross_cents=10**6)

    both = drafted(whole, "Krediet", {}), drafted(part, "Krediet", {})

    assert (both[0].quantity, both[0].unit_price, both[0].period, both[0].credits) == (Decimal(3), Decimal("89.95"), Q4, line.id)
    assert (both[1].quantity, both[1].unit_price, both[1].period, both[1].kind) == (Decimal(1), Decimal("1.00"), None, LineKind.CREDIT)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"amount_cents": 8996}, "more-than-charged"),
        ({"amount_cents": 0}, "more-than-charged"),
        ({"amount_cents": -1}, "more-than-charged"),
        ({"since": date(2027, 1, 1)}, "not-in-period"),
        ({"since": date(2026, 11, 30)}, "not-in-period"),
        ({"line": UUID(int=1)}, "unknown-line"),
    ],
)
def test_what_was_not_charged_is_not_credited(part: dict[str, Any], code: str) -> None:
    line = charged(period=DECEMBER)

    with pytest.raises(MoreThanCharged) as refused:
        takings([line], [Part(**{"line": line.id, **part})], left_gross_cents=10**6)

    assert [fault.code for fault in refused.value.fields] == [code]


def test_a_line_is_named_once() -> None:
    line = charged()

    with pytest.raises(MoreThanCharged) as refused:
        takings([line], [Part(line=line.id, amount_cents=1), Part(line=line.id, amount_cents=1)], left_gross_cents=10**6)

    assert {fault.code for fault in refused.value.fields} == {"line-twice"}


def test_what_a_document_gave_back_itself_is_not_given_back_twice() -> None:
    lines = [charged(10000), charged(-4000)]

    with pytest.raises(MoreThanCharged) as refused:
        takings(lines, [Part(line=lines[0].id)], left_gross_cents=document(lines))

    assert [fault.code for fault in refused.value.fields] == ["more-than-document"]


def test_a_cent_of_vat_that_was_rounded_up_is_not_taken_back_twice() -> None:
    line = charged(6)  # VAT 1; two halves of 3 have VAT 1 each
    (first,) = takings([line], [Part(line=line.id, amount_cents=3)], left_gross_cents=7)

    (second,) = takings([charged(6, credited=3, id=line.id)], [], left_gross_cents=7 - gross([first]))

    assert gross([first]) == 4
    assert (second.amount_cents, gross([second])) == (2, 2)


_VATS = [Vat(), Vat(prices_include_vat=True)]


@given(
    cents=some.lists(some.integers(-50_00, 300_00), min_size=1, max_size=5),
    vat=some.sampled_from(_VATS),
    tries=some.lists(some.tuples(some.integers(0, 4), some.integers(-60_00, 320_00) | some.none()), max_size=14),
)
def test_never_more_is_credited_than_was_charged_whatever_the_order(
    cents: list[int], vat: Vat, tries: list[tuple[int, int | None]]
) -> None:
    lines = [charged(amount, vat=vat) for amount in cents]
    billed = document(lines)
    credited = {line.id: 0 for line in lines}
    given_back = 0
    for place, amount in [*tries, (-1, None)]:
        now = [charged(line.amount_cents, credited=credited[line.id], id=line.id, vat=vat) for line in lines]
        chosen = [] if place == -1 else [Part(line=lines[place % len(lines)].id, amount_cents=amount)]
        try:
            taken = takings(now, chosen, left_gross_cents=max(billed, 0) - given_back)
        except (MoreThanCharged, NothingToCredit):
            continue
        given_back += gross(taken)
        for one in taken:
            credited[one.charged.id] += one.amount_cents

    assert 0 <= given_back <= max(billed, 0)
    for line in lines:
        assert min(0, line.amount_cents) <= credited[line.id] <= max(0, line.amount_cents)
