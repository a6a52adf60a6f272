"""Giving a document its number: from then on it is owed, and never changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import NotFound
from tenants.policy import Segment

from ..events import InvoiceIssued
from ..policy.drafting import Amounts, amounts, due_on, payment_reference, unit_price
from ..policy.ledger import DraftLine, Kind, Layer
from ..policy.places import Place
from . import announcing, parties, places
from .parties import Debtor, Sender
from .places import NoPlace, PlaceUnknown

SERIES = {Kind.INVOICE: "F", Kind.CREDIT_NOTE: "C", Kind.DAMAGES: "S", Kind.COSTS: "S"}
_NEXT = """
INSERT INTO billing_series (id, tenant, series, year, last) VALUES (gen_random_uuid(), $1, $2, $3, $4)
    ON CONFLICT (tenant, series, year) DO UPDATE SET last = billing_series.last + $4 RETURNING last
"""
_INVOICE = """
INSERT INTO billing_invoice (id, tenant, customer, issuer, layer, kind, series, year, sequence, number, reference, issued_on, due_on, period_from,
    period_until, language, prices_include_vat, net_cents, vat_cents, gross_cents, issuer_details, debtor_details, buyer_reference, refers_to, reason,
    run, issued_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
"""
# Days that were billed before and credited since, by whatever document or an earlier line of this one, are billed for one time more.
_LINES = """
WITH given AS (
    SELECT * FROM unnest($4::uuid[], $5::int[], $6::text[], $7::uuid[], $8::text[], $9::numeric[], $10::text[], $11::numeric[], $12::bigint[],
        $13::bigint[], $14::text[], $15::numeric[], $16::text[], $17::date[], $18::date[], $19::uuid[], $20::jsonb[])
        AS g (id, position, kind, service, description, quantity, unit, unit_price, net_cents, amount_cents, category, rate, country, period_from,
              period_until, credits, why))
INSERT INTO billing_line (id, tenant, invoice, position, kind, layer, service, description, quantity, unit, unit_price, net_cents, amount_cents,
    vat_category, vat_rate, vat_country, period_from, period_until, turn, credits, why)
SELECT g.id, $1, $2, g.position, g.kind, $3::text, g.service, g.description, g.quantity, g.unit, g.unit_price, g.net_cents, g.amount_cents,
       g.category, g.rate, g.country, g.period_from, g.period_until,
       CASE WHEN g.kind = 'recurring' THEN 1 + (
            SELECT count(*) FROM billing_line o WHERE o.service = g.service AND o.layer = $3::text AND o.period_from = g.period_from AND o.kind = 'recurring'
               AND (EXISTS (SELECT 1 FROM billing_line c WHERE c.tenant = o.tenant AND c.credits = o.id AND c.period_from = g.period_from)
                    OR EXISTS (SELECT 1 FROM given c WHERE c.position < g.position AND c.credits = o.id AND c.period_from = g.period_from)))
            ELSE 1 END, g.credits, g.why
  FROM given g ORDER BY g.position
"""
_VAT = """
INSERT INTO billing_vat (id, tenant, invoice, category, rate, country, base_cents, vat_cents)
SELECT g.id, $1, $2, g.category, g.rate, g.country, g.base_cents, g.vat_cents
  FROM unnest($3::uuid[], $4::text[], $5::numeric[], $6::text[], $7::bigint[], $8::bigint[]) AS g (id, category, rate, country, base_cents, vat_cents)
"""
_BILLED = """
UPDATE billing_charge c SET line = g.line FROM unnest($1::uuid[], $2::uuid[]) AS g (charge, line)
 WHERE c.id = g.charge AND c.line IS NULL AND c.dropped_at IS NULL
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A document without a number: whose, of which layer and kind, its lines; a credit note names what it credits and why."""

    tenant: UUID
    customer: UUID | None
    lines: Sequence[DraftLine]
    layer: Layer = Layer.CUSTOMER
    kind: Kind = Kind.INVOICE
    refers_to: UUID | None = None
    reason: str | None = None
    run: UUID | None = None


async def issue(draft: Draft) -> UUID:
    """The document has the next number of its issuer's series and year, is on record with lines and VAT, and is announced; returns its id.

    Runs through the staff door. Numbers are counted in this unit of work, so a rollback leaves no gap and two at once wait for each other.
    Raises NothingToBill, MixedPrices, IssuerUnknown, DebtorIncomplete, PlaceUnknown.
    """
    sums, today = amounts(draft.lines), clock.today()
    sender = await parties.sender(draft.tenant, draft.layer)
    debtor = await parties.debtor(draft.tenant, draft.customer, today)
    placed = await _placed(draft, debtor, sender, today)
    invoice = new_id()
    await _head(invoice, draft, sums, (sender, debtor), today)
    await _lines(invoice, draft, sums)
    await _vat(invoice, draft.tenant, sums)
    await places.record([invoice], placed)
    await announcing.with_invoices([invoice])
    await outbox.publish(InvoiceIssued(tenant_id=draft.tenant, invoice_id=invoice))
    return invoice


async def _placed(draft: Draft, debtor: Debtor, sender: Sender, today: date) -> dict[UUID, Place | NoPlace]:
    """Where a consumer elsewhere is taxed; a document that only takes back what was billed follows that, and one outside VAT is taxed nowhere."""
    if draft.customer is None or draft.layer is not Layer.CUSTOMER or draft.kind is not Kind.INVOICE:
        return {}
    placed = await places.judge({draft.customer: (debtor, sender)}, today)
    if isinstance(found := placed.get(draft.customer), NoPlace) and any(line.credits is None for line in draft.lines):
        raise PlaceUnknown(why=found.why.value)
    return placed


async def must_be_of(tenant: UUID, invoice: UUID) -> None:
    """NotFound unless the document is of this tenant's debtor: for jobs that come through the staff door, where the wall does not say so."""
    if await db.fetch_one("SELECT 1 FROM billing_invoice WHERE id = $1 AND tenant = $2", invoice, tenant) is None:
        raise NotFound(what="invoice", id=str(invoice))


async def next_sequence(issuer: UUID, series: str, year: int, count: int = 1) -> int:
    """The first of `count` numbers that follow the last one given; whoever numbers at the same time waits."""
    row = await db.fetch_one(_NEXT, issuer, series, year, count)
    assert row is not None  # noqa: S101  # the statement always returns its row
    last: int = row["last"]
    return last - count + 1


def number_of(code: str, series: str, year: int, sequence: int) -> str:
    """The number as people say it: whose, which series and year, the how manieth."""
    return f"{code}-{series}{year}-{sequence:06d}"


async def _head(invoice: UUID, draft: Draft, sums: Amounts, who: tuple[Sender, Debtor], today: date) -> None:
    sender, debtor = who
    series = SERIES[draft.kind]
    sequence = await next_sequence(sender.tenant, series, today.year)
    number = number_of(sender.code, series, today.year, sequence)
    usual = sender.consumer_payment_days if debtor.segment is Segment.CONSUMER else sender.payment_days
    days = usual if debtor.payment_days is None else debtor.payment_days
    spans = [line.period for line in draft.lines if line.period]
    await db.execute(
        _INVOICE,
        *(invoice, draft.tenant, draft.customer, sender.tenant, draft.layer.value, draft.kind.value, series, today.year, sequence, number),
        *(payment_reference(number), today, due_on(today, draft.kind, days)),
        *(min((start for start, _ in spans), default=None), max((until for _, until in spans), default=None)),
        *(debtor.language, draft.lines[0].vat.prices_include_vat, sums.net_cents, sums.vat_cents, sums.gross_cents),
        *(msgspec.json.encode(sender.party).decode(), msgspec.json.encode(debtor.party).decode(), debtor.buyer_reference),
        *(draft.refers_to, draft.reason, draft.run, clock.now()),
    )


async def _lines(invoice: UUID, draft: Draft, sums: Amounts) -> None:
    """All lines at once, and what waited for them no longer waits."""
    rows = [
        (
            *(new_id(), position, line.kind.value, line.service, line.description, line.quantity, line.unit.value, unit_price(line, net)),
            *(
                net,
                line.amount_cents,
                line.vat.category.value,
                line.vat.rate,
                line.vat.country,
                *(line.period or (None, None)),
                line.credits,
            ),
            msgspec.json.encode(line.why).decode(),
        )
        for position, (line, net) in enumerate(zip(draft.lines, sums.nets, strict=True), 1)
    ]
    await db.execute(_LINES, draft.tenant, invoice, draft.layer.value, *(list(column) for column in zip(*rows, strict=True)))
    billed = [(line.charge, row[0]) for line, row in zip(draft.lines, rows, strict=True) if line.charge]
    if billed:
        await db.execute(_BILLED, *(list(column) for column in zip(*billed, strict=True)))


async def _vat(invoice: UUID, tenant: UUID, sums: Amounts) -> None:
    rows = [
        (new_id(), total.vat.category.value, total.vat.rate, total.vat.country, total.base_cents, total.vat_cents) for total in sums.totals
    ]
    await db.execute(_VAT, tenant, invoice, *(list(column) for column in zip(*rows, strict=True)))
