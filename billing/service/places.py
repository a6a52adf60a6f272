"""Evidence of where consumers elsewhere in the EU are: gathered from what they told and did, kept, and named with each document it decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ..policy import places
from ..policy.places import Kind, Piece, Place, Unplaced, country_of_number
from ..policy.tax import STANDARD_RATES
from .parties import Debtor, Sender

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
# What is known of a customer without asking: its billing address, the account it pays from, its main contact's telephone, where its newest line comes in.
_KNOWN = """
SELECT c.id AS customer, c.tenant, b.country AS billing, m.country AS bank, k.phone, i.country AS installation FROM customer c
  LEFT JOIN LATERAL (SELECT l.country FROM location l WHERE l.tenant = c.tenant AND l.customer = c.id AND l.kind = 'billing' ORDER BY l.id LIMIT 1) b ON true
  LEFT JOIN LATERAL (SELECT left(d.iban, 2) AS country FROM billing_mandate d WHERE d.tenant = c.tenant AND d.customer = c.id AND d.ended_on IS NULL
                      ORDER BY d.signed_on DESC, d.id LIMIT 1) m ON true
  LEFT JOIN LATERAL (SELECT k.phone FROM contact k WHERE k.tenant = c.tenant AND k.customer = c.id AND k.phone IS NOT NULL
                      ORDER BY NOT k.is_main, k.id LIMIT 1) k ON true
  LEFT JOIN LATERAL (SELECT l.country FROM billing_service s JOIN location l ON l.tenant = s.tenant AND l.id = s.location
                       JOIN billing_product p ON p.id = s.product WHERE s.tenant = c.tenant AND s.customer = c.id AND s.ended_at IS NULL
                        AND p.kind IN ('ECS', 'BUNDLE') ORDER BY s.starts_on DESC, s.id LIMIT 1) i ON true
 WHERE c.id = ANY($1::uuid[])
"""
_NEWEST = """
SELECT DISTINCT ON (customer, kind) id, customer, kind, country FROM billing_location_evidence WHERE customer = ANY($1::uuid[])
 ORDER BY customer, kind, seen_at DESC, id DESC
"""
_KEEP = """
INSERT INTO billing_location_evidence (id, tenant, customer, of_order, kind, country, recorded_by, seen_at)
SELECT given.id, given.tenant, given.customer, given.of_order, given.kind, given.country, $1, $2
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[]) AS given(id, tenant, customer, of_order, kind, country)
"""
# Credit notes count against what they take back; a consumer's prices include VAT, a business's do not.
_SOLD_ABROAD = """
SELECT coalesce(sum(CASE WHEN kind = 'credit note' THEN -net_cents ELSE net_cents END), 0)::bigint AS cents FROM billing_invoice
 WHERE issuer = $1 AND issued_on >= $2 AND kind <> 'damages' AND prices_include_vat AND debtor_details ->> 'country' = ANY($3::text[])
"""
_PLACED = """
INSERT INTO billing_vat_place (id, tenant, invoice, rule, country, first, second)
SELECT gen_random_uuid(), i.tenant, i.id, given.rule, given.country, given.first, given.second
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[]) AS given(customer, rule, country, first, second)
  JOIN billing_invoice i ON i.customer = given.customer WHERE i.id = ANY($1::uuid[]) AND i.kind = 'invoice' AND i.layer = 'customer'
"""
_WHOSE = "SELECT tenant, segment FROM customer WHERE id = $1"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was seen, and the country it points at."""

    kind: Kind
    country: Country


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever takes an order knows of where the customer is: the country of its internet address and of its SIM card. Nothing is looked up."""

    internet: Country | None = None
    telephone: Country | None = None

    @property
    def told(self) -> dict[Kind, str]:
        """The same by kind."""
        return {kind: country for kind, country in ((Kind.INTERNET, self.internet), (Kind.TELEPHONE, self.telephone)) if country}


async def keep_of_order(actor: Actor, order: UUID, customer: UUID, facts: Facts) -> None:
    """What points at the consumer's country is on record with its order: what is known of it, and what was told with the order."""
    known = await _known([customer])
    told = {kind: piece.country for kind, piece in known.get(customer, {}).items()} | facts.told
    tenant = actor.tenant
    assert tenant is not None  # noqa: S101  # the order is one of the tenant's
    await _keep(actor.trail, [(tenant, customer, order, kind, country) for kind, country in told.items()])


async def add(actor: Actor, customer: UUID, kind: Kind, country: str) -> None:
    """One more piece of evidence, seen by staff, is on record; the newest of its kind counts. NotFound for a customer that is not there."""
    row = await db.fetch_one(_WHOSE, customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    await _keep(actor.trail, [(row["tenant"], customer, None, kind, country)])


class PlaceUnknown(Refused):
    """Nobody knows where this consumer is taxed: no document that asks for VAT goes out before two pieces of evidence agree."""


class NoPlace(msgspec.Struct, frozen=True):
    """Why nobody knows where a consumer is taxed, and what points where."""

    why: Unplaced
    facts: dict[str, str]


async def judge(debtors: Mapping[UUID, tuple[Debtor, Sender]], day: date) -> dict[UUID, Place | NoPlace]:
    """For those of these customers that are consumers elsewhere: where their documents are taxed by the evidence there is now, or why nobody knows.

    What is known of them and was not on record yet is kept first. Through the staff door.
    """
    abroad = {customer: who for customer, who in debtors.items() if places.must_be_placed(who[0].seat, who[1].party.country)}
    if not abroad:
        return {}
    found = await _gathered(list(abroad), {customer: who[0].tenant for customer, who in abroad.items()})
    sold = {sender.tenant: await _sold_abroad(sender, day) for _, sender in abroad.values() if not sender.uses_oss}
    return {
        customer: _judged(debtor, sender, found.get(customer, []), sold.get(sender.tenant, 0))
        for customer, (debtor, sender) in abroad.items()
    }


def _judged(debtor: Debtor, sender: Sender, evidence: Sequence[Piece], sold_cents: int) -> Place | NoPlace:
    found = places.place(debtor.seat, evidence, supplier_country=sender.party.country, oss=sender.uses_oss, sold_abroad_cents=sold_cents)
    if isinstance(found, Place):
        return found
    return NoPlace(found, {"customer": debtor.seat.country, **{piece.kind.value: piece.country for piece in evidence}})


async def record(invoices: Sequence[UUID], decided: Mapping[UUID, Place | NoPlace]) -> None:
    """With each of these invoices it is on record where it is taxed, by which rule and which two pieces of evidence."""
    rows = [(customer, place) for customer, place in decided.items() if isinstance(place, Place)]
    if rows and invoices:
        used = [[piece.id for piece in place.used] or [None, None] for _, place in rows]
        await db.execute(
            _PLACED,
            *(
                list(invoices),
                [customer for customer, _ in rows],
                [place.rule.value for _, place in rows],
                [place.country for _, place in rows],
            ),
            *([first for first, _ in used], [second for _, second in used]),
        )


async def _gathered(customers: Sequence[UUID], tenants: Mapping[UUID, UUID]) -> dict[UUID, list[Piece]]:
    known, newest = await _known(customers), await _newest(customers)
    new = [
        (tenants[customer], customer, None, kind, piece.country)
        for customer, pieces in known.items()
        for kind, piece in pieces.items()
        if newest.get(customer, {}).get(kind, Piece(kind, "")).country != piece.country
        and not (kind is Kind.TELEPHONE and kind in newest.get(customer, {}))  # a SIM card's country was told; a number says less
    ]
    if new:
        await _keep("system:run", new)
        newest = await _newest(customers)
    return {customer: list(pieces.values()) for customer, pieces in newest.items()}


async def _known(customers: Sequence[UUID]) -> dict[UUID, dict[Kind, Piece]]:
    found: dict[UUID, dict[Kind, Piece]] = {}
    for row in await db.fetch(_KNOWN, list(customers)):
        told = {
            Kind.BILLING: row["billing"],
            Kind.BANK: row["bank"],
            Kind.TELEPHONE: country_of_number(row["phone"]),
            Kind.INSTALLATION: row["installation"],
        }
        found[row["customer"]] = {kind: Piece(kind, country) for kind, country in told.items() if country}
    return found


async def _newest(customers: Sequence[UUID]) -> dict[UUID, dict[Kind, Piece]]:
    found: dict[UUID, dict[Kind, Piece]] = {}
    for row in await db.fetch(_NEWEST, list(customers)):
        kind = Kind(row["kind"])
        found.setdefault(row["customer"], {})[kind] = Piece(kind, row["country"], row["id"])
    return found


async def _keep(by: str, rows: Iterable[tuple[UUID, UUID, UUID | None, Kind, str]]) -> None:
    values = [(new_id(), tenant, customer, order, kind.value, country) for tenant, customer, order, kind, country in rows]
    if values:
        await db.execute(_KEEP, by, clock.now(), *(list(column) for column in zip(*values, strict=True)))


async def _sold_abroad(sender: Sender, day: date) -> int:
    elsewhere = [country for country in STANDARD_RATES if country != sender.party.country]
    row = await db.fetch_one(_SOLD_ABROAD, sender.tenant, date(day.year - 1, 1, 1), elsewhere)
    return int(row["cents"]) if row else 0
