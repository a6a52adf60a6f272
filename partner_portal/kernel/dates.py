"""Days as the law counts them: months from an anchor, half-open periods, Dutch holidays and working days."""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

ONE_DAY = timedelta(days=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NO_EXTRA_HOLIDAYS: frozenset[date] = frozenset()

_MONTHS_IN_YEAR = 12
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_SATURDAY = 5
_KINGS_DAY_SINCE = 2014
# Algemene termijnenwet art. 4 and 2: terms in days longer than this are not moved; from this length two working days must be in it.
_LONGEST_MOVED_TERM = 90
_SHORTEST_TERM_WITH_TWO_WORKING_DAYS = 3


def days_in_month(day: date) -> int:
    """Return the number of days of the calendar month that holds `day`."""
    return _month_length(day.year, day.month)


def first_of_month(day: date) -> date:
    """Return the first day of the calendar month that holds `day`."""
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    """Return the last day of the calendar month that holds `day`."""
    return day.replace(day=days_in_month(day))


def add_months(anchor: date, months: int) -> date:
    """Return the day with the anchor's number `months` later (or earlier), clipped to the month's last day.

    Always count from the original anchor: 31 January plus two is 31 March, plus one and one is 28 March.
    """
    year, month = divmod(anchor.year * _MONTHS_IN_YEAR + anchor.month - 1 + months, _MONTHS_IN_YEAR)
    return date(year, month + 1, min(anchor.day, _month_length(year, month + 1)))


def whole_months(since: date, until: date) -> int:
    """Return the largest k with `add_months(since, k) <= until`; 0 when `until` is not later."""
    if until <= since:
        return 0
    months = _month_index(until) - _month_index(since)
    return months if add_months(since, months) <= until else months - 1


def months_started(since: date, until: date) -> int:
    """Return the smallest k >= 0 with `add_months(since, k) >= until`: a month begun counts whole."""
    if until <= since:
        return 0
    months = _month_index(until) - _month_index(since)
    return months if add_months(since, months) >= until else months + 1


def first_day_reaching(until: date, months: int) -> date:
    """Return the first day from which `months` months reach `until`: the least d with `add_months(d, months) >= until`."""
    day = add_months(until, -months)
    while add_months(day, months) < until:
        day += ONE_DAY
    return day


class MonthsAndDays(msgspec.Struct, frozen=True):
    """Whole months, then odd days out of the days of the month they lie in."""

    months: int
    days: int
    of: int


def months_floor_days(since: date, until: date) -> MonthsAndDays:
    """Return whole months from `since`, the odd days up to `until`, and the length of the month those lie in.

    That month runs between two anchors, both counted from `since`.
    """
    months = whole_months(since, until)
    reached = add_months(since, months)
    return MonthsAndDays(months, max((until - reached).days, 0), (add_months(since, months + 1) - reached).days)


class Period(msgspec.Struct, frozen=True):
    """Days from `start` up to but not including `until`."""

    start: date
    until: date

    @property
    def last_day(self) -> date:
        """The last day in the period, as people are told it."""
        return self.until - ONE_DAY

    @property
    def days(self) -> int:
        """The number of days; never negative."""
        return max((self.until - self.start).days, 0)

    def __contains__(self, day: date) -> bool:
        """Whether `day` lies in the period."""
        return self.start <= day < self.until

    def overlap(self, other: Period) -> Period:
        """Return the days both periods share; an empty period where there are none."""
        start = max(self.start, other.start)
        return Period(start, max(start, min(self.until, other.until)))


def month_index_in(anchor: date, day: date) -> int:
    """Return which anchored month holds `day`: k with `add_months(anchor, k) <= day < add_months(anchor, k + 1)`."""
    months = _month_index(day) - _month_index(anchor)
    return months if add_months(anchor, months) <= day else months - 1


def anchored_period(anchor: date, months: int, day: date) -> Period:
    """Return the period of `months` months counted from `anchor` that holds `day`."""
    index = month_index_in(anchor, day) // months
    return Period(add_months(anchor, index * months), add_months(anchor, (index + 1) * months))


@lru_cache(maxsize=512)
def easter_sunday(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_shift + 15) % 30
    leaps, leap_rest = divmod(rest, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - epact - leap_rest) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=512)
def statutory_holidays(year: int) -> tuple[date, ...]:
    """Return the generally recognised holidays in order (Algemene termijnenwet art. 3): 5 May every year, Good Friday too."""
    easter = easter_sunday(year)
    return tuple(
        sorted(
            {
                date(year, 1, 1),
                easter - timedelta(days=2),
                easter + timedelta(days=1),
                _monarchs_birthday(year),
                date(year, 5, 5),
                easter + timedelta(days=39),
                easter + timedelta(days=50),
                date(year, 12, 25),
                date(year, 12, 26),
            }
        )
    )


def is_working_day(day: date, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> bool:
    """Whether `day` is no Saturday, Sunday, statutory holiday or day equated by decree (`extra_holidays`)."""
    return day.weekday() < _SATURDAY and day not in statutory_holidays(day.year) and day not in extra_holidays


def next_working_day(day: date, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> date:
    """Return `day` itself if it is a working day, else the first working day after it."""
    while not is_working_day(day, extra_holidays):
        day += ONE_DAY
    return day


def add_working_days(day: date, count: int, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> date:
    """Return the `count`-th working day after `day`; `day` itself when `count` is 0."""
    for _ in range(count):
        day = next_working_day(day + ONE_DAY, extra_holidays)
    return day


def statutory_days_end(day: date, days: int, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> date:
    """Return the last day of a statutory term of `days` days after `day` (Algemene termijnenwet art. 1, 2 and 4).

    For terms set by law only, never for a contract's notice period.
    """
    end = day + timedelta(days=days)
    if days > _LONGEST_MOVED_TERM:
        return end
    end = next_working_day(end, extra_holidays)
    if days >= _SHORTEST_TERM_WITH_TWO_WORKING_DAYS:
        end = max(end, add_working_days(day, 2, extra_holidays))
    return end


def local_date(instant: datetime) -> date:
    """Return the civil day in Europe/Amsterdam on which an aware instant falls."""
    return instant.astimezone(AMSTERDAM).date()


def end_of_day_utc(day: date) -> datetime:
    """Return the first instant after the civil day, in UTC: what happened before it happened on that day."""
    return datetime.combine(day + ONE_DAY, time.min, AMSTERDAM).astimezone(UTC)


def day_hours(day: date) -> int:
    """Return the length of the civil day in hours: 23, 24 or 25."""
    return (end_of_day_utc(day) - end_of_day_utc(day - ONE_DAY)) // timedelta(hours=1)


def _month_length(year: int, month: int) -> int:
    return _MONTH_LENGTHS[month - 1] + (month == _FEBRUARY and isleap(year))


def _month_index(day: date) -> int:
    return day.year * _MONTHS_IN_YEAR + day.month


def _monarchs_birthday(year: int) -> date:
    """King's Day, before 2014 Queen's Day; celebrated a day earlier where it would be a Sunday."""
    birthday = date(year, 4, 27) if year >= _KINGS_DAY_SINCE else date(year, 4, 30)
    return birthday - ONE_DAY if birthday.weekday() == 6 else birthday  # noqa: PLR2004 - Sunday
