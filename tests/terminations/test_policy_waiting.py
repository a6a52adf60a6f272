"""How long a case waits for an answer, and when it reminds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from partner_portal.kernel.dates import local_date
from terminations.policy.waiting import last_day, reminder, until


@pytest.mark.parametrize(
    ("today", "days", "not_after", "ends"),
    [
        ("2026-11-22", 14, "2027-01-31", "2026-12-06T23:00:00+00:00"),  # fourteen days, to the end of the last
        ("2026-11-22", 14, "2026-11-30", "2026-11-30T23:00:00+00:00"),  # no longer than the date can be kept
        ("2026-11-22", 14, "2026-11-22", "2026-11-22T23:00:00+00:00"),  # today is still an answer
        ("2026-10-20", 5, "2027-01-31", "2026-10-25T23:00:00+00:00"),  # the clock goes back: the day has 25 hours
        ("2026-06-20", 5, "2027-01-31", "2026-06-25T22:00:00+00:00"),  # summer time
    ],
)
def test_waiting_ends_with_a_civil_day(today: str, days: int, not_after: str, ends: str) -> None:
    assert until(date.fromisoformat(today), valid_days=days, not_after=date.fromisoformat(not_after)) == datetime.fromisoformat(ends)


@given(some.dates(date(2020, 1, 1), date(2040, 1, 1)), some.integers(0, 60))
def test_the_last_day_to_answer_is_the_one_at_whose_end_waiting_ends(today: date, days: int) -> None:
    assert last_day(until(today, valid_days=days, not_after=date(2045, 1, 1))) == today + timedelta(days=days)


def test_a_reminder_comes_once_there_is_still_a_day_to_answer() -> None:
    now = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)

    assert reminder(now, now + timedelta(days=14), after_days=5) == now + timedelta(days=5)
    assert reminder(now, now + timedelta(days=6), after_days=5) == now + timedelta(days=5)
    assert reminder(now, now + timedelta(days=5, hours=23), after_days=5) is None


@given(some.dates(date(2020, 1, 1), date(2040, 1, 1)), some.integers(1, 60), some.dates(date(2020, 1, 1), date(2041, 1, 1)))
def test_nobody_is_waited_for_after_the_date_can_be_kept(today: date, days: int, not_after: date) -> None:
    last_instant = until(today, valid_days=days, not_after=not_after) - timedelta(seconds=1)

    assert local_date(last_instant) == min(today + timedelta(days=days), not_after)
