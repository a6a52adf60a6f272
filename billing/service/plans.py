"""Paying later as agreed: a plan holds the reminders of its invoices as long as its instalments come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound

from ..policy.reminding import Held
from . import holds

GRACE = timedelta(days=5)
"""An instalment that is so late has not come."""

_INVOICES = """
SELECT i.id, i.tenant, i.customer, s.open_cents FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE i.id = ANY($1) ORDER BY i.id FOR UPDATE OF s
"""
_PLAN = """
INSERT INTO billing_payment_plan (id, tenant, customer, note, agreed_on, owed_cents, agreed_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_INSTALMENT = "INSERT INTO billing_instalment (id, tenant, plan, nth, due_on, amount_cents) VALUES ($1, $2, $3, $4, $5, $6)"
# What was paid since is what is open no more; what should have been is what was due long enough ago.
_JUDGED = """
WITH running AS (
    SELECT p.id, p.owed_cents,
           (SELECT coalesce(sum(greatest(s.open_cents, 0)), 0) FROM billing_hold h JOIN billing_standing s ON s.tenant = h.tenant AND s.invoice = h.invoice
             WHERE h.tenant = p.tenant AND h.plan = p.id) AS open_cents,
           (SELECT coalesce(sum(n.amount_cents), 0) FROM billing_instalment n WHERE n.tenant = p.tenant AND n.plan = p.id AND n.due_on < $1) AS due_cents
      FROM billing_payment_plan p WHERE p.ended_on IS NULL),
over AS (
    UPDATE billing_payment_plan p SET ended_on = $2, ended_because = CASE WHEN r.open_cents = 0 THEN 'kept' ELSE 'broken' END
      FROM running r WHERE p.id = r.id AND p.ended_on IS NULL AND (r.open_cents = 0 OR r.owed_cents - r.open_cents < r.due_cents)
    RETURNING p.id)
UPDATE billing_hold h SET lifted_at = $3, lifted_by = 'system:plans' FROM over o WHERE h.plan = o.id AND h.lifted_at IS NULL
"""
_END = "UPDATE billing_payment_plan SET ended_on = $2, ended_because = 'withdrawn' WHERE id = $1 AND ended_on IS NULL RETURNING id"
_FREE = "UPDATE billing_hold SET lifted_at = $2, lifted_by = $3 WHERE plan = $1 AND lifted_at IS NULL"


class InstalmentWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much by that day."""

    due_on: date
    amount_cents: Annotated[int, Meta(ge=1)]


async def agree(actor: Actor, invoices: Sequence[UUID], instalments: Sequence[InstalmentWanted], *, note: str = "") -> UUID:
    """The plan stands and its invoices are held; returns it. Through the staff door.

    Invalid unless the invoices are open and of one debtor, the days lie ahead in order, and the instalments add up to what is open.
    """
    rows = await db.fetch(_INVOICES, list(set(invoices)))
    if len(rows) != len(set(invoices)) or not rows:
        raise NotFound(what="invoice", id=", ".join(str(one) for one in invoices))
    owed = sum(row["open_cents"] for row in rows)
    _check([row["open_cents"] for row in rows], {(row["tenant"], row["customer"]) for row in rows}, instalments, owed)
    plan, tenant, customer = new_id(), rows[0]["tenant"], rows[0]["customer"]
    await db.execute(_PLAN, plan, tenant, customer, note, clock.today(), owed, actor.trail)
    for nth, instalment in enumerate(instalments, 1):
        await db.execute(_INSTALMENT, new_id(), tenant, plan, nth, instalment.due_on, instalment.amount_cents)
    for row in rows:
        await holds.on_invoice(actor, row["id"], Held.PLAN, note=note, plan=plan)
    return plan


def _check(opens: Sequence[int], debtors: set[tuple[UUID, UUID | None]], instalments: Sequence[InstalmentWanted], owed: int) -> None:
    days = [clock.today(), *(instalment.due_on for instalment in instalments)]
    checks = (
        ("/invoices", "already-paid", min(opens) <= 0),
        ("/invoices", "several-debtors", len(debtors) > 1),
        ("/instalments", "days-in-order", any(later <= earlier for earlier, later in pairwise(days))),
        ("/instalments", "instalments-sum", sum(instalment.amount_cents for instalment in instalments) != owed),
    )
    if faults := [FieldError(pointer, code, {"owed_cents": owed}) for pointer, code, wrong in checks if wrong]:
        raise Invalid(*faults)


async def withdraw(actor: Actor, plan: UUID) -> bool:
    """The plan is off and reminders go on; False when it had ended before. Through the staff door."""
    if await db.fetch_one(_END, plan, clock.today()) is None:
        return False
    await db.execute(_FREE, plan, clock.now(), actor.trail)
    return True


async def watch() -> None:
    """Plans that were paid have been kept, those of which an instalment did not come are broken: their invoices are held no more. Through the staff door."""
    today = clock.today()
    await db.execute(_JUDGED, today - GRACE, today, clock.now())
