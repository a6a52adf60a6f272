"""Services by their last day to give notice: what a partner must decide on, and what it has decided."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, search
from partner_portal.infra.search import Sought
from partner_portal.kernel.dates import ONE_DAY, months_started
from partner_portal.kernel.errors import Refused
from partner_portal.web.lists import Column, Listing, Window
from tenants.policy import Segment

from ..workflow import State
from . import deadline_keeping

LARGEST_EXPORT = 20_000
HEALED_AT_ONCE = 100
"""How many deadlines that changed since the last round are computed before a list is shown.

Rounds are a quarter of an hour apart, and a day in this list decides: what somebody changed a moment ago, or what midnight changed, must not stand
there as it was. More than these (an import) would make the page slow, and are left to the next round.
"""
KINDS = ("service", "customer")


class Within(StrEnum):
    """Which last days are meant: those that passed while the term still runs, or those of the next so many days."""

    OVERDUE = "overdue"
    DAYS_30 = "30"
    DAYS_60 = "60"
    DAYS_90 = "90"
    YEAR = "365"


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which deadlines are meant; what is left out does not matter. `fee_from` is in whole euros a month, `product` a code.

    `state`: nothing filed yet (usual), or held by an open case. `renews`: missing the day binds for another term.
    """

    window: Within = Within.DAYS_90
    state: Literal["", "ending"] = ""
    renews: Literal["", "yes"] = ""
    customer: UUID | None = None
    product: Annotated[str, Meta(max_length=40)] = ""
    fee_from: Annotated[int, Meta(ge=1, le=100_000_000)] | None = None
    q: Annotated[str, Meta(max_length=200)] = ""

    @property
    def asked(self) -> dict[str, str]:
        """What was asked for, as the address of the list says it."""
        asked: dict[str, Any] = msgspec.to_builtins(self)
        return {name: str(value) for name, value in asked.items()}


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """The open case that holds a service, and the last day of the service by it."""

    id: UUID
    number: str
    state: State
    ends_on: date


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One service with its deadline.

    `notice_by` is the last day to give notice for `ends_on`; when it has passed, `free_end_on` is the next end (None: at any time, on notice).
    `fee_cents` are a month's; `renewal_cents` what `renewal_months` more months cost: what missing the day binds for, or has bound for.
    """

    id: UUID
    service: UUID
    number: str
    label: str
    product_nl: str
    product_en: str
    customer: UUID
    customer_number: str
    customer_name: str
    notice_by: date
    ends_on: date
    free_end_on: date | None
    fee_cents: int
    includes_vat: bool
    renewal_months: int
    held: Holding | None

    @property
    def renewal_cents(self) -> int:
        """The fees of the months that missing the day binds for, as the customer's prices are given."""
        return self.fee_cents * self.renewal_months

    @property
    def days_left(self) -> int:
        """Days from today to the last day to give notice; 0 on the day itself, negative when it has passed."""
        return (self.notice_by - clock.today()).days


class Found(msgspec.Struct, frozen=True):
    """Rows of the list, one more than shown where there are more, and how the words looked for were understood."""

    rows: list[Watched]
    sought: Sought


class TooManyDeadlines(Refused):
    """More services than one file holds."""


COMING = Listing("deadlines", {"notice_by": Column("d.last_notice_on", "date", "notice_by")}, usual="notice_by", id_sql="d.id")
MISSED = Listing("missed deadlines", {"notice_by": Column("d.missed_on", "date", "notice_by")}, usual="notice_by", id_sql="d.id")


def listing(wanted: Filter) -> Listing:
    """The list that the filter asks for."""
    return MISSED if wanted.window is Within.OVERDUE else COMING


# The page is found along one index, in it alone where the filter allows, before anything else is looked up.
_LIST = """
WITH page AS (SELECT d.id, {day} AS day FROM termination_deadline d WHERE {conditions} ORDER BY {order})
SELECT d.id, d.service, s.number, s.label, p.name_nl AS product_nl, p.name_en AS product_en, c.id AS customer, c.number AS customer_number,
       c.name AS customer_name, c.segment, d.last_notice_on, d.missed_on, d.missed_end_on, d.free_end_on, d.fee_cents, d.renewal_months,
       t.id AS case_id, t.number AS case_number, t.state AS case_state, l.ends_on AS case_ends_on
  FROM page
  JOIN termination_deadline d ON d.id = page.id
  JOIN billing_service s ON s.tenant = d.tenant AND s.id = d.service
  JOIN customer c ON c.tenant = d.tenant AND c.id = d.customer
  JOIN billing_product p ON p.id = d.product
  LEFT JOIN (termination_line l JOIN termination t ON t.tenant = l.tenant AND t.id = l.termination)
    ON l.tenant = d.tenant AND l.service = d.service AND l.is_open
 ORDER BY page.day, page.id
"""


async def page(window: Window, wanted: Filter) -> Found:
    """The acting tenant's deadlines in the window that are meant, the nearest first; what changed a moment ago counts."""
    await deadline_keeping.refresh(HEALED_AT_ONCE)
    sought = await search.understand(wanted.q, KINDS)
    if wanted.q and sought.is_hopeless:
        return Found([], sought)
    unseen, values = window.where(1)
    said = " AND ".join([unseen, *_conditions(wanted, sought, values)])
    day = window.column.sql
    rows = await db.fetch(_LIST.format(conditions=said, order=window.order, day=day), *values)  # fragments are ours, values are bound
    return Found([_watched(row, missed=wanted.window is Within.OVERDUE) for row in rows], sought)


async def export(wanted: Filter) -> list[Watched]:
    """Every deadline that is meant, as the list sorts them; TooManyDeadlines when one file does not hold them."""
    found = await page(listing(wanted).window(limit=LARGEST_EXPORT), wanted)
    if len(found.rows) > LARGEST_EXPORT:
        raise TooManyDeadlines(most=LARGEST_EXPORT)
    return found.rows


async def services_of(wanted: Filter, most: int) -> list[UUID]:
    """The first `most` services that are meant and that no case holds yet, the nearest day first."""
    free = msgspec.structs.replace(wanted, state="")
    found = await page(listing(free).window(limit=most), free)
    return [row.service for row in found.rows[:most]]


async def products() -> list[asyncpg.Record]:
    """The products of which the acting tenant has a service with a deadline, by name."""
    return await db.fetch(
        "SELECT p.code, p.name_nl, p.name_en FROM billing_product p WHERE EXISTS ("
        " SELECT FROM termination_deadline d WHERE d.product = p.id AND d.last_notice_on IS NOT NULL) ORDER BY p.name_nl"
    )


def _conditions(wanted: Filter, sought: Sought, values: list[Any]) -> list[str]:
    def said(condition: str, value: Any) -> str:
        values.append(value)
        return condition.format(f"${len(values)}")

    conditions = [said("d.is_held = {}", wanted.state == "ending")]
    if wanted.window is Within.OVERDUE:
        conditions.append("d.missed_on IS NOT NULL")
    else:
        today = clock.today()
        conditions += [
            said("d.last_notice_on >= {}::date", today),
            said("d.last_notice_on <= {}::date", today + timedelta(days=int(wanted.window))),
        ]
    if wanted.renews:
        conditions.append("d.renewal_months > 0")
    if wanted.customer is not None:
        conditions.append(said("d.customer = {}", wanted.customer))
    if wanted.product:
        conditions.append(said("d.product = (SELECT p.id FROM billing_product p WHERE p.code = {})", wanted.product))
    if wanted.fee_from is not None:
        conditions.append(said("d.fee_cents >= {}::bigint", wanted.fee_from * 100))
    return conditions + [_with(beginnings, values) for beginnings in sought.words]


def _with(beginnings: tuple[str, ...], values: list[Any]) -> str:
    """Services with such a word of their own, or of their customer."""
    own, customers = (search.one(beginnings, kind, values) for kind in KINDS)
    return f"(d.service IN ({own}) OR d.customer IN ({customers}))"


def _watched(row: asyncpg.Record, *, missed: bool) -> Watched:
    held = None
    if row["case_id"] is not None:
        held = Holding(id=row["case_id"], number=row["case_number"], state=State(row["case_state"]), ends_on=row["case_ends_on"])
    free_end_on = row["free_end_on"]
    return Watched(
        id=row["id"],
        service=row["service"],
        number=row["number"],
        label=row["label"],
        product_nl=row["product_nl"],
        product_en=row["product_en"],
        customer=row["customer"],
        customer_number=row["customer_number"],
        customer_name=row["customer_name"],
        notice_by=row["missed_on"] if missed else row["last_notice_on"],
        ends_on=row["missed_end_on"] if missed else free_end_on,
        free_end_on=free_end_on,
        fee_cents=row["fee_cents"],
        includes_vat=row["segment"] == Segment.CONSUMER,
        renewal_months=_months_bound(row["missed_end_on"], free_end_on) if missed else row["renewal_months"],
        held=held,
    )


def _months_bound(missed_end_on: date, free_end_on: date | None) -> int:
    """What a day that passed has bound for: nothing where the service can end at any time now."""
    return 0 if free_end_on is None else months_started(missed_end_on + ONE_DAY, free_end_on + ONE_DAY)
