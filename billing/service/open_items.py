"""What is open: item by item, by age, by debtor and by partner; behind the wall of whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.kernel.errors import NotFound, Refused
from partner_portal.web.lists import Column, Listing, Window

from ..policy.reminding import Bucket

LARGEST_EXPORT = 20_000
MOST_ON_A_STATEMENT = 500
LISTING = Listing("open items", {"due_on": Column("s.due_on", "date", "due_on")}, usual="due_on", id_sql="s.invoice")
DEBTORS = Listing(
    "debtors",
    {
        "overdue": Column("d.overdue_cents", "bigint", "overdue_cents"),
        "open": Column("d.open_cents", "bigint", "open_cents"),
        "oldest": Column("d.oldest_on", "date", "oldest_on"),
    },
    usual="-overdue",
    id_sql="d.debtor",
    id_attribute="debtor",
)

_AGE = {
    Bucket.NOT_DUE: "s.due_on >= {today}",
    Bucket.TO_30: "s.due_on < {today} AND s.due_on >= {today} - 30",
    Bucket.TO_60: "s.due_on < {today} - 30 AND s.due_on >= {today} - 60",
    Bucket.TO_90: "s.due_on < {today} - 60 AND s.due_on >= {today} - 90",
    Bucket.OLDER: "s.due_on < {today} - 90",
}
# What is to be paid, along its index (billing_standing_owed): credit notes have no due date.
_OWED = "s.open_cents > 0 AND s.due_on IS NOT NULL"
_FROM = f"""
  FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice LEFT JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer
 WHERE {_OWED}
"""
_ITEMS = """
SELECT i.id, i.number, i.kind, i.layer, i.reference, i.issued_on, i.due_on, i.gross_cents, s.open_cents, i.customer, c.name AS customer_name,
       c.number AS customer_number, i.debtor_details ->> 'name' AS debtor, s.bounced_at,
       (SELECT max(r.level) FROM billing_reminder r WHERE r.tenant = i.tenant AND r.invoice = i.id) AS reminded,
       {held} AS held
"""
_HELD = """(SELECT h.reason FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > {today})
           AND (h.invoice = i.id OR h.customer = i.customer) ORDER BY h.placed_at DESC LIMIT 1)"""
_SUMS = ", ".join(
    f"coalesce(sum(s.open_cents) FILTER (WHERE {age}), 0)::bigint AS cents_{place}, count(*) FILTER (WHERE {age}) AS count_{place}"
    for place, age in enumerate(_AGE.values())
)


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which items are meant; what is left out does not matter. `whose`: what customers owe (usual), or what the partner owes itself."""

    q: str = ""
    age: Literal["", "not due", "overdue", "1-30", "31-60", "61-90", "over 90"] = ""
    whose: Literal["", "own"] = ""
    customer: UUID | None = None

    @property
    def asked(self) -> dict[str, str]:
        """What was asked for, as the address of the list says it."""
        asked: dict[str, str] = msgspec.to_builtins(self)
        return asked


class Aged(msgspec.Struct, frozen=True):
    """So much is open in one bucket, in so many items."""

    bucket: Bucket
    cents: int
    count: int


class Ageing(msgspec.Struct, frozen=True):
    """What is open by age."""

    buckets: Sequence[Aged]

    @property
    def cents(self) -> int:
        """All of it."""
        return sum(one.cents for one in self.buckets)

    @property
    def overdue_cents(self) -> int:
        """What should have been paid."""
        return sum(one.cents for one in self.buckets if one.bucket is not Bucket.NOT_DUE)

    @property
    def overdue(self) -> int:
        """How many items should have been paid."""
        return sum(one.count for one in self.buckets if one.bucket is not Bucket.NOT_DUE)


class TooManyOpenItems(Refused):
    """More items than one file holds."""


async def page(window: Window, wanted: Filter) -> list[asyncpg.Record]:
    """The items in the window that are meant, the oldest first; one row more than shown."""
    values: list[Any] = [clock.today()]
    conditions = _conditions(wanted, values)
    unseen, seen = window.where(len(values) + 1)
    # Why the provider waits is for its partner to know; a contact's role cannot even ask.
    select = _ITEMS.format(held="nullif($1::date, $1::date)" if db.current().principal.customer else _HELD.format(today="$1"))
    return await db.fetch(f"{select} {_FROM} AND {conditions} AND {unseen} ORDER BY {window.order}", *values, *seen)  # our own fragments


async def export(wanted: Filter) -> list[asyncpg.Record]:
    """Every item that is meant; TooManyOpenItems when one file does not hold them."""
    rows = await page(LISTING.window(limit=LARGEST_EXPORT), wanted)
    if len(rows) > LARGEST_EXPORT:
        raise TooManyOpenItems(most=LARGEST_EXPORT)
    return rows


async def ageing(wanted: Filter) -> Ageing:
    """The items that are meant by age, whichever age was asked for."""
    values: list[Any] = [clock.today()]
    conditions = _conditions(msgspec.structs.replace(wanted, age=""), values)
    rows = _FROM if wanted.q else f"FROM billing_standing s WHERE {_OWED}"
    row = await db.fetch_one(f"SELECT {_SUMS.format(today='$1')} {rows} AND {conditions}", *values)
    return _aged(row or {})


async def in_favour(wanted: Filter) -> int:
    """What the debtors have coming, in cents: payments that settle nothing yet, and documents in their favour."""
    values: list[Any] = []
    whose = _whose(wanted, values)
    row = await db.fetch_one(
        _FAVOUR.format(documents=whose.format(owed_by="s.owed_by"), payments=whose.format(owed_by="o.customer")), *values
    )
    return row["cents"] if row else 0


_FAVOUR = """
SELECT (coalesce((SELECT sum(abs(s.open_cents)) FROM billing_standing s
                   WHERE s.open_cents <> 0 AND (s.open_cents < 0 OR s.due_on IS NULL) AND {documents}), 0)
      + coalesce((SELECT sum(o.left_cents) FROM billing_on_account o WHERE {payments}), 0))::bigint AS cents
"""


class Owing(msgspec.Struct, frozen=True, kw_only=True):
    """A debtor, or all of a partner's, with what is open by age."""

    tenant: UUID
    partner: str
    customer: UUID | None
    number: str | None = None
    name: str
    oldest_on: date
    ageing: Ageing

    @property
    def debtor(self) -> UUID:
        """Whoever owes."""
        return self.customer or self.tenant

    @property
    def open_cents(self) -> int:
        """All that is open."""
        return self.ageing.cents

    @property
    def overdue_cents(self) -> int:
        """What of it should have been paid."""
        return self.ageing.overdue_cents


async def by_debtor(most: int = 50, *, tenant: UUID | None = None) -> list[Owing]:
    """Whoever owes most that is overdue, first; of one partner or, through the staff door, of all."""
    rows = await db.fetch(_BY_DEBTOR.format(sums=_SUMS.format(today="$1")), clock.today(), most, tenant)
    return [_owing(row) for row in rows]


async def debtors(window: Window, *, is_own: bool = False) -> list[Owing]:
    """The customers of the asking partner that owe something (or the partner itself), as the window sorts them; one row more than shown."""
    unseen, seen = window.where(2)
    whose = "s.owed_by IS NULL" if is_own else "s.owed_by IS NOT NULL"
    statement = _DEBTORS.format(sums=_SUMS.format(today="$1"), whose=whose, unseen=unseen, order=window.order)
    return [_owing(row) for row in await db.fetch(statement, clock.today(), *seen)]


async def by_partner() -> list[Owing]:
    """What is open by partner, the provider's own customers included; through the staff door."""
    return [_owing(row) for row in await db.fetch(_BY_PARTNER.format(sums=_SUMS.format(today="$1")), clock.today())]


_BY_DEBTOR = f"""
SELECT d.*, t.name AS partner, c.name FROM (
    SELECT s.tenant, s.owed_by AS customer, min(s.due_on) AS oldest_on, sum(s.open_cents)::bigint AS open_cents,
           coalesce(sum(s.open_cents) FILTER (WHERE s.due_on < $1), 0)::bigint AS overdue_cents, {{sums}}
      FROM billing_standing s WHERE {_OWED} AND ($3::uuid IS NULL OR s.tenant = $3) GROUP BY s.tenant, s.owed_by
     ORDER BY overdue_cents DESC, open_cents DESC, s.tenant, s.owed_by LIMIT $2) d
  JOIN tenant t ON t.id = d.tenant LEFT JOIN customer c ON c.tenant = d.tenant AND c.id = d.customer
 ORDER BY d.overdue_cents DESC, d.open_cents DESC, d.tenant, d.customer
"""  # noqa: S608  # our own fragments
_BY_PARTNER = f"""
SELECT d.*, t.name AS partner, NULL::uuid AS customer, t.name FROM (
    SELECT s.tenant, min(s.due_on) AS oldest_on, {{sums}} FROM billing_standing s WHERE {_OWED} GROUP BY s.tenant) d
  JOIN tenant t ON t.id = d.tenant ORDER BY t.name
"""  # noqa: S608
_DEBTORS = f"""
SELECT d.*, t.name AS partner, c.name, c.number FROM (
    SELECT s.tenant, s.owed_by AS customer, coalesce(s.owed_by, s.tenant) AS debtor, min(s.due_on) AS oldest_on, sum(s.open_cents)::bigint AS open_cents,
           coalesce(sum(s.open_cents) FILTER (WHERE s.due_on < $1), 0)::bigint AS overdue_cents, {{sums}}
      FROM billing_standing s WHERE {_OWED} AND {{whose}} GROUP BY s.tenant, s.owed_by) d
  JOIN tenant t ON t.id = d.tenant LEFT JOIN customer c ON c.tenant = d.tenant AND c.id = d.customer
 WHERE {{unseen}} ORDER BY {{order}}
"""  # noqa: S608


def _owing(row: asyncpg.Record) -> Owing:
    return Owing(
        tenant=row["tenant"],
        partner=row["partner"],
        customer=row["customer"],
        number=row.get("number"),
        name=row["name"] or row["partner"],
        oldest_on=row["oldest_on"],
        ageing=_aged(row),
    )


def _aged(row: asyncpg.Record | Mapping[str, Any]) -> Ageing:
    return Ageing([Aged(bucket, row[f"cents_{place}"], row[f"count_{place}"]) for place, bucket in enumerate(_AGE)] if row else [])


def _conditions(wanted: Filter, values: list[Any]) -> str:
    """What is meant, as SQL; the first value is today."""
    conditions = [_whose(wanted, values).format(owed_by="s.owed_by")]
    if wanted.age == "overdue":
        conditions.append("s.due_on < $1")
    elif wanted.age:
        conditions.append(_AGE[Bucket(wanted.age)].format(today="$1"))
    if wanted.q:
        values.append("%" + wanted.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
        place = len(values)
        conditions.append(f"(i.number ILIKE ${place} OR c.name ILIKE ${place} OR c.number ILIKE ${place})")
    return " AND ".join(conditions)


def _whose(wanted: Filter, values: list[Any]) -> str:
    """Whose debt is meant, for a row that names its customer: none is the partner itself."""
    if wanted.customer is not None:
        values.append(wanted.customer)
        return f"{{owed_by}} = ${len(values)}"
    return "{owed_by} IS NULL" if wanted.whose == "own" else "{owed_by} IS NOT NULL"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A debtor's account on a day: whose, what is open, by age, and what it has coming; `abroad` is the country of its address if not its partner's."""

    on: date
    recipient: Sequence[str]
    abroad: str
    rows: Sequence[asyncpg.Record]
    ageing: Ageing
    in_favour_cents: int

    @property
    def balance_cents(self) -> int:
        """What is to be paid on balance."""
        return self.ageing.cents - self.in_favour_cents


_CUSTOMER = """
SELECT c.name, l.street, l.postcode, l.city, nullif(l.country, t.country) AS abroad FROM customer c JOIN tenant t ON t.id = c.tenant
  LEFT JOIN location l ON l.tenant = c.tenant AND l.customer = c.id WHERE c.id = $1 ORDER BY l.kind <> 'billing', l.id LIMIT 1
"""
_PARTNER = """
SELECT coalesce(i.name, t.name) AS name, i.street, i.postcode, i.city, NULL AS abroad
  FROM tenant t LEFT JOIN billing_issuer i ON i.tenant = t.id WHERE t.id = $1
"""


async def statement(tenant: UUID, customer: UUID | None) -> Statement:
    """The account of the customer, or of the partner itself, as it stands today: the oldest items, as many as a letter holds, and the sums of all."""
    wanted = Filter(customer=customer, whose="" if customer else "own")
    row = await (db.fetch_one(_CUSTOMER, customer) if customer else db.fetch_one(_PARTNER, tenant))
    if row is None:
        raise NotFound(what="customer", id=str(customer or tenant))
    return Statement(
        on=clock.today(),
        recipient=[row["name"], row["street"] or "", f"{row['postcode'] or ''} {row['city'] or ''}".strip()],
        abroad=row["abroad"] or "",
        rows=await page(LISTING.window(limit=MOST_ON_A_STATEMENT), wanted),
        ageing=await ageing(wanted),
        in_favour_cents=await in_favour(wanted),
    )
