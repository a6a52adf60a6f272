"""Interest runs from the day after the due date, at the rate of each day, and compounds by full years."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import interest
from billing.policy.interest import CONSUMER_RATES, TABLES, TRADE_RATES, NoInterestRate, Rate, RateKind, known_until, with_entered
from partner_portal.kernel.dates import Period

D = date.fromisoformat
STEPS = (Rate(D("2024-01-01"), Decimal("12.50")), Rate(D("2024-07-01"), Decimal("12.25")), Rate(D("2025-01-01"), Decimal("11.15")))


@pytest.mark.parametrize(
    ("principal", "due_on", "until", "compound", "owed"),
    [
        (500000, "2024-06-30", "2024-08-01", False, 5202),
        (100000, "2024-01-31", "2025-02-01", False, 12294),
        (1000000, "2024-01-31", "2026-06-01", True, 293897),
        (800000, "2024-02-28", "2025-03-15", True, 101387),
        (100000, "2024-01-31", "2024-02-01", True, 0),
        (100000, "2024-01-31", "2024-01-15", False, 0),
    ],
)
def test_interest(principal: int, due_on: str, until: str, compound: bool, owed: int) -> None:  # noqa: FBT001 - a table's column
    assert interest.statutory_interest(principal, D(due_on), D(until), STEPS, compound_yearly=compound).cents == owed


def test_the_due_day_itself_bears_no_interest() -> None:
    owed = interest.statutory_interest(36500, D("2024-01-31"), D("2024-02-02"), [Rate(D("2024-01-01"), Decimal(10))])
    assert owed.period == Period(D("2024-02-01"), D("2024-02-02"))
    assert owed.exact_cents == 10
    assert owed.cents == 10


def test_interest_compounds_unless_told_otherwise() -> None:
    owed = interest.statutory_interest(1000000, D("2024-01-31"), D("2026-06-01"), STEPS)
    assert owed.cents == 293897


def test_no_days_need_no_rate() -> None:
    owed = interest.statutory_interest(1000, D("2024-01-31"), D("2024-02-01"), (), compound_yearly=False)
    assert (owed.exact_cents, owed.cents) == (Fraction(0), 0)
    assert isinstance(owed.exact_cents, Fraction)


def test_a_year_may_be_counted_in_other_days() -> None:
    owed = interest.statutory_interest(36600, D("2024-01-31"), D("2024-02-02"), [Rate(D("2024-01-01"), Decimal(10))], days_in_year=366)
    assert owed.exact_cents == 10


@pytest.mark.parametrize("rates", [(), STEPS])
def test_no_rate_is_guessed(rates: tuple[Rate, ...]) -> None:
    with pytest.raises(NoInterestRate) as refused:
        interest.statutory_interest(100, D("2023-12-30"), D("2024-02-02"), rates, compound_yearly=False)
    assert refused.value.facts == {"day": "2023-12-31"}


def test_the_first_day_of_the_table_is_covered() -> None:
    assert interest.statutory_interest(10**6, D("2023-12-31"), D("2024-01-02"), STEPS).cents == 342


@given(st.integers(1, 10**9), st.integers(0, 1200), st.integers(0, 400))
def test_more_days_never_owe_less_and_compounding_never_owes_less(principal: int, days: int, more: int) -> None:
    due_on = D("2024-01-31")
    until, later = due_on + timedelta(days=days), due_on + timedelta(days=days + more)
    simple = interest.statutory_interest(principal, due_on, until, STEPS, compound_yearly=False)
    compound = interest.statutory_interest(principal, due_on, until, STEPS)
    assert simple.exact_cents <= compound.exact_cents
    assert compound.exact_cents <= interest.statutory_interest(principal, due_on, later, STEPS).exact_cents
    assert isinstance(simple.exact_cents, Fraction)


@pytest.mark.parametrize("table", [TRADE_RATES, CONSUMER_RATES])
def test_the_dated_tables_rise_in_time(table: tuple[Rate, ...]) -> None:
    assert [rate.since for rate in table] == sorted(rate.since for rate in table)
    assert table[0].since == D("2016-01-01")


def test_the_trade_rate_of_early_2025() -> None:
    owed = interest.statutory_interest(100000, D("2025-01-31"), D("2025-03-02"), TRADE_RATES)
    assert owed.cents == 886


@pytest.mark.parametrize(
    ("kind", "on", "percentage", "why"),
    [
        (RateKind.TRADE, "2024-12-31", "12.25", "4.25 and 8"),
        (RateKind.TRADE, "2025-01-01", "11.15", "3.15 and 8"),
        (RateKind.TRADE, "2025-06-30", "11.15", "the last day of the half-year"),
        (RateKind.TRADE, "2025-07-01", "10.15", "2.15 and 8"),
        (RateKind.TRADE, "2026-01-01", "10.15", "2.15 and 8, unchanged"),
        (RateKind.TRADE, "2026-07-01", "10.40", "2.40 and 8"),
        (RateKind.CONSUMER, "2024-12-31", "7", "by decree"),
        (RateKind.CONSUMER, "2025-12-31", "6", "by decree"),
        (RateKind.CONSUMER, "2026-01-01", "4", "Stb. 2025, 438"),
        (RateKind.CONSUMER, "2026-12-31", "4", "no other decree"),
    ],
)
def test_the_rate_of_the_law_on_a_day(kind: RateKind, on: str, percentage: str, why: str) -> None:
    day = D(on)
    owed = interest.statutory_interest(3_650_000, day - timedelta(days=1), day + timedelta(days=1), TABLES[kind])
    assert owed.exact_cents == 100 * Decimal(percentage), why


def test_a_rate_is_known_for_its_half_year_and_no_longer() -> None:
    assert {kind: known_until(rates) for kind, rates in TABLES.items()} == {kind: D("2027-01-01") for kind in RateKind}
    later = with_entered(TRADE_RATES, [Rate(D("2027-01-01"), Decimal(9)), Rate(D("2027-01-01"), Decimal("9.5"))])
    assert (known_until(later), later[-1].percentage) == (D("2027-07-01"), Decimal("9.5"))
    assert with_entered(TRADE_RATES, [Rate(D("2025-07-01"), Decimal(10))])[-3:-2] == (Rate(D("2025-07-01"), Decimal(10)),), "corrected"
