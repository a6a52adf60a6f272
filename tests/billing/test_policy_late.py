"""Interest and costs at their edges: leap years, new rates in the middle, payments and credit notes in between, the last day of a term."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.collection import collection_costs, fourteen_day_letter
from billing.policy.interest import CONSUMER_RATES, TRADE_RATES, Rate, Reduction, known_until, statutory_interest
from billing.policy.late import Late, days_until, reckon, rest
from partner_portal.kernel.dates import Period, add_months

A, B = UUID(int=1), UUID(int=2)
DAY = timedelta(days=1)


def by_day(principal: int, due: date, until: date, rates: tuple[Rate, ...], paid: dict[date, int]) -> Fraction:
    """Somebody else's reckoning: each day at its rate, interest of a whole year joining what bears interest."""
    open_now, added, of_year, total, first = Fraction(principal), Fraction(0), Fraction(0), Fraction(0), due + DAY
    today, years = first, 0
    for on, cents in paid.items():
        open_now -= cents if on <= first else 0
    while today < until:
        if today == add_months(first, 12 * (years + 1)):
            added, of_year, years = added + of_year, Fraction(0), years + 1
        if today > first:
            open_now -= paid.get(today, 0)
        rate = [one for one in rates if one.since <= today][-1]
        interest = (open_now + added) * Fraction(rate.percentage) / 36500
        of_year, total, today = of_year + interest, total + interest, today + DAY
    return total


@pytest.mark.parametrize("rates", [CONSUMER_RATES, TRADE_RATES], ids=["consumer", "trade"])
@pytest.mark.parametrize(
    ("due", "until"),
    [
        (date(2024, 2, 28), date(2024, 3, 1)),  # 29 February alone
        (date(2024, 2, 28), date(2026, 3, 15)),  # begins on a leap day: the year is over on 28 February
        (date(2024, 2, 29), date(2025, 3, 2)),
        (date(2025, 12, 31), date(2026, 1, 1)),  # no day
        (date(2025, 12, 30), date(2026, 1, 2)),  # a new rate in the middle
        (date(2022, 12, 31), date(2026, 7, 2)),  # every rate, three anniversaries
    ],
)
@pytest.mark.parametrize(
    "paid", [{}, {30: 40_000}, {0: 10_000, 1: 5_000}, {366: 60_000, 400: 40_000}], ids=["unpaid", "once", "at once", "whole"]
)
def test_interest_is_what_each_single_day_bears(rates: tuple[Rate, ...], due: date, until: date, paid: dict[int, int]) -> None:
    days = {due + timedelta(days=late): cents for late, cents in paid.items()}

    found = statutory_interest(100_000, due, until, rates, reductions=[Reduction(on, cents) for on, cents in days.items()])

    assert found.exact_cents == by_day(100_000, due, until, rates, days)


def test_no_more_is_taken_off_than_there_is() -> None:
    due, until = date(2026, 1, 1), date(2026, 6, 1)
    assert statutory_interest(1000, due, until, CONSUMER_RATES, reductions=[Reduction(date(2026, 1, 2), 2000)]).cents == 0


TERM = date(2026, 3, 20)
UNTIL = date(2026, 3, 26)
MOST = 10**9


def late(invoice: UUID = A, owed: int = 50_000, *paid: tuple[date, int]) -> Late:
    return Late(invoice=invoice, due_on=date(2026, 1, 31), owed_cents=owed, paid=paid)


@pytest.mark.parametrize(("on", "charged"), [(TERM, False), (TERM + DAY, True)])
def test_the_last_day_of_the_term_is_still_in_time(on: date, *, charged: bool) -> None:
    found = reckon([late(A, 50_000, (on, 50_000))], rates=CONSUMER_RATES, term_ended_on=TERM, until=UNTIL, said_costs_cents=MOST)

    assert bool(found.charged) is charged
    assert found.costs_cents == (7_500 if charged else 0)


def test_what_was_paid_in_part_and_credited_bears_costs_over_the_rest_only() -> None:
    found = reckon(
        [late(A, 30_000, (date(2026, 3, 1), 5_000)), late(B, 100_000)],
        rates=TRADE_RATES,
        term_ended_on=TERM,
        until=UNTIL,
        said_costs_cents=MOST,
    )

    assert found.principal_cents == 125_000
    assert found.costs_cents == collection_costs([25_000, 100_000]) == 18_750
    assert [one.principal_cents for one in found.charged] == [25_000, 100_000]


def test_costs_are_never_more_than_the_letter_said_nor_charged_twice() -> None:
    asked = {"rates": CONSUMER_RATES, "term_ended_on": TERM, "until": UNTIL}
    assert reckon([late()], said_costs_cents=4_000, **asked).costs_cents == 4_000  # type: ignore[arg-type]
    assert reckon([late()], said_costs_cents=MOST, earlier=(50_000, 7_500), **asked).costs_cents == 7_500  # type: ignore[arg-type]
    assert reckon([late()], said_costs_cents=7_500, earlier=(50_000, 7_500), **asked).costs_cents == 0  # type: ignore[arg-type]
    assert reckon([], said_costs_cents=MOST, **asked).costs_cents == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "last"),
    [
        (date(2026, 11, 20), date(2026, 12, 8)),  # Friday; it arrives on Tuesday
        (date(2026, 12, 21), date(2027, 1, 6)),  # arrives on the 23rd; the fourteenth day is 6 January
        (date(2028, 2, 14), date(2028, 3, 1)),  # over a leap day
        (date(2027, 3, 23), date(2027, 4, 8)),  # over Easter
    ],
)
def test_fourteen_days_run_from_the_day_after_delivery(sent: date, last: date) -> None:
    assert fourteen_day_letter(sent_on=sent).last_day_to_pay == last


@pytest.mark.parametrize(
    ("rates", "owed", "paid", "cuts", "charged"),
    [
        # EUR 500 due on 31 January 2026, 4 %: what one document asks to 1 July is what three ask of its parts.
        (CONSUMER_RATES, 50_000, (), ["2026-07-01"], [822]),
        (CONSUMER_RATES, 50_000, (), ["2026-03-26", "2026-05-01", "2026-07-01"], [290, 198, 334]),
        # A day each: a cent now and then, never more together.
        (CONSUMER_RATES, 50_000, (), ["2026-02-02", "2026-02-03", "2026-02-04", "2026-02-05"], [5, 6, 5, 6]),
        # Half paid on 1 April: the second document asks half for the days after it.
        (CONSUMER_RATES, 50_000, ((date(2026, 4, 1), 25_000),), ["2026-03-26", "2026-05-01"], [290, 115]),
        # Trade: 10.15 % up to 30 June 2026, 10.40 % from 1 July on.
        (TRADE_RATES, 100_000, (), ["2026-07-01", "2026-08-01"], [4171, 884]),
        # A day whose rate nobody knows is charged by nobody.
        (TRADE_RATES, 100_000, (), ["2026-12-31", "2027-06-01"], [9385, 29]),
    ],
)
def test_what_is_charged_in_pieces_adds_up_to_what_it_would_be_in_one(
    rates: tuple[Rate, ...], owed: int, paid: tuple[tuple[date, int], ...], cuts: list[str], charged: list[int]
) -> None:
    first, found = date(2026, 2, 1), []
    for nth, cut in enumerate(cuts, 1):
        days = days_until(first, date.fromisoformat(cut), rates)
        one = Late(invoice=A, due_on=date(2026, 1, 31), owed_cents=owed, paid=paid, days=days, nth=nth)
        (asked,) = rest([one], rates).charged
        found.append(asked.interest_cents)
        first = days.until

    assert found == charged
    assert sum(found) == late(A, owed, *paid).interest_of(Period(date(2026, 2, 1), first), rates)


@given(
    owed=st.integers(1, 10**7),
    cuts=st.lists(st.integers(1, 1500), min_size=1, max_size=8, unique=True),
    paid=st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 10**6)), max_size=3),
    trade=st.booleans(),
)
def test_however_often_interest_is_charged_each_day_is_charged_once(
    owed: int, cuts: list[int], paid: list[tuple[int, int]], *, trade: bool
) -> None:
    due, rates = date(2022, 12, 15), TRADE_RATES if trade else CONSUMER_RATES
    one = Late(invoice=A, due_on=due, owed_cents=owed, paid=[(due + timedelta(days=after), cents) for after, cents in paid])
    first, charged = due + DAY, []
    for cut in sorted(cuts):
        days = days_until(first, due + DAY + timedelta(days=cut), rates)
        charged.append((days, one.interest_of(days, rates)))
        first = days.until

    assert all(earlier.until == later.start for (earlier, _), (later, _) in pairwise(charged)), "no day twice, none left out"
    assert all(cents >= 0 for _, cents in charged)
    assert sum(cents for _, cents in charged) == one.interest_of(Period(due + DAY, first), rates)
    assert first <= known_until(rates)
