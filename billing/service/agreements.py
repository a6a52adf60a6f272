"""What a partner decides itself about a customer that cannot pay, where it invoices in its own name or the provider lets it: wait, or pay in instalments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound
from tenants.policy import WhoBills

from ..policy.instalments import Instalment
from ..policy.reminding import Held
from . import holds, plans, reminder_policies
from .plans import InstalmentWanted

LONGEST_HOLD = timedelta(days=180)
REASONS = (Held.DISPUTED, Held.BANKRUPT, Held.DECEASED)
"""Why somebody decides to wait; a plan and a mail that came back hold by themselves."""
Note = Annotated[str, Meta(min_length=3, max_length=1000, pattern=r"\S")]


class ProviderDecides(NotAllowed):
    """The provider is the creditor, and has not let the partner wait for its money."""


class StaffPlaced(NotAllowed):
    """Who placed it lifts it: a hold of the provider's staff is not the partner's to lift."""


class PlanAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoices are paid in which instalments, who promised it for the debtor, and why in words."""

    invoices: Sequence[UUID]
    instalments: Sequence[Instalment]
    agreed_with: Annotated[str, Meta(min_length=2, max_length=200, pattern=r"\S")]
    note: Note


class HoldAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody is reminded for a while, and the day on which that ends."""

    reason: Held
    until: date
    note: Note


async def may_decide(tenant: UUID) -> bool:
    """Whether the partner decides itself: as creditor of its customers, or by the policy of the provider."""
    row = await db.fetch_one("SELECT bills FROM tenant WHERE id = $1", tenant)
    if row is not None and row["bills"] == WhoBills.OWN_NAME:
        return True
    return (await reminder_policies.of_tenant(tenant)).partner_agrees


async def plan(actor: Actor, customer: UUID, asked: PlanAsked) -> UUID:
    """The customer pays in instalments, its reminders rest meanwhile, and it gets the schedule by mail; returns the plan.

    Raises ProviderDecides, NotFound, and Invalid as `plans.agree`, also for invoices of another customer.
    """
    await _must_be_allowed(customer)
    if not asked.invoices:
        raise Invalid(FieldError("/invoices", "choose-an-invoice"))
    own = {
        row["id"]
        for row in await db.fetch("SELECT id FROM billing_invoice WHERE customer = $1 AND id = ANY($2)", customer, list(asked.invoices))
    }
    if own != set(asked.invoices):
        raise Invalid(FieldError("/invoices", "several-debtors"))
    wanted = [InstalmentWanted(one.due_on, one.amount_cents) for one in asked.instalments]
    return await plans.agree(actor, list(asked.invoices), wanted, note=asked.note.strip(), agreed_with=asked.agreed_with)


async def withdraw(actor: Actor, customer: UUID, plan_id: UUID) -> None:
    """The plan is off. Raises ProviderDecides, NotFound."""
    await _must_be_allowed(customer)
    if (await plans.one(plan_id)).customer != customer:
        raise NotFound(what="plan", id=str(plan_id))
    await plans.withdraw(actor, plan_id)


async def hold(actor: Actor, customer: UUID, asked: HoldAsked) -> UUID:
    """Nothing is sent about what the customer owes, now or later, until the day; returns the hold. Raises ProviderDecides, NotFound, Invalid."""
    await _must_be_allowed(customer)
    faults = []
    if asked.reason not in REASONS:
        faults.append(FieldError("/reason", "choose-one"))
    if asked.until > clock.today() + LONGEST_HOLD:
        faults.append(FieldError("/until", "hold-too-long", {"days": LONGEST_HOLD.days}))
    if faults:
        raise Invalid(*faults)
    return await holds.on_customer(actor, customer, asked.reason, note=asked.note.strip(), until=asked.until)


async def lift(actor: Actor, customer: UUID, hold_id: UUID) -> None:
    """Reminders go on where they were. Raises ProviderDecides, NotFound, StaffPlaced."""
    await _must_be_allowed(customer)
    row = await db.fetch_one("SELECT placed_by FROM billing_hold WHERE id = $1 AND customer = $2", hold_id, customer)
    if row is None:
        raise NotFound(what="hold", id=str(hold_id))
    if not row["placed_by"].startswith(f"{ActorKind.MEMBER}:"):
        raise StaffPlaced
    await holds.lift(actor, hold_id)


_HOLDS = """
SELECT h.id, h.reason, h.note, h.until, h.placed_at, h.placed_by, i.number FROM billing_hold h
  LEFT JOIN billing_invoice i ON i.tenant = h.tenant AND i.id = h.invoice
 WHERE h.lifted_at IS NULL AND h.plan IS NULL AND (h.until IS NULL OR h.until > $2) AND (h.customer = $1 OR i.customer = $1) ORDER BY h.placed_at DESC LIMIT 50
"""


async def holds_of(customer: UUID) -> list[asyncpg.Record]:
    """What holds the customer's reminders, apart from plans; on all it owes, or on one invoice by its number."""
    return await db.fetch(_HOLDS, customer, clock.today())


async def _must_be_allowed(customer: UUID) -> None:
    row = await db.fetch_one("SELECT tenant FROM customer WHERE id = $1", customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    if not await may_decide(row["tenant"]):
        raise ProviderDecides
