"""Reading case files: days, amounts, notices and terms as the files write them, and comparing answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from billing.policy.terms import Align, CountFrom, Notice, NoticeUnit, Renewal, Terms
from partner_portal.kernel.money import exact_cents

Inputs = Mapping[str, Any]
Answer = Callable[[Inputs], Any]

# What an expected value says about other people's mistakes is no part of the answer.
REMARKS = frozenset({"wrong_value_seen", "plain_arithmetic_would_give"})


class Case(msgspec.Struct, frozen=True):
    """One case: its family (file kind and name), its number, what goes in and what should come out."""

    family: str
    id: str
    inputs: Any
    expected: Any


def day(text: str) -> date:
    """Return the civil day written as YYYY-MM-DD."""
    return date.fromisoformat(text)


def day_or_none(text: str | None) -> date | None:
    """Return the civil day, or None where the file leaves it empty."""
    return date.fromisoformat(text) if text else None


def written(value: date | None) -> str | None:
    """Return a day as the files write it."""
    return None if value is None else value.isoformat()


def cents_of(amount: str | float | None) -> int:
    """Return an amount in euros as cents; nothing is zero."""
    return exact_cents(str(amount)) if amount else 0


def euros(cents: int) -> Decimal:
    """Return cents as an amount in euros."""
    return Decimal(cents).scaleb(-2)


def notice_of(written_notice: Inputs | None) -> Notice | None:
    """Return the notice period a case names."""
    if written_notice is None:
        return None
    return Notice(written_notice["n"], NoticeUnit(written_notice["unit"]), CountFrom(written_notice["count_from"]))


def terms_of(inputs: Inputs) -> Terms:
    """Return the contract terms a keyed case describes."""
    return Terms(
        start=day(inputs["start"]),
        minimum_months=inputs["minimum_months"],
        renewal=Renewal(inputs["renewal"]),
        renewal_months=inputs.get("renewal_months") or 0,
        notice=notice_of(inputs["notice"]) or Notice(0),
        align=Align(inputs.get("align") or "NONE"),
        explicit_end=day_or_none(inputs.get("explicit_end")),
    )


def agrees(expected: Any, got: Any) -> bool:
    """Whether an answer holds all that is expected: numbers by value, everything else as it stands."""
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping):
            return False
        return all(agrees(value, got.get(key)) for key, value in expected.items() if key not in REMARKS)
    if isinstance(expected, list):
        return (
            isinstance(got, (list, tuple))
            and len(expected) == len(got)
            and all(agrees(value, item) for value, item in zip(expected, got, strict=True))
        )
    if isinstance(expected, bool) or expected is None or isinstance(got, bool):
        return expected is got
    if isinstance(expected, (int, float)):
        return isinstance(got, (int, float, Decimal)) and Decimal(str(expected)) == Decimal(str(got))
    return str(expected) == str(got)
