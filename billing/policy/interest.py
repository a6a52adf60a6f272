"""Statutory interest on a late payment, day by day at the rate in force on that day; days whose rate nobody knows bear none yet.

Trade (BW 6:119a, 6:120(2)): what the European Central Bank asked in its last main refinancing operation before the half-year, and eight points.
Consumers (BW 6:119, 6:120(1)): by decree, looked at before each half-year. A rate is known for the half-years that stand in its table and no longer,
also where it did not change: an old rate that goes on unnoticed is a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import msgspec

from partner_portal.kernel.dates import ONE_DAY, Period, add_months
from partner_portal.kernel.errors import Invalid
from partner_portal.kernel.money import round_half_up


class NoInterestRate(Invalid):
    """The rate table begins after the first day on which interest runs."""


class RateKind(StrEnum):
    """Of which debtors."""

    CONSUMER = "consumer"
    TRADE = "trade"


class Rate(msgspec.Struct, frozen=True):
    """A yearly percentage in force from a day on, until the next one."""

    since: date
    percentage: Decimal


class Reduction(msgspec.Struct, frozen=True):
    """So many cents of the principal were paid; from that day on they bear no interest."""

    on: date
    cents: int


class Interest(msgspec.Struct, frozen=True):
    """Interest over `period`: exact, and rounded once to cents."""

    period: Period
    exact_cents: Fraction
    cents: int


def _rates(*steps: tuple[date, str]) -> tuple[Rate, ...]:
    return tuple(Rate(since, Decimal(percentage)) for since, percentage in steps)


# The operations of 25 June 2025 and 22 December 2025 asked 2.15, that of 17 June 2026 2.40. rijksoverheid.nl: 10.4 % since 1 July 2026.
TRADE_RATES = _rates(
    (date(2016, 1, 1), "8.05"),
    (date(2016, 7, 1), "8.00"),
    (date(2023, 1, 1), "10.50"),
    (date(2023, 7, 1), "12.00"),
    (date(2024, 1, 1), "12.50"),
    (date(2024, 7, 1), "12.25"),
    (date(2025, 1, 1), "11.15"),
    (date(2025, 7, 1), "10.15"),
    (date(2026, 1, 1), "10.15"),
    (date(2026, 7, 1), "10.40"),
)
# From 1 January 2026: Stb. 2025, 438 (2.15 on the last of October 2025, and 2.25 points, is 4.40). No other decree by 1 July 2026.
CONSUMER_RATES = _rates(
    (date(2016, 1, 1), "2"),
    (date(2023, 1, 1), "4"),
    (date(2023, 7, 1), "6"),
    (date(2024, 1, 1), "7"),
    (date(2025, 1, 1), "6"),
    (date(2026, 1, 1), "4"),
    (date(2026, 7, 1), "4"),
)
TABLES: Mapping[RateKind, Sequence[Rate]] = {RateKind.CONSUMER: CONSUMER_RATES, RateKind.TRADE: TRADE_RATES}
"""What was published when this was written; what is entered since comes on top."""
_HALF_YEAR = 6


def known_until(rates: Sequence[Rate]) -> date:
    """The first day whose rate is not known: the day after the last half-year in the table."""
    return add_months(rates[-1].since, _HALF_YEAR)


def unknown(rates: Sequence[Rate], until: date) -> Iterator[date]:
    """The half-years that begin by `until` and whose rate is not known, each by its first day."""
    since = known_until(rates)
    while since <= until:
        yield since
        since = add_months(since, _HALF_YEAR)


def with_entered(rates: Sequence[Rate], entered: Iterable[Rate]) -> tuple[Rate, ...]:
    """The table with what was entered since, in order of entering: of one half-year the last counts."""
    steps = {rate.since: rate for rate in (*rates, *entered)}
    return tuple(steps[since] for since in sorted(steps))


def statutory_interest(  # noqa: PLR0913  # the law has as many
    principal_cents: int,
    due_on: date,
    until: date,
    rates: Sequence[Rate],
    *,
    compound_yearly: bool = True,
    days_in_year: int = 365,
    reductions: Sequence[Reduction] = (),
) -> Interest:
    """Return the interest from the day after `due_on` up to (not including) `until`, rounded half up once.

    Compounding adds the interest, unrounded, to the principal on each anniversary of the first day
    (BW 6:119(2), 6:119a(3)). `reductions` take off principal only: no more of it than there is.
    """
    period = Period(due_on + ONE_DAY, until)
    principal, added, interest = Fraction(principal_cents), Fraction(0), Fraction(0)
    coming = sorted(reductions, key=lambda one: one.on)
    for year in _years(period) if compound_yearly else (period,):
        start, of_year = year.start, Fraction(0)
        while start < year.until:
            while coming and coming[0].on <= start:
                principal = max(principal - coming.pop(0).cents, Fraction(0))
            piece = Period(start, min([year.until, *(one.on for one in coming[:1])]))
            of_year += (principal + added) * _yearly_share(piece, rates, days_in_year)
            start = piece.until
        added += of_year
        interest += of_year
    return Interest(period, interest, round_half_up(interest.numerator, interest.denominator))


def _years(period: Period) -> Iterator[Period]:
    start, years = period.start, 0
    while start < period.until:
        years += 1
        until = min(add_months(period.start, 12 * years), period.until)
        yield Period(start, until)
        start = until


def _yearly_share(period: Period, rates: Sequence[Rate], days_in_year: int) -> Fraction:
    """Return the interest on a principal of one over `period`."""
    if not period.days:
        return Fraction(0)
    if not rates or rates[0].since > period.start:
        raise NoInterestRate(day=period.start.isoformat())
    untils = [rate.since for rate in rates[1:]] + [date.max]
    weighted = (
        period.overlap(Period(rate.since, until)).days * Fraction(rate.percentage) for rate, until in zip(rates, untils, strict=True)
    )
    return sum(weighted, Fraction(0)) / (100 * days_in_year)
