"""What is on offer, at the prices in force on a day; and staff's ways to put something up for sale, price it and take it off."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from tenants.policy import Segment

from ..policy.agreed import CreditMode
from ..policy.charges import Proration
from ..policy.ordering import Offer, suits
from ..policy.terms import Align, NoticeUnit, Renewal
from .services import Cents

_READ = """
SELECT o.id, o.code, p.code AS product, o.name_nl, o.name_en, o.is_for_consumers, p.has_numbers, o.pause_months, o.pause_extends,
       o.minimum_months, o.renewal, o.renewal_months,
       o.notice_n, o.notice_unit, o.align, o.billing_months, o.in_advance, o.proration, o.credit_mode, r.name AS buyout_rule,
       q.fee_cents, q.setup_cents, q.wholesale_cents, q.wholesale_setup_cents
  FROM billing_offer o JOIN billing_product p ON p.id = o.product LEFT JOIN billing_buyout_rule r ON r.id = o.buyout_rule
  JOIN LATERAL (SELECT * FROM billing_offer_price q WHERE q.offer = o.id AND q.since <= $1 ORDER BY q.since DESC LIMIT 1) q ON true
 WHERE o.sold_from <= $1 AND (o.sold_until IS NULL OR o.sold_until >= $1) AND (p.retired_on IS NULL OR p.retired_on > $1)
"""
_ALL = f"{_READ} ORDER BY o.code"
_NAMED = f"{_READ} AND o.code = ANY($2::varchar[]) ORDER BY o.code"


class NewOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product on certain terms, with its first price; amounts as in `policy.ordering.Offer`."""

    code: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$")]
    product: str
    name_nl: Annotated[str, Meta(min_length=1, max_length=200)]
    name_en: Annotated[str, Meta(min_length=1, max_length=200)]
    fee_cents: Cents
    sold_from: date
    is_for_consumers: bool = False
    setup_cents: Cents = 0
    wholesale_cents: Cents | None = None
    wholesale_setup_cents: Cents = 0
    minimum_months: Annotated[int, Meta(ge=0, le=36)] = 0
    renewal: Renewal = Renewal.INDEF
    renewal_months: Annotated[int, Meta(ge=0, le=36)] = 0
    notice_n: Annotated[int, Meta(ge=0, le=365)] = 1
    notice_unit: NoticeUnit = NoticeUnit.MONTHS
    align: Align = Align.NONE
    billing_months: Annotated[int, Meta(ge=1, le=36)] = 1
    in_advance: bool = True
    proration: Proration = Proration.CAL
    credit_mode: CreditMode = CreditMode.CAL
    buyout_rule: str | None = None
    pause_months: Annotated[int, Meta(ge=0, le=12)] = 0
    pause_extends: bool = True


class PriceFrom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an offer costs from a day on."""

    since: date
    fee_cents: Cents
    setup_cents: Cents = 0
    wholesale_cents: Cents | None = None
    wholesale_setup_cents: Cents = 0


async def sold(day: date, segment: Segment | None = None) -> list[Offer]:
    """What is sold on this day, to customers of this kind if one is named, in order of code."""
    found = [_offer(row) for row in await db.fetch(_ALL, day)]
    return found if segment is None else [offer for offer in found if suits(offer, segment)]


async def by_code(codes: list[str], day: date) -> dict[str, tuple[UUID, Offer]]:
    """Those of these offers that are sold on this day, with their ids."""
    return {row["code"]: (row["id"], _offer(row)) for row in await db.fetch(_NAMED, day, codes)}


async def put_up(new: NewOffer) -> UUID:
    """The offer is for sale from its day on, at its first price; Invalid names what cannot be. Staff only."""
    product = await db.fetch_one("SELECT id FROM billing_product WHERE code = $1", new.product)
    rule = await db.fetch_one("SELECT id FROM billing_buyout_rule WHERE name = $1", new.buyout_rule) if new.buyout_rule else None
    wrong = [
        ("product", "unknown-product", product is None),
        ("buyout_rule", "unknown-buyout-rule", bool(new.buyout_rule) and rule is None),
        ("renewal_months", "needs-renewal-months", new.renewal is Renewal.FIXED and new.renewal_months < 1),
        ("minimum_months", "needs-an-end", new.renewal is not Renewal.INDEF and new.minimum_months < 1),
    ]
    if faults := [FieldError(f"/{name}", code, {"value": str(getattr(new, name))}) for name, code, is_wrong in wrong if is_wrong]:
        raise Invalid(*faults)
    assert product is not None  # noqa: S101  # a fault otherwise
    offer = new_id()
    try:
        async with db.savepoint():
            await db.execute(
                "INSERT INTO billing_offer (id, code, product, name_nl, name_en, is_for_consumers, minimum_months, renewal, renewal_months, notice_n,"
                " notice_unit, align, billing_months, in_advance, proration, credit_mode, buyout_rule, sold_from,"
                " pause_months, pause_extends)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
                *(offer, new.code, product["id"], new.name_nl, new.name_en, new.is_for_consumers, new.minimum_months, new.renewal.value),
                *(new.renewal_months, new.notice_n, new.notice_unit.value, new.align.value, new.billing_months, new.in_advance),
                *(new.proration.value, new.credit_mode.value, rule["id"] if rule else None, new.sold_from),
                *(new.pause_months, new.pause_extends),
            )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/code", "taken", {"value": new.code})) from error
    await _price(
        offer, PriceFrom(**{name: getattr(new, name) for name in PriceFrom.__struct_fields__ if name != "since"}, since=new.sold_from)
    )
    return offer


async def price(code: str, wanted: PriceFrom) -> None:
    """The offer costs this from that day on; the past keeps its prices. Invalid for a day that has passed or has a price already. Staff only."""
    row = await db.fetch_one("SELECT id FROM billing_offer WHERE code = $1 FOR UPDATE", code)
    if row is None:
        raise NotFound(what="offer", id=code)
    if wanted.since < clock.today():
        raise Invalid(FieldError("/since", "in-the-past", {}))
    try:
        async with db.savepoint():
            await _price(row["id"], wanted)
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/since", "taken", {"value": wanted.since.isoformat()})) from error


async def take_off(code: str, last_day: date) -> None:
    """The offer is sold up to and including that day; what was ordered stays as it is. Staff only."""
    if await db.fetch_one("UPDATE billing_offer SET sold_until = $2 WHERE code = $1 RETURNING id", code, last_day) is None:
        raise NotFound(what="offer", id=code)


async def _price(offer: UUID, wanted: PriceFrom) -> None:
    await db.execute(
        "INSERT INTO billing_offer_price (id, offer, since, fee_cents, setup_cents, wholesale_cents, wholesale_setup_cents)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(new_id(), offer, wanted.since, wanted.fee_cents, wanted.setup_cents, wanted.wholesale_cents, wanted.wholesale_setup_cents),
    )


def _offer(row: Any) -> Offer:
    return msgspec.convert({name: row[name] for name in Offer.__struct_fields__}, Offer, strict=False)
