"""Payments as a list, and one of them: whose, seen where, what it settled, what went back of it and what is left on account."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import db
from partner_portal.kernel.errors import NotFound
from partner_portal.web.lists import Column, Listing, Window

from ..policy.money_in import Source

LISTING = Listing("payments", {"received": Column("p.received_on", "date", "received_on")}, usual="-received", id_sql="p.id")


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which payments are meant; what is left out does not matter. `own`: those of the partner itself; `on_account`: of which something is left."""

    customer: UUID | None = None
    invoice: UUID | None = None
    source: Source | None = None
    received_from: date | None = None
    received_until: date | None = None
    own: bool = False
    on_account: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for, as cursors are bound to it."""
        asked: dict[str, Any] = msgspec.to_builtins(self)
        return asked


_ROW = """
SELECT p.id, p.customer, c.number AS customer_number, coalesce(c.name, t.name) AS debtor, p.source, p.method, p.amount_cents, p.received_on, p.reverses,
       coalesce(o.left_cents, 0) AS left_cents
  FROM billing_payment p JOIN tenant t ON t.id = p.tenant LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer
  LEFT JOIN billing_on_account o ON o.tenant = p.tenant AND o.payment = p.id
"""
_LIST = f"{_ROW} WHERE {{conditions}} ORDER BY {{order}}"  # our own words
_ONE = f"{_ROW} WHERE p.id = $1"
_ALLOCATIONS = """
SELECT a.invoice, i.number, a.amount_cents, a.made_at FROM billing_allocation a JOIN billing_invoice i ON i.tenant = a.tenant AND i.id = a.invoice
 WHERE a.payment = $1 ORDER BY a.made_at, a.id
"""
_BACKS = "SELECT id, amount_cents, received_on, source, method FROM billing_payment WHERE reverses = $1 ORDER BY received_on, id"


async def page(window: Window, wanted: Filter) -> list[asyncpg.Record]:
    """The payments of the asking side in the window that are meant; one row more than shown."""
    unseen, values = window.where(1)
    conditions = [unseen, *_conditions(wanted, values)]
    statement = _LIST.format(conditions=" AND ".join(conditions), order=window.order)
    return await db.fetch(statement, *values)  # fragments are ours, values are bound


def _conditions(wanted: Filter, values: list[Any]) -> list[str]:
    conditions = []
    if wanted.own:
        conditions.append("p.customer IS NULL")
    if wanted.on_account:
        conditions.append("o.left_cents > 0")
    if wanted.invoice:
        values.append(wanted.invoice)
        conditions.append(f"p.id IN (SELECT a.payment FROM billing_allocation a WHERE a.invoice = ${len(values)})")  # noqa: S608  # a number
    for comparison, value in (
        ("p.customer =", wanted.customer),
        ("p.source =", wanted.source),
        ("p.received_on >=", wanted.received_from),
        ("p.received_on <=", wanted.received_until),
    ):
        if value is not None:
            values.append(value)
            conditions.append(f"{comparison} ${len(values)}")
    return conditions


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A payment with what it settled, the first first, and what went back of it."""

    row: asyncpg.Record
    allocations: list[asyncpg.Record]
    backs: list[asyncpg.Record]


async def one(payment: UUID) -> Seen:
    """The payment; NotFound when it is not the asking side's."""
    row = await db.fetch_one(_ONE, payment)
    if row is None:
        raise NotFound(what="payment", id=str(payment))
    return Seen(row=row, allocations=await db.fetch(_ALLOCATIONS, payment), backs=await db.fetch(_BACKS, payment))
