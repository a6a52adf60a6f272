"""What ending services would mean: shown at once, or kept as a quote that binds until its last day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from billing.policy.ledger import Layer
from billing.service import ordered, services
from partner_portal.infra import clock, db, numbers, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from ..policy.calendar import Calendar, what_if
from ..policy.facts import Asked, Ground, ServiceFacts
from ..policy.preview import Preview, preview
from ..tables import Quote
from . import facts
from .facts import Parties

RULES_VERSION = "2026-11"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Which services are to end, from when they need not run, and how; `received_on` is the day notice is (or would be) received.

    `notice` names the notice on record that was received on that day; it makes an earlier day than today certain.
    """

    services: tuple[UUID, ...]
    received_on: date
    wished_on: date | None = None
    early: bool = False
    ground: Ground | None = None
    ground_told_on: date | None = None
    ground_effective_on: date | None = None
    notice: UUID | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A preview with all it rests on: per price layer the facts and the outcome; `calendar` in the customer's layer, when asked for."""

    request: Request
    parties: Parties
    rows: Sequence[Any]
    facts: dict[Layer, tuple[ServiceFacts, ...]]
    previews: dict[Layer, Preview]
    calendar: Calendar | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a quote stores of its outcome."""

    previews: dict[Layer, Preview]


class DifferentCustomers(Invalid):
    """One case ends services of one customer."""


class NothingToEnd(Refused):
    """The service has ended, or its end is planned already."""


class NoWholesalePrice(Refused):
    """The partner bills in its own name, and the provider has not set what it charges the partner."""


class QuoteExpired(Refused):
    """The quote's last day has passed."""


async def show(actor: Actor, request: Request, *, with_calendar: bool = True) -> Shown:
    """What would happen and cost, by the very functions that later decide it. Raises NotFound, Invalid, NotAllowed, NothingToEnd, NoWholesalePrice."""
    today = clock.today()
    _check_received(actor, request, today)
    rows: Sequence[Any] = await services.by_id(request.services)
    if len({row["customer"] for row in rows}) != 1:
        raise DifferentCustomers(FieldError("/service_ids", "one-customer"))
    _check_running(rows)
    who = await facts.parties(rows[0]["customer"])
    layers = [Layer.CUSTOMER] if who.payer_layer is Layer.CUSTOMER else [Layer.CUSTOMER, Layer.PARTNER]
    beside: Sequence[Any] = await services.beside(rows)
    if Layer.PARTNER in layers:
        rows, beside = await services.with_wholesale(rows), await services.with_wholesale(beside)
        _check_wholesale(rows)
    looked_at = {layer: tuple(facts.in_layer(row, who, layer, today, beside) for row in rows) for layer in layers}
    if request.ground is Ground.COOLING_OFF:
        looked_at = await _with_orders(looked_at, request.services)
    asked = asked_of(request)
    return Shown(
        request=request,
        parties=who,
        rows=rows,
        facts=looked_at,
        previews={layer: preview(services_of, asked) for layer, services_of in looked_at.items()},
        calendar=what_if(looked_at[Layer.CUSTOMER], asked) if with_calendar else None,
    )


async def _with_orders(looked_at: dict[Layer, tuple[ServiceFacts, ...]], wanted: Sequence[UUID]) -> dict[Layer, tuple[ServiceFacts, ...]]:
    """The same facts with what the order of each service says: what early use costs, and set-up to be paid back, rest on it."""
    orders = await ordered.of_services(wanted)
    return {
        layer: tuple(msgspec.structs.replace(one, ordered=facts.in_order(orders.get(UUID(one.ref)), layer)) for one in services_of)
        for layer, services_of in looked_at.items()
    }


def _check_received(actor: Actor, request: Request, today: date) -> None:
    if not request.services:
        raise Invalid(FieldError("/service_ids", "empty"))
    if len(set(request.services)) != len(request.services):
        raise Invalid(FieldError("/service_ids", "twice"))
    if request.received_on < today and actor.kind is not ActorKind.STAFF and request.notice is None:
        raise NotAllowed(needs="staff", received_on=request.received_on.isoformat())


def _check_running(rows: Sequence[Any]) -> None:
    over = [row["number"] for row in rows if row["ended_at"] is not None]
    if over:
        raise NothingToEnd(services=over)


def _check_wholesale(rows: Sequence[Any]) -> None:
    unpriced = [row["number"] for row in rows if row["wholesale_cents"] is None]
    if unpriced:
        raise NoWholesalePrice(services=", ".join(unpriced))


def asked_of(request: Request) -> Asked:
    """The request as the rules take it, looked at today."""
    return Asked(
        received_on=request.received_on,
        today=clock.today(),
        wished_on=request.wished_on,
        early=request.early,
        ground=request.ground,
        ground_told_on=request.ground_told_on,
        ground_effective_on=request.ground_effective_on,
    )


class KeptQuote(msgspec.Struct, frozen=True, kw_only=True):
    """A new quote, and the preview it keeps."""

    id: UUID
    number: str
    valid_until: date
    sha256: str
    shown: Shown


async def keep(actor: Actor, request: Request) -> KeptQuote:
    """The preview is kept as a quote, bound by the hash of all that went in and came out, until its last day."""
    shown = await show(actor, request, with_calendar=False)
    quote, number = new_id(), await numbers.next_in("Q")
    valid_until = clock.today() + timedelta(days=settings.current().quote_valid_days)
    asked, looked_at, outcome = _json(request), _json(shown.facts), _json(Kept(previews=shown.previews))
    sealed = seal(asked, looked_at, outcome)
    await db.execute(
        "INSERT INTO termination_quote (id, tenant, customer, number, asked, facts, preview, sha256, valid_until, rules_version, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *(quote, actor.tenant, shown.parties.customer_id, number, asked, looked_at, outcome, sealed, valid_until),
        *(RULES_VERSION, actor.trail, clock.now()),
    )
    return KeptQuote(id=quote, number=number, valid_until=valid_until, sha256=sealed.hex(), shown=shown)


def seal(asked: str, looked_at: str, outcome: str, *, rules_version: str = RULES_VERSION) -> bytes:
    """The hash that binds a quote: of what was asked, what it rested on, what came out, and the version of the rules."""
    digest = hashlib.sha256(rules_version.encode())
    for part in (asked, looked_at, outcome):
        digest.update(len(part).to_bytes(8))
        digest.update(part.encode())
    return digest.digest()


def is_intact(row: Mapping[str, Any]) -> bool:
    """Whether a quote, as the database has it, is still the one that was sealed; needs no knowledge of what its parts mean."""
    parts = (_json(msgspec.json.decode(row[name])) for name in ("asked", "facts", "preview"))
    return bool(seal(*parts, rules_version=row["rules_version"]) == row["sha256"])


async def find(quote: UUID) -> Quote:
    """The quote in both layers, also where a contact acts, of whose organisation it must be; NotFound otherwise."""
    return (await some([quote]))[quote]


async def some(wanted: Sequence[UUID]) -> dict[UUID, Quote]:
    """These quotes by their id, each as `find` gives it."""
    async with db.as_the_tenant():
        found: dict[UUID, Quote] = await Quote.some(wanted)
    for quote in found.values():
        if db.current().principal.customer not in {None, quote.customer}:
            raise NotFound(what="quote", id=str(quote.id))
    return found


def request_of(quote: Quote) -> Request:
    """What the quote was asked for."""
    return msgspec.json.decode(quote.asked, type=Request)


def outcome_of(quote: Quote) -> Kept:
    """What the quote says."""
    return msgspec.json.decode(quote.preview, type=Kept)


def facts_of(quote: Quote) -> dict[Layer, tuple[ServiceFacts, ...]]:
    """What the quote rests on."""
    return msgspec.json.decode(quote.facts, type=dict[Layer, tuple[ServiceFacts, ...]])


def _json(value: Any) -> str:
    # Sorted throughout: PostgreSQL keeps values, not their order, and the seal must be found again in what it kept.
    return msgspec.json.encode(value, order="sorted").decode()
