"""A partner's customers as a list shows them: with what they have, what it brings in, and what happens to it."""

from __future__ import annotations

from typing import Any, Literal

import asyncpg
import msgspec

from partner_portal.infra import db, search
from partner_portal.infra.search import Sought
from partner_portal.kernel.errors import Refused
from partner_portal.web.lists import Column, Listing, Window
from tenants.service import customers

LARGEST_EXPORT = 20_000
WAITING = ("waiting_for_customer", "waiting_for_finance", "proposed", "countered", "accepted")

LISTING = Listing(
    "overview customers",
    {
        "name": Column("c.name", "varchar", "name"),
        "number": Column("c.number", "varchar", "number"),
        "since": Column("c.id", "uuid", "id"),  # ids sort by age, and have an index
    },
    usual="name",
    id_sql="c.id",
)


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which customers are meant; what is left out does not matter."""

    q: str = ""
    segment: Literal["", "CONSUMER", "PROTECTED_BIZ", "OTHER_BIZ", "GOV", "UNKNOWN"] = ""
    language: Literal["", "nl", "en"] = ""
    services: Literal["", "with", "without"] = ""
    state: Literal["", "ending", "waiting"] = ""
    contact: Literal["", "none"] = ""

    @property
    def asked(self) -> dict[str, str]:
        """What was asked for, as the address of the list says it."""
        asked: dict[str, str] = msgspec.to_builtins(self)
        return asked


class Found(msgspec.Struct, frozen=True):
    """Rows of the list, and how the words looked for were understood."""

    rows: list[asyncpg.Record]
    sought: Sought


class TooManyToExport(Refused):
    """More customers than one file holds."""


_LIST = """
WITH page AS (SELECT c.* FROM customer c WHERE {conditions} ORDER BY {order})
SELECT c.id, c.number, c.name, c.segment, c.language, c.country, c.created_at, m.name AS contact_name, m.email AS contact_email, l.city,
       s.running, s.monthly_cents, s.ending, s.next_end, w.waiting
  FROM page c
  LEFT JOIN contact m ON m.customer = c.id AND m.is_main
  LEFT JOIN location l ON l.customer = c.id AND l.kind = 'billing'
 CROSS JOIN LATERAL (SELECT count(*) AS running, coalesce(sum(quantity * fee_cents), 0)::bigint AS monthly_cents, count(ends_on) AS ending,
                            min(ends_on) AS next_end FROM billing_service s WHERE s.customer = c.id AND s.ended_at IS NULL) s
 CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM termination t WHERE t.customer = c.id AND t.state = ANY({waiting})) w
 ORDER BY {order}
"""
_CONDITIONS = {
    "services": {
        "with": "EXISTS (SELECT FROM billing_service s WHERE s.customer = c.id AND s.ended_at IS NULL)",
        "without": "NOT EXISTS (SELECT FROM billing_service s WHERE s.customer = c.id AND s.ended_at IS NULL)",
    },
    "state": {
        "ending": "c.id IN (SELECT s.customer FROM billing_service s WHERE s.ended_at IS NULL AND s.ends_on IS NOT NULL)",
        "waiting": "c.id IN (SELECT t.customer FROM termination t WHERE t.state = ANY({waiting}))",
    },
    "contact": {"none": "NOT EXISTS (SELECT FROM contact m WHERE m.customer = c.id AND m.is_main)"},
}


async def page(window: Window, wanted: Filter) -> Found:
    """The acting tenant's customers in the window that are meant, each with its main contact, place, services and cases; one row more than shown."""
    sought = await search.understand(wanted.q, customers.FOUND_AS)
    if wanted.q and sought.is_hopeless:
        return Found([], sought)
    unseen, values = window.where(1)
    conditions = [unseen, *_plain(wanted, values), *(customers.with_word(beginnings, values) for beginnings in sought.words)]
    values.append(list(WAITING))
    waiting = f"${len(values)}::varchar[]"
    said = " AND ".join(conditions).replace("{waiting}", waiting)
    rows = await db.fetch(
        _LIST.format(conditions=said, order=window.order, waiting=waiting), *values
    )  # fragments are ours, values are bound
    return Found(rows, sought)


def _plain(wanted: Filter, values: list[Any]) -> list[str]:
    asked = wanted.asked
    conditions = [_CONDITIONS[name][asked[name]] for name in _CONDITIONS if name in asked]
    for column in ("segment", "language"):
        if column in asked:
            values.append(asked[column])
            conditions.append(f"c.{column} = ${len(values)}")
    return conditions


async def export(sort: str | None, wanted: Filter) -> list[asyncpg.Record]:
    """Every customer that is meant, as the list sorts them; TooManyToExport when one file does not hold them."""
    found = await page(LISTING.window(sort=sort, limit=LARGEST_EXPORT), wanted)
    if len(found.rows) > LARGEST_EXPORT:
        raise TooManyToExport(most=LARGEST_EXPORT)
    return found.rows
