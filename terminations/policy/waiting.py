"""Until when a case waits for an answer, and when to remind."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from partner_portal.kernel.dates import end_of_day_utc, local_date


def until(today: date, *, valid_days: int, not_after: date) -> datetime:
    """The instant at which waiting ends: the end of the last of `valid_days` days, but never later than the end of `not_after`.

    `not_after` is the last service day, or the last day to give notice where the notice counts only from the customer's yes (decisions on
    receipt: a filed date is never moved, so an answer after it comes too late). Exclusive; a day that has passed already gives an instant in the past.
    """
    return end_of_day_utc(min(today + timedelta(days=valid_days), not_after))


def last_day(waits_until: datetime) -> date:
    """The civil day on which an answer is still in time: the one that ends at `waits_until`."""
    return local_date(waits_until - timedelta(seconds=1))


def reminder(now: datetime, waits_until: datetime, *, after_days: int) -> datetime | None:
    """When to remind once: `after_days` from `now`, or None where that leaves less than a day to answer."""
    at = now + timedelta(days=after_days)
    return at if at + timedelta(days=1) <= waits_until else None
