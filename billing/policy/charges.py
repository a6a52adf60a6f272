"""How much of a monthly price belongs to some days: proration, billing periods, price per part of a month.

Every way of counting is exact: a month is cut into PARTS_OF_MONTH equal parts, so many that a day of any month, a
thirtieth and a day of the 365-day year are all whole numbers of parts. Rounding happens once, when an amount is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import lru_cache

import msgspec

from partner_portal.kernel.dates import Period, add_months, days_in_month, last_of_month, months_started
from partner_portal.kernel.money import round_half_up

PARTS_OF_MONTH = 27_563_340  # the smallest number that 28, 29, 30, 31 and 365 all divide

_PARTS_OF_YEAR_DAY = 12 * PARTS_OF_MONTH // 365
_PARTS_OF_THIRTIETH = PARTS_OF_MONTH // 30
_MONTHS_IN_YEAR = 12
_DAYS_IN_COMMERCIAL_MONTH = 30


class Proration(StrEnum):
    """How part of a month is priced: by the days of its month, of the year, of a 30-day month, or not at all.

    NONE knows whole months only: a month begun counts whole.
    """

    CAL = "CAL"
    YEAR_365 = "365"
    E30_360 = "30E360"
    NONE = "NONE"


def parts(proration: Proration, start: date, until: date) -> int:
    """Return the days from `start` up to `until` as parts of a month; 0 when `until` is not later.

    Except for NONE, two adjoining stretches add up to the whole exactly.
    """
    if until <= start:
        return 0
    if proration is Proration.CAL:
        return calendar_position(until) - calendar_position(start)
    if proration is Proration.YEAR_365:
        return (until - start).days * _PARTS_OF_YEAR_DAY
    if proration is Proration.E30_360:
        return commercial_days(start, until) * _PARTS_OF_THIRTIETH
    return months_started(start, until) * PARTS_OF_MONTH


@lru_cache(maxsize=8192)
def calendar_position(day: date) -> int:
    """Return where `day` begins on a line on which every calendar month is PARTS_OF_MONTH long."""
    days = days_in_month(day)
    return (day.year * _MONTHS_IN_YEAR + day.month) * PARTS_OF_MONTH + (day.day - 1) * (PARTS_OF_MONTH // days)


def commercial_days(start: date, until: date, days_of_month: int = _DAYS_IN_COMMERCIAL_MONTH) -> int:
    """Return the days between two dates where every month has `days_of_month` days (30E/360)."""
    return _commercial_position(until, days_of_month) - _commercial_position(start, days_of_month)


def prorated(fee_cents: int, start: date, until: date, proration: Proration) -> int:
    """Return the price of the days from `start` up to `until` in cents, rounded half up once, at the end."""
    return round_half_up(fee_cents * parts(proration, start, until), PARTS_OF_MONTH)


def share_of(amount_cents: int, part_days: int, whole_days: int) -> int:
    """Return the part of an amount that falls on some of its days, in cents, rounded half up once."""
    return round_half_up(amount_cents * part_days, whole_days)


class BillingCycle(msgspec.Struct, frozen=True):
    """Billing periods of so many months, cut on one day of the month, which months without that day clip.

    `start` is the first day charged and `until` the first day no longer charged, if known.
    """

    start: date
    day_of_month: int
    months: int = 1
    until: date | None = None


class ChargedPeriod(msgspec.Struct, frozen=True):
    """Days charged out of a whole billing period; both the same unless service began or ended inside it."""

    days: Period
    whole: Period

    @property
    def is_whole(self) -> bool:
        """Whether the full price of the period is due."""
        return self.days == self.whole


def first_cycle_day(start: date, day_of_month: int) -> date:
    """Return the first day on or after `start` on which a billing period begins."""
    this_month = _on_day(start, day_of_month)
    return this_month if this_month >= start else _on_day(add_months(start.replace(day=1), 1), day_of_month)


def cycle_day(cycle: BillingCycle, index: int) -> date:
    """Return the day on which billing period `index` begins; 0 is the first on or after the start, -1 the one before.

    Counted from the day of the month, so a short month clips one period and no later one.
    """
    first = first_cycle_day(cycle.start, cycle.day_of_month)
    return _on_day(add_months(first.replace(day=1), index * cycle.months), cycle.day_of_month)


def charged_in_advance(cycle: BillingCycle, on: date) -> Iterator[ChargedPeriod]:
    """Yield what is charged up to and including `on` when each period is charged on its first day.

    A broken period before the first cycle day, and one cut off by the end, are charged by their days.
    """
    index = -1 if cycle_day(cycle, 0) > cycle.start else 0
    charged = _charged_period(cycle, index)
    while charged.days.days and charged.days.start <= on:
        yield charged
        index += 1
        charged = _charged_period(cycle, index)


def _charged_period(cycle: BillingCycle, index: int) -> ChargedPeriod:
    whole = Period(cycle_day(cycle, index), cycle_day(cycle, index + 1))
    until = whole.until if cycle.until is None else min(whole.until, cycle.until)
    return ChargedPeriod(Period(max(whole.start, cycle.start), until), whole)


def _on_day(day: date, day_of_month: int) -> date:
    return day.replace(day=min(day_of_month, last_of_month(day).day))


def _commercial_position(day: date, days_of_month: int) -> int:
    return (day.year * _MONTHS_IN_YEAR + day.month) * days_of_month + min(day.day, days_of_month)
