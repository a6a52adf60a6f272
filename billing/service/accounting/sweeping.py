"""What is not at the package yet, or no longer as it is here, is found by looking at the books: events are quick, this is sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db

from .. import parties
from . import links
from .connections import Connection
from .port import What

MOST = 500
"""So many documents, payments and settlements are put on their way at a time; the next time brings the next."""
_MARKED_AT_ONCE = 2000
_DOCUMENTS = """
SELECT i.id FROM billing_invoice i WHERE i.issuer = $1 AND i.issued_on >= $2 AND NOT EXISTS (
       SELECT 1 FROM billing_accounting_link l WHERE l.connection = $3 AND l.what = 'document' AND l.subject = i.id) ORDER BY i.issued_on, i.id LIMIT $4
"""
_PAYMENTS = """
SELECT a.id FROM billing_accounting_link d JOIN billing_allocation a ON a.invoice = d.subject JOIN billing_payment p ON p.id = a.payment
 WHERE d.connection = $1 AND d.what = 'document' AND d.state = 'sent' AND p.source <> 'accounting' AND NOT EXISTS (
       SELECT 1 FROM billing_accounting_link l WHERE l.connection = $1 AND l.what = 'payment' AND l.subject = a.id) ORDER BY a.made_at, a.id LIMIT $2
"""
_SETTLEMENTS = """
SELECT a.id FROM billing_allocation a JOIN billing_accounting_link d ON d.subject = a.credit
  JOIN billing_accounting_link i ON i.connection = $1 AND i.what = 'document' AND i.subject = a.invoice AND i.state = 'sent'
 WHERE a.credit IS NOT NULL AND d.connection = $1 AND d.what = 'document' AND d.state = 'sent' AND NOT EXISTS (
       SELECT 1 FROM billing_accounting_link l WHERE l.connection = $1 AND l.what = 'settlement' AND l.subject = a.id) ORDER BY a.made_at, a.id LIMIT $2
"""
_CONTACTS = """
SELECT l.id, l.subject, l.fingerprint, EXISTS (SELECT 1 FROM tenant t WHERE t.id = l.subject) AS is_partner FROM billing_accounting_link l
 WHERE l.connection = $1 AND l.what = 'contact' AND l.state = 'sent' AND l.id > $2 ORDER BY l.id LIMIT $3
"""


async def sweep(connection: Connection) -> bool:
    """Documents since the connection's first day, what was paid of them and what credit notes settle of them are on their way; so are debtors that
    changed and what was lost on its way. Returns whether there are more than go at a time.
    """
    documents = await db.fetch(_DOCUMENTS, connection.tenant, connection.starts_on, connection.id, MOST)
    await links.want(connection, What.DOCUMENT, [row["id"] for row in documents])
    paid = await db.fetch(_PAYMENTS, connection.id, MOST) if connection.sends_payments else []
    await links.want(connection, What.PAYMENT, [row["id"] for row in paid])
    settled = await db.fetch(_SETTLEMENTS, connection.id, MOST) if connection.sends_payments else []
    await links.want(connection, What.SETTLEMENT, [row["id"] for row in settled])
    await _changed(connection)
    await links.find_lost(connection)
    return MOST in {len(documents), len(paid), len(settled)}


async def _changed(connection: Connection) -> None:
    last = UUID(int=0)
    while rows := await db.fetch(_CONTACTS, connection.id, last, _MARKED_AT_ONCE):
        marks = await _marks(rows)
        for row in rows:
            # A debtor that can no longer be invoiced (its address is gone) keeps what is there.
            if marks.get(row["subject"], row["fingerprint"]) != row["fingerprint"]:
                await links.want_again(connection, row["id"])
        last = rows[-1]["id"]


async def _marks(rows: Sequence[Any]) -> dict[UUID, str]:
    customers = [row["subject"] for row in rows if not row["is_partner"]]
    return await parties.marks(customers, [row["subject"] for row in rows if row["is_partner"]], clock.today())
