"""Services as a partner sees them: when each could end, and which case is ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from billing.policy.ledger import Layer
from billing.service import services
from partner_portal.infra import clock, db, settings
from terminations.policy import dates
from terminations.policy.facts import Applied, Asked
from terminations.policy.preview import bundles_of, judged
from terminations.service import facts
from terminations.service.facts import Parties
from terminations.workflow import State


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """When a service could end if notice were received today, by the rules of its preview.

    `first_free_end` is the first day without a buyout, `last_notice_on` the last day on which notice still reaches it (None: it can be given at any
    time, or none is needed). `bound_until` is the last day of the term that binds now, None where nothing binds.
    """

    first_free_end: date
    last_notice_on: date | None
    bound_until: date | None
    ends_by_itself: bool
    applied: tuple[Applied, ...]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The open case that holds a service, and until when it can be undone without the provider's consent (None: it waits, or that day has passed)."""

    case: UUID
    number: str
    state: State
    ends_on: date
    billing_ends_on: date
    undo_until: date | None
    withdrawal_is_asked: bool

    @property
    def is_scheduled(self) -> bool:
        """Whether everybody has agreed, so that the service ends."""
        return self.state is State.SCHEDULED


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A service with what is to be known about its end; ended ones have neither outlook nor case."""

    row: asyncpg.Record
    outlook: Outlook | None
    held: Held | None


async def seen(customer: UUID, rows: Sequence[asyncpg.Record]) -> list[Seen]:
    """These services of one customer, in the same order, each with its outlook while it runs and nobody is ending it."""
    running = [row for row in rows if row["ended_at"] is None]
    holders = await held([row["id"] for row in running])
    free = [row for row in running if row["id"] not in holders and row["ends_on"] is None]
    looks = await outlooks(customer, free) if free else {}
    return [Seen(row=row, outlook=looks.get(row["id"]), held=holders.get(row["id"])) for row in rows]


async def outlooks(customer: UUID, rows: Sequence[asyncpg.Record]) -> dict[UUID, Outlook]:
    """When each of these running services of the customer could end, looked at today, with the other services of its bundle."""
    who, beside = await facts.parties(customer), await services.beside(rows)
    return look(rows, who, beside, clock.today())


def look(rows: Sequence[Any], who: Parties, beside: Sequence[Any], today: date) -> dict[UUID, Outlook]:
    """When each of these services could end if notice were received on `today`."""
    asked = Asked(received_on=today, today=today)
    looked_at = [facts.in_layer(row, who, Layer.CUSTOMER, today, beside) for row in rows]
    bundles = bundles_of(looked_at, today)
    found = {}
    for row, service in zip(rows, looked_at, strict=True):
        verdict = judged(service, asked, bundles)
        last_notice_on = dates.last_notice_day(verdict.case, verdict.first_possible_end)
        found[row["id"]] = Outlook(
            first_free_end=verdict.first_possible_end,
            last_notice_on=last_notice_on,
            bound_until=verdict.committed_until and verdict.committed_until - timedelta(days=1),
            ends_by_itself=service.terms.renewal == "NONE",
            applied=verdict.case.applied,
        )
    return found


_HELD = """
SELECT l.service, l.ends_on, l.billing_ends_on, t.id, t.number, t.state, t.ends_on AS first_end, t.withdrawal_asked_at
  FROM termination_line l JOIN termination t ON t.id = l.termination WHERE l.is_open AND l.service = ANY($1::uuid[])
"""


async def held(ids: Sequence[UUID]) -> dict[UUID, Held]:
    """Of these services those that an open case holds."""
    return {row["service"]: _held(row) for row in await db.fetch(_HELD, list(ids))} if ids else {}


def _held(row: asyncpg.Record) -> Held:
    state = State(row["state"])
    # As terminations/service/scheduling.py decides: close to the first end of the case the provider's finance must consent.
    last = row["first_end"] - timedelta(days=settings.current().withdrawal_free_days)
    return Held(
        case=row["id"],
        number=row["number"],
        state=state,
        ends_on=row["ends_on"],
        billing_ends_on=row["billing_ends_on"],
        undo_until=last if state is State.SCHEDULED and clock.today() <= last else None,
        withdrawal_is_asked=row["withdrawal_asked_at"] is not None,
    )
