"""Many documents in one transaction, by set: what is to be billed is put together in tables that live as long as the transaction, and written from there.

The amounts are those of `policy.drafting` and `policy.tax`; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox

from ..events import InvoiceIssued
from ..policy.ledger import Kind, Layer, LineKind, Unit
from ..policy.tax import Vat
from . import announcing, issuing
from .parties import Debtor, Sender


class Billable(msgspec.Struct, frozen=True):
    """A debtor with whoever sends its documents, its days to pay, and how its prices are taxed; `key` is the customer, or the partner itself."""

    key: UUID
    debtor: Debtor
    sender: Sender
    days: int
    vat: Vat


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What is billed of a service for some days, as `DraftLine` has it."""

    service: UUID
    debtor: UUID
    layer: Layer
    description: str
    quantity: Decimal
    unit: Unit
    unit_price: Decimal
    amount_cents: int
    period: tuple[date, date]
    why: dict[str, str | int]


class Written(msgspec.Struct, frozen=True):
    """How many documents were made, and what they come to."""

    invoices: int = 0
    gross_cents: int = 0


_TABLES = """
CREATE TEMP TABLE run_debtor (key uuid PRIMARY KEY, tenant uuid, customer uuid, layer text, sender uuid, days int, language text, is_collective boolean,
    buyer_reference text, details jsonb, category text, rate numeric, country text, includes_vat boolean) ON COMMIT DROP;
CREATE TEMP TABLE run_piece (id uuid DEFAULT gen_random_uuid(), nth bigint GENERATED ALWAYS AS IDENTITY, debtor uuid, service uuid, layer text, kind text,
    description text, quantity numeric(14,4), unit text, unit_price numeric(16,6), amount_cents bigint, period_from date, period_until date, turn int,
    charge uuid, document uuid, why jsonb) ON COMMIT DROP;
CREATE TEMP TABLE run_document (id uuid, nth int, debtor uuid, one_service uuid, sender uuid, kind text, base_cents bigint, vat_cents bigint, category text,
    rate numeric, country text, includes_vat boolean, period_from date, period_until date) ON COMMIT DROP
"""
_DEBTORS = """
INSERT INTO run_debtor SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::int[], $7::text[], $8::boolean[], $9::text[],
    $10::jsonb[], $11::text[], $12::numeric[], $13::text[], $14::boolean[])
"""
_PIECES = """
INSERT INTO run_piece (service, debtor, layer, kind, description, quantity, unit, unit_price, amount_cents, period_from, period_until, why)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::text[], $8::numeric[], $9::bigint[], $10::date[],
    $11::date[], $12::jsonb[])
"""
_SUM = """
INSERT INTO run_piece (debtor, layer, kind, description, quantity, unit, unit_price, amount_cents, why)
VALUES ($1, 'partner', 'other', '', 1, 'C62', abs($2::bigint) / 100.0, $2, '{}')
"""
_CHARGES = """
INSERT INTO run_piece (debtor, service, layer, kind, description, quantity, unit, unit_price, amount_cents, period_from, period_until, turn, charge, why)
SELECT d.key, c.service, c.layer, c.kind, c.description, c.quantity, c.unit, c.unit_price, c.amount_cents, c.period_from, c.period_until, 1, c.id, c.why
  FROM run_debtor d JOIN billing_charge c ON c.layer = d.layer AND coalesce(c.customer, c.tenant) = d.key AND c.tenant = d.tenant
 WHERE c.line IS NULL AND c.dropped_at IS NULL AND c.bill_from <= $1 ORDER BY c.created_at, c.description, c.period_from, c.id FOR UPDATE OF c
"""
_TURNS = """
UPDATE run_piece p SET turn = 1 + (SELECT count(*) FROM billing_line l WHERE l.service = p.service AND l.layer = p.layer AND l.kind = 'recurring'
                                      AND l.period_from = p.period_from)
 WHERE p.kind = 'recurring' AND EXISTS (SELECT 1 FROM billing_line l WHERE l.service = p.service AND l.layer = p.layer AND l.kind = 'recurring'
                                           AND l.period_from = p.period_from)
RETURNING p.service, p.debtor, EXISTS (
    SELECT 1 FROM billing_line l WHERE l.service = p.service AND l.layer = p.layer AND l.kind = 'recurring' AND l.period_from = p.period_from
       AND NOT EXISTS (SELECT 1 FROM billing_line c WHERE c.tenant = l.tenant AND c.credits = l.id AND c.period_from = l.period_from)) AS is_billed
"""
# A debtor's lines stand on one document, or on one per service; what is outside VAT never stands beside what is not (EN 16931 BR-O-11).
_OUTSIDE = f"(p.kind IN ('{LineKind.DAMAGES}', '{LineKind.INTEREST}', '{LineKind.COLLECTION}'))"
_DOCUMENTS = f"""
WITH grouped AS (
    SELECT gen_random_uuid() AS id, d.key AS debtor, CASE WHEN d.is_collective THEN NULL ELSE p.service END AS one_service, d.sender,
           CASE WHEN {_OUTSIDE} THEN '{Kind.DAMAGES}' ELSE '{Kind.INVOICE}' END AS kind, sum(p.amount_cents) AS told,
           CASE WHEN {_OUTSIDE} THEN 'O' ELSE d.category END AS category, CASE WHEN {_OUTSIDE} THEN 0 ELSE d.rate END AS rate, d.country,
           d.includes_vat AND NOT {_OUTSIDE} AS includes_vat, min(p.period_from) AS period_from, max(p.period_until) AS period_until
      FROM run_piece p JOIN run_debtor d ON d.key = p.debtor AND d.layer = p.layer
     GROUP BY d.key, 3, d.sender, {_OUTSIDE}, d.category, d.rate, d.country, d.includes_vat HAVING bool_or(p.amount_cents <> 0)),
based AS (SELECT grouped.*, CASE WHEN includes_vat THEN round(told * 100 / (100 + rate)) ELSE told END AS base FROM grouped)
INSERT INTO run_document
SELECT id, row_number() OVER (PARTITION BY sender, kind ORDER BY debtor, one_service), debtor, one_service, sender, kind, base,
       CASE WHEN includes_vat THEN told - base ELSE round(base * rate / 100) END, category, rate, country, includes_vat, period_from, period_until
  FROM based
"""  # noqa: S608  # our own kinds
_BELONGS = f"""
UPDATE run_piece p SET document = o.id FROM run_document o JOIN run_debtor d ON d.key = o.debtor
 WHERE o.debtor = p.debtor AND p.layer = d.layer AND (d.is_collective OR o.one_service IS NOT DISTINCT FROM p.service)
   AND (o.kind = '{Kind.DAMAGES}') = {_OUTSIDE}
"""  # noqa: S608  # our own kinds
_TOTAL = "SELECT count(*) AS invoices, coalesce(sum(base_cents + vat_cents), 0)::bigint AS gross FROM run_document"
_COUNTS = "SELECT sender, kind, count(*)::int AS n FROM run_document GROUP BY sender, kind ORDER BY sender, kind"
_INVOICES = """
INSERT INTO billing_invoice (id, tenant, customer, issuer, layer, kind, series, year, sequence, number, reference, issued_on, due_on, period_from,
    period_until, language, prices_include_vat, net_cents, vat_cents, gross_cents, issuer_details, debtor_details, buyer_reference, run, issued_at)
SELECT o.id, d.tenant, d.customer, o.sender, d.layer, o.kind, n.series, $9, n.first + o.nth - 1, n.prefix || n.said,
       'RF' || lpad(((98 - (n.digits || n.said || '271500')::numeric % 97) % 97)::text, 2, '0') || n.plain || n.said, $7::date, $7::date + d.days,
       o.period_from, o.period_until, d.language, o.includes_vat, o.base_cents, o.vat_cents, o.base_cents + o.vat_cents, n.details, d.details,
       d.buyer_reference, $8, $10
  FROM run_document o JOIN run_debtor d ON d.key = o.debtor
  JOIN LATERAL (SELECT given.*, lpad((first + o.nth - 1)::text, greatest(6, length((first + o.nth - 1)::text)), '0') AS said,
                       replace(given.prefix, '-', '') AS plain
                  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::jsonb[], $11::text[])
                       AS given(sender, kind, series, first, prefix, details, digits)) n ON n.sender = o.sender AND n.kind = o.kind
RETURNING id, tenant
"""
_LINES = """
WITH netted AS (
    SELECT p.*, o.category, o.rate, o.country, o.includes_vat, o.base_cents,
           CASE WHEN o.includes_vat THEN round(p.amount_cents::numeric * 100 / (100 + o.rate)) ELSE p.amount_cents END AS net,
           row_number() OVER (PARTITION BY p.document ORDER BY p.nth) AS position
      FROM run_piece p JOIN run_document o ON o.id = p.document),
ranked AS (SELECT netted.*, row_number() OVER (PARTITION BY document ORDER BY abs(amount_cents) DESC, position) AS size,
                  sum(net) OVER (PARTITION BY document) AS nets FROM netted),
settled AS (SELECT ranked.*, net + CASE WHEN size = 1 THEN base_cents - nets ELSE 0 END AS net_cents FROM ranked)
INSERT INTO billing_line (id, tenant, invoice, position, kind, layer, service, description, quantity, unit, unit_price, net_cents, amount_cents, vat_category,
    vat_rate, vat_country, period_from, period_until, turn, why)
SELECT s.id, d.tenant, s.document, s.position, s.kind, s.layer, s.service, s.description, s.quantity, s.unit,
       CASE WHEN NOT s.includes_vat THEN s.unit_price WHEN s.quantity = 0 THEN 0 ELSE round(abs(s.net_cents / 100 / s.quantity), 6) END,
       s.net_cents, s.amount_cents, s.category, s.rate, s.country, s.period_from, s.period_until, coalesce(s.turn, 1), s.why
  FROM settled s JOIN run_debtor d ON d.key = s.debtor
"""
_VATS = """
INSERT INTO billing_vat (id, tenant, invoice, category, rate, country, base_cents, vat_cents)
SELECT gen_random_uuid(), d.tenant, o.id, o.category, o.rate, o.country, o.base_cents, o.vat_cents FROM run_document o JOIN run_debtor d ON d.key = o.debtor
"""
_BILLED = "UPDATE billing_charge c SET line = p.id FROM run_piece p WHERE p.charge = c.id AND p.document IS NOT NULL"


async def begin(billables: Sequence[Billable]) -> None:
    """The tables of this transaction are there, and hold the debtors; documents are made of what is put beside them."""
    await db.execute(_TABLES)
    rows = [
        (
            *(one.key, one.debtor.tenant, one.debtor.customer, (Layer.CUSTOMER if one.debtor.customer else Layer.PARTNER).value),
            *(one.sender.tenant, one.days, one.debtor.language, one.debtor.is_collective, one.debtor.buyer_reference),
            *(_json(one.debtor.party), one.vat.category.value, one.vat.rate, one.vat.country, one.vat.prices_include_vat),
        )
        for one in billables
    ]
    if rows:
        await db.execute(_DEBTORS, *(list(column) for column in zip(*rows, strict=True)))
        await db.execute("ANALYZE run_debtor")


async def put(pieces: Sequence[Piece]) -> None:
    """These are billed, too."""
    rows = [
        (
            *(
                piece.service,
                piece.debtor,
                piece.layer.value,
                LineKind.RECURRING.value,
                piece.description,
                piece.quantity,
                piece.unit.value,
            ),
            *(piece.unit_price, piece.amount_cents, *piece.period, _json(piece.why)),
        )
        for piece in pieces
    ]
    if rows:
        await db.execute(_PIECES, *(list(column) for column in zip(*rows, strict=True)))


async def put_sum(debtor: UUID, cents: int) -> None:
    """So much more is owed than what waits: for a sum that nobody is asked to pay yet."""
    await db.execute(_SUM, debtor, cents)


async def billed_already() -> list[tuple[UUID, UUID]]:
    """The services, each with its debtor, of which some days stand on a document that was not credited; nothing of them is billed now."""
    rows = [(row["service"], row["debtor"]) for row in await db.fetch(_TURNS) if row["is_billed"]]
    if rows:
        await db.execute("DELETE FROM run_piece WHERE service = ANY($1::uuid[])", [service for service, _ in rows])
    return sorted(set(rows))


async def take_charges(day: date) -> None:
    """What waits for these debtors and may be billed from `day` on is billed, too."""
    await db.execute(_CHARGES, day)


async def add_up() -> Written:
    """The documents with their sums, before they have numbers."""
    await db.execute(_DOCUMENTS)
    await db.execute("ANALYZE run_document; ANALYZE run_piece")
    row = await db.fetch_one(_TOTAL)
    assert row is not None  # noqa: S101  # a count always has its row
    return Written(row["invoices"], row["gross"])


async def write(senders: Mapping[UUID, Sender], day: date, run: UUID | None) -> list[UUID]:
    """The documents, which are returned, have numbers, lines and VAT, and are announced; what waited for them no longer waits."""
    await db.execute(_BELONGS)
    numbered = [await _numbers(senders[row["sender"]], Kind(row["kind"]), day, row["n"]) for row in await db.fetch(_COUNTS)]
    if not numbered:
        return []
    sender, kind, series, first, prefix, details, digits = (list(column) for column in zip(*numbered, strict=True))
    made = await db.fetch(_INVOICES, sender, kind, series, first, prefix, details, day, run, day.year, clock.now(), digits)
    await db.execute(_LINES)
    await db.execute(_VATS)
    await db.execute(_BILLED)
    await announcing.with_invoices([row["id"] for row in made])
    await outbox.publish_all([InvoiceIssued(tenant_id=row["tenant"], invoice_id=row["id"]) for row in made])
    return [row["id"] for row in made]


async def _numbers(sender: Sender, kind: Kind, day: date, count: int) -> tuple[Any, ...]:
    series = issuing.SERIES[kind]
    first = await issuing.next_sequence(sender.tenant, series, day.year, count)
    prefix = issuing.number_of(sender.code, series, day.year, 0).removesuffix("000000")
    digits = "".join(str(int(char, 36)) for char in prefix if char.isalnum())
    return sender.tenant, kind.value, series, first, prefix, _json(sender.party), digits


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
