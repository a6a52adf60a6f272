"""Why an invoice, or everything of a customer, is not reminded of for a while: placed and lifted by staff, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound

from ..policy.reminding import Held

_PLACE = """
INSERT INTO billing_hold (id, tenant, customer, invoice, reason, note, until, plan, placed_by, placed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_LIFT = "UPDATE billing_hold SET lifted_at = $2, lifted_by = $3 WHERE id = $1 AND lifted_at IS NULL RETURNING reason, invoice"
_STAND = """
SELECT h.id, h.reason, h.note, h.until, h.placed_by, h.placed_at, h.plan, h.tenant, t.name AS partner, coalesce(i.customer, h.customer) AS customer,
       c.name AS customer_name, i.id AS invoice, i.number, s.open_cents
  FROM billing_hold h JOIN tenant t ON t.id = h.tenant LEFT JOIN billing_invoice i ON i.tenant = h.tenant AND i.id = h.invoice
  LEFT JOIN billing_standing s ON s.tenant = h.tenant AND s.invoice = h.invoice LEFT JOIN customer c ON c.id = coalesce(i.customer, h.customer)
 WHERE h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $1) ORDER BY h.placed_at DESC, h.id LIMIT $2
"""
_BOUNCED_ALREADY = "SELECT 1 FROM billing_hold WHERE invoice = $1 AND reason = $2 AND lifted_at IS NULL"
# A mail is about an invoice itself, or about a letter of reminders; what somebody lifted after the refusal is mended.
_NOT_TAKEN = """
SELECT DISTINCT ON (s.invoice) s.invoice FROM unnest($1::uuid[], $2::timestamptz[]) AS u (about, at)
  JOIN LATERAL (SELECT u.about AS invoice UNION SELECT r.invoice FROM billing_reminder r WHERE r.letter = u.about) f ON true
  JOIN billing_standing s ON s.invoice = f.invoice AND s.open_cents > 0
 WHERE NOT EXISTS (SELECT FROM billing_hold h WHERE h.invoice = s.invoice AND h.reason = $3 AND (h.lifted_at IS NULL OR h.lifted_at >= u.at))
"""
_SYSTEM = Actor(kind=ActorKind.SYSTEM, id="refusals", label="")


async def on_invoice(
    actor: Actor, invoice: UUID, reason: Held, *, note: str = "", until: date | None = None, plan: UUID | None = None
) -> UUID:
    """Nothing is sent about the invoice until the hold is lifted or the day has come; returns the hold. Through the staff door. NotFound, Invalid."""
    row = await db.fetch_one("SELECT tenant FROM billing_invoice WHERE id = $1", invoice)
    if row is None:
        raise NotFound(what="invoice", id=str(invoice))
    return await _place(actor, _Hold(row["tenant"], None, invoice, reason, note, until, plan))


async def on_customer(actor: Actor, customer: UUID, reason: Held, *, note: str = "", until: date | None = None) -> UUID:
    """The same for everything the customer owes, now and later."""
    row = await db.fetch_one("SELECT tenant FROM customer WHERE id = $1", customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    return await _place(actor, _Hold(row["tenant"], customer, None, reason, note, until, None))


async def came_back(actor: Actor, invoice: UUID, *, note: str = "") -> None:
    """The invoice's mail did not arrive: it is held, as work for staff, until the address is mended. Twice is once. Through the staff door. NotFound."""
    if not await db.fetch(_BOUNCED_ALREADY, invoice, Held.BOUNCED):
        await on_invoice(actor, invoice, Held.BOUNCED, note=note)
    await db.execute("UPDATE billing_standing SET bounced_at = $2 WHERE invoice = $1 AND bounced_at IS NULL", invoice, clock.now())


async def hear_refusals(refused: Sequence[tuple[UUID, datetime]]) -> int:
    """Every open invoice that mails given up at these moments were about is held as `came_back` does, unless somebody saw to it since.

    Returns how many. Through the staff door.
    """
    if not refused:
        return 0
    rows = await db.fetch(_NOT_TAKEN, [about for about, _ in refused], [at for _, at in refused], Held.BOUNCED)
    for row in rows:
        await came_back(_SYSTEM, row["invoice"])
    return len(rows)


async def lift(actor: Actor, hold: UUID) -> bool:
    """Reminders go on where they were; False when it was lifted before. Through the staff door."""
    row = await db.fetch_one(_LIFT, hold, clock.now(), actor.trail)
    if row is not None and row["reason"] == Held.BOUNCED:
        await db.execute("UPDATE billing_standing SET bounced_at = NULL WHERE invoice = $1", row["invoice"])
    return row is not None


async def standing(most: int = 200) -> list[asyncpg.Record]:
    """The holds that stand, the newest first."""
    return await db.fetch(_STAND, clock.today(), most)


class _Hold(msgspec.Struct, frozen=True):
    """A hold before it is placed, in the order of its columns."""

    tenant: UUID
    customer: UUID | None
    invoice: UUID | None
    reason: Held
    note: str
    until: date | None
    plan: UUID | None


async def _place(actor: Actor, wanted: _Hold) -> UUID:
    if wanted.until is not None and wanted.until <= clock.today():
        raise Invalid(FieldError("/until", "hold-day-past"))
    hold = new_id()
    await db.execute(_PLACE, hold, *msgspec.structs.astuple(wanted), actor.trail, clock.now())
    return hold
