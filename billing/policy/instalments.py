"""The instalments of a payment plan: spread evenly, or as somebody typed them; and how a plan ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from partner_portal.kernel.dates import add_months
from partner_portal.kernel.errors import FieldError, Invalid

MOST = 36
"""Instalments in one plan."""


class Every(StrEnum):
    """How far instalments lie apart."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"


class Ended(StrEnum):
    """How a plan ended: it was paid, an instalment did not come, somebody took it back, or what was left of it nobody has to pay, or will."""

    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"
    WRITTEN_OFF = "written off"
    CREDITED = "credited"


class Instalment(msgspec.Struct, frozen=True):
    """So much by that day, in cents."""

    due_on: date
    amount_cents: int


def spread(owed_cents: int, count: int, first_on: date, every: Every) -> tuple[Instalment, ...]:
    """As many instalments as even as cents allow, the first ones a cent more; months are counted from the first day, so that the 31st comes back."""
    each, more = divmod(owed_cents, count)
    return tuple(Instalment(_day(first_on, nth, every), each + (nth < more)) for nth in range(count) if each + (nth < more))


def _day(first_on: date, nth: int, every: Every) -> date:
    if every is Every.MONTH:
        return add_months(first_on, nth)
    return first_on + timedelta(days=nth * (7 if every is Every.WEEK else 14))


def due_now(instalments: Sequence[Instalment], paid_cents: int, today: date) -> Instalment | None:
    """What is to be paid now, and since when: what has fallen due and has not come; where all of that has, the next instalment; None when all has come.

    `paid_cents` is what was paid since the plan was agreed, in whatever parts.
    """
    asked, found = 0, None
    for one in instalments:
        asked += one.amount_cents
        if asked > paid_cents and (found is None or one.due_on <= today):
            found = Instalment(found.due_on if found else one.due_on, asked - paid_cents)
    return found


def ended(owed_cents: int, open_cents: int, due_cents: int, *, is_written_off: bool, is_credited: bool) -> Ended | None:
    """How a plan has ended by itself; None while it runs.

    `owed_cents` when it was agreed, `open_cents` now, `due_cents` what should have come by now. `is_written_off`: something of its documents was given up;
    `is_credited`: all of them were credited whole. Only what nobody gave up or took back was paid as agreed.
    """
    if open_cents > 0:
        return Ended.BROKEN if owed_cents - open_cents < due_cents else None
    if is_written_off:
        return Ended.WRITTEN_OFF
    return Ended.CREDITED if is_credited else Ended.KEPT


_LINE = re.compile(
    r"^(?P<day>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-\d{4})\s*[:;\t ]\s*(?:EUR|€)?\s*"
    r"(?:(?P<thousands>\d{1,3}(?:\.\d{3})+)|(?P<euros>\d+))(?:(?(thousands),|[.,])(?P<cents>\d{1,2}))?$",
    re.IGNORECASE,
)


def typed(lines: str, pointer: str = "/schedule") -> tuple[Instalment, ...]:
    """What was typed, an instalment a line: its day and its amount, as `31-12-2026 150,00`; Invalid at `pointer` for a line that says something else."""
    found = []
    for place, line in enumerate((one.strip() for one in lines.splitlines() if one.strip()), 1):
        said = _LINE.match(line)
        try:
            if said is None or place > MOST:
                raise ValueError  # noqa: TRY301
            found.append(Instalment(_read_day(said["day"]), _cents(said)))
        except ValueError as error:
            raise Invalid(FieldError(pointer, "not-an-instalment", {"line": place, "most": MOST})) from error
    return tuple(found)


def _read_day(said: str) -> date:
    parts = [int(part) for part in said.split("-")]
    year, month, day = parts if parts[0] > 31 else reversed(parts)  # noqa: PLR2004  # a month has at most so many days
    return date(year, month, day)


def _cents(said: re.Match[str]) -> int:
    euros = (said["thousands"] or said["euros"]).replace(".", "")
    cents = int(euros) * 100 + int((said["cents"] or "0").ljust(2, "0"))
    if not 0 < cents < 10**11:
        raise ValueError
    return cents


def written(instalments: Sequence[Instalment]) -> str:
    """The same as lines to type over."""
    return "\n".join(
        f"{one.due_on.day:02d}-{one.due_on.month:02d}-{one.due_on.year} {one.amount_cents // 100},{one.amount_cents % 100:02d}"
        for one in instalments
    )
