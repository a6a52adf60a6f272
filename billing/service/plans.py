"""Paying later as agreed: a plan holds the reminders of its invoices as long as its instalments come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.kernel.money import Money

from ..events import PaymentPlanMoved
from ..policy import instalments as schedule
from ..policy.instalments import Ended, Instalment
from ..policy.reminding import Held
from . import holds

GRACE = timedelta(days=5)
"""An instalment that is so late has not come."""

_INVOICES = """
SELECT i.id, i.tenant, i.customer, s.open_cents,
       EXISTS (SELECT FROM billing_hold h WHERE h.tenant = i.tenant AND h.invoice = i.id AND h.plan IS NOT NULL AND h.lifted_at IS NULL) AS in_plan
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id WHERE i.id = ANY($1) ORDER BY i.id
"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(invoice, 0)) FROM unnest($1::text[]) AS invoice"
_PLAN = """
INSERT INTO billing_payment_plan (id, tenant, customer, note, agreed_on, owed_cents, agreed_by, agreed_with) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_INSTALMENT = "INSERT INTO billing_instalment (id, tenant, plan, nth, due_on, amount_cents) VALUES ($1, $2, $3, $4, $5, $6)"
# What came in since is what is open no more; what should have is what was due long enough ago.
_RUNNING = """
SELECT p.id, p.tenant, p.owed_cents, o.open_cents, o.is_written_off, o.is_credited,
       (SELECT coalesce(sum(n.amount_cents), 0)::bigint FROM billing_instalment n WHERE n.tenant = p.tenant AND n.plan = p.id AND n.due_on < $1) AS due_cents,
       (SELECT coalesce(sum(n.amount_cents), 0)::bigint FROM billing_instalment n WHERE n.tenant = p.tenant AND n.plan = p.id AND n.due_on < $2) AS asked_cents,
       l.nth, EXISTS (SELECT FROM billing_plan_step x WHERE x.tenant = p.tenant AND x.plan = p.id AND x.kind = 'missed' AND x.nth = l.nth) AS is_told
  FROM billing_payment_plan p LEFT JOIN LATERAL (
       SELECT max(n.nth) AS nth FROM billing_instalment n WHERE n.tenant = p.tenant AND n.plan = p.id AND n.due_on < $2) l ON true
  CROSS JOIN LATERAL (
       SELECT coalesce(sum(greatest(s.open_cents, 0)), 0)::bigint AS open_cents, coalesce(bool_or(s.written_off_cents > 0), false) AS is_written_off,
              coalesce(bool_and(s.credited_cents >= i.gross_cents), false) AS is_credited
         FROM billing_hold h JOIN billing_standing s ON s.tenant = h.tenant AND s.invoice = h.invoice
         JOIN billing_invoice i ON i.tenant = h.tenant AND i.id = h.invoice WHERE h.tenant = p.tenant AND h.plan = p.id) o
 WHERE p.ended_on IS NULL
"""
_OVER = """
WITH over AS (UPDATE billing_payment_plan SET ended_on = $2, ended_because = $3 WHERE id = $1 AND ended_on IS NULL RETURNING id)
UPDATE billing_hold h SET lifted_at = $4, lifted_by = $5 FROM over o WHERE h.plan = o.id AND h.lifted_at IS NULL
"""
_STEP = """
INSERT INTO billing_plan_step (id, tenant, plan, nth, kind, happened_on, facts) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (plan, kind, nth) DO NOTHING RETURNING id
"""


class InstalmentWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much by that day."""

    due_on: date
    amount_cents: Annotated[int, Meta(ge=1)]


async def agree(
    actor: Actor, invoices: Sequence[UUID], instalments: Sequence[InstalmentWanted], *, note: str = "", agreed_with: str = ""
) -> UUID:
    """The plan stands, its invoices are held and the debtor gets the schedule by mail; returns it.

    Invalid unless the invoices are open and of one debtor, the days lie ahead in order, and the instalments add up to what is open.
    """
    # Of two plans at once that share an invoice, whichever, the second finds it held.
    await db.execute(_ALONE, sorted(f"plan {invoice}" for invoice in set(invoices)))
    rows = await db.fetch(_INVOICES, list(set(invoices)))
    if len(rows) != len(set(invoices)) or not rows:
        raise NotFound(what="invoice", id=", ".join(str(one) for one in invoices))
    owed = sum(row["open_cents"] for row in rows)
    _check(rows, instalments, owed)
    plan, tenant, customer = new_id(), rows[0]["tenant"], rows[0]["customer"]
    await db.execute(_PLAN, plan, tenant, customer, note, clock.today(), owed, actor.trail, agreed_with.strip())
    for nth, instalment in enumerate(instalments, 1):
        await db.execute(_INSTALMENT, new_id(), tenant, plan, nth, instalment.due_on, instalment.amount_cents)
    for row in rows:
        await holds.on_invoice(actor, row["id"], Held.PLAN, note=note, plan=plan)
    await _step(tenant, plan, "agreed", 0, {})
    return plan


def _check(rows: Sequence[Any], instalments: Sequence[InstalmentWanted], owed: int) -> None:
    days = [clock.today(), *(instalment.due_on for instalment in instalments)]
    checks = (
        ("/invoices", "already-paid", min(row["open_cents"] for row in rows) <= 0),
        ("/invoices", "several-debtors", len({(row["tenant"], row["customer"]) for row in rows}) > 1),
        ("/invoices", "in-a-plan", any(row["in_plan"] for row in rows)),
        ("/instalments", "days-in-order", any(later <= earlier for earlier, later in pairwise(days))),
        ("/instalments", "instalments-sum", sum(instalment.amount_cents for instalment in instalments) != owed),
    )
    if faults := [FieldError(pointer, code, {"owed": Money(owed)}) for pointer, code, wrong in checks if wrong]:
        raise Invalid(*faults)


async def withdraw(actor: Actor, plan: UUID) -> bool:
    """The plan is off, reminders go on, and the debtor is told; False when it had ended before."""
    row = await db.fetch_one("SELECT tenant FROM billing_payment_plan WHERE id = $1", plan)
    return row is not None and await _over(row["tenant"], plan, Ended.WITHDRAWN, actor.trail)


async def watch() -> None:
    """Plans that were paid have been kept, those of which an instalment did not come are broken, those whose rest was given up or credited have ended so:
    their invoices are held no more, and it is told.

    Of an instalment that is late, but not for long, the debtor hears once. Through the staff door.
    """
    today = clock.today()
    for plan in await db.fetch(_RUNNING, today - GRACE, today):
        paid = plan["owed_cents"] - plan["open_cents"]
        if end := _ended(plan):
            await _over(plan["tenant"], plan["id"], end, "system:plans")
        elif paid < plan["asked_cents"]:
            missing = plan["asked_cents"] - paid
            await _step(plan["tenant"], plan["id"], "missed", plan["nth"], {"missing_cents": missing})


async def coming() -> list[tuple[UUID, str]]:
    """What `watch` would do today: plans that would be broken, or of which an instalment is late. Through the staff door."""
    today = clock.today()
    found = []
    for plan in await db.fetch(_RUNNING, today - GRACE, today):
        paid = plan["owed_cents"] - plan["open_cents"]
        end = _ended(plan)
        if end is Ended.BROKEN:
            found.append((plan["id"], end.value))
        elif end is None and paid < plan["asked_cents"] and not plan["is_told"]:
            found.append((plan["id"], "missed"))
    return found


def _ended(plan: Any) -> Ended | None:
    stands = (plan["owed_cents"], plan["open_cents"], plan["due_cents"])
    return schedule.ended(*stands, is_written_off=plan["is_written_off"], is_credited=plan["is_credited"])


async def _over(tenant: UUID, plan: UUID, because: Ended, who: str) -> bool:
    row = await db.fetch_one("SELECT ended_on FROM billing_payment_plan WHERE id = $1 FOR UPDATE", plan)
    if row is None or row["ended_on"] is not None:
        return False
    await db.execute(_OVER, plan, clock.today(), because.value, clock.now(), who)
    await _step(tenant, plan, because.value, 0, {})
    return True


async def _step(tenant: UUID, plan: UUID, kind: str, nth: int, facts: dict[str, int]) -> None:
    said = msgspec.json.encode(facts).decode()
    if await db.fetch_one(_STEP, new_id(), tenant, plan, nth, kind, clock.today(), said) is not None:
        await outbox.publish(PaymentPlanMoved(tenant_id=tenant, plan_id=plan, kind=kind, nth=nth))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as people see it: whose, agreed when and with whom, its schedule, its invoices, and how far it is."""

    id: UUID
    tenant: UUID
    customer: UUID | None
    debtor_name: str
    partner: str
    agreed_on: date
    agreed_with: str
    note: str
    owed_cents: int
    open_cents: int
    ended_on: date | None
    ended_because: str | None
    instalments: Sequence[Instalment]
    invoices: Sequence[tuple[UUID, str]]

    @property
    def paid_cents(self) -> int:
        """What has been paid since."""
        return self.owed_cents - self.open_cents

    @property
    def next(self) -> Instalment | None:
        """The first instalment that has not come in whole."""
        asked = 0
        for one in self.instalments:
            asked += one.amount_cents
            if asked > self.paid_cents:
                return one
        return None


_SEEN = """
SELECT p.*, t.name AS partner, coalesce(c.name, t.name) AS debtor_name FROM billing_payment_plan p JOIN tenant t ON t.id = p.tenant
  LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer
 WHERE {which} ORDER BY p.ended_on IS NOT NULL, p.id DESC LIMIT $2
"""
_SCHEDULES = "SELECT plan, due_on, amount_cents FROM billing_instalment WHERE plan = ANY($1) ORDER BY plan, nth"
_ABOUT = """
SELECT DISTINCT h.plan, i.id, i.number, i.due_on, greatest(s.open_cents, 0) AS open_cents FROM billing_hold h
  JOIN billing_invoice i ON i.tenant = h.tenant AND i.id = h.invoice JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE h.plan = ANY($1) ORDER BY i.due_on, i.number
"""


async def one(plan: UUID) -> Plan:
    """The plan; NotFound."""
    found = await _plans("p.id = $1", plan, 1)
    if not found:
        raise NotFound(what="plan", id=str(plan))
    return found[0]


async def some(wanted: Sequence[UUID]) -> dict[UUID, Plan]:
    """Those of the plans that are there, by id; through the staff door those of every partner."""
    return {plan.id: plan for plan in await _plans("p.id = ANY($1)", wanted, len(wanted))} if wanted else {}


_HOLDS = """
SELECT h.plan, count(DISTINCT h.invoice) AS invoices FROM billing_hold h JOIN billing_payment_plan p ON p.tenant = h.tenant AND p.id = h.plan
 WHERE h.invoice = ANY($1::uuid[]) AND h.lifted_at IS NULL AND p.ended_on IS NULL GROUP BY h.plan
"""


async def asked_now(invoices: Sequence[UUID]) -> Instalment | None:
    """What the plan that holds all of these open documents asks for now, and since when; None where no one plan does."""
    held = await db.fetch(_HOLDS, list(invoices))
    if len(held) != 1 or held[0]["invoices"] != len(set(invoices)):
        return None
    plan = await one(held[0]["plan"])
    return schedule.due_now(plan.instalments, plan.paid_cents, clock.today())


async def of_customer(customer: UUID) -> list[Plan]:
    """The customer's plans, those that run first."""
    return await _plans("p.customer = $1", customer, 20)


async def everybodys(most: int = 100) -> list[Plan]:
    """All plans, those that run first; through the staff door."""
    return await _plans("$1::uuid IS NULL", None, most)


async def _plans(which: str, value: UUID | Sequence[UUID] | None, most: int) -> list[Plan]:
    rows = await db.fetch(_SEEN.format(which=which), value, most)
    ids = [row["id"] for row in rows]
    schedules, about = await db.fetch(_SCHEDULES, ids), await db.fetch(_ABOUT, ids)
    return [
        Plan(
            **{name: row[name] for name in Plan.__struct_fields__ if name not in {"open_cents", "instalments", "invoices"}},
            open_cents=sum(one["open_cents"] for one in about if one["plan"] == row["id"]),
            instalments=[Instalment(one["due_on"], one["amount_cents"]) for one in schedules if one["plan"] == row["id"]],
            invoices=[(one["id"], one["number"]) for one in about if one["plan"] == row["id"]],
        )
        for row in rows
    ]


async def step(plan: UUID, kind: str, nth: int) -> dict[str, int]:
    """What is known of a step; NotFound."""
    row = await db.fetch_one("SELECT facts FROM billing_plan_step WHERE plan = $1 AND kind = $2 AND nth = $3", plan, kind, nth)
    if row is None:
        raise NotFound(what="step", id=f"{plan}:{kind}:{nth}")
    facts: dict[str, int] = msgspec.json.decode(row["facts"])
    return facts
