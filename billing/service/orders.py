"""Ordering: the terms are shown, accepted as they were shown, and become services; the first invoice follows by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, numbers, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.web.lists import Column, Listing, Window
from tenants.policy import LocationKind, Segment, WhoBills

from ..events import OrderPlaced
from ..policy.agreed import Channel
from ..policy.ordering import LONGEST_AHEAD, Offer, OwnPrice, ShownTerms, is_at_a_distance, seal, sets_own_price, shown, suits
from . import offers, pauses, places, port_ins, services
from .places import Facts
from .port_ins import PortWanted
from .services import AgreedTerms, Cents, Label

_MOST_LINES = 20
_WHO = """
SELECT c.id, c.segment, c.language, t.bills FROM customer c JOIN tenant t ON t.id = c.tenant WHERE c.id = $1
"""
_INSERT = """
INSERT INTO billing_order (id, tenant, number, customer, location, channel, language, terms, terms_sha256, accepted_by, starts_early, placed_by,
    placed_by_label, once, placed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
LISTING = Listing("orders", {"placed": Column("o.placed_at", "timestamptz", "placed_at")}, usual="-placed", id_sql="o.id")
READ = """
SELECT o.*, c.name AS customer_name, c.number AS customer_number, l.street, l.postcode, l.city,
       (SELECT count(*) FROM billing_order_line x WHERE x.of_order = o.id) AS lines,
       (SELECT count(*) FROM billing_port_in p WHERE p.of_order = o.id AND p.state NOT IN ('done', 'withdrawn')) AS ports_open
  FROM billing_order o JOIN customer c ON c.id = o.customer JOIN location l ON l.id = o.location
"""
_LINES = """
SELECT x.position, x.service, x.setup_cents, s.number, s.label, s.quantity, s.fee_cents, s.starts_on, s.ends_on, s.ended_at,
       o.terms -> (x.position - 1) ->> 'offer' AS offer
  FROM billing_order_line x JOIN billing_order o ON o.id = x.of_order JOIN billing_service s ON s.id = x.service WHERE x.of_order = $1 ORDER BY x.position
"""


class TermsDiffer(Refused):
    """What was accepted is not what is on offer now: a price or a term changed in between."""


class OrderLineWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer, for how many, from when; `fee_cents` and `setup_cents` only from a partner that bills in its own name; `port` for numbers that come along."""

    offer: Annotated[str, Meta(min_length=1, max_length=40)]
    starts_on: date
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1
    label: Label | None = None
    fee_cents: Cents | None = None
    setup_cents: Cents = 0
    port: PortWanted | None = None

    @property
    def own(self) -> OwnPrice | None:
        """What the partner asks instead of the provider's price."""
        return None if self.fee_cents is None else OwnPrice(self.fee_cents, self.setup_cents)


class OrderWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order: for which customer, at which of its addresses, which lines.

    `terms_sha256` is the fingerprint of the terms that were shown, and that `accepted_by` accepted for the customer; `whereabouts` is what whoever takes
    the order knows of where a consumer is. `starts_early` is a consumer's express wish that the service begins within its cooling-off period, and counts
    only where it has one.
    """

    customer_id: UUID
    location: UUID | LocationKind
    lines: Annotated[list[OrderLineWanted], Meta(min_length=1, max_length=_MOST_LINES)]
    terms_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    accepted_by: Annotated[str, Meta(min_length=2, max_length=200)]
    channel: Channel = Channel.ONLINE
    starts_early: bool = False
    whereabouts: Facts = Facts()


class Shown(msgspec.Struct, frozen=True):
    """The terms of an order before it is placed, their fingerprint, and the numbers that would come along."""

    terms: tuple[ShownTerms, ...]
    sha256: str
    has_cooling_off: bool
    ports: tuple[PortWanted, ...]


async def show(customer: UUID, lines: Sequence[OrderLineWanted], channel: Channel = Channel.ONLINE) -> Shown:
    """The terms on which the customer would order this today; Invalid names every line that cannot be. Nothing is written."""
    who = await _who(customer)
    found = await _offers(lines, who)
    return _shown(lines, found, who, channel)


async def place(actor: Actor, wanted: OrderWanted, once: UUID | None = None) -> UUID:
    """The order is on record with the terms that were accepted, its services exist, its port-ins are asked for, and it is announced.

    The same `once` again returns the order it made. Raises TermsDiffer when the terms are not those whose fingerprint was accepted, Invalid for what
    cannot be, NotFound for another tenant's customer.
    """
    if once and (before := await db.fetch_one("SELECT id FROM billing_order WHERE once = $1", once)):
        found: UUID = before["id"]
        return found
    await db.execute("SELECT 1 FROM customer WHERE id = $1 FOR SHARE", wanted.customer_id)
    who = await _who(wanted.customer_id)
    offered = await _offers(wanted.lines, who)
    seen = _shown(wanted.lines, offered, who, wanted.channel)
    if seen.sha256 != wanted.terms_sha256:
        raise TermsDiffer
    location = await _location(wanted)
    order, number = new_id(), await numbers.next_in("B")
    try:
        async with db.savepoint():
            await db.execute(
                _INSERT,
                *(order, actor.tenant, number, wanted.customer_id, location, wanted.channel.value, who["language"]),
                *(
                    msgspec.json.encode(seen.terms).decode(),
                    seen.sha256,
                    wanted.accepted_by,
                    wanted.starts_early and seen.has_cooling_off,
                    actor.trail,
                    actor.label,
                ),
                *(once or order, clock.now()),
            )
    except asyncpg.UniqueViolationError:  # the same form, sent twice at once: the other has it
        return await place(actor, wanted, once)
    for position, line in enumerate(wanted.lines, 1):
        await _line(actor, wanted, (order, location), position, line, offered[line.offer])
    if Segment(who["segment"]) is Segment.CONSUMER:
        await places.keep_of_order(actor, order, wanted.customer_id, wanted.whereabouts)
    assert actor.tenant is not None  # noqa: S101  # the customer was found in it
    await outbox.publish(OrderPlaced(tenant_id=actor.tenant, order_id=order))
    return order


async def one(order: UUID) -> tuple[asyncpg.Record, list[asyncpg.Record]]:
    """The order with its lines; NotFound when it is not there or another tenant's."""
    row = await db.fetch_one(f"{READ} WHERE o.id = $1", order)
    if row is None:
        raise NotFound(what="order", id=str(order))
    return row, await db.fetch(_LINES, order)


async def page(window: Window, customer: UUID | None = None) -> list[asyncpg.Record]:
    """The orders in the window, of one customer if named; one row more than shown."""
    unseen, values = window.where(2)
    return await db.fetch(f"{READ} WHERE ($1::uuid IS NULL OR o.customer = $1) AND {unseen} ORDER BY {window.order}", customer, *values)


async def _who(customer: UUID) -> asyncpg.Record:
    who = await db.fetch_one(_WHO, customer)
    if who is None:
        raise NotFound(what="customer", id=str(customer))
    return who


async def _offers(lines: Sequence[OrderLineWanted], who: asyncpg.Record) -> dict[str, tuple[UUID, Offer]]:
    found = await offers.by_code([line.offer for line in lines], clock.today())
    segment, bills, today = Segment(who["segment"]), WhoBills(who["bills"]), clock.today()
    faults: list[FieldError] = []
    for nth, line in enumerate(lines):
        offer = found[line.offer][1] if line.offer in found else None
        faults += [
            FieldError(f"/lines/{nth}/{name}", code, {"value": line.offer}) for name, code in _wrong(line, offer, segment, bills, today)
        ]
        if line.port:
            found_wrong = port_ins.faults(line.port, today)
            faults += [msgspec.structs.replace(fault, pointer=f"/lines/{nth}/port{fault.pointer}") for fault in found_wrong]
    if faults:
        raise Invalid(*faults)
    return found


def _wrong(line: OrderLineWanted, offer: Offer | None, segment: Segment, bills: WhoBills, today: date) -> list[tuple[str, str]]:
    if offer is None:
        return [("offer", "not-on-offer")]
    own = sets_own_price(bills)
    rules = [
        ("offer", "not-for-this-customer", not suits(offer, segment)),
        ("offer", "no-wholesale-price", own and offer.wholesale_cents is None),
        ("fee_cents", "price-is-fixed", not own and (line.fee_cents is not None or line.setup_cents > 0)),
        ("fee_cents", "price-needed", own and line.fee_cents is None),
        ("starts_on", "in-the-past", line.starts_on < today),
        ("starts_on", "too-far-ahead", line.starts_on > today + LONGEST_AHEAD),
        ("port", "has-no-numbers", line.port is not None and not offer.has_numbers),
    ]
    return [(name, code) for name, code, is_wrong in rules if is_wrong]


def _shown(lines: Sequence[OrderLineWanted], found: dict[str, tuple[UUID, Offer]], who: asyncpg.Record, channel: Channel) -> Shown:
    terms = tuple(
        shown(found[line.offer][1], language=who["language"], quantity=line.quantity, starts_on=line.starts_on, own=line.own)
        for line in lines
    )
    ports = tuple(msgspec.structs.replace(line.port, numbers=port_ins.tidy(line.port)) for line in lines if line.port)
    return Shown(terms, seal(terms), Segment(who["segment"]) is Segment.CONSUMER and is_at_a_distance(channel), ports)


async def _location(wanted: OrderWanted) -> UUID:
    which = "id" if isinstance(wanted.location, UUID) else "kind"
    row = await db.fetch_one(
        f"SELECT id FROM location WHERE {which} = $1 AND customer = $2 ORDER BY id LIMIT 1",  # noqa: S608  # one of two names
        *(wanted.location, wanted.customer_id),
    )
    if row is None:
        raise Invalid(FieldError("/location", "no-such-location", {"value": str(wanted.location)}))
    found: UUID = row["id"]
    return found


async def _line(
    actor: Actor, wanted: OrderWanted, where: tuple[UUID, UUID], position: int, line: OrderLineWanted, offered: tuple[UUID, Offer]
) -> None:
    order, location = where
    offer_id, offer = offered
    own = line.own
    service = await services.enter(
        actor, customer=wanted.customer_id, product=offer.product, terms=_terms(wanted, line, offer), location=location
    )
    await pauses.allow(service, offer.pause_months, extends=offer.pause_extends)
    await db.execute(
        "INSERT INTO billing_order_line (id, tenant, of_order, position, offer, service, setup_cents, wholesale_setup_cents)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(new_id(), actor.tenant, order, position, offer_id, service),
        (own.setup_cents if own else offer.setup_cents) * line.quantity,
        offer.wholesale_setup_cents * line.quantity if own else 0,
    )
    if line.port:
        await port_ins.ask(actor, order=order, service=service, wanted=line.port)


def _terms(wanted: OrderWanted, line: OrderLineWanted, offer: Offer) -> AgreedTerms:
    own = line.own
    taken: dict[str, Any] = {name: getattr(offer, name) for name in _TAKEN}
    return AgreedTerms(
        label=line.label or offer.name_nl,
        fee_cents=own.fee_cents if own else offer.fee_cents,
        wholesale_cents=offer.wholesale_cents if own else None,
        quantity=line.quantity,
        starts_on=line.starts_on,
        signed_on=clock.today(),
        paid_until=line.starts_on,
        channel=wanted.channel,
        **taken,
    )


_TAKEN = (
    "minimum_months",
    "renewal",
    "renewal_months",
    "notice_n",
    "notice_unit",
    "align",
    "billing_months",
    "in_advance",
    "proration",
    "credit_mode",
    "buyout_rule",
)
