"""The what-if calendar as people pay it: for each day the final bill and the fees until then, with VAT."""

from __future__ import annotations

from typing import NamedTuple

from billing.policy.tax import Vat, vat_total

from .calendar import Calendar, Row


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
    return tuple(_point(row, vat) for row in calendar.rows)


def _point(row: Row, vat: Vat) -> Point:
    # One document each, as the bill has them: VAT on the sum of the lines, rounded once.
    final = vat_total([row.extra_cost_cents, row.usage_cents, -row.credit_cents], vat)
    return Point(final.total_cents, vat_total([row.fees_cents], vat).total_cents)
