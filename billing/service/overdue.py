"""Invoices whose due date has passed unpaid: each is told once."""

from __future__ import annotations

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal

from ..events import InvoiceOverdue

BATCH = 1000
_NEXT = """
WITH due AS (
    SELECT s.id, s.tenant, s.invoice FROM billing_standing s
     WHERE s.open_cents > 0 AND s.due_on < $1 AND s.overdue_told_on IS NULL ORDER BY s.due_on, s.id LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE billing_standing s SET overdue_told_on = $1 FROM due WHERE s.id = due.id RETURNING due.tenant, due.invoice
"""


async def notice() -> int:
    """Every invoice that is overdue today is announced as such, once in its life; returns how many were now."""
    found = 0
    while True:
        async with db.unit_of_work(Principal(Door.STAFF, actor="system:overdue")):
            rows = await db.fetch(_NEXT, clock.today(), BATCH)
            await outbox.publish_all([InvoiceOverdue(tenant_id=row["tenant"], invoice_id=row["invoice"]) for row in rows])
        found += len(rows)
        if len(rows) < BATCH:
            return found
