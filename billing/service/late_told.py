"""What was charged for paying too late, what was let go, and of whom nothing can be charged: for whoever looks."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from partner_portal.infra import clock, db
from tenants.policy import Segment

MOST = 200
"""So many are shown at once."""

_UNKNOWN = """
SELECT c.name, array_agg(DISTINCT i.number ORDER BY i.number) AS numbers FROM billing_reminder r
  JOIN billing_standing s ON s.tenant = r.tenant AND s.invoice = r.invoice AND s.open_cents > 0
  JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer
 WHERE r.level = 3 AND r.pays_by < $1 AND c.segment = $2 GROUP BY c.id, c.name ORDER BY c.name LIMIT $3
"""
_STAND = """
SELECT n.id, n.document, n.reckoned_on, n.term_ended_on, n.is_consumer, n.principal_cents, n.costs_cents, n.interest_cents, d.number, d.gross_cents,
       d.debtor_details ->> 'name' AS debtor_name, s.open_cents, s.credited_cents,
       ARRAY(SELECT i.number FROM billing_late_claim c JOIN billing_invoice i ON i.id = c.invoice WHERE c.note = n.id ORDER BY i.due_on, i.number) AS invoices
  FROM billing_late_note n JOIN billing_invoice d ON d.id = n.document JOIN billing_standing s ON s.invoice = n.document
 ORDER BY n.id DESC LIMIT $1
"""
_OF_INVOICE = """
SELECT n.document, d.number, c.invoice, i.number AS invoice_number, NULL AS waived
  FROM billing_late_claim c JOIN billing_late_note n ON n.tenant = c.tenant AND n.id = c.note
  JOIN billing_invoice d ON d.tenant = n.tenant AND d.id = n.document JOIN billing_invoice i ON i.tenant = c.tenant AND i.id = c.invoice
 WHERE c.invoice = $1 OR n.document = $1 ORDER BY i.due_on, i.number
"""
_LET_GO = """
SELECT w.reason, w.decided_at, w.decided_by, i.number, i.debtor_details ->> 'name' AS debtor_name FROM billing_late_waiver w
  JOIN billing_invoice i ON i.id = w.invoice ORDER BY w.id DESC LIMIT $1
"""
_OR_WAIVED = f"({_OF_INVOICE}) UNION ALL SELECT NULL, NULL, NULL, NULL, reason FROM billing_late_waiver WHERE invoice = $1"  # noqa: S608  # our own words


async def unknown(most: int = MOST) -> list[asyncpg.Record]:
    """Customers that are charged nothing because nobody knows whether they are consumers, with what they did not pay after the last letter."""
    return await db.fetch(_UNKNOWN, clock.today(), Segment.UNKNOWN.value, most)


async def charged(most: int = 100) -> list[asyncpg.Record]:
    """What was charged, the newest first, with the numbers of the invoices."""
    return await db.fetch(_STAND, most)


async def of_invoice(invoice: UUID) -> tuple[list[asyncpg.Record], str]:
    """The document that charges interest and costs of the invoice, or the invoices such a document is about; and why nobody charges them, if so decided.

    Why nothing is charged is between partner and provider; a contact's role cannot even ask.
    """
    rows = await db.fetch(_OF_INVOICE if db.current().principal.customer else _OR_WAIVED, invoice)
    return [row for row in rows if row["document"]], next((row["waived"] for row in rows if row["waived"]), "")


async def let_go(most: int = 50) -> list[asyncpg.Record]:
    """For which invoices nothing is charged and why, the newest first."""
    return await db.fetch(_LET_GO, most)
