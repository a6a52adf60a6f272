"""What went back and then did not: a refund that failed, a chargeback that the bank took back. Nothing is changed; a payment of its own says so.

Through the staff door.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound

from ..events import PaymentBooked
from ..policy.ledger import Kind
from ..policy.settling import Share
from . import payments

_GONE = "SELECT * FROM billing_payment WHERE id = $1 AND amount_cents < 0"
_UNDO = """
INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, method, amount_cents, received_on, reverses, note, booked_by, booked_at)
SELECT $2, tenant, customer, issuer, source, source_key || ':undone', method || ' undone', -amount_cents, $3, reverses, $4, $5, $6
  FROM billing_payment WHERE id = $1 ON CONFLICT (source, source_key) DO NOTHING RETURNING id
"""
_UNDONE = "SELECT u.id FROM billing_payment u JOIN billing_payment g ON g.id = $1 AND u.source = g.source AND u.source_key = g.source_key || ':undone'"
_REOPENED = """
SELECT a.invoice, s.open_cents FROM billing_allocation a JOIN billing_standing s ON s.tenant = a.tenant AND s.invoice = a.invoice
  JOIN billing_invoice i ON i.id = a.invoice
 WHERE a.payment = $1 AND a.amount_cents < 0 AND s.open_cents > 0 AND i.kind <> $2 GROUP BY a.invoice, s.open_cents, i.due_on, i.number
 ORDER BY i.due_on, i.number
"""


async def undo(actor: Actor, gone: UUID, because: str, *, settles_again: bool = False) -> UUID:
    """The money that went back is ours again and on account; returns the payment that says so, the same one however often it is asked.

    With `settles_again` it settles what was open because it had gone, as far as that still is. NotFound where nothing went back.
    """
    row = await db.fetch_one(_GONE, gone)
    if row is None:
        raise NotFound(what="payment", id=str(gone))
    await payments.held(row["reverses"] or gone)
    made = await db.fetch_one(_UNDO, gone, new_id(), clock.today(), because[:500], actor.trail, clock.now())
    if made is None:
        known = await db.fetch_one(_UNDONE, gone)
        assert known is not None  # noqa: S101  # its key was taken
        found: UUID = known["id"]
        return found
    await outbox.publish(PaymentBooked(tenant_id=row["tenant"], payment_id=made["id"]))
    if settles_again and row["reverses"]:
        await _settle_again(actor, row["reverses"], -row["amount_cents"])
    undone: UUID = made["id"]
    return undone


async def _settle_again(actor: Actor, payment: UUID, cents: int) -> None:
    left, shares = cents, []
    rows: list[Any] = await db.fetch(_REOPENED, payment, Kind.CREDIT_NOTE)
    for row in rows:
        part = min(row["open_cents"], left)
        if part > 0:
            shares.append(Share(row["invoice"], part))
            left -= part
    if shares:
        await payments.allocate(actor, payment, shares)
