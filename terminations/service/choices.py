"""What can be chosen: which services of a customer can end, and the ways to end some of them, each with its price; nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from billing.policy.ledger import Layer
from billing.service import services
from partner_portal.infra import clock, db, settings
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound

from ..policy import curve
from ..policy.curve import Point
from ..policy.preview import EndKind, Preview, ServicePreview, bundles_of, preview
from . import cases, facts, quotes
from .cases import ServiceAlreadyEnding
from .facts import Parties
from .quotes import Request, Shown

MOST_SHOWN = 100
MOST_CHOSEN = 50
"""Services in one case."""

_MOST_MOVED = 31  # days beyond the time to answer: no end is moved by a whole term to leave that time


class When(StrEnum):
    """How the question "when?" is answered."""

    FREE = "free"
    """Each service on the first day on which it can end without a buyout."""
    EARLY = "early"
    """Before that, bought out, on the day that was proposed."""
    DATE = "date"
    """On a day of one's own."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to "when?"; with FREE, `wished_on` is the day before which no service need end."""

    when: When = When.FREE
    wished_on: date | None = None

    def request(self, chosen: Sequence[UUID]) -> Request:
        """What it means for these services, with notice received today."""
        early = self.when is not When.FREE
        return Request(services=tuple(chosen), received_on=clock.today(), wished_on=self.wished_on, early=early)


class Held(msgspec.Struct, frozen=True):
    """The open case that holds a service."""

    case: UUID
    number: str
    state: str
    ends_on: date


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A running service: what ending it on the first possible day would mean, what it is bundled with, and what stands in the way."""

    row: Any
    service: ServicePreview
    bundled_with: tuple[str, ...] = ()
    bundle_binds: bool = False
    held: Held | None = None
    is_priced: bool = True

    @property
    def can_end(self) -> bool:
        """Whether it can be chosen."""
        return self.held is None and self.is_priced and not self.service.already_ended


class Candidates(msgspec.Struct, frozen=True):
    """Running services of a customer: the chosen ones, and as many others as are shown; `more`: there are others still."""

    parties: Parties
    services: tuple[Candidate, ...]
    more: bool


_HELD = """
SELECT l.service, l.ends_on, t.id, t.number, t.state, s.label
  FROM termination_line l JOIN termination t ON t.id = l.termination AND t.tenant = l.tenant
  JOIN billing_service s ON s.id = l.service AND s.tenant = l.tenant
 WHERE l.is_open AND l.service = ANY($1::uuid[])
"""


async def candidates(customer: UUID, chosen: Sequence[UUID] = (), q: str = "", most: int | None = None) -> Candidates:
    """The customer's running services, each with its dates: the chosen ones, and at most so many others with `q` in name or number.

    NotFound when the customer is not the acting tenant's.
    """
    who = (await facts.parties_of_all([customer])).get(customer)
    if who is None:
        raise NotFound(what="customer", id=str(customer))
    room = None if most is None else most + len(chosen)
    rows = await services.found(customer, q, chosen, limit=None if room is None else room + 1)
    shown = rows[:room] if who.payer_layer is Layer.CUSTOMER else await services.with_wholesale(rows[:room])
    held = {row["service"]: row for row in await db.fetch(_HELD, [row["id"] for row in shown])}
    bundled = [*shown, *(await services.beside(shown) if shown else ())]
    return Candidates(who, tuple(_candidate(row, bundled, who, held.get(row["id"])) for row in shown), len(rows) > len(shown))


def _candidate(row: Any, rows: Sequence[Any], who: Parties, held: Any) -> Candidate:
    today = clock.today()
    others = [other for other in rows if row["bundle"] and other["bundle"] == row["bundle"] and other["id"] != row["id"]]
    looked_at = facts.in_layer(row, who, Layer.CUSTOMER, today, others)
    asked = quotes.asked_of(Request(services=(row["id"],), received_on=today))
    return Candidate(
        row=row,
        service=preview([looked_at], asked).services[0],
        bundled_with=tuple(other["label"] for other in others),
        bundle_binds=bool(bundles_of([looked_at], today)),
        held=Held(held["id"], held["number"], held["state"], held["ends_on"]) if held else None,
        is_priced=who.payer_layer is Layer.CUSTOMER or row["wholesale_cents"] is not None,
    )


async def must_be_free(chosen: Sequence[UUID]) -> None:
    """None of these services is held by an open case; ServiceAlreadyEnding otherwise."""
    for row in await db.fetch(_HELD, list(chosen)) if chosen else ():
        raise ServiceAlreadyEnding(service=row["label"], case=row["number"])


async def holder(chosen: Sequence[UUID]) -> UUID | None:
    """The one open case that holds all of these services; None where there is no such case."""
    rows = await db.fetch(_HELD, list(chosen))
    holders = {row["id"] for row in rows}
    return holders.pop() if len(holders) == 1 and len(rows) == len(set(chosen)) else None


class Way(msgspec.Struct, frozen=True):
    """One answer to "when?" with what it means."""

    choice: Choice
    shown: Shown

    @property
    def preview(self) -> Preview:
        """As the customer would see it."""
        return self.shown.previews[Layer.CUSTOMER]

    @property
    def ends(self) -> tuple[date, date]:
        """The first and the last of the services' last days."""
        days = [service.ending.ends_on for service in self.preview.services]
        return min(days), max(days)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The ways to end some services, all from one look at them; `points` go with the rows of the calendar."""

    free: Way
    early: Way | None
    chosen: Way
    points: tuple[Point, ...]

    @property
    def shown(self) -> Shown:
        """What all of it rests on."""
        return self.free.shown


async def look(actor: Actor, chosen: Sequence[UUID], choice: Choice) -> Look:
    """The ways to end these services, and the chosen one; with the calendar. Raises as `quotes.show`."""
    free = Choice(wished_on=choice.wished_on if choice.when is When.FREE else None)
    shown = await quotes.show(actor, free.request(chosen))
    assert shown.calendar is not None  # noqa: S101  # it was asked for
    points = curve.curve(shown.calendar, shown.facts[Layer.CUSTOMER][0].vat)
    free_way = Way(free, shown)
    found = Look(free=free_way, early=_early(shown, points, choice), chosen=free_way, points=points)
    return found if choice.when is When.FREE else otherwise(found, choice)


def otherwise(found: Look, choice: Choice) -> Look:
    """The same look with another choice."""
    known = {way.choice: way for way in (found.free, found.early) if way}
    chosen = known.get(choice) or (found.free if choice.when is When.FREE else Way(choice, wishing(found.shown, choice)))
    return msgspec.structs.replace(found, chosen=chosen)


def _early(shown: Shown, points: Sequence[Point], choice: Choice) -> Way | None:
    """Leaving before nothing binds: on the day proposed when it was chosen, else on a good one that leaves time to decide; None where nothing binds."""
    assert shown.calendar is not None  # noqa: S101  # `look` asked for it
    soon = clock.today() + timedelta(days=settings.current().approval_valid_days)
    kept = choice.wished_on if choice.when is When.EARLY else None
    day = kept or curve.good_early_day(shown.calendar, points, soon)
    if day is None:
        return None
    way = Way(early := Choice(when=When.EARLY, wished_on=day), wishing(shown, early))
    is_bought = any(service.ending.kind is EndKind.BUYOUT for service in way.preview.services)
    return way if is_bought or kept else None


def wishing(shown: Shown, choice: Choice) -> Shown:
    """The same services as they were looked at, ended by another choice."""
    request = choice.request(shown.request.services)
    asked = quotes.asked_of(request)
    previews = {layer: preview(looked_at, asked) for layer, looked_at in shown.facts.items()}
    return msgspec.structs.replace(shown, request=request, previews=previews)


def must_fit(shown: Shown, choice: Choice) -> None:
    """The day of one's own can be: not past, not beyond what is compared, and at least one service ends on it; Invalid says which days can."""
    assert shown.calendar is not None  # noqa: S101  # pages that ask for a day show it
    day, rows = choice.wished_on, shown.calendar.rows
    if day is None:
        raise Invalid(FieldError("/wished_on", "day-needed"))
    if day < rows[0].day:
        raise Invalid(FieldError("/wished_on", "day-has-passed", {"first": rows[0].day}))
    if day > rows[-1].day:
        raise Invalid(FieldError("/wished_on", "day-too-far", {"last": rows[-1].day}))
    ends = [service.ending.ends_on for service in wishing(shown, choice).previews[Layer.CUSTOMER].services]
    if min(ends) > day:
        possible = [row.day for row in rows if row.ends_on == row.day and row.day < day]
        raise Invalid(FieldError("/wished_on", "day-within-term", {"before": possible[-1] if possible else min(ends), "after": max(ends)}))


class Proposal(msgspec.Struct, frozen=True):
    """An end that leaves the customer more time to say yes, and until when."""

    choice: Choice
    answer_by: date
    shown: Shown


def proposal(shown: Shown, choice: Choice) -> Proposal | None:
    """Where the customer's yes is the notice and must come soon to keep the first free day: a later end that leaves it the usual time.

    None where there is time already, where a day of one's own was chosen, and where no end near by would leave more.
    """
    days = settings.current().approval_valid_days
    in_time = cases.last_day_to_answer(shown)
    if choice.when is not When.FREE or choice.wished_on is not None or in_time >= clock.today() + timedelta(days=days):
        return None
    answered_on = clock.today() + timedelta(days=days)
    asked = msgspec.structs.replace(quotes.asked_of(shown.request), received_on=answered_on, today=answered_on)
    then = preview(shown.facts[Layer.CUSTOMER], asked).services
    now = shown.previews[Layer.CUSTOMER].services
    moved = [
        (after.ending.ends_on, before.ending.ends_on)
        for after, before in zip(then, now, strict=True)
        if after.ending.ends_on != before.ending.ends_on
    ]
    if not moved or any((after - before).days > days + _MOST_MOVED for after, before in moved):
        return None
    later = Choice(wished_on=max(after for after, _before in moved))
    proposed = wishing(shown, later)
    answer_by = cases.last_day_to_answer(proposed)
    return Proposal(later, answer_by, proposed) if answer_by > in_time else None
