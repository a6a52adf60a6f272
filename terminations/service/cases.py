"""Cases: filed on a quote, shown with all their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from billing.policy.ledger import Layer
from partner_portal.infra import clock, db, numbers, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid, NotFound, Refused

from ..events import BuyoutRequested, CustomerAsked
from ..policy import afterwards
from ..policy.afterwards import Leaving, Thing, Wish
from ..policy.cost_sheet import CostLine, LineCode
from ..policy.grounds import UNDONE, UNDONE_BUT_FOR_DAYS_USED
from ..policy.inputs import canonical_inputs, changed_inputs
from ..policy.preview import EndKind, Preview, ServicePreview
from ..tables import Quote, Termination
from ..workflow import Action
from . import in_time, quotes, scheduling, sending, steps, waiting
from .buyouts import Payer
from .quotes import QuoteExpired, Shown
from .steps import Note


class Reason(StrEnum):
    """Why the customer leaves, as far as it says."""

    PRICE = "price"
    SWITCHES = "switches"
    MOVES = "moves"
    STOPS = "stops"
    QUALITY = "quality"
    MERGES = "merges"
    OTHER = "other"
    NOT_SAID = "not_said"


EXTRA_COSTS = frozenset({LineCode.BUYOUT, LineCode.CLAWBACK, LineCode.RESIDUAL, LineCode.HANDLING})


class FiledBy(StrEnum):
    """Who gives the notice that a case stands for: the partner, somebody on a public page, or the customer itself, signed in."""

    PARTNER = "partner"
    NOTICE = "notice"
    CUSTOMER = "customer"


_FILES = {FiledBy.PARTNER: Action.FILE, FiledBy.NOTICE: Action.FILE_BY_NOTICE, FiledBy.CUSTOMER: Action.FILE_BY_CUSTOMER}
_FILES_BUYOUT = {
    FiledBy.PARTNER: Action.FILE_BUYOUT,
    FiledBy.NOTICE: Action.FILE_BUYOUT_BY_NOTICE,
    FiledBy.CUSTOMER: Action.FILE_BUYOUT_BY_CUSTOMER,
}


class QuoteUsed(Refused):
    """A case was filed on this quote before."""


class QuoteOutdated(Refused):
    """An input of the quote has changed, and with it the outcome: `changed` says which; a new quote is needed."""


class ServiceAlreadyEnding(Refused):
    """Another open case holds the service."""


class EndsInThePast(Refused):
    """The service would have ended before today."""


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """What is filed beside the quote; `has_mandate`: the partner states to hold the customer's mandate, so the notice counts from now.

    `received_at`: the instant of a notice from a public page, which the case stands for. `contact`: who is asked to confirm; the customer's main
    contact where nobody is named, and again once that person says to be the wrong one.
    """

    reason: Reason
    comment: str = ""
    has_mandate: bool = False
    afterwards: tuple[Wish, ...] = ()
    by: FiledBy = FiledBy.PARTNER
    received_at: datetime | None = None
    contact: UUID | None = None

    @property
    def is_notice(self) -> bool:
        """Whether the notice counts from the day of the quote; a partner without a mandate only announces the customer's own."""
        return self.has_mandate or self.by is not FiledBy.PARTNER


async def file(actor: Actor, quote_id: UUID, filing: Filing) -> Termination:
    """The case exists: an ordinary end waits for the customer (or is planned, where the customer itself files), a buyout for finance; the
    services are held.

    Raises NotFound, QuoteExpired, QuoteUsed, QuoteOutdated (naming what changed), ServiceAlreadyEnding, EndsInThePast, NobodyToAsk,
    MayNotSign, Invalid for a wish about what a service does not leave behind.
    """
    quote = await _usable(quote_id)
    await sending.must_reach(quote.customer, filing.contact)
    shown = await _still_true(actor, quote)
    outcome = shown.previews[Layer.CUSTOMER]
    for service in outcome.services:
        if service.already_ended or service.ending.ends_on < clock.today():
            raise EndsInThePast(service=service.name, ends_on=service.ending.ends_on.isoformat())
    if faults := afterwards.faults(filing.afterwards, leaving(shown), clock.today()):
        raise Invalid(*faults)
    case = await _insert(actor, quote, filing, shown)
    await _hold(actor, case, outcome)
    facts = {"quote": quote.number, "reason": filing.reason.value, "has_mandate": filing.has_mandate}
    if filing.received_at is not None:
        facts["received_at"] = filing.received_at.isoformat()
    if filing.contact is not None:
        facts["contact"] = str(filing.contact)
    note = Note(text=filing.comment, facts=facts, on_behalf_of=shown.parties.customer_name)
    await _begin(actor, case, filing, note)
    return case


async def _begin(actor: Actor, case: Termination, filing: Filing, note: Note) -> None:
    """The new case waits for whoever decides next; what the customer itself files, and finance need not judge, is agreed already."""
    answer_by = await in_time.answer_by(case)
    if case.is_buyout:
        await steps.take(actor, case, _FILES_BUYOUT[filing.by], BuyoutRequested, note=note, **waiting.for_finance(case, answer_by))
    elif filing.by is FiledBy.CUSTOMER:
        await scheduling.schedule(actor, case, _FILES[filing.by], note)
    else:
        await steps.take(actor, case, _FILES[filing.by], CustomerAsked, note=note, **waiting.for_customer(case, answer_by))


async def _usable(quote_id: UUID) -> Quote:
    # Read, not locked: quotes never change, and that each is used once is for the database to say.
    quote = await quotes.find(quote_id)
    if quote.valid_until < clock.today():
        raise QuoteExpired(valid_until=quote.valid_until.isoformat())
    return quote


async def _still_true(actor: Actor, quote: Quote) -> Shown:
    """The preview as it is now, if it is what the quote says."""
    asked = quotes.request_of(quote)
    was_back_dated = asked.received_on < clock.civil_day(quote.created_at)
    now = asked if was_back_dated else msgspec.structs.replace(asked, received_on=max(asked.received_on, clock.today()))
    shown = await quotes.show(actor, now, with_calendar=False)
    if essence(shown.previews) != essence(quotes.outcome_of(quote).previews):
        before = quotes.facts_of(quote)
        changed = [
            {"input": change.key, "then": change.then, "now": change.now}
            for layer, services in shown.facts.items()
            for change in changed_inputs(
                canonical_inputs(before.get(layer, ()), quotes.asked_of(asked)), canonical_inputs(services, quotes.asked_of(now))
            )
        ]
        raise QuoteOutdated(changed=changed, quote=quote.number, offer="POST /api/v1/quotes")
    return shown


def leaving(shown: Shown) -> dict[UUID, Leaving]:
    """What each service of the preview leaves behind, and when."""
    last_days = {service.ref: service.ending.ends_on for service in shown.previews[Layer.CUSTOMER].services}
    return {row["id"]: Leaving(things_of(row), last_days[str(row["id"])]) for row in shown.rows}


def things_of(row: Any) -> tuple[Thing, ...]:
    """What a service leaves behind, by its row."""
    return afterwards.things_of(has_numbers=row["has_numbers"], is_domain=row["is_domain"], has_data=row["has_data"])


def essence(previews: dict[Layer, Preview]) -> Any:
    """What a quote promises: the ends and the money; that notice now arrives a day later may leave both as they were."""
    return {
        layer: [
            (
                service.ref,
                service.ending.kind,
                service.ending.ends_on,
                service.ending.billing_ends_on,
                service.ending.sheet.lines,
                service.ending.sheet.fees,
            )
            for service in preview.services
        ]
        for layer, preview in previews.items()
    }


async def _insert(actor: Actor, quote: Quote, filing: Filing, shown: Shown) -> Termination:
    outcome = shown.previews[Layer.CUSTOMER]
    payer_layer = shown.parties.payer_layer
    case = Termination(
        id=new_id(),
        tenant=actor.tenant,
        number=await numbers.next_in("T"),
        customer=quote.customer,
        quote=quote.id,
        state="",
        reason=filing.reason,
        comment=filing.comment,
        has_mandate=filing.has_mandate,
        is_buyout=needs_finance(outcome),
        received_on=min(shown.request.received_on, clock.today()) if filing.is_notice else None,
        ends_on=min(service.ending.ends_on for service in outcome.services),
        payer=Payer.PARTNER if payer_layer is Layer.PARTNER else Payer.CUSTOMER,
        computed_cents=extra_cost(lines_of(shown.previews[payer_layer])),
        afterwards=msgspec.json.encode(filing.afterwards).decode(),
        filed_by=actor.trail,
        filed_at=clock.now(),
    )
    try:
        async with db.savepoint():
            await Termination.insert(case)
    except asyncpg.UniqueViolationError as error:
        raise QuoteUsed(quote=quote.number) from error
    return case


async def _hold(actor: Actor, case: Termination, outcome: Preview) -> None:
    for service in outcome.services:
        try:
            async with db.savepoint():
                await db.execute(
                    "INSERT INTO termination_line (id, tenant, termination, service, ends_on, billing_ends_on, kind, is_open)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, true)",
                    *(
                        new_id(),
                        actor.tenant,
                        case.id,
                        UUID(service.ref),
                        service.ending.ends_on,
                        service.ending.billing_ends_on,
                        service.ending.kind,
                    ),
                )
        except asyncpg.UniqueViolationError as error:
            raise ServiceAlreadyEnding(service=service.name) from error


def needs_finance(preview: Preview) -> bool:
    """Whether finance must decide: a commitment is bought out, or a ground is claimed that frees or that a person has to judge."""
    return any(
        (service.ending.kind is not EndKind.ORDINARY and not is_undone(service))
        or any(note.key == "ground.needs_person" for note in service.notes)
        for service in preview.services
    )


def is_undone(service: ServicePreview) -> bool:
    """Whether the contract is withdrawn from within its cooling-off period: a right of the consumer's own, which nobody has to judge."""
    return any(note.key in {UNDONE, UNDONE_BUT_FOR_DAYS_USED} for note in service.notes)


def lines_of(preview: Preview) -> list[CostLine]:
    """All lines of the final bill."""
    return [line for service in preview.services for line in service.ending.sheet.lines]


def extra_cost(lines: Sequence[CostLine]) -> int:
    """What leaving costs beside fees, use and credit, in cents as the layer's prices are given: the sum that finance approves."""
    return sum(line.amount_cents for line in lines if line.code in EXTRA_COSTS)


def last_day_to_answer(shown: Shown) -> date:
    """The latest day on which the customer's yes, being the notice, still keeps every end of the preview."""
    return in_time.last_day(shown.request, shown.facts[Layer.CUSTOMER], within_days=settings.current().approval_valid_days)


_ONE = """
SELECT t.*, c.number AS customer_number, c.name AS customer_name, q.number AS quote_number
  FROM termination t JOIN customer c ON c.id = t.customer JOIN termination_quote q ON q.id = t.quote WHERE t.id = $1
"""


async def one(case: UUID) -> asyncpg.Record:
    """The case with its customer; NotFound when it is not the acting tenant's."""
    row = await db.fetch_one(_ONE, case)
    if row is None:
        raise NotFound(what="termination", id=str(case))
    return row


async def lines(case: UUID) -> list[asyncpg.Record]:
    """The case's services with their ends."""
    return await db.fetch(
        "SELECT l.id, l.service, s.number, s.label, l.ends_on, l.billing_ends_on, l.kind, s.ended_at"
        " FROM termination_line l JOIN billing_service s ON s.id = l.service"
        " WHERE l.termination = $1 ORDER BY s.number",
        case,
    )


async def history(case: UUID) -> list[asyncpg.Record]:
    """Every step of the case, oldest first."""
    return (await histories([case]))[case]


async def histories(some: Sequence[UUID]) -> dict[UUID, list[asyncpg.Record]]:
    """Every step of each of these cases, oldest first."""
    found: dict[UUID, list[asyncpg.Record]] = {case: [] for case in some}
    for row in await db.fetch(
        "SELECT termination, nth, action, state, actor, actor_label, on_behalf_of, channel, text_version, note, facts, at"
        " FROM termination_step WHERE termination = ANY($1::uuid[]) ORDER BY termination, nth",
        list(some),
    ):
        found[row["termination"]].append(row)
    return found
