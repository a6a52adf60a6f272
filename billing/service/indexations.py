"""Indexation of offers: looked at with every price it would make, then decided as it was seen, and told to partners weeks ahead."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from tenants.policy import TenantKind, WhoBills

from ..events import OffersIndexed
from ..policy.indexing import LEAST, MOST, STEPS, indexed, percentage_of

LEAST_AHEAD = timedelta(days=30)
"""So long before prices of offers change, partners have been told."""
AMOUNTS = ("fee_cents", "setup_cents", "wholesale_cents", "wholesale_setup_cents")
_OFFERS = """
SELECT o.id, o.code, o.name_nl, o.name_en, q.fee_cents, q.setup_cents, q.wholesale_cents, q.wholesale_setup_cents,
       EXISTS (SELECT 1 FROM billing_offer_price l WHERE l.offer = o.id AND l.since >= $1) AS has_later
  FROM billing_offer o JOIN billing_product p ON p.id = o.product
  JOIN LATERAL (SELECT * FROM billing_offer_price q WHERE q.offer = o.id AND q.since < $1 ORDER BY q.since DESC LIMIT 1) q ON true
 WHERE (o.sold_until IS NULL OR o.sold_until >= $1) AND (p.retired_on IS NULL OR p.retired_on > $1) AND ($2::text IS NULL OR p.code = $2)
 ORDER BY o.code FOR UPDATE OF o
"""
_DECIDE = """
INSERT INTO billing_offer_indexation (id, percentage, since, round_to_cents, index_from, index_to, reason, decided_by, decided_by_label, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_PRICES = """
INSERT INTO billing_offer_price (id, offer, since, fee_cents, setup_cents, wholesale_cents, wholesale_setup_cents, indexation)
SELECT gen_random_uuid(), given.offer, $2, fee, setup, wholesale, wholesale_setup, $1
  FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS given(offer, fee, setup, wholesale, wholesale_setup)
"""
_PARTNERS = "SELECT id FROM tenant WHERE kind <> $1 AND suspended_at IS NULL ORDER BY id"
_COMING = """
SELECT DISTINCT ON (q.offer) o.code, q.since, q.fee_cents, q.setup_cents, q.wholesale_cents, q.wholesale_setup_cents
  FROM billing_offer_price q JOIN billing_offer o ON o.id = q.offer WHERE q.since > $1 ORDER BY q.offer, q.since
"""
_SAID = """
SELECT o.name_nl, o.name_en, q.fee_cents, q.wholesale_cents, b.fee_cents AS fee_before_cents, b.wholesale_cents AS wholesale_before_cents, o.is_for_consumers
  FROM billing_offer_price q JOIN billing_offer o ON o.id = q.offer
  JOIN LATERAL (SELECT * FROM billing_offer_price b WHERE b.offer = q.offer AND b.since < q.since ORDER BY b.since DESC LIMIT 1) b ON true
 WHERE q.indexation = $1 ORDER BY o.code
"""


class IndexationDiffers(Refused):
    """Prices are no longer what was looked at: somebody changed one, or put up or ended an offer."""


class OfferIndexation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All offers, or those of one product, cost so many per cent more from a day on: said as such, or by two figures of an index."""

    since: date
    reason: Annotated[str, Meta(min_length=3, max_length=2000, pattern=r"\S")]
    percentage: Decimal | None = None
    index_from: Decimal | None = None
    index_to: Decimal | None = None
    round_to_cents: int = 1
    product: str | None = None


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer costs: per unit and month and once, toward the customer and toward a partner that bills itself."""

    fee_cents: int
    setup_cents: int
    wholesale_cents: int | None
    wholesale_setup_cents: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An offer with its price before and after."""

    offer: UUID
    code: str
    name_nl: str
    name_en: str
    before: Priced
    after: Priced


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an indexation would do: by how much, to which offers; `left` have a price from that day or later already. `sha256` is its fingerprint."""

    percentage: Decimal
    changed: tuple[Changed, ...]
    left: tuple[str, ...]
    sha256: str


async def look(wanted: OfferIndexation) -> Seen:
    """Every price the indexation would make; nothing is written. Invalid names what cannot be. Staff only."""
    percentage = _percentage(wanted)
    rows = await db.fetch(_OFFERS, wanted.since, wanted.product)
    changed = tuple(_changed(row, percentage, wanted.round_to_cents) for row in rows if not row["has_later"])
    said = msgspec.json.encode([wanted.since, percentage, changed])
    return Seen(
        percentage=percentage,
        changed=changed,
        left=tuple(row["code"] for row in rows if row["has_later"]),
        sha256=hashlib.sha256(said).hexdigest(),
    )


async def decide(actor: Actor, wanted: OfferIndexation, sha256: str) -> Seen:
    """The offers cost what was looked at from that day on, past prices stay, and partners are told. Staff only.

    Raises Invalid, and IndexationDiffers where it would be other prices than those of the fingerprint.
    """
    seen = await look(wanted)
    if not seen.changed:
        raise Invalid(FieldError("/product", "nothing-to-index"))
    if seen.sha256 != sha256:
        raise IndexationDiffers
    made = new_id()
    await db.execute(
        _DECIDE,
        *(made, seen.percentage, wanted.since, wanted.round_to_cents, wanted.index_from, wanted.index_to, wanted.reason),
        *(actor.trail, actor.label, clock.now()),
    )
    columns = [[getattr(one.after, name) for one in seen.changed] for name in AMOUNTS]
    try:
        async with db.savepoint():
            await db.execute(_PRICES, made, wanted.since, [one.offer for one in seen.changed], *columns)
    except asyncpg.UniqueViolationError as error:
        raise IndexationDiffers from error
    partners = await db.fetch(_PARTNERS, TenantKind.HOUSE.value)
    await outbox.publish_all([OffersIndexed(tenant_id=row["id"], indexation_id=made) for row in partners])
    return seen


async def coming(day: date) -> dict[str, asyncpg.Record]:
    """By code of the offer, the next price that was decided after the day."""
    return {row["code"]: row for row in await db.fetch(_COMING, day)}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An indexation as a partner reads it: offers with their price before and after, toward whoever it concerns them."""

    since: date
    percentage: Decimal
    reason: str
    language: str
    email: str | None
    offers: Sequence[tuple[str, int, int]]


async def told(tenant: UUID, indexation: UUID) -> Told:
    """The indexation in the words of this partner: wholesale prices to one that bills in its own name, else the customers'; NotFound."""
    row = await db.fetch_one("SELECT since, percentage, reason FROM billing_offer_indexation WHERE id = $1", indexation)
    who = await db.fetch_one("SELECT language, email, bills FROM tenant WHERE id = $1", tenant)
    if row is None or who is None:
        raise NotFound(what="indexation", id=str(indexation))
    name = "wholesale" if who["bills"] == WhoBills.OWN_NAME else "fee"
    offers = [
        (one[f"name_{who['language']}"], one[f"{name}_before_cents"], one[f"{name}_cents"])
        for one in await db.fetch(_SAID, indexation)
        if one[f"{name}_cents"] is not None
    ]
    return Told(**dict(row), language=who["language"], email=who["email"], offers=offers)


def _percentage(wanted: OfferIndexation) -> Decimal:
    by_index = wanted.index_from is not None and wanted.index_to is not None
    faults = [
        ("percentage", "percentage-or-index", (wanted.percentage is not None) is by_index),
        ("index_from", "not-an-index", any(figure is not None and figure <= 0 for figure in (wanted.index_from, wanted.index_to))),
        ("round_to_cents", "choose-one", wanted.round_to_cents not in STEPS),
        ("since", "too-soon", wanted.since < clock.today() + LEAST_AHEAD),
    ]
    if wrong := [FieldError(f"/{name}", code, {"days": LEAST_AHEAD.days}) for name, code, is_wrong in faults if is_wrong]:
        raise Invalid(*wrong)
    if wanted.percentage is None and wanted.index_from is not None and wanted.index_to is not None:
        found = percentage_of(wanted.index_from, wanted.index_to)
    else:
        found = wanted.percentage or Decimal(0)
    if found == 0:
        raise Invalid(FieldError("/percentage", "changes-nothing"))
    if not LEAST <= found <= MOST:
        raise Invalid(FieldError("/percentage", "too-much"))
    return found


def _changed(row: asyncpg.Record, percentage: Decimal, step: int) -> Changed:
    before = {name: row[name] for name in AMOUNTS}
    after = {name: None if cents is None else indexed(cents, percentage, step) for name, cents in before.items()}
    return Changed(
        offer=row["id"],
        code=row["code"],
        name_nl=row["name_nl"],
        name_en=row["name_en"],
        before=msgspec.convert(before, Priced),
        after=msgspec.convert(after, Priced),
    )
