"""Reading case files: days, amounts, notices and terms as the files write them, and comparing answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
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


class BadCase(Exception):
    """A case that cannot be read: a field it needs is missing, or holds what no field of its kind can hold."""


def answered(answer: Callable[[], Any]) -> Any:
    """Return what the answer gives; raises BadCase, naming the field or the value, where the case cannot be read."""
    try:
        return answer()
    except KeyError as missing:
        raise BadCase(f"needs {missing.args[0]!r}, or knows no {missing.args[0]!r}") from missing
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as problem:
        raise BadCase(str(problem) or type(problem).__name__) from problem


def known(struct: type[msgspec.Struct], fields: Inputs | None) -> dict[str, Any]:
    """Return those of the fields that the struct has; what else a case tells is no part of the question."""
    return {name: value for name, value in (fields or {}).items() if name in struct.__struct_fields__ and value is not None}


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
    try:
        return exact_cents(str(amount)) if amount else 0
    except InvalidOperation as problem:
        raise BadCase(f"{amount!r} is no amount") from problem


def euros(cents: int) -> Decimal:
    """Return cents as an amount in euros."""
    return Decimal(cents).scaleb(-2)


def notice_of(written_notice: Inputs | None) -> Notice | None:
    """Return the notice period a case names."""
    if written_notice is None:
        return None
    unit, count_from = written_notice.get("unit") or NoticeUnit.MONTHS, written_notice.get("count_from") or CountFrom.NEXT
    return Notice(written_notice["n"], NoticeUnit(unit), CountFrom(count_from))


def terms_of(inputs: Inputs) -> Terms:
    """Return the contract terms a keyed case describes."""
    return Terms(
        start=day(inputs["start"]),
        minimum_months=inputs.get("minimum_months") or 0,
        renewal=Renewal(inputs.get("renewal") or "NONE"),
        renewal_months=inputs.get("renewal_months") or 0,
        notice=notice_of(inputs.get("notice")) or Notice(0),
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
