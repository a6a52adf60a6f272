"""The sum a person types: 350, 350,00, 350.00, EUR 1.234,56 or 1,234.56; never read as something else than it looks."""

from __future__ import annotations

import re

_MARKS = re.compile(r"EUR|\u20ac|\s", re.IGNORECASE)
_AMOUNT = re.compile(
    r"(?P<whole>[1-9]\d{0,2}(?:(?P<group>[.,])\d{3})(?:(?P=group)\d{3})*|\d+)(?:(?P<point>[.,])(?P<cents>\d{1,2}|-{1,2}))?"
)
_MOST = 10**11


def cents_typed(typed: str) -> int | None:
    """Return a typed amount in euros as cents; None where it is no amount, or could be read in two ways.

    A point or comma before three digits groups thousands, before one or two digits it separates the cents.
    """
    found = _AMOUNT.fullmatch(_MARKS.sub("", typed))
    if found is None or (found["group"] and found["group"] == found["point"]):
        return None
    whole = re.sub(r"[.,]", "", found["whole"])
    cents = (found["cents"] or "").strip("-").ljust(2, "0")
    amount = int(whole) * 100 + int(cents)
    return amount if amount < _MOST else None
