"""Indexation: by how much prices follow an index, and what each becomes. Rounded half up once, to the step that was chosen."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from partner_portal.kernel.money import round_half_up

LEAST, MOST = Decimal(-90), Decimal(100)
STEPS = (1, 5, 10, 50, 100)
"""To how many cents a price is rounded."""
_PLACES = Decimal("0.0001")


def percentage_of(index_from: Decimal, index_to: Decimal) -> Decimal:
    """By how many per cent an index went up from one figure to another, to four places."""
    return ((index_to - index_from) * 100 / index_from).quantize(_PLACES, ROUND_HALF_UP)


def indexed(cents: int, percentage: Decimal, step: int = 1) -> int:
    """The price so many per cent up (or down), to the nearest whole step."""
    numerator, denominator = (100 + percentage).as_integer_ratio()
    return round_half_up(cents * numerator, 100 * denominator * step) * step
