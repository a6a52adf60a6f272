"""Documents as a list: which are meant, in which order, what a line of it shows, and what they add up to."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, search
from partner_portal.infra.db import Door
from partner_portal.infra.search import Sought
from partner_portal.kernel.errors import Refused
from partner_portal.kernel.money import Money
from partner_portal.web.lists import Column, Listing, Window

from ..policy.ledger import Kind, Label, Layer

LARGEST_EXPORT = 20_000
MOST_ADDED = 5_000
"""Of more documents than this the sums are not shown: adding them up would keep everybody waiting."""
_LARGEST_SEQUENCE = 2_147_483_647

LISTING = Listing(
    "invoices",
    {"issued": Column("i.issued_on", "date", "issued_on"), "due": Column("i.due_on", "date", "due_on")},
    usual="-issued",
    id_sql="i.id",
)


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which documents are meant; what is left out does not matter. The days are those of issue."""

    q: str = ""
    state: Label | None = None
    kind: Kind | None = None
    layer: Layer | None = None
    issued_from: date | None = None
    issued_until: date | None = None
    customer: UUID | None = None

    @property
    def asked(self) -> dict[str, str]:
        """What was asked for, as the address of the list says it."""
        asked: dict[str, str] = msgspec.to_builtins(self)
        return asked


class Found(msgspec.Struct, frozen=True):
    """Rows of the list, and how the words looked for were understood."""

    rows: list[asyncpg.Record]
    sought: Sought = Sought()


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What the documents of a filter add up to; what was credited counts below zero."""

    count: int
    total: Money
    open: Money


class TooManyInvoices(Refused):
    """More documents than one file holds."""


_FROM = """
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
  LEFT JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer
"""
_LIST = f"""
SELECT i.id, i.number, i.reference, i.kind, i.layer, i.issued_on, i.due_on, i.period_from, i.period_until, i.net_cents, i.vat_cents, i.gross_cents,
       i.customer, c.number AS customer_number, c.name AS customer_name, i.debtor_details ->> 'name' AS debtor_name, i.issuer_details ->> 'name' AS issuer_name,
       s.open_cents, s.credited_cents, s.written_off_cents, s.paid_on, s.document, s.mailed_at, s.bounced_at
{_FROM} WHERE {{conditions}} ORDER BY {{order}}
"""  # our own words
_SUMS = f"""
SELECT count(*) AS count, coalesce(sum(gross), 0)::bigint AS total, coalesce(sum(open), 0)::bigint AS open FROM (
    SELECT CASE WHEN i.kind = 'credit note' THEN -i.gross_cents ELSE i.gross_cents END AS gross,
           CASE WHEN i.kind = 'credit note' THEN -s.open_cents ELSE s.open_cents END AS open {_FROM} WHERE {{conditions}} LIMIT {MOST_ADDED + 1}) found
"""  # noqa: S608  # our own words
_COUNT = """
SELECT count(*) FROM (SELECT FROM billing_invoice i LEFT JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer WHERE {conditions} LIMIT {most}) found
"""
_OWED = "i.kind <> 'credit note' AND i.gross_cents > 0"
_CREDITED = f"{_OWED} AND s.credited_cents >= i.gross_cents"
_STATES = {
    Label.CREDITED: _CREDITED,
    Label.WRITTEN_OFF: f"{_OWED} AND s.open_cents <= 0 AND s.written_off_cents > 0 AND s.credited_cents < i.gross_cents",
    Label.PAID: f"{_OWED} AND s.open_cents <= 0 AND s.written_off_cents = 0 AND s.credited_cents < i.gross_cents",
    Label.OVERDUE: f"{_OWED} AND s.open_cents > 0 AND s.credited_cents < i.gross_cents AND i.due_on < $",
    Label.UNPAID: f"{_OWED} AND s.open_cents > 0 AND s.credited_cents < i.gross_cents AND i.due_on >= $",
}
"""The labels of policy/labels.py as SQL; a test compares them. A `$` at the end is today."""


async def page(window: Window, wanted: Filter) -> Found:
    """The documents of the asking side in the window that are meant; one row more than shown."""
    sought = await _understood(wanted)
    unseen, values = window.where(1)
    conditions = [unseen, *_conditions(wanted, sought, values)]
    statement = _LIST.format(conditions=" AND ".join(conditions), order=window.order)
    return Found(await db.fetch(statement, *values), sought)  # fragments are ours, values are bound


async def sums(wanted: Filter, sought: Sought) -> Sums | None:
    """What all documents of the filter add up to; None for more than MOST_ADDED."""
    values: list[Any] = []
    conditions = _conditions(wanted, sought, values) or ["true"]
    # Where everybody's standing is of no account, too many are counted along an index alone.
    if not wanted.state:
        row = await db.fetch_one(_COUNT.format(conditions=" AND ".join(conditions), most=MOST_ADDED + 1), *values)
        if row and row["count"] > MOST_ADDED:
            return None
    row = await db.fetch_one(_SUMS.format(conditions=" AND ".join(conditions)), *values)
    assert row is not None  # noqa: S101  # an aggregate always has its row
    if row["count"] > MOST_ADDED:
        return None
    return Sums(count=row["count"], total=Money(row["total"]), open=Money(row["open"]))


async def export(sort: str, wanted: Filter) -> list[asyncpg.Record]:
    """Every document that is meant, as the list sorts them; TooManyInvoices when one file does not hold them."""
    found = await page(LISTING.window(sort=sort, limit=LARGEST_EXPORT), wanted)
    if len(found.rows) > LARGEST_EXPORT:
        raise TooManyInvoices(most=LARGEST_EXPORT)
    return found.rows


async def _understood(wanted: Filter) -> Sought:
    # Words are kept behind the wall of each partner: staff, who see all of them, find by number and reference.
    by_words = wanted.q and db.current().principal.door is Door.TENANT
    return await search.understand(wanted.q, ("customer",)) if by_words else Sought()


def _conditions(wanted: Filter, sought: Sought, values: list[Any]) -> list[str]:
    conditions = []
    if wanted.q:
        conditions.append(_with(wanted.q, sought, values))
    if wanted.state:
        condition = _STATES[wanted.state]
        if condition.endswith("$"):
            values.append(clock.today())
            condition += str(len(values))
        conditions.append(condition)
    for column in ("kind", "layer", "customer"):
        if value := getattr(wanted, column):
            values.append(value)
            conditions.append(f"i.{column} = ${len(values)}")
    for comparison, day in ((">=", wanted.issued_from), ("<=", wanted.issued_until)):
        if day:
            values.append(day)
            conditions.append(f"i.issued_on {comparison} ${len(values)}")
    return conditions


def _with(asked: str, sought: Sought, values: list[Any]) -> str:
    """Documents whose number begins so or ends in this figure, whose reference it is, or whose customer has these words."""
    plain = "".join(asked.upper().split())[: search.LONGEST]
    values += [plain, int(plain) if plain.isascii() and plain.isdigit() and int(plain) <= _LARGEST_SEQUENCE else -1]
    nth = len(values)
    ways = [f"(i.number >= ${nth - 1} AND i.number < ${nth - 1} || chr(1114111))", f"i.sequence = ${nth}", f"i.reference = ${nth - 1}"]
    if not sought.is_hopeless:
        ways.append(f"i.customer IN ({search.rows(sought, 'customer', values)})")
    return f"({' OR '.join(ways)})"
