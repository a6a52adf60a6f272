"""What a document says, once for every rendering of it: paper, e-invoice, page and JSON. Read from the rows on record, never computed anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.kernel.errors import NotFound
from partner_portal.kernel.money import Money

from ..policy import labels
from ..policy.debit import Collection
from ..policy.ledger import Kind, Label, Layer, LineKind, Unit
from ..policy.tax import Vat, VatCategory, VatTotal
from . import announcing
from .parties import Party


class Rendering(StrEnum):
    """Which of its renderings a document is: the one that was sent, another of the same, or one of a draft that has no number."""

    ORIGINAL = "original"
    COPY = "copy"
    PRO_FORMA = "pro forma"


class Earlier(msgspec.Struct, frozen=True):
    """The document of which another takes something back."""

    id: UUID
    number: str
    issued_on: date
    kind: Kind = Kind.INVOICE


class DocumentLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `net` is without VAT, `amount` as the price was told: for a consumer with VAT inside. `period` is half-open, `service` its number.

    `corrects` is the document whose line it gives back, or a part of it.
    """

    id: UUID | None = None
    position: int
    kind: LineKind
    description: str
    quantity: Decimal
    unit: Unit
    unit_price: Decimal
    net: Money
    amount: Money
    vat: Vat
    period: tuple[date, date] | None = None
    service: str | None = None
    service_id: UUID | None = None
    why: dict[str, Any] = {}
    corrects: Earlier | None = None

    @property
    def ended_on(self) -> date | None:
        """The last day of what it is about, for what is owed because that ended; None for what has days of its own, or no known day."""
        said = self.why.get("ends_on")
        return date.fromisoformat(said) if said and not self.period else None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it was issued, or a draft without id and number."""

    id: UUID | None
    tenant: UUID
    customer: UUID | None
    issuer_id: UUID
    layer: Layer
    kind: Kind
    number: str
    reference: str
    issued_on: date
    issued_at: datetime
    due_on: date
    period: tuple[date, date] | None
    language: str
    prices_include_vat: bool
    net: Money
    vat: Money
    gross: Money
    issuer: Party
    debtor: Party
    buyer_reference: str | None
    corrects: Earlier | None
    reason: str | None
    lines: tuple[DocumentLine, ...]
    totals: tuple[VatTotal, ...]
    collects: Collection | None = None
    """How it will be collected, as it says itself; it may have been changed or taken over since (`Standing.collects`)."""

    @property
    def categories(self) -> frozenset[VatCategory]:
        """How its lines are taxed."""
        return frozenset(total.vat.category for total in self.totals)

    @property
    def earlier(self) -> tuple[Earlier, ...]:
        """Every document that this one, or a line of it, takes something back of, each once: the law wants them named (Directive 2006/112/EC art. 219)."""
        named = [self.corrects, *(line.corrects for line in self.lines)]
        return tuple(dict.fromkeys(one for one in named if one is not None))

    @property
    def ended_on(self) -> date | None:
        """The day on which what it bills was over, where it is about an end (Directive 2006/112/EC art. 226(7)); the last of several."""
        return max((line.ended_on for line in self.lines if line.ended_on), default=None)

    @property
    def contract(self) -> str | None:
        """The number of the one service it is about; None where there are several or none."""
        services = {line.service for line in self.lines if line.service}
        return services.pop() if len(services) == 1 else None


class Settlement(msgspec.Struct, frozen=True):
    """So much of a document was settled on this day: by a payment, or by a document in the debtor's favour, whose number `credit` is."""

    on: date
    amount: Money
    credit: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document stands: what is open, and what was made of it and sent."""

    label: Label | None
    open: Money
    credited: Money
    written_off: Money = Money(0)
    paid_on: date | None
    document: UUID | None
    einvoice: UUID | None
    paid_document: UUID | None
    mailed_at: datetime | None
    bounced_at: datetime | None
    collects: Collection | None = None
    """How it will be collected as things stand now."""
    settled: Sequence[Settlement] = ()
    """What it was paid with, for whoever tells that."""


_HEADS = """
SELECT i.*, o.number AS corrects_number, o.issued_on AS corrects_on, o.kind AS corrects_kind,
       a.collects_on AS on, a.amount_cents, a.reference AS mandate, a.creditor_id, a.iban, m.scheme
  FROM billing_invoice i LEFT JOIN billing_invoice o ON o.tenant = i.tenant AND o.id = i.refers_to
  LEFT JOIN billing_announcement a ON a.tenant = i.tenant AND a.invoice = i.id AND NOT a.is_separate
  LEFT JOIN billing_mandate m ON m.tenant = a.tenant AND m.id = a.mandate WHERE i.id = ANY($1) ORDER BY i.issued_on, i.id
"""
_LINES = """
SELECT l.*, s.number AS service_number, o.id AS refers_to, o.number AS corrects_number, o.issued_on AS corrects_on, o.kind AS corrects_kind
  FROM billing_line l LEFT JOIN billing_service s ON s.tenant = l.tenant AND s.id = l.service
  LEFT JOIN billing_line c ON c.tenant = l.tenant AND c.id = l.credits LEFT JOIN billing_invoice o ON o.tenant = c.tenant AND o.id = c.invoice
 WHERE l.invoice = ANY($1) ORDER BY l.invoice, l.position
"""
_TOTALS = "SELECT * FROM billing_vat WHERE invoice = ANY($1) ORDER BY invoice, category DESC, rate DESC, country"
_STANDING = """
SELECT i.kind, i.gross_cents, i.due_on, s.* FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id WHERE i.id = $1
"""


# What the bank or we gave back of a payment is taken off it; what nothing is left of did not pay.
_SETTLED = """
SELECT min(coalesce(p.received_on, c.issued_on)) AS on, sum(a.amount_cents)::bigint AS cents, coalesce(max(c.number), '') AS credit
  FROM billing_allocation a LEFT JOIN billing_payment p ON p.tenant = a.tenant AND p.id = a.payment
  LEFT JOIN billing_invoice c ON c.tenant = a.tenant AND c.id = a.credit
 WHERE a.invoice = $1 AND a.write_off IS NULL GROUP BY coalesce(p.reverses, p.id, c.id) HAVING sum(a.amount_cents) > 0 ORDER BY 1, 3, min(a.made_at)
"""


async def one(invoice: UUID) -> Document:
    """The document; NotFound when it is not within the asking side of the wall."""
    found = await several([invoice])
    if not found:
        raise NotFound(what="invoice", id=str(invoice))
    return found[0]


async def several(invoices: Sequence[UUID]) -> list[Document]:
    """These documents, the oldest first, those that are within the asking side of the wall; by three statements, however many."""
    heads = await db.fetch(_HEADS, list(invoices))
    lines, totals = _by_invoice(await db.fetch(_LINES, list(invoices))), _by_invoice(await db.fetch(_TOTALS, list(invoices)))
    return [_document(head, lines[head["id"]], totals[head["id"]]) for head in heads]


async def following(last: UUID | None, limit: int) -> list[Document]:
    """The documents after `last` in the order of their ids, at most so many; None: from the first on. For whoever goes through all of them."""
    rows = await db.fetch("SELECT id FROM billing_invoice WHERE id > $1 ORDER BY id LIMIT $2", last or UUID(int=0), limit)
    found = {document.id: document for document in await several([row["id"] for row in rows])}
    return [found[row["id"]] for row in rows]


async def standing(invoice: UUID) -> Standing:
    """Where the document stands today; NotFound."""
    row = await db.fetch_one(_STANDING, invoice)
    if row is None:
        raise NotFound(what="invoice", id=str(invoice))
    return Standing(
        label=label_of(row),
        open=Money(row["open_cents"]),
        credited=Money(row["credited_cents"]),
        collects=(await announcing.now([invoice])).get(invoice),
        written_off=Money(row["written_off_cents"]),
        **{name: row[name] for name in ("paid_on", "document", "einvoice", "paid_document", "mailed_at", "bounced_at")},
    )


async def settled_by(invoice: UUID) -> list[Settlement]:
    """Each payment of the document with the day it was received, and each credit that was used for it, in order."""
    return [Settlement(row["on"], Money(row["cents"]), row["credit"]) for row in await db.fetch(_SETTLED, invoice)]


async def settled_last(invoice: UUID) -> UUID | None:
    """The last step by which something of the document was settled or taken back: what is told of how it stands is told once for each."""
    row = await db.fetch_one("SELECT id FROM billing_allocation WHERE invoice = $1 ORDER BY made_at DESC, id DESC LIMIT 1", invoice)
    return row["id"] if row else None


def label_of(row: Mapping[str, Any] | asyncpg.Record) -> Label | None:
    """The label of a row that has kind, gross_cents, open_cents, credited_cents, written_off_cents and due_on."""
    return labels.label(
        Kind(row["kind"]),
        gross_cents=row["gross_cents"],
        open_cents=row["open_cents"],
        credited_cents=row["credited_cents"],
        due_on=row["due_on"],
        today=clock.today(),
        written_off_cents=row.get("written_off_cents") or 0,
    )


def _by_invoice(rows: Sequence[asyncpg.Record]) -> defaultdict[UUID, list[asyncpg.Record]]:
    sorted_: defaultdict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        sorted_[row["invoice"]].append(row)
    return sorted_


_AS_THEY_ARE = ("id", "tenant", "customer", "number", "reference", "issued_on", "issued_at", "due_on", "language", "prices_include_vat",
                "buyer_reference", "reason")  # fmt: skip


def _document(head: asyncpg.Record, lines: Sequence[asyncpg.Record], totals: Sequence[asyncpg.Record]) -> Document:
    told = bool(head["prices_include_vat"])
    return Document(
        **{name: head[name] for name in _AS_THEY_ARE},
        issuer_id=head["issuer"],
        layer=Layer(head["layer"]),
        kind=Kind(head["kind"]),
        period=_period(head),
        net=Money(head["net_cents"]),
        vat=Money(head["vat_cents"]),
        gross=Money(head["gross_cents"]),
        issuer=msgspec.json.decode(head["issuer_details"], type=Party),
        debtor=msgspec.json.decode(head["debtor_details"], type=Party),
        corrects=_earlier(head),
        lines=tuple(_line(row, told=told) for row in lines),
        totals=tuple(_total(row, told=told) for row in totals),
        collects=announcing.collection(head) if head["on"] else None,
    )


def _line(row: asyncpg.Record, *, told: bool) -> DocumentLine:
    return DocumentLine(
        **{name: row[name] for name in ("id", "position", "description", "unit_price")},
        quantity=row["quantity"].normalize() + 0,
        kind=LineKind(row["kind"]),
        unit=Unit(row["unit"]),
        net=Money(row["net_cents"]),
        amount=Money(row["amount_cents"]),
        vat=_vat(row["vat_category"], row["vat_rate"], row["vat_country"], told=told),
        period=_period(row),
        service=row["service_number"],
        service_id=row["service"],
        why=msgspec.json.decode(row["why"]),
        corrects=_earlier(row),
    )


def _earlier(row: asyncpg.Record) -> Earlier | None:
    return Earlier(row["refers_to"], row["corrects_number"], row["corrects_on"], Kind(row["corrects_kind"])) if row["refers_to"] else None


def _total(row: asyncpg.Record, *, told: bool) -> VatTotal:
    vat = _vat(row["category"], row["rate"], row["country"], told=told)
    return VatTotal(vat, row["base_cents"], row["vat_cents"], row["base_cents"] + row["vat_cents"])


def _vat(category: str, rate: Decimal, country: str, *, told: bool) -> Vat:
    return Vat(category=VatCategory(category), rate=rate, country=country, prices_include_vat=told)


def _period(row: asyncpg.Record) -> tuple[date, date] | None:
    return (row["period_from"], row["period_until"]) if row["period_from"] else None
