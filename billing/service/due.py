"""What is to be billed of the services of some customers on a day: by set where a period is whole and has one price, by the rules for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import db
from partner_portal.kernel.dates import ONE_DAY, Period
from tenants.policy import WhoBills

from ..policy import recurring
from ..policy.charges import ChargedPeriod, Proration
from ..policy.ledger import Layer, Unit
from ..policy.recurring import LONGEST_BEHIND_MONTHS, Billed, PriceFrom, Why
from . import bulk, pauses
from .bulk import Piece


class Doubt(msgspec.Struct, frozen=True):
    """A debtor, or one of its services, that is not billed, and why."""

    debtor: UUID
    service: UUID | None
    why: Why
    facts: dict[str, str] = {}


def _days_in_month(day: str) -> str:
    return f"extract(day FROM date_trunc('month', {day}::timestamp) + interval '1 month - 1 day')::int"


def _months(day: str) -> str:
    return f"(extract(year FROM {day}) * 12 + extract(month FROM {day}))::int"


_TABLE = """
CREATE TEMP TABLE run_service (id uuid PRIMARY KEY, debtor uuid, tenant uuid, is_plain boolean, lacks_price boolean, billed_from date, until date)
    ON COMMIT DROP
"""
# A service is plain when exactly one whole period of it is due and the price of today holds all through it. Everything else is left to the rules.
_DUE = f"""
WITH held AS MATERIALIZED (
    SELECT s.*, coalesce(s.cycle_day, extract(day FROM s.starts_on)::int) AS anchor,
           (date_trunc('month', s.paid_until::timestamp) + make_interval(months => s.billing_months))::date AS next_month
      FROM run_debtor d JOIN billing_service s ON s.customer = d.customer AND s.tenant = d.tenant
     WHERE s.paid_until <= $1 AND s.starts_on <= $1 AND (s.billing_ends_on IS NULL OR s.paid_until <= s.billing_ends_on)
     ORDER BY s.id FOR UPDATE OF s),
cut AS (
    SELECT held.*, next_month + least(anchor, {_days_in_month("next_month")}) - 1 AS until,
           paid_until >= starts_on AND extract(day FROM paid_until) = least(anchor, {_days_in_month("paid_until")})
           AND ({_months("paid_until")} - {_months("starts_on")}
                - (least(anchor, {_days_in_month("starts_on")}) < extract(day FROM starts_on))::int) % billing_months = 0 AS is_on_cycle
      FROM held)
INSERT INTO run_service (id, debtor, tenant, is_plain, lacks_price, billed_from, until)
SELECT c.id, c.customer, c.tenant,
       c.is_on_cycle AND (c.billing_ends_on IS NULL OR c.billing_ends_on >= c.until - 1)
       AND CASE WHEN c.in_advance THEN c.until > $1 AND c.paid_until + interval '{LONGEST_BEHIND_MONTHS} months' >= $1
                ELSE c.until <= $1 AND c.until + make_interval(months => c.billing_months) > $1
                 AND c.until + interval '{LONGEST_BEHIND_MONTHS} months' >= $1 END
       AND NOT EXISTS (SELECT 1 FROM billing_price_change p WHERE p.service = c.id AND p.since > c.paid_until AND p.since < greatest(c.until, $1 + 1))
       AND NOT EXISTS (SELECT 1 FROM billing_pause z WHERE z.tenant = c.tenant AND z.service = c.id AND z.taken_back_at IS NULL
                          AND z.resumes_on > c.paid_until AND z.pauses_from < greatest(c.until, $1 + 1)),
       t.bills = '{WhoBills.OWN_NAME}' AND c.wholesale_cents IS NULL, c.paid_until, c.until
  FROM cut c JOIN tenant t ON t.id = c.tenant WHERE c.in_advance OR c.until <= $1 OR c.billing_ends_on IS NOT NULL OR NOT c.is_on_cycle
"""  # noqa: S608  # our own expressions
_LACKING = "DELETE FROM run_service WHERE lacks_price RETURNING id, debtor"
_PLAIN = f"""
INSERT INTO run_piece (service, debtor, layer, kind, description, quantity, unit, unit_price, amount_cents, period_from, period_until, why)
SELECT s.id, r.debtor, p.layer, 'recurring', p.description, s.quantity * s.billing_months, '{Unit.MONTH}', p.cents / 100.0,
       p.cents * s.quantity * s.billing_months, r.billed_from, r.until,
       jsonb_build_object('rule', 'period', 'monthly_cents', p.cents, 'quantity', s.quantity, 'months', s.billing_months)
  FROM run_service r JOIN billing_service s ON s.id = r.id JOIN tenant t ON t.id = r.tenant JOIN customer k ON k.id = s.customer
 CROSS JOIN LATERAL (VALUES ('{Layer.CUSTOMER}', s.label::text, s.fee_cents), ('{Layer.PARTNER}', k.name || ': ' || s.label, s.wholesale_cents))
            AS p(layer, description, cents)
 WHERE r.is_plain AND (p.layer = '{Layer.CUSTOMER}' OR t.bills = '{WhoBills.OWN_NAME}') ORDER BY s.number, s.id
"""  # noqa: S608  # our own words
_OTHERS = """
SELECT s.id, s.customer, k.name AS customer_name, s.label, s.quantity, s.fee_cents, s.wholesale_cents, s.billing_months, s.cycle_day, s.in_advance,
       s.proration, s.starts_on, s.paid_until, s.billing_ends_on, s.price_since, t.bills
  FROM run_service r JOIN billing_service s ON s.id = r.id JOIN tenant t ON t.id = r.tenant JOIN customer k ON k.id = s.customer
 WHERE NOT r.is_plain ORDER BY s.number, s.id
"""
_CHANGES = """
SELECT p.service, p.since, p.fee_cents, p.fee_before_cents, p.wholesale_cents, p.wholesale_before_cents FROM billing_price_change p
 WHERE p.service = ANY($1::uuid[]) ORDER BY p.service, p.since
"""
_REACHED = """
UPDATE run_service r SET billed_from = given.billed_from, until = given.until
  FROM unnest($1::uuid[], $2::date[], $3::date[]) AS given(id, billed_from, until) WHERE given.id = r.id
"""
# All that is left of it up to its end is paused: there is nothing more to bill.
_OVER = "UPDATE billing_service SET paid_until = billing_ends_on + 1 WHERE id = ANY($1::uuid[]) AND billing_ends_on IS NOT NULL"
_NOT_BILLED = "DELETE FROM run_service WHERE id = ANY($1::uuid[])"
_MOVE = "UPDATE billing_service s SET billed_from = r.billed_from, paid_until = r.until FROM run_service r WHERE r.id = s.id"
# What the partner owes in its turn waits for its own document: one for all its customers.
_TO_PARTNER = """
INSERT INTO billing_charge (id, tenant, key, service, layer, kind, description, quantity, unit, unit_price, amount_cents, bill_from, period_from,
    period_until, why, created_at)
SELECT gen_random_uuid(), r.tenant, 'recurring:' || p.service || ':' || p.period_from || ':' || 1 + (
           SELECT count(*) FROM billing_charge c WHERE c.tenant = r.tenant AND c.service = p.service AND c.layer = 'partner' AND c.kind = 'recurring'
              AND c.period_from = p.period_from),
       p.service, p.layer, p.kind, p.description, p.quantity, p.unit, p.unit_price, p.amount_cents, $1, p.period_from, p.period_until, p.why, $2
  FROM run_piece p JOIN run_service r ON r.id = p.service WHERE p.layer = 'partner' AND p.kind = 'recurring' AND p.charge IS NULL ORDER BY p.nth
"""
_COUNT = "SELECT count(*) AS n FROM run_service"
_OWED_BY_PARTNERS = """
SELECT r.tenant, sum(p.amount_cents)::bigint AS cents FROM run_piece p JOIN run_service r ON r.id = p.service
 WHERE p.layer = 'partner' AND p.charge IS NULL GROUP BY r.tenant
"""


async def collect(day: date) -> list[Doubt]:
    """What is due of the debtors' services is put to be billed, the services locked; returns those that a person has to look at."""
    await db.execute(_TABLE)
    await db.execute(_DUE, day)
    doubts = [Doubt(row["debtor"], row["id"], Why.NO_PARTNER_PRICE) for row in await db.fetch(_LACKING)]
    await db.execute("ANALYZE run_service")
    await db.execute(_PLAIN)
    doubts += await _by_the_rules(day)
    billed = [Doubt(debtor, service, Why.BILLED_ALREADY) for service, debtor in await bulk.billed_already()]
    await db.execute(_NOT_BILLED, [doubt.service for doubt in billed])
    return doubts + billed


async def count() -> int:
    """How many services are billed."""
    row = await db.fetch_one(_COUNT)
    return row["n"] if row else 0


async def owed_by_partners() -> dict[UUID, int]:
    """What the partners owe in their turn, in cents by partner."""
    return {row["tenant"]: row["cents"] for row in await db.fetch(_OWED_BY_PARTNERS)}


async def move(day: date, now: Any) -> None:
    """What was collected counts as billed: each service up to the day reached; what a partner owes in its turn waits for its document."""
    await db.execute(_TO_PARTNER, day, now)
    await db.execute(_MOVE)


class _Reckoned(msgspec.Struct, kw_only=True):
    """What the rules make of services, gathered: what to bill, up to when, what to leave and why; `over` have nothing left but paused days."""

    doubts: list[Doubt] = []
    left: list[UUID] = []
    over: list[UUID] = []
    reached: list[tuple[UUID, date, date]] = []
    pieces: list[Piece] = []

    def add(self, row: Any, service: Billed, changes: Sequence[Any], day: date) -> None:
        """The service of this row is reckoned, too."""
        if recurring.far_behind(service, day):
            self.doubts.append(Doubt(row["customer"], row["id"], Why.FAR_BEHIND, {"since": row["paid_until"].isoformat()}))
            self.left.append(row["id"])
            return
        stretches = recurring.due(service, day)
        if not stretches:
            self.left.append(row["id"])
            self.over += [row["id"]] if recurring.due_since(service) is None else []
            return
        self.reached.append((row["id"], *_last_together(stretches)))
        for layer in layers_of(row):
            prices = prices_of(row, changes, layer)
            self.pieces += [piece_of(row, layer, piece) for stretch in stretches for piece in recurring.pieces(service, stretch, prices)]


async def _by_the_rules(day: date) -> list[Doubt]:
    rows = await db.fetch(_OTHERS)
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    changes: dict[UUID, list[Any]] = {}
    for change in await db.fetch(_CHANGES, ids):
        changes.setdefault(change["service"], []).append(change)
    paused = await pauses.days_of(ids)
    found = _Reckoned()
    for row in rows:
        found.add(row, billed(row, paused.get(row["id"], ())), changes.get(row["id"], []), day)
    await bulk.put(found.pieces)
    await db.execute(_NOT_BILLED, found.left)
    if found.over:
        await db.execute(_OVER, found.over)
    if found.reached:
        await db.execute(_REACHED, *(list(column) for column in zip(*found.reached, strict=True)))
    return found.doubts


def _last_together(stretches: Sequence[ChargedPeriod]) -> tuple[date, date]:
    """The last days billed without a pause between them: what is given back of a service is counted in those."""
    since = stretches[-1].days.start
    for stretch in reversed(stretches):
        since = stretch.days.start if stretch.days.until == since else since
    return since, stretches[-1].days.until


def billed(row: Any, pauses: tuple[Period, ...] = ()) -> Billed:
    """The service of a row, with the days on which it is paused, as the rules look at it."""
    return Billed(
        starts_on=row["starts_on"],
        paid_until=row["paid_until"],
        months=row["billing_months"],
        cycle_day=row["cycle_day"],
        in_advance=row["in_advance"],
        proration=Proration(row["proration"]),
        quantity=row["quantity"],
        ends=row["billing_ends_on"] + ONE_DAY if row["billing_ends_on"] else None,
        pauses=pauses,
    )


def layers_of(row: Any) -> tuple[Layer, ...]:
    """In which layers the service of a row is billed: toward the partner only where it bills in its own name."""
    return (Layer.CUSTOMER, Layer.PARTNER) if row["bills"] == WhoBills.OWN_NAME else (Layer.CUSTOMER,)


def prices_of(row: Any, changes: Sequence[Any], layer: Layer) -> list[PriceFrom]:
    """What a unit costs a month from when on, in this layer; before its first change it cost what that one says it cost until then.

    Since the last change that it follows, and until one to come, it costs what the service itself says: that may have been corrected by hand.
    """
    name = "fee" if layer is Layer.CUSTOMER else "wholesale"
    usual = row[f"{name}_cents"]
    found = [PriceFrom(date.min, usual)]
    for change in changes:
        if change["since"] == row["price_since"]:
            before = changes[0][f"{name}_before_cents"]
            found = [PriceFrom(date.min, usual if before is None else before), *found[1:], PriceFrom(change["since"], usual)]
        else:
            cents = change[f"{name}_cents"]
            found.append(PriceFrom(change["since"], usual if cents is None else cents))
    return found


def piece_of(row: Any, layer: Layer, piece: recurring.Piece) -> Piece:
    """A whole period counts its months; days of one are one line at what they cost, so that quantity times price is the line to the cent."""
    units, months = row["quantity"], row["billing_months"]
    label = row["label"] if layer is Layer.CUSTOMER else f"{row['customer_name']}: {row['label']}"
    cents = piece.monthly_cents // units
    why: dict[str, str | int] = {"rule": "period", "monthly_cents": cents, "quantity": units, "months": months}
    if not piece.is_whole:
        label = f"{units} × {label}" if units > 1 else label
        why |= {"rule": "part", "days": piece.days.days, "period_days": piece.whole.days, "counted": row["proration"]}
    return Piece(
        service=row["id"],
        debtor=row["customer"],
        layer=layer,
        description=label,
        quantity=Decimal(units * months) if piece.is_whole else Decimal(1),
        unit=Unit.MONTH if piece.is_whole else Unit.PIECE,
        unit_price=Decimal(cents if piece.is_whole else piece.amount_cents) / 100,
        amount_cents=piece.amount_cents,
        period=(piece.days.start, piece.days.until),
        why=why,
    )
