"""The partner's cases as a list: which are meant, in which order, with what a line of it shows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, search
from partner_portal.infra.search import Sought
from partner_portal.kernel.errors import Refused
from partner_portal.web.lists import Column, Listing, Window

from ..workflow import State
from .cases import Reason

LARGEST_EXPORT = 20_000
KINDS = ("case", "customer", "contact", "service")
_NEVER = "timestamptz '9999-12-31 00:00+00'"

LISTING = Listing(
    "terminations",
    {
        "filed": Column("t.filed_at", "timestamptz", "filed_at"),
        "ends": Column("t.ends_on", "date", "ends_on"),
        "until": Column(f"coalesce(t.waits_until, {_NEVER})", "timestamptz", "until"),
    },
    usual="-filed",
    id_sql="t.id",
)


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which cases are meant; what is left out does not matter. The days are about the last days of services."""

    q: str = ""
    state: State | None = None
    waits_for: Literal["", "customer", "finance", "payer"] = ""
    payer: Literal["", "customer", "partner"] = ""
    withdrawal: Literal["", "asked"] = ""
    ends: Literal["", "this-week"] = ""
    ends_from: date | None = None
    ends_until: date | None = None
    buyout: Literal["", "yes", "no"] = ""
    reason: Reason | None = None
    customer: UUID | None = None

    @property
    def asked(self) -> dict[str, str]:
        """What was asked for, as the address of the list says it."""
        asked: dict[str, str] = msgspec.to_builtins(self)
        return asked


class Found(msgspec.Struct, frozen=True):
    """Rows of the list, and how the words looked for were understood."""

    rows: list[asyncpg.Record]
    sought: Sought


class TooManyCases(Refused):
    """More cases than one file holds."""


_LIST = f"""
WITH page AS (SELECT t.*, coalesce(t.waits_until, {_NEVER}) AS until FROM termination t WHERE {{conditions}} ORDER BY {{order}}),
     lines AS (SELECT o.termination, count(*) AS services, (array_agg(s.label ORDER BY o.ends_on, s.number))[1] AS label, max(o.ends_on) AS last_end,
                      max(o.billing_ends_on) AS billing_ends_on
                 FROM termination_line o JOIN billing_service s ON s.id = o.service WHERE o.termination IN (SELECT id FROM page) GROUP BY o.termination)
SELECT t.id, t.number, t.state, t.ends_on, t.reason, t.is_buyout, t.payer, t.computed_cents, t.agreed_cents, t.waits_until, t.until, t.filed_at,
       t.withdrawal_asked_at, c.id AS customer, c.number AS customer_number, c.name AS customer_name, f.actor_label AS filed_by,
       l.services, l.label, l.last_end, l.billing_ends_on
  FROM page t JOIN customer c ON c.id = t.customer
  LEFT JOIN termination_step f ON f.termination = t.id AND f.nth = 1
  JOIN lines l ON l.termination = t.id
 ORDER BY {{order}}
"""  # noqa: S608  # our own words
_WAITS_FOR = {
    "customer": "t.state IN ('waiting_for_customer', 'accepted')",
    "finance": "t.state IN ('waiting_for_finance', 'countered')",
    "payer": "t.state = 'proposed'",
}
_ENDING = "EXISTS (SELECT FROM termination_line o WHERE o.termination = t.id AND {})"


async def page(window: Window, wanted: Filter) -> Found:
    """The acting tenant's cases in the window that are meant; one row more than shown."""
    sought = await search.understand(wanted.q, KINDS) if wanted.q else Sought()
    if wanted.q and sought.is_hopeless:
        return Found([], sought)
    unseen, values = window.where(1)
    conditions = [unseen, *_plain(wanted, values), *_days(wanted, values), *(_with(words, values) for words in sought.words)]
    statement = _LIST.format(conditions=" AND ".join(conditions), order=window.order)
    return Found(await db.fetch(statement, *values), sought)  # fragments are ours, values are bound


def _plain(wanted: Filter, values: list[Any]) -> list[str]:
    conditions = [_WAITS_FOR[wanted.waits_for]] if wanted.waits_for else []
    conditions += ["t.withdrawal_asked_at IS NOT NULL AND t.state = 'scheduled'"] if wanted.withdrawal else []
    conditions += [f"t.is_buyout = {'true' if wanted.buyout == 'yes' else 'false'}"] if wanted.buyout else []
    for column in ("state", "payer", "reason", "customer"):
        if value := getattr(wanted, column):
            values.append(value)
            conditions.append(f"t.{column} = ${len(values)}")
    return conditions


def _days(wanted: Filter, values: list[Any]) -> list[str]:
    said: list[tuple[str, date]] = []
    if wanted.ends_from:
        said.append(("o.ends_on >=", wanted.ends_from))
    if wanted.ends_until:
        said.append(("o.ends_on <=", wanted.ends_until))
    this_week: list[tuple[str, date]] = []
    if wanted.ends:
        today = clock.today()
        this_week = [
            ("o.is_open AND t.state = 'scheduled' AND o.ends_on >=", today),
            ("o.ends_on <=", today + timedelta(days=6 - today.weekday())),
        ]
    return [_ENDING.format(_bound(part, values)) for part in (said, this_week) if part]


def _bound(said: list[tuple[str, date]], values: list[Any]) -> str:
    parts = []
    for comparison, day in said:
        values.append(day)
        parts.append(f"{comparison} ${len(values)}")
    return " AND ".join(parts)


def _with(beginnings: tuple[str, ...], values: list[Any]) -> str:
    """Cases with such a word in their number, in their customer or its contacts, or in one of their services."""
    case, customer, contact, service = (search.one(beginnings, kind, values) for kind in KINDS)
    return (
        f"(t.id IN ({case}) OR t.customer IN ({customer}) OR t.customer IN (SELECT k.customer FROM contact k WHERE k.id IN ({contact}))"  # noqa: S608
        f" OR t.id IN (SELECT o.termination FROM termination_line o WHERE o.service IN ({service})))"
    )  # fragments are ours


async def export(sort: str, wanted: Filter) -> list[asyncpg.Record]:
    """Every case that is meant, as the list sorts them; TooManyCases when one file does not hold them."""
    found = await page(LISTING.window(sort=sort, limit=LARGEST_EXPORT), wanted)
    if len(found.rows) > LARGEST_EXPORT:
        raise TooManyCases(most=LARGEST_EXPORT)
    return found.rows
