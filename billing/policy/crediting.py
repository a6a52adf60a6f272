"""What a credit note may take back: line by line, never more than was charged, and never more than the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from partner_portal.kernel.errors import FieldError, Invalid, Refused
from partner_portal.kernel.money import round_half_up

from .charges import Proration, parts
from .drafting import amounts
from .ledger import DraftLine, LineKind, Unit
from .tax import Vat


class MoreThanCharged(Invalid):
    """A line is credited at most as much as it charged and was not credited for yet."""


class NothingToCredit(Refused):
    """Of what was chosen everything was credited before, or nothing was ever charged."""


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a document, and what was credited of it so far, in cents as its price was given; `period` is half-open."""

    id: UUID
    position: int
    description: str
    amount_cents: int
    credited_cents: int
    vat: Vat
    quantity: Decimal = Decimal(1)
    unit: Unit = Unit.PIECE
    unit_price: Decimal = Decimal(0)
    service: UUID | None = None
    period: tuple[date, date] | None = None
    proration: Proration = Proration.CAL

    @property
    def left_cents(self) -> int:
        """What can still be credited of it; below zero for a line that gave something back itself."""
        return self.amount_cents - self.credited_cents


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What to take back of a line: so much, or its days from `since` on, or all that is left of it."""

    line: UUID
    amount_cents: int | None = None
    since: date | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a credit note takes back of one line; `period` are the days that are given back, None where only money is."""

    charged: Charged
    amount_cents: int
    period: tuple[date, date] | None

    @property
    def is_whole(self) -> bool:
        """Whether the line is credited in one go, just as it was charged."""
        return self.amount_cents == self.charged.amount_cents


def takings(lines: Sequence[Charged], chosen: Sequence[Part], *, left_gross_cents: int) -> tuple[Taken, ...]:
    """What is taken back, in the order of the lines; nothing chosen means all that is left. Never more per line, nor together, than is left.

    `left_gross_cents` is what was not credited yet of the whole document, VAT included. VAT is rounded once per document (Uitvoeringsbeschikking OB
    art. 5a), so that of many small parts it may add up to a cent more than it was: then the last part takes back that cent less.
    Raises MoreThanCharged, NothingToCredit.
    """
    by_id = {line.id: line for line in lines}
    if faults := [fault for place, part in enumerate(chosen) if (fault := _fault(place, part, by_id, chosen))]:
        raise MoreThanCharged(*faults)
    asked = {part.line: part for part in chosen or [Part(line=line.id) for line in lines]}
    taken = [found for line in lines if line.id in asked and (found := _taken(line, asked[line.id])).amount_cents]
    if not taken:
        raise NothingToCredit
    return _within(taken, left_gross_cents, is_all=not chosen)


def _fault(place: int, part: Part, lines: Mapping[UUID, Charged], chosen: Sequence[Part]) -> FieldError | None:
    pointer, line = f"/lines/{place}", lines.get(part.line)
    if line is None:
        return FieldError(f"{pointer}/line", "unknown-line", {"value": str(part.line)})
    if sum(other.line == part.line for other in chosen) > 1:
        return FieldError(f"{pointer}/line", "line-twice")
    if part.since is not None and (line.period is None or not line.period[0] <= part.since < line.period[1]):
        return FieldError(f"{pointer}/since", "not-in-period")
    left = line.left_cents
    if part.amount_cents is not None and not (0 < part.amount_cents <= left or left <= part.amount_cents < 0):
        return FieldError(f"{pointer}/amount", "more-than-charged", {"left_cents": left})
    return None


def _taken(line: Charged, part: Part) -> Taken:
    if part.amount_cents is not None:
        return Taken(charged=line, amount_cents=part.amount_cents, period=None)
    if part.since is None or line.period is None or part.since == line.period[0]:
        return Taken(charged=line, amount_cents=line.left_cents, period=line.period)
    return Taken(charged=line, amount_cents=_at_most(unused(line, part.since), line.left_cents), period=(part.since, line.period[1]))


def unused(line: Charged, since: date) -> int:
    """What a line with a period charged for its days from `since` on, in cents: all of it less what the days before cost."""
    if line.period is None:
        return 0
    start, until = line.period
    whole = parts(line.proration, start, until)
    if not whole:  # a single day that a month of thirty days does not count
        return line.amount_cents
    return round_half_up(line.amount_cents * (whole - parts(line.proration, start, max(start, since))), whole)


def _at_most(cents: int, left: int) -> int:
    return min(cents, left) if left >= 0 else max(cents, left)


def _within(taken: list[Taken], left_gross_cents: int, *, is_all: bool) -> tuple[Taken, ...]:
    """The same, without the cents by which VAT of parts was rounded up."""
    if not is_all and gross(taken) - left_gross_cents > _MOST_ROUNDED:
        raise MoreThanCharged(FieldError("/lines", "more-than-document", {"left_cents": left_gross_cents}))
    while gross(taken) > left_gross_cents:
        place = max(range(len(taken)), key=lambda at: taken[at].amount_cents)
        if taken[place].amount_cents <= 1:
            raise NothingToCredit
        taken[place] = msgspec.structs.replace(taken[place], amount_cents=taken[place].amount_cents - 1)
    if gross(taken) <= 0:
        raise NothingToCredit
    return tuple(taken)


_MOST_ROUNDED = 5
"""Cents of VAT that earlier credit notes may have been rounded up by; somebody who asks for more than that is told, not given less."""


def gross(taken: Sequence[Taken]) -> int:
    """What a credit note of this gives back, in cents, VAT included."""
    return amounts([drafted(one, one.charged.description, {}) for one in taken]).gross_cents


def drafted(taken: Taken, description: str, why: dict[str, str | int]) -> DraftLine:
    """The line of the credit note: as it was charged where it is taken back whole, else one piece of so much; taxed as it was."""
    line = taken.charged
    sign = 1 if taken.amount_cents >= 0 else -1
    return DraftLine(
        kind=LineKind.CREDIT,
        description=description,
        amount_cents=taken.amount_cents,
        quantity=line.quantity if taken.is_whole else Decimal(sign),
        unit=line.unit if taken.is_whole else Unit.PIECE,
        unit_price=line.unit_price if taken.is_whole else Decimal(abs(taken.amount_cents)).scaleb(-2),
        vat=line.vat,
        service=line.service,
        period=taken.period,
        credits=line.id,
        why=why,
    )
