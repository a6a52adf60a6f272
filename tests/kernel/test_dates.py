"""Months are counted from their anchor, periods are half-open, and holidays are those of the Dutch statute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_portal.kernel import dates
from partner_portal.kernel.dates import MonthsAndDays, Period

some_day = st.dates(date(1950, 1, 1), date(2150, 12, 31))
some_months = st.integers(-600, 600)
D = date.fromisoformat


@pytest.mark.parametrize(
    ("anchor", "months", "reached"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2100-01-31", 1, "2100-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -13, "2024-12-15"),
        ("2026-05-05", 0, "2026-05-05"),
    ],
)
def test_months_keep_the_number_of_the_day_or_clip_it(anchor: str, months: int, reached: str) -> None:
    assert dates.add_months(D(anchor), months) == D(reached)


@given(some_day, some_months)
def test_months_land_in_the_right_month_on_the_number_or_its_last_day(anchor: date, months: int) -> None:
    reached = dates.add_months(anchor, months)
    assert (reached.year - anchor.year) * 12 + reached.month - anchor.month == months
    assert reached.day == min(anchor.day, dates.last_of_month(reached).day)


@given(some_day, st.integers(0, 600), st.integers(0, 40))
def test_counting_months_back_agrees_with_adding_them(since: date, months: int, more: int) -> None:
    until = dates.add_months(since, months) + timedelta(days=more)
    started, whole = dates.months_started(since, until), dates.whole_months(since, until)
    assert dates.add_months(since, started) >= until
    assert started == 0 or dates.add_months(since, started - 1) < until
    assert dates.add_months(since, whole) <= until < dates.add_months(since, whole + 1)
    counted = dates.months_floor_days(since, until)
    assert counted.months == whole
    assert dates.add_months(since, whole) + timedelta(days=counted.days) == until
    assert counted.days < counted.of


@pytest.mark.parametrize(
    ("since", "until", "started", "counted"),
    [
        ("2026-11-30", "2027-02-28", 3, MonthsAndDays(3, 0, 30)),
        ("2026-12-16", "2027-06-15", 6, MonthsAndDays(5, 30, 31)),
        ("2026-01-31", "2026-03-01", 2, MonthsAndDays(1, 1, 31)),
        ("2026-03-01", "2026-03-01", 0, MonthsAndDays(0, 0, 31)),
        ("2026-03-02", "2026-03-01", 0, MonthsAndDays(0, 0, 31)),
    ],
)
def test_remaining_months_by_both_ways_of_counting(since: str, until: str, started: int, counted: MonthsAndDays) -> None:
    assert dates.months_started(D(since), D(until)) == started
    assert dates.months_floor_days(D(since), D(until)) == counted


@given(some_day, st.integers(0, 120))
def test_the_first_day_that_reaches_is_the_first(until: date, months: int) -> None:
    day = dates.first_day_reaching(until, months)
    assert dates.add_months(day, months) >= until > dates.add_months(day - timedelta(days=1), months)


def test_a_period_ends_before_its_until() -> None:
    period = Period(D("2026-12-01"), D("2027-01-01"))
    assert period.last_day == D("2026-12-31")
    assert period.days == 31
    assert D("2026-12-01") in period
    assert D("2026-12-31") in period
    assert D("2027-01-01") not in period
    assert D("2026-11-30") not in period
    assert Period(D("2026-12-02"), D("2026-12-01")).days == 0


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (("2026-12-10", "2027-02-01"), ("2026-12-10", "2027-01-01")),
        (("2026-11-01", "2026-12-05"), ("2026-12-01", "2026-12-05")),
        (("2027-03-01", "2027-04-01"), ("2027-03-01", "2027-03-01")),
        (("2026-10-01", "2026-11-01"), ("2026-12-01", "2026-12-01")),
    ],
)
def test_periods_share_the_days_in_both(other: tuple[str, str], shared: tuple[str, str]) -> None:
    december = Period(D("2026-12-01"), D("2027-01-01"))
    assert december.overlap(Period(*map(D, other))) == Period(*map(D, shared))


@given(some_day, st.sampled_from([1, 3, 12]), some_day)
def test_the_anchored_period_holds_the_day(anchor: date, months: int, day: date) -> None:
    period = dates.anchored_period(anchor, months, day)
    assert day in period
    assert dates.add_months(anchor, dates.month_index_in(anchor, period.start)) == period.start


@pytest.mark.parametrize(
    ("day", "first", "last", "length"), [("2026-02-10", "2026-02-01", "2026-02-28", 28), ("2028-02-29", "2028-02-01", "2028-02-29", 29)]
)
def test_the_bounds_of_a_month(day: str, first: str, last: str, length: int) -> None:
    assert dates.first_of_month(D(day)) == D(first)
    assert dates.last_of_month(D(day)) == D(last)
    assert dates.days_in_month(D(day)) == length


@pytest.mark.parametrize(
    ("year", "easter"),
    [
        (1818, "1818-03-22"),
        (1943, "1943-04-25"),
        (1954, "1954-04-18"),
        (1981, "1981-04-19"),
        (2000, "2000-04-23"),
        (2024, "2024-03-31"),
        (2025, "2025-04-20"),
        (2026, "2026-04-05"),
        (2038, "2038-04-25"),
        (2049, "2049-04-18"),
        (2285, "2285-03-22"),
    ],
)
def test_easter(year: int, easter: str) -> None:
    assert dates.easter_sunday(year) == D(easter)


@given(st.integers(1600, 2600))
def test_easter_is_a_sunday_in_its_season(year: int) -> None:
    easter = dates.easter_sunday(year)
    assert easter.weekday() == 6
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)


def test_liberation_day_and_good_friday_are_holidays_every_year() -> None:
    for year in range(2020, 2040):
        assert date(year, 5, 5) in dates.statutory_holidays(year)
        assert dates.easter_sunday(year) - timedelta(days=2) in dates.statutory_holidays(year)


@pytest.mark.parametrize(
    ("year", "day"), [(2025, "2025-04-26"), (2026, "2026-04-27"), (2014, "2014-04-26"), (2013, "2013-04-30"), (2006, "2006-04-29")]
)
def test_the_monarchs_birthday_moves_off_sunday(year: int, day: str) -> None:
    dates.statutory_holidays.cache_clear()
    springtime = [holiday for holiday in dates.statutory_holidays(year) if date(year, 4, 24) < holiday < date(year, 5, 5)]
    assert D(day) in springtime
    assert len(springtime) == 1 + (dates.easter_sunday(year) + timedelta(days=1) in springtime)


def test_a_day_equated_by_decree_is_no_working_day() -> None:
    bridge = D("2026-05-15")
    assert dates.is_working_day(bridge)
    assert not dates.is_working_day(bridge, frozenset({bridge}))
    assert dates.next_working_day(bridge) == bridge
    assert dates.next_working_day(bridge, frozenset({bridge})) == D("2026-05-18")
    assert dates.add_working_days(D("2026-05-13"), 1, frozenset({bridge})) == D("2026-05-18")
    assert dates.statutory_days_end(D("2026-05-01"), 14, frozenset({bridge})) == D("2026-05-18")
    assert dates.statutory_days_end(D("2026-05-12"), 3, frozenset({D("2026-05-13"), bridge})) == D("2026-05-19")


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-22", "2026-12-25", "2026-05-05", "2027-03-26"])
def test_weekends_and_holidays_are_no_working_days(day: str) -> None:
    assert not dates.is_working_day(D(day))


@pytest.mark.parametrize(
    ("day", "count", "reached"), [("2026-12-24", 2, "2026-12-29"), ("2026-11-20", 1, "2026-11-23"), ("2026-11-21", 0, "2026-11-21")]
)
def test_working_days_are_counted_after_the_day(day: str, count: int, reached: str) -> None:
    assert dates.add_working_days(D(day), count) == D(reached)


@pytest.mark.parametrize(
    ("day", "days", "end"),
    [
        ("2026-12-12", 14, "2026-12-28"),
        ("2026-12-24", 3, "2026-12-29"),
        ("2026-12-24", 2, "2026-12-28"),
        ("2026-08-24", 90, "2026-11-23"),
        ("2026-08-23", 91, "2026-11-22"),
        ("2025-04-16", 3, "2025-04-22"),
    ],
)
def test_a_statutory_term_moves_to_a_working_day_unless_it_is_long(day: str, days: int, end: str) -> None:
    assert dates.statutory_days_end(D(day), days) == D(end)


def test_the_civil_day_is_amsterdams() -> None:
    assert dates.local_date(datetime(2026, 12, 31, 23, 0, tzinfo=UTC)) == D("2027-01-01")
    assert dates.local_date(datetime(2026, 12, 31, 22, 59, tzinfo=UTC)) == D("2026-12-31")
    assert dates.end_of_day_utc(D("2026-06-30")).tzinfo is UTC
    assert dates.end_of_day_utc(D("2026-06-30")) == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)
    assert dates.end_of_day_utc(D("2026-12-31")) == datetime(2026, 12, 31, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-22", 24)])
def test_a_day_is_not_always_24_hours(day: str, hours: int) -> None:
    assert dates.day_hours(D(day)) == hours
