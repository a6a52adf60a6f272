"""What a partner's software is told about what is owed: thin, without anybody's name, and the same words as the API's."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import NotFound
from partner_portal.web.money import MoneyOut, text

from ..policy.ledger import Kind, Label, Layer
from ..workflow import PortState
from . import documents

INVOICES = {
    "invoice.issued": sentence("An invoice or a note of damage has its number and is sent"),
    "invoice.credited": sentence("A credit note corrects an invoice"),
    "invoice.overdue": sentence("The due date has passed and something is open"),
    "invoice.paid": sentence("Nothing is open any more, because it was paid"),
    "invoice.reopened": sentence("A paid invoice is owed again: its payment went back or elsewhere"),
    "reminder.sent": sentence("A note before the due date or a reminder went out"),
}
PAYMENTS = {
    "payment.booked": sentence("Money came in"),
    "payment.returned": sentence("Money went back: paid back, or taken back by a bank"),
}
ORDERS = {
    "order.placed": sentence("A customer ordered"),
    **{
        f"port_in.{state.value}": when
        for state, when in {
            PortState.REQUESTED: sentence("Numbers were asked for at the current provider"),
            PortState.ACCEPTED: sentence("The current provider lets the numbers go"),
            PortState.PLANNED: sentence("There is a day on which the numbers come"),
            PortState.DONE: sentence("The numbers are with us"),
            PortState.REJECTED: sentence("The current provider refused to let the numbers go"),
            PortState.WITHDRAWN: sentence("The numbers stay where they are"),
        }.items()
    },
}
SERVICES = {
    "service.suspended": sentence("A service stopped because an invoice is unpaid"),
    "service.released": sentence("A service that had stopped works again"),
}
SUBJECTS = {
    sentence("Invoices and reminders"): INVOICES,
    sentence("Payments"): PAYMENTS,
    sentence("Orders"): ORDERS,
    sentence("Services"): SERVICES,
}
"""The kinds of events by subject, each with when it happens."""


class DocumentTold(msgspec.Struct, frozen=True, kw_only=True):
    """Another document, by its number."""

    id: UUID
    number: str
    total: MoneyOut
    url: str


class InvoiceTold(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as it stands now; `customer_id` null where the partner itself owes it, `credit_note` the one that just corrected it."""

    id: UUID
    number: str
    kind: Kind
    layer: Layer
    state: Label | None
    customer_id: UUID | None
    customer_number: str | None
    issued_on: date
    due_on: date
    total: MoneyOut
    open: MoneyOut
    paid_on: date | None
    credit_note: DocumentTold | None
    url: str


class PartTold(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a document is meant."""

    invoice_id: UUID
    number: str
    amount: MoneyOut


class PaymentTold(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in, or (below zero) went back: then `returns` is the payment it undoes. `url` has what is open now."""

    id: UUID
    amount: MoneyOut
    received_on: date
    method: str
    customer_id: UUID | None
    customer_number: str | None
    returns: UUID | None
    settles: list[PartTold]
    url: str


class OrderedTold(msgspec.Struct, frozen=True, kw_only=True):
    """A service that came of an order."""

    service_id: UUID
    number: str
    starts_on: date


class OrderTold(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was placed."""

    id: UUID
    number: str
    customer_id: UUID
    customer_number: str
    services: list[OrderedTold]
    url: str


class PortInTold(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers on their way to us after a step; `number` is the order's, which has the rest."""

    id: UUID
    number: str
    state: PortState
    planned_on: date | None
    order_id: UUID
    service_id: UUID
    service_number: str
    customer_id: UUID
    customer_number: str
    url: str


class ServiceTold(msgspec.Struct, frozen=True, kw_only=True):
    """A service that stopped for an unpaid invoice, or works again."""

    id: UUID
    number: str
    customer_id: UUID
    customer_number: str
    on: date
    invoice_id: UUID
    invoice_number: str
    url: str


class RemindedTold(PartTold, frozen=True, kw_only=True):
    """An invoice that a letter is about, at which level."""

    level: int


class ReminderTold(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that reminds of one or several invoices; level 0 is the note before the due date, 3 the last reminder.

    Its own level is the highest of theirs. What is only due soon (level 0 in a reminder) is not part of `open`.
    """

    id: UUID
    level: int
    sent_on: date
    pays_by: date | None
    customer_id: UUID | None
    customer_number: str | None
    open: MoneyOut
    invoices: list[RemindedTold]
    url: str


_INVOICE = """
SELECT i.id, i.number, i.kind, i.layer, i.customer, c.number AS customer_number, i.issued_on, i.due_on, i.issued_at, i.gross_cents, i.refers_to,
       s.open_cents, s.credited_cents, s.paid_on, x.id AS settled_by, x.made_at AS settled_at
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id LEFT JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer
  LEFT JOIN LATERAL (SELECT a.id, a.made_at FROM billing_allocation a WHERE a.tenant = i.tenant AND a.invoice = i.id
                      ORDER BY a.made_at DESC, a.id DESC LIMIT 1) x ON true
 WHERE i.id = $1
"""
_PAYMENT = """
SELECT p.id, p.amount_cents, p.received_on, p.method, p.customer, c.number AS customer_number, p.reverses, p.booked_at
  FROM billing_payment p LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer WHERE p.id = $1
"""
_SETTLES = """
SELECT i.id, i.number, sum(a.amount_cents)::bigint AS cents FROM billing_allocation a JOIN billing_invoice i ON i.tenant = a.tenant AND i.id = a.invoice
 WHERE a.payment = $1 GROUP BY i.id, i.number HAVING sum(a.amount_cents) > 0 ORDER BY i.number
"""
_ORDER = """
SELECT o.id, o.number, o.customer, c.number AS customer_number, o.placed_at, s.id AS service, s.number AS service_number, s.starts_on
  FROM billing_order o JOIN customer c ON c.tenant = o.tenant AND c.id = o.customer JOIN billing_order_line l ON l.tenant = o.tenant AND l.of_order = o.id
  JOIN billing_service s ON s.tenant = l.tenant AND s.id = l.service WHERE o.id = $1 ORDER BY l.position
"""
_PORT_IN = """
SELECT p.id, o.number, x.state, x.planned_on, x.at, o.id AS order, s.id AS service, s.number AS service_number, o.customer, c.number AS customer_number
  FROM billing_port_in p JOIN billing_port_in_step x ON x.tenant = p.tenant AND x.port_in = p.id
  JOIN billing_order o ON o.tenant = p.tenant AND o.id = p.of_order JOIN customer c ON c.tenant = o.tenant AND c.id = o.customer
  JOIN billing_service s ON s.tenant = p.tenant AND s.id = p.service
 WHERE p.id = $1 AND x.nth = $2
"""
_SERVICE = """
SELECT s.id, s.number, s.customer, c.number AS customer_number, x.happened_on, x.happened_at, i.id AS invoice, i.number AS invoice_number
  FROM billing_suspension x JOIN billing_service s ON s.tenant = x.tenant AND s.id = x.service JOIN customer c ON c.tenant = s.tenant AND c.id = s.customer
  JOIN billing_invoice i ON i.tenant = x.tenant AND i.id = x.invoice WHERE x.service = $1 AND x.nth = $2
"""
_REMINDER = """
SELECT r.level, r.sent_on, r.pays_by, r.decided_at, r.open_cents, i.id, i.number, i.customer, c.number AS customer_number
  FROM billing_reminder r JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice LEFT JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer
 WHERE r.letter = $1 ORDER BY i.due_on, i.number
"""


class News(msgspec.Struct, frozen=True):
    """What is told: the kind of event, the facts, our key (told twice, it is one message), and when it happened."""

    kind: str
    facts: msgspec.Struct
    key: str
    at: datetime


async def issued(invoice: UUID) -> News:
    """A document has its number: an invoice, or a credit note, which is told as what happened to the invoice that it corrects. NotFound."""
    row = await _one(_INVOICE, invoice, what="invoice")
    if row["refers_to"] is None:
        return News("invoice.issued", _invoice(row), f"{invoice}:issued", row["issued_at"])
    note = DocumentTold(id=row["id"], number=row["number"], total=_money(row["gross_cents"]), url=_address(f"invoices/{row['id']}"))
    corrected = await _one(_INVOICE, row["refers_to"], what="invoice")
    return News("invoice.credited", _invoice(corrected, note), f"{invoice}:credited", row["issued_at"])


async def paid(invoice: UUID) -> News | None:
    """The invoice is paid; None where it was credited instead, or is open again. NotFound."""
    return await _settled("invoice.paid", invoice, Label.PAID)


async def reopened(invoice: UUID) -> News | None:
    """The invoice is owed again; None where it was settled since. NotFound."""
    return await _settled("invoice.reopened", invoice, Label.UNPAID, Label.OVERDUE)


async def _settled(kind: str, invoice: UUID, *expected: Label) -> News | None:
    row = await _one(_INVOICE, invoice, what="invoice")
    facts = _invoice(row)
    if facts.state not in expected:
        return None
    return News(kind, facts, f"{kind}:{row['settled_by'] or invoice}:{invoice}", row["settled_at"] or clock.now())


async def overdue(invoice: UUID) -> News | None:
    """The invoice is overdue; None where it was settled since. NotFound."""
    facts = _invoice(await _one(_INVOICE, invoice, what="invoice"))
    return News("invoice.overdue", facts, f"{invoice}:overdue", clock.now()) if facts.state is Label.OVERDUE else None


async def booked(payment: UUID) -> News:
    """Money came in, or went back. NotFound."""
    row = await _one(_PAYMENT, payment, what="payment")
    facts = PaymentTold(
        **{name: row[name] for name in ("id", "received_on", "method", "customer_number")},
        amount=_money(row["amount_cents"]),
        customer_id=row["customer"],
        returns=row["reverses"],
        settles=[_part(one, one["cents"]) for one in await db.fetch(_SETTLES, payment)],
        url=_address(f"customers/{row['customer']}/statement" if row["customer"] else "statement"),
    )
    return News("payment.returned" if row["amount_cents"] < 0 else "payment.booked", facts, f"{payment}:booked", row["booked_at"])


async def ordered(order: UUID) -> News:
    """A customer ordered. NotFound."""
    rows = await db.fetch(_ORDER, order)
    if not rows:
        raise NotFound(what="order", id=str(order))
    first = rows[0]
    facts = OrderTold(
        id=first["id"],
        number=first["number"],
        customer_id=first["customer"],
        customer_number=first["customer_number"],
        services=[OrderedTold(service_id=row["service"], number=row["service_number"], starts_on=row["starts_on"]) for row in rows],
        url=_address(f"orders/{order}"),
    )
    return News("order.placed", facts, f"{order}:placed", first["placed_at"])


async def port_moved(port_in: UUID, nth: int) -> News:
    """Numbers on their way took their `nth` step. NotFound."""
    row = await _one(_PORT_IN, port_in, nth, what="port-in")
    facts = PortInTold(
        **{name: row[name] for name in ("id", "number", "planned_on", "service_number", "customer_number")},
        state=PortState(row["state"]),
        order_id=row["order"],
        service_id=row["service"],
        customer_id=row["customer"],
        url=_address(f"orders/{row['order']}"),
    )
    return News(f"port_in.{row['state']}", facts, f"{port_in}:{nth}", row["at"])


async def service_moved(kind: str, service: UUID, nth: int) -> News:
    """A service stopped for an unpaid invoice, or works again. NotFound."""
    row = await _one(_SERVICE, service, nth, what="step")
    facts = ServiceTold(
        **{name: row[name] for name in ("id", "number", "customer_number", "invoice_number")},
        customer_id=row["customer"],
        on=row["happened_on"],
        invoice_id=row["invoice"],
        url=_address(f"customers/{row['customer']}/services"),
    )
    return News(kind, facts, f"{service}:{nth}", row["happened_at"])


async def reminded(letter: UUID) -> News:
    """A letter that reminds was decided. NotFound."""
    rows = await db.fetch(_REMINDER, letter)
    if not rows:
        raise NotFound(what="letter", id=str(letter))
    first = max(rows, key=lambda row: row["level"])
    facts = ReminderTold(
        id=letter,
        **{name: first[name] for name in ("level", "sent_on", "pays_by", "customer_number")},
        customer_id=first["customer"],
        open=_money(sum(row["open_cents"] for row in rows if row["level"] or not first["level"])),
        invoices=[
            RemindedTold(invoice_id=row["id"], number=row["number"], amount=_money(row["open_cents"]), level=row["level"]) for row in rows
        ],
        url=_address(f"open-items?customer={first['customer']}" if first["customer"] else "open-items?whose=own"),
    )
    return News("reminder.sent", facts, f"{letter}:sent", first["decided_at"])


async def _one(statement: str, *values: UUID | int, what: str) -> asyncpg.Record:
    row = await db.fetch_one(statement, *values)
    if row is None:
        raise NotFound(what=what, id=str(values[0]))
    return row


def _invoice(row: asyncpg.Record, credit_note: DocumentTold | None = None) -> InvoiceTold:
    return InvoiceTold(
        **{name: row[name] for name in ("id", "number", "customer_number", "issued_on", "due_on", "paid_on")},
        kind=Kind(row["kind"]),
        layer=Layer(row["layer"]),
        state=documents.label_of(row),
        customer_id=row["customer"],
        total=_money(row["gross_cents"]),
        open=_money(row["open_cents"]),
        credit_note=credit_note,
        url=_address(f"invoices/{row['id']}"),
    )


def _part(row: asyncpg.Record, cents: int) -> PartTold:
    return PartTold(invoice_id=row["id"], number=row["number"], amount=_money(cents))


def _money(cents: int) -> MoneyOut:
    return MoneyOut(text(cents))


def _address(path: str) -> str:
    return f"{settings.current().public_url}/api/v1/{path}"
