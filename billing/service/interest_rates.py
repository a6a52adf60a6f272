"""The rates of statutory interest: those that were published when this was written, and those that finance entered since, each with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid

from ..policy.interest import TABLES, Rate, RateKind, known_until, unknown, with_entered
from . import charges

SOON = timedelta(days=14)
"""So long before a half-year begins finance is asked for its rate: by then it is usually published."""

_ENTERED = "SELECT kind, since, percentage FROM billing_interest_rate ORDER BY entered_at, id"
_LATELY = (
    "SELECT kind, since, percentage, source, entered_by, entered_at FROM billing_interest_rate ORDER BY entered_at DESC, id DESC LIMIT $1"
)
_ENTER = (
    "INSERT INTO billing_interest_rate (id, kind, since, percentage, source, entered_by, entered_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
)


class RateWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A yearly percentage for the half-year that begins on `since`, and where it was published."""

    kind: RateKind
    since: date
    percentage: Decimal
    source: Annotated[str, Meta(min_length=5, max_length=300, pattern=r"\S")]


class Missing(msgspec.Struct, frozen=True):
    """The rate of the half-year that begins on `since` is not known, the days of which have begun or not; it was asked for from `asked_on` on."""

    kind: RateKind
    since: date
    has_begun: bool

    @property
    def asked_on(self) -> date:
        """From this day on it waits for a person."""
        return self.since - SOON


async def tables() -> Mapping[RateKind, Sequence[Rate]]:
    """The rates that are known, by kind, in order. Through the staff door."""
    entered: dict[RateKind, list[Rate]] = {}
    for row in await db.fetch(_ENTERED):
        entered.setdefault(RateKind(row["kind"]), []).append(Rate(row["since"], row["percentage"]))
    return {kind: with_entered(rates, entered.get(kind, ())) for kind, rates in TABLES.items()}


async def of(*, is_consumer: bool) -> Sequence[Rate]:
    """The rates for consumers, or for trade. Through the staff door."""
    return (await tables())[kind_of(is_consumer=is_consumer)]


def kind_of(*, is_consumer: bool) -> RateKind:
    """Which rate a debtor pays."""
    return RateKind.CONSUMER if is_consumer else RateKind.TRADE


async def missing() -> list[Missing]:
    """The rates that finance has to enter: of every half-year that has begun, or begins within a fortnight. Through the staff door."""
    today = clock.today()
    return [Missing(kind, since, since <= today) for kind, rates in (await tables()).items() for since in unknown(rates, today + SOON)]


async def enter(actor: Actor, wanted: RateWanted) -> None:
    """The rate is known from now on; of one half-year the last one entered counts, and days that were charged too dearly are credited by themselves.

    Raises NotAllowed, Invalid for a day that begins no half-year, leaves one before it unknown, or a percentage that is none.
    """
    charges.must_be_finance(actor)
    known = (await tables())[wanted.kind]
    if faults := list(_faults(wanted, known)):
        raise Invalid(*faults)
    await db.execute(_ENTER, new_id(), wanted.kind.value, wanted.since, wanted.percentage, wanted.source.strip(), actor.trail, clock.now())


def _faults(wanted: RateWanted, known: Sequence[Rate]) -> list[FieldError]:
    faults = []
    if (wanted.since.day, wanted.since.month) not in {(1, 1), (1, 7)} or wanted.since < known[0].since:
        faults.append(FieldError("/since", "not-a-half-year"))
    elif wanted.since > known_until(known):
        faults.append(FieldError("/since", "half-year-before-it", {"value": known_until(known)}))
    value = wanted.percentage
    if not value.is_finite() or not 0 <= value < 100 or value != round(value, 2):  # noqa: PLR2004  # a percentage, in hundredths
        faults.append(FieldError("/percentage", "not-a-percentage"))
    return faults


async def lately(most: int = 20) -> list[asyncpg.Record]:
    """What was entered, the newest first. Through the staff door."""
    return await db.fetch(_LATELY, most)
