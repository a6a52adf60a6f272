"""Prices over time: what a service costs from a day on, decided beforehand, never for days that were billed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..policy.indexing import LEAST, MOST
from .services import Cents

Reason = Annotated[str, Meta(min_length=3, max_length=2000)]

_SERVICE = "SELECT id, tenant, fee_cents, wholesale_cents, price_since, starts_on, paid_until, ended_at FROM billing_service WHERE id = $1 FOR UPDATE"
_BEFORE = "SELECT since, fee_cents, wholesale_cents FROM billing_price_change WHERE service = $1 ORDER BY since DESC LIMIT 1"
_CHANGE = """
INSERT INTO billing_price_change (id, tenant, service, since, fee_cents, fee_before_cents, wholesale_cents, wholesale_before_cents, reason, decided_by,
    decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
OF_SERVICE = "SELECT since, fee_cents, fee_before_cents, reason, decided_by, decided_at FROM billing_price_change WHERE service = $1 ORDER BY since DESC"
# Of each service the last change that has come; a price that was corrected by hand since then stays.
_FOLLOW = """
WITH come AS (
    SELECT DISTINCT ON (p.service) p.service, p.since, p.fee_cents, p.wholesale_cents FROM {services} JOIN billing_price_change p ON p.service = s.id
     WHERE p.since <= $1 AND (s.price_since IS NULL OR p.since > s.price_since) ORDER BY p.service, p.since DESC)
UPDATE billing_service s SET fee_cents = come.fee_cents, wholesale_cents = coalesce(come.wholesale_cents, s.wholesale_cents), price_since = come.since,
       version = version + 1
  FROM come WHERE come.service = s.id
"""
_FOLLOW_ALL = _FOLLOW.format(services="billing_service s")
_FOLLOW_OF = _FOLLOW.format(
    services="unnest($2::uuid[], $3::uuid[]) AS given(tenant, customer) JOIN billing_service s ON s.tenant = given.tenant AND s.customer = given.customer"
)
# Of each service what a unit costs before the day (what it says itself once it follows its last change), and whether its price can still change then.
_CHOSEN = """
    SELECT s.id, s.tenant, s.quantity, CASE WHEN (l.since > s.price_since) IS NOT FALSE THEN coalesce(l.fee_cents, s.fee_cents) ELSE s.fee_cents END AS fee,
           CASE WHEN (l.since > s.price_since) IS NOT FALSE THEN coalesce(l.wholesale_cents, s.wholesale_cents) ELSE s.wholesale_cents END AS wholesale,
           greatest($2::date, s.starts_on) > s.starts_on AND s.paid_until <= $2 AND (l.since IS NULL OR l.since < $2) AS can_change
      FROM billing_service s LEFT JOIN LATERAL (SELECT since, fee_cents, wholesale_cents FROM billing_price_change p WHERE p.service = s.id
                                                 ORDER BY since DESC LIMIT 1) l ON true
     WHERE s.ended_at IS NULL AND (s.billing_ends_on IS NULL OR s.billing_ends_on >= $2)
       AND ($3::uuid IS NULL OR s.tenant = $3) AND ($4::uuid IS NULL OR s.product = $4)
"""
_LOOK = f"""
WITH chosen AS ({_CHOSEN})
SELECT count(*) FILTER (WHERE can_change) AS changed, count(*) FILTER (WHERE NOT can_change) AS left,
       coalesce(sum(quantity * fee) FILTER (WHERE can_change), 0)::bigint AS before_cents,
       coalesce(sum(quantity * round(fee * (100 + $1::numeric) / 100)) FILTER (WHERE can_change), 0)::bigint AS after_cents,
       coalesce(sum(quantity * wholesale) FILTER (WHERE can_change), 0)::bigint AS wholesale_before_cents,
       coalesce(sum(quantity * round(wholesale * (100 + $1::numeric) / 100)) FILTER (WHERE can_change), 0)::bigint AS wholesale_after_cents FROM chosen
"""  # noqa: S608  # our own query
_INDEXED = f"""
WITH chosen AS MATERIALIZED ({_CHOSEN} AND s.id > $7 ORDER BY s.id LIMIT $8 FOR UPDATE OF s),
changed AS (
    INSERT INTO billing_price_change (id, tenant, service, since, fee_cents, fee_before_cents, wholesale_cents, wholesale_before_cents, reason, decided_by,
        decided_at)
    SELECT gen_random_uuid(), tenant, id, $2, round(fee * (100 + $1::numeric) / 100), fee, round(wholesale * (100 + $1::numeric) / 100), wholesale, $5, $6, $9
      FROM chosen WHERE can_change RETURNING 1)
SELECT (SELECT count(*) FROM changed) AS changed, count(*) AS looked_at, max(id::text)::uuid AS last FROM chosen
"""  # noqa: S608  # our own query
_BATCH = 5000


class PriceChangeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `since` on a unit costs so much a month in each layer; what is not said stays. The reason is shown to whoever asks why."""

    since: date
    reason: Reason
    fee_cents: Cents | None = None
    wholesale_cents: Cents | None = None


class Indexation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All running services, or those of one partner or product, cost so many per cent more (or less) from a day on, in both layers."""

    percentage: Decimal
    since: date
    reason: Reason
    tenant: UUID | None = None
    product: UUID | None = None


class Indexed(msgspec.Struct, frozen=True):
    """How many services cost something else, and how many were left because of days billed already or a later change."""

    changed: int
    left: int


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What an indexation would do: how many services it changes and leaves, and what those it changes cost a month before and after, in each layer."""

    percentage: Decimal
    changed: int
    left: int
    before_cents: int
    after_cents: int
    wholesale_before_cents: int
    wholesale_after_cents: int

    @property
    def sha256(self) -> str:
        """The fingerprint of what was seen."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class IndexedOtherwise(Refused):
    """Services or prices are no longer what was looked at."""


class BilledAlready(Refused):
    """The days from this one on were billed at another price; they would have to be credited first."""


class ChangesLater(Refused):
    """A change on this day or a later one has been decided already."""


async def change(actor: Actor, service: UUID, wanted: PriceChangeWanted) -> UUID:
    """From the day on the service costs the new price, and the decision stays on record; the service itself shows it when the day has come.

    Raises NotFound, Invalid, BilledAlready for a day before the first not billed, ChangesLater where that would overtake another change.
    """
    row = await db.fetch_one(_SERVICE, service)
    if row is None:
        raise NotFound(what="service", id=str(service))
    _check(row, wanted)
    last = await db.fetch_one(_BEFORE, service)
    if last is not None and last["since"] >= wanted.since:
        raise ChangesLater(since=last["since"].isoformat())
    fee, wholesale = _in_force(row, last)
    changed = new_id()
    try:
        async with db.savepoint():
            await db.execute(
                _CHANGE,
                *(changed, row["tenant"], service, wanted.since, fee if wanted.fee_cents is None else wanted.fee_cents, fee),
                *(wholesale if wanted.wholesale_cents is None else wanted.wholesale_cents, wholesale),
                *(wanted.reason, actor.trail, clock.now()),
            )
    except asyncpg.UniqueViolationError as error:
        raise ChangesLater(since=wanted.since.isoformat()) from error
    return changed


async def preview(wanted: Indexation) -> Looked:
    """How many services the indexation would change, and what they cost then; nothing is written. Through the staff door."""
    _must_index(wanted)
    row = await db.fetch_one(_LOOK, wanted.percentage, wanted.since, wanted.tenant, wanted.product)
    assert row is not None  # noqa: S101  # sums always have their row
    return Looked(percentage=wanted.percentage, **dict(row))


async def index(actor: Actor, wanted: Indexation, *, expected: str | None = None) -> Indexed:
    """Every service of the choice costs the percentage more from the day on, rounded half up to the cent, or is counted as left. Through the staff door.

    IndexedOtherwise where it would not do what a preview with the fingerprint `expected` has shown.
    """
    _must_index(wanted)
    if expected is not None and (await preview(wanted)).sha256 != expected:
        raise IndexedOtherwise
    changed, seen, last = 0, 0, UUID(int=0)
    while True:
        row = await db.fetch_one(
            _INDEXED,
            *(wanted.percentage, wanted.since, wanted.tenant, wanted.product, wanted.reason, actor.trail, last, _BATCH, clock.now()),
        )
        if row is None or not row["looked_at"]:
            return Indexed(changed, seen - changed)
        changed, seen, last = changed + row["changed"], seen + row["looked_at"], row["last"]


async def follow(day: date, customers: Mapping[UUID, UUID] | None = None) -> int:
    """Services (of these customers only, if named with their tenants) cost what was decided for the day; returns how many changed. Staff door."""
    if customers is None:
        tag = await db.execute(_FOLLOW_ALL, day)
    else:
        tag = await db.execute(_FOLLOW_OF, day, list(customers.values()), list(customers))
    return int(tag.rpartition(" ")[2])


async def of_service(service: UUID) -> list[asyncpg.Record]:
    """The service's changes of price, the newest first."""
    return await db.fetch(OF_SERVICE, service)


def _must_index(wanted: Indexation) -> None:
    if wanted.percentage == 0:
        raise Invalid(FieldError("/percentage", "changes-nothing"))
    if not LEAST <= wanted.percentage <= MOST:
        raise Invalid(FieldError("/percentage", "too-much"))
    if wanted.since <= clock.today():
        raise Invalid(FieldError("/since", "not-in-the-future"))


def _check(row: Any, wanted: PriceChangeWanted) -> None:
    faults = [
        ("fee_cents", "price-missing", wanted.fee_cents is None and wanted.wholesale_cents is None),
        ("since", "before-start", wanted.since <= row["starts_on"]),
    ]
    if wrong := [FieldError(f"/{name}", code) for name, code, is_wrong in faults if is_wrong]:
        raise Invalid(*wrong)
    if wanted.since < row["paid_until"]:
        raise BilledAlready(paid_until=row["paid_until"].isoformat())
    if row["ended_at"] is not None:
        raise NotFound(what="service", id=str(row["id"]))


def _in_force(row: Any, last: Any) -> tuple[int, int | None]:
    """What it costs before the change: what the last decided change says, unless the service follows that already and tells itself."""
    if last is None or (row["price_since"] is not None and last["since"] <= row["price_since"]):
        return row["fee_cents"], row["wholesale_cents"]
    return last["fee_cents"], last["wholesale_cents"]
