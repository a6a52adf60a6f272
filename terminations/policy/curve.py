"""The what-if calendar as people pay it: for each day the final bill and the fees until then, with VAT."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from billing.policy.tax import Vat, vat_total
from partner_portal.kernel.dates import add_months

from .calendar import Calendar, Saving


class Point(NamedTuple):
    """What ending on one day costs, in cents with VAT: the totals of the preview of that day."""

    final_cents: int
    """The final bill: what leaving costs, with use and less what comes back."""
    fees_cents: int
    """The ordinary fees still to come until billing ends."""

    @property
    def total_cents(self) -> int:
        """All that is still to pay."""
        return self.final_cents + self.fees_cents


def curve(calendar: Calendar, vat: Vat) -> tuple[Point, ...]:
    """One point for each row; `vat` is how every service of the price layer is taxed."""
    # One document each, as the bill has them: VAT on the sum of the lines, rounded once. For many days on end the lines are the same.
    with_vat = cache(lambda *cents: vat_total(cents, vat).total_cents)
    return tuple(
        Point(with_vat(row.extra_cost_cents, row.usage_cents, -row.credit_cents), with_vat(row.fees_cents)) for row in calendar.rows
    )


def good_early_day(calendar: Calendar, points: Sequence[Point], not_before: date) -> date | None:
    """The cheapest day within a month from `not_before` and before nothing binds; of equals the earliest. None where no such day is left."""
    first = calendar.rows[0].day
    until = min(add_months(not_before, 1), calendar.first_free_end)
    days = range(max((not_before - first).days, 0), min((until - first).days, len(points)))
    return first + timedelta(days=min(days, key=lambda day: points[day].total_cents)) if days else None


def saving(points: Sequence[Point], first: date, day: date) -> Saving | None:
    """What waiting longer than `day` would save at best, with VAT; of equals the shortest wait. None where it saves nothing."""
    nth = (day - first).days
    if not 0 <= nth < len(points):
        return None
    best = min(range(nth, len(points)), key=lambda later: points[later].total_cents)
    saves = points[nth].total_cents - points[best].total_cents
    return Saving(first + timedelta(days=best), best - nth, saves) if saves else None
