"""What goes out, made of the rows on record: debtors, documents with the package's codes on every line, and what payments settle of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db, files
from partner_portal.kernel.errors import NotFound
from tenants.policy import Segment

from ...policy import accounting as rules
from ...policy.ledger import Kind
from .. import archive, documents, parties, ubl
from ..documents import Document
from ..parties import Debtor
from .connections import Connection
from .port import Booking, Contact, Corrected, SalesDocument, SalesLine, SalesVat, Settlement, What

_PRODUCTS = """
SELECT s.id, p.code FROM billing_service s JOIN billing_product p ON p.id = s.product WHERE s.tenant = $1 AND s.id = ANY($2::uuid[])
"""
_ALLOCATION = """
SELECT a.id, a.amount_cents, a.invoice, a.payment, p.received_on, p.source, p.source_key, p.method, i.number, i.tenant, i.customer
  FROM billing_allocation a JOIN billing_payment p ON p.id = a.payment JOIN billing_invoice i ON i.id = a.invoice
 WHERE a.id = $1 AND i.issuer = $2
"""
_SHARES = """
SELECT a.id::text AS key, a.amount_cents FROM billing_allocation mine
  JOIN billing_allocation a ON a.tenant = mine.tenant AND a.payment = mine.payment AND a.invoice = mine.invoice
 WHERE mine.id = $1 AND (a.made_at, a.id) <= (mine.made_at, mine.id) ORDER BY a.made_at, a.id
"""
_SETTLED = """
SELECT a.id, a.amount_cents, a.invoice, a.credit, a.made_at, i.number, i.issued_on, n.number AS credit_number, n.issued_on AS credited_on
  FROM billing_allocation a JOIN billing_invoice i ON i.id = a.invoice JOIN billing_invoice n ON n.id = a.credit
 WHERE a.id = $1 AND i.issuer = $2 AND n.issuer = $2
"""
_KNOWN = """
SELECT l.remote_id FROM billing_allocation a JOIN billing_accounting_link l ON l.connection = $3 AND l.what = $4 AND l.subject = a.id
 WHERE a.invoice = $1 AND a.credit = $2 AND a.id <> $5 AND l.remote_id IS NOT NULL ORDER BY l.remote_id
"""


async def debtor(subject: UUID) -> tuple[Contact, str]:
    """The customer or partner of this id as a contact, with the mark of its details; NotFound, DebtorIncomplete."""
    row = await db.fetch_one(
        "SELECT c.tenant, c.id AS customer FROM customer c WHERE c.id = $1 UNION ALL SELECT t.id, NULL FROM tenant t WHERE t.id = $1",
        subject,
    )
    if row is None:
        raise NotFound(what="debtor", id=str(subject))
    today = clock.today()
    found = await parties.debtor(row["tenant"], row["customer"], today)
    is_customer = row["customer"] is not None
    marks = await parties.marks([subject] if is_customer else [], [] if is_customer else [subject], today)
    return contact(subject, found), marks[subject]


def contact(subject: UUID, found: Debtor) -> Contact:
    """The debtor in the words of the port."""
    party = found.party
    return Contact(
        key=str(subject),
        number=party.number or str(subject),
        name=party.name,
        street=party.street,
        postcode=party.postcode,
        city=party.city,
        country=party.country,
        vat_id=party.vat_id,
        chamber_number=party.chamber_number,
        email=party.email,
        language=found.language,
        is_business=found.segment is not Segment.CONSUMER,
        payment_days=found.payment_days,
    )


async def head(invoice: UUID, issuer: UUID) -> Document:
    """The document; NotFound where another issuer sent it."""
    found = await documents.one(invoice)
    if found.issuer_id != issuer:
        raise NotFound(what="invoice", id=str(invoice))
    return found


async def document(connection: Connection, found: Document, owes: Contact, remote_contact: str, corrected: str | None) -> SalesDocument:
    """The document in the words of the port, each line with the codes of the connection; CodeMissing."""
    services = [line.service_id for line in found.lines if line.service_id]
    products = {row["id"]: row["code"] for row in await db.fetch(_PRODUCTS, found.tenant, services)} if services else {}
    corrects = found.corrects
    return SalesDocument(
        key=str(found.id),
        kind=found.kind,
        number=found.number,
        reference=found.reference,
        issued_on=found.issued_on,
        due_on=found.due_on,
        contact=remote_contact,
        debtor=owes,
        prices_include_vat=found.prices_include_vat,
        net_cents=found.net.cents,
        vat_cents=found.vat.cents,
        gross_cents=found.gross.cents,
        lines=tuple(_line(connection, line, products) for line in found.lines),
        totals=tuple(_total(connection, total) for total in found.totals),
        buyer_reference=found.buyer_reference,
        corrects=Corrected(number=corrects.number, issued_on=corrects.issued_on, remote=corrected) if corrects else None,
        ubl=ubl.render(found) if connection.has_papers else b"",
        pdf=await _original(found) if connection.has_papers else b"",
    )


async def _original(found: Document) -> bytes:
    kept = await archive.kept(found.id) if found.id else None
    return (await files.fetch(kept[0].id))[1] if kept else b""


def _line(connection: Connection, line: documents.DocumentLine, products: Mapping[UUID, str]) -> SalesLine:
    product = products.get(line.service_id) if line.service_id else None
    return SalesLine(
        position=line.position,
        kind=line.kind,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        net_cents=line.net.cents,
        amount_cents=line.amount.cents,
        vat_category=line.vat.category,
        vat_rate=line.vat.rate,
        vat_country=line.vat.country,
        ledger=rules.ledger_code(connection.ledgers, line.kind, product),
        vat_code=rules.vat_code(connection.vat_codes, line.vat),
        product=product,
        period=line.period,
    )


def _total(connection: Connection, total: Any) -> SalesVat:
    vat = total.vat
    return SalesVat(
        category=vat.category,
        rate=vat.rate,
        country=vat.country,
        vat_code=rules.vat_code(connection.vat_codes, vat),
        base_cents=total.base_cents,
        vat_cents=total.vat_cents,
    )


async def allocation(subject: UUID, issuer: UUID) -> Any:
    """What a payment settles of a document, as a row; NotFound where it is none of this issuer's."""
    row = await db.fetch_one(_ALLOCATION, subject, issuer)
    if row is None:
        raise NotFound(what="allocation", id=str(subject))
    return row


async def takes(row: Any) -> rules.TakenBack:
    """What an allocation takes back, as `allocation` gives it; nothing where it settles."""
    if row["amount_cents"] >= 0:
        return rules.TakenBack()
    return rules.taken_back([(share["key"], share["amount_cents"]) for share in await db.fetch(_SHARES, row["id"])])


async def settled(subject: UUID, issuer: UUID) -> Any:
    """What a credit note settles of a document, as a row; NotFound where it is none of this issuer's."""
    row = await db.fetch_one(_SETTLED, subject, issuer)
    if row is None:
        raise NotFound(what="allocation", id=str(subject))
    return row


async def settlement(connection: Connection, row: Any, remote_credit: str, remote_document: str) -> Settlement:
    """What `settled` gave, in the words of the port; on the day it was settled, which is none before either document."""
    known = await db.fetch(_KNOWN, row["invoice"], row["credit"], connection.id, What.SETTLEMENT.value, row["id"])
    return Settlement(
        key=str(row["id"]),
        credit=remote_credit,
        document=remote_document,
        number=row["number"],
        amount_cents=row["amount_cents"],
        on=max(row["made_at"].astimezone(clock.AMSTERDAM).date(), row["issued_on"], row["credited_on"]),
        known=tuple(one["remote_id"] for one in known),
    )


def booking(connection: Connection, row: Any, remote_document: str, remote_contact: str, taken: rules.TakenBack) -> Booking:
    """The allocation in the words of the port; CodeMissing where the connection does not say where such money arrives."""
    return Booking(
        key=str(row["id"]),
        document=remote_document,
        number=row["number"],
        contact=remote_contact,
        amount_cents=row["amount_cents"],
        on=row["received_on"],
        source=row["source"],
        method=row["method"],
        ledger=rules.money_code(connection.ledgers, row["source"]),
        description=f"{row['number']} {row['source_key']}"[:140],
        takes=taken,
    )


def said_contact(one: Contact) -> dict[str, str]:
    """The facts of a debtor that people compare."""
    return {
        "name": one.name,
        "address": f"{one.street}, {one.postcode} {one.city}, {one.country}",
        "email": one.email or "",
        "vat": one.vat_id or "",
    }


def said_document(found: Document) -> dict[str, str]:
    """The facts of a document that people compare."""
    sign = -1 if found.kind is Kind.CREDIT_NOTE else 1
    return {
        "number": found.number,
        "debtor": found.debtor.name,
        "total": cents(sign * found.gross.cents),
        "issued": found.issued_on.isoformat(),
    }


def cents(amount: int) -> str:
    """An amount as it stands in lists of facts: EUR 12.10."""
    return f"EUR {'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"
