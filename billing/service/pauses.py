"""Pauses of services: agreed beforehand by partner or staff, taken back before they begin; the daily run bills around them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.dates import ONE_DAY, Period
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..events import PauseAgreed, PauseTakenBack
from ..policy import pausing, terms
from ..policy.pausing import Pausable
from ..policy.terms import Terms

_SERVICE = """
SELECT id, tenant, starts_on, minimum_months, explicit_end, paid_until, billing_ends_on, ended_at, pause_months, pause_extends FROM billing_service
 WHERE id = $1 FOR UPDATE
"""
_OF = """
SELECT id, service, pauses_from, resumes_on, extends_term, reason, decided_by_label, decided_at FROM billing_pause
 WHERE service = ANY($1::uuid[]) AND taken_back_at IS NULL ORDER BY pauses_from
"""
_PAUSE = """
INSERT INTO billing_pause (id, tenant, service, pauses_from, resumes_on, extends_term, reason, decided_by, decided_by_label, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_TERM = "UPDATE billing_service SET explicit_end = $2, version = version + 1 WHERE id = $1"


class PauseUnderWay(Refused):
    """The pause has begun, or its days were passed by a run: it is taken back no more."""


class PauseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this day until the day before `resumes_on` the service is to cost nothing; the reason is shown to whoever asks why."""

    pauses_from: date
    resumes_on: date
    reason: Annotated[str, Meta(min_length=3, max_length=2000, pattern=r"\S")]


async def allow(service: UUID, months: int, *, extends: bool) -> None:
    """The service may be paused for so many months a year, as its offer says, and pauses lengthen its minimum term or do not."""
    await db.execute("UPDATE billing_service SET pause_months = $2, pause_extends = $3 WHERE id = $1", service, months, extends)


async def pause(actor: Actor, service: UUID, wanted: PauseWanted) -> UUID:
    """The days of the pause are never billed, and the customer is told; where the offer says so, a minimum term that still runs ends so many days later.

    Partners within what the offer allows, staff beyond it. Raises Invalid for days billed, gone or paused already, and NotFound.
    """
    row = await _running(service)
    days = Period(wanted.pauses_from, wanted.resumes_on)
    found = Pausable(
        starts_on=row["starts_on"],
        paid_until=row["paid_until"],
        ends=row["billing_ends_on"] + ONE_DAY if row["billing_ends_on"] else None,
        pauses=(await days_of([service])).get(service, ()),
        months=None if actor.kind is ActorKind.STAFF else row["pause_months"],
    )
    if wrong := [
        FieldError(f"/{name}", code, {"months": row["pause_months"]}) for name, code in pausing.faults(found, days, clock.today())
    ]:
        raise Invalid(*wrong)
    end = _minimum_end(row)
    extends = bool(row["pause_extends"]) and end is not None and end >= wanted.pauses_from
    made = new_id()
    await db.execute(
        _PAUSE,
        *(
            made,
            row["tenant"],
            service,
            wanted.pauses_from,
            wanted.resumes_on,
            extends,
            wanted.reason,
            actor.trail,
            actor.label,
            clock.now(),
        ),
    )
    if extends and end is not None:
        await db.execute(_TERM, service, end + timedelta(days=days.days))
    await outbox.publish(PauseAgreed(tenant_id=row["tenant"], pause_id=made))
    return made


async def take_back(actor: Actor, paused: UUID) -> None:
    """The service is billed on as if no pause had been agreed, its term is what it was, and the customer is told. Raises NotFound and PauseUnderWay."""
    row = await db.fetch_one("SELECT * FROM billing_pause WHERE id = $1 AND taken_back_at IS NULL FOR UPDATE", paused)
    if row is None:
        raise NotFound(what="pause", id=str(paused))
    service = await _running(row["service"])
    if row["pauses_from"] <= clock.today() or row["pauses_from"] < service["paid_until"]:
        raise PauseUnderWay(since=row["pauses_from"].isoformat())
    await db.execute("UPDATE billing_pause SET taken_back_at = $2, taken_back_by = $3 WHERE id = $1", paused, clock.now(), actor.trail)
    if row["extends_term"]:
        end = service["explicit_end"] - (row["resumes_on"] - row["pauses_from"])
        usual = _minimum_end(service, printed=False)
        await db.execute(_TERM, row["service"], None if end == usual else end)
    await outbox.publish(PauseTakenBack(tenant_id=row["tenant"], pause_id=paused))


async def of_service(service: UUID) -> list[asyncpg.Record]:
    """The service's pauses, those to come included, in order of their days."""
    return await db.fetch(_OF, [service])


async def days_of(services: Sequence[UUID]) -> dict[UUID, tuple[Period, ...]]:
    """The paused days of those of these services that have any, in order."""
    found: dict[UUID, tuple[Period, ...]] = {}
    for row in await db.fetch(_OF, list(services)):
        found[row["service"]] = (*found.get(row["service"], ()), Period(row["pauses_from"], row["resumes_on"]))
    return found


class PauseTold(msgspec.Struct, frozen=True, kw_only=True):
    """A pause as the customer is told of it; `minimum_end` is when the minimum term ends now, where the pause moved it."""

    service: UUID
    customer: UUID
    number: str
    label: str
    pauses_from: date
    resumes_on: date
    reason: str
    extends_term: bool
    minimum_end: date | None

    @property
    def last_day(self) -> date:
        """The last day without a bill."""
        return self.resumes_on - ONE_DAY


_TOLD = """
SELECT p.service, p.pauses_from, p.resumes_on, p.reason, p.extends_term, s.customer, s.number, s.label, s.starts_on, s.minimum_months, s.explicit_end
  FROM billing_pause p JOIN billing_service s ON s.tenant = p.tenant AND s.id = p.service WHERE p.id = $1 AND p.tenant = $2
"""


async def told(tenant: UUID, paused: UUID) -> PauseTold:
    """What there is to tell of a pause, also of one that was taken back; NotFound where it is not this tenant's."""
    row = await db.fetch_one(_TOLD, paused, tenant)
    if row is None:
        raise NotFound(what="pause", id=str(paused))
    end = _minimum_end(row) if row["extends_term"] else None
    return PauseTold(**{name: row[name] for name in PauseTold.__struct_fields__ if name != "minimum_end"}, minimum_end=end)


async def _running(service: UUID) -> asyncpg.Record:
    row = await db.fetch_one(_SERVICE, service)
    if row is None or row["ended_at"] is not None:
        raise NotFound(what="service", id=str(service))
    return row


def _minimum_end(row: Any, *, printed: bool = True) -> date | None:
    return terms.minimum_end(
        Terms(start=row["starts_on"], minimum_months=row["minimum_months"], explicit_end=row["explicit_end"] if printed else None)
    )
