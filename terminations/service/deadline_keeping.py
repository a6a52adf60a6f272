"""Deadlines are kept as they would be computed: those that changed or passed anew, and once a day a look whether one was forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from billing.service import services
from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.dates import ONE_DAY

from ..policy.deadlines import NO_DEADLINE, Deadline, deadline
from .beside import Looked
from .quotes import RULES_VERSION

log = structlog.get_logger()

BATCH = 500
"""How many are computed in one unit of work: what it locks, a change of the same service waits for."""

_DUE = "SELECT service FROM termination_deadline WHERE due_on <= $1 ORDER BY due_on, service LIMIT $2 FOR UPDATE SKIP LOCKED"
_BUNDLED = (
    services.READ + " WHERE s.customer = ANY($1::uuid[]) AND s.bundle = ANY($2::varchar[]) AND s.ended_at IS NULL ORDER BY s.number, s.id"
)
# From what a deadline was computed: two things of the same name and different content never have the same versions.
_FROM = "s.version || '.' || c.version || '.' || c.segment || '.' || p.kind || '.' || $1::text"
_VERSIONS = f"""
SELECT s.id, {_FROM} AS versions FROM billing_service s JOIN customer c ON c.tenant = s.tenant AND c.id = s.customer
  JOIN billing_product p ON p.id = s.product WHERE s.id = ANY($2::uuid[])
"""  # noqa: S608  # names of our own columns
_KEEP = """
UPDATE termination_deadline d
   SET product = n.product, fee_cents = n.fee_cents, last_notice_on = n.last_notice_on, free_end_on = n.free_end_on, renewal_months = n.renewal_months,
       missed_on = n.missed_on, missed_end_on = n.missed_end_on, committed_until = n.committed_until, due_on = n.due_on, computed_from = n.versions,
       sequence = d.sequence + n.is_news::int, changed_at = CASE WHEN n.is_news THEN $1 ELSE d.changed_at END
  FROM (SELECT given.*, (o.last_notice_on, o.free_end_on, o.renewal_months, o.fee_cents, o.computed_from)
               IS DISTINCT FROM (given.last_notice_on, given.free_end_on, given.renewal_months, given.fee_cents, given.versions) AS is_news
          FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::date[], $7::date[], $8::int[], $9::date[], $10::date[], $11::date[],
                      $12::date[])
               AS given(service, product, versions, fee_cents, last_notice_on, free_end_on, renewal_months, missed_on, missed_end_on, committed_until,
                        due_on)
          JOIN termination_deadline o ON o.service = given.service) n
 WHERE d.service = n.service
"""


async def refresh(limit: int = BATCH) -> int:
    """Of the acting tenant's deadlines that are due, up to `limit` are computed anew; returns how many. What another is at is left to it."""
    today = clock.today()
    # Locked before the services are read: a change that comes in between waits, and marks its deadline again.
    due = [row["service"] for row in await db.fetch(_DUE, today, limit)]
    if due:
        await _keep(today, await services.by_id(due))
    return len(due)


async def _keep(today: date, rows: Sequence[asyncpg.Record]) -> None:
    running = [row for row in rows if row["ended_at"] is None]
    looked = await Looked.at(running, today)
    found = {row["id"]: deadline(looked.facts(row), today) for row in running}
    versions = {row["id"]: row["versions"] for row in await db.fetch(_VERSIONS, RULES_VERSION, [row["id"] for row in rows])}
    kept = [_values(row, found.get(row["id"], NO_DEADLINE), versions[row["id"]]) for row in rows]
    await db.execute(_KEEP, clock.now(), *(list(column) for column in zip(*kept, strict=True)))


def _values(row: asyncpg.Record, found: Deadline, versions: str) -> tuple[Any, ...]:
    fee = row["fee_cents"] * row["quantity"]
    due_on = None if found.holds_until is None else found.holds_until + ONE_DAY
    days = (found.missed_on, found.missed_end_on, found.committed_until, due_on)
    return (row["id"], row["product"], versions, fee, found.last_notice_on, found.free_end_on, found.renewal_months, *days)


_FORGOTTEN = """
INSERT INTO termination_deadline (id, tenant, service, customer, product, is_held, due_on)
SELECT gen_random_uuid(), s.tenant, s.id, s.customer, s.product,
       EXISTS (SELECT 1 FROM termination_line l WHERE l.tenant = s.tenant AND l.service = s.id AND l.is_open), '-infinity'
  FROM billing_service s WHERE s.ended_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM termination_deadline d WHERE d.tenant = s.tenant AND d.service = s.id) ON CONFLICT DO NOTHING
"""
_OUTDATED = f"""
UPDATE termination_deadline d SET due_on = '-infinity'
  FROM billing_service s JOIN customer c ON c.tenant = s.tenant AND c.id = s.customer JOIN billing_product p ON p.id = s.product
 WHERE s.tenant = d.tenant AND s.id = d.service AND d.computed_from IS DISTINCT FROM {_FROM} AND d.due_on IS DISTINCT FROM '-infinity'
"""  # noqa: S608  # names of our own columns
_WRONGLY_HELD = """
UPDATE termination_deadline d SET is_held = NOT d.is_held
 WHERE d.is_held <> EXISTS (SELECT 1 FROM termination_line l WHERE l.tenant = d.tenant AND l.service = d.service AND l.is_open)
"""


async def check() -> None:
    """Every running service of the acting tenant has a deadline, and those computed from what is no longer so are due, whatever went past the marks."""
    for statement, values in ((_FORGOTTEN, ()), (_OUTDATED, (RULES_VERSION,)), (_WRONGLY_HELD, ())):
        await db.execute(statement, *values)
    await db.execute(
        "INSERT INTO termination_deadline_check (id, tenant, checked_on) VALUES (gen_random_uuid(), $1, $2)"
        " ON CONFLICT (tenant) DO UPDATE SET checked_on = excluded.checked_on",
        *(db.current().principal.tenant, clock.today()),
    )


_TENANTS = """
SELECT t.id, coalesce(k.checked_on < $1, true) AS unchecked FROM tenant t LEFT JOIN termination_deadline_check k ON k.tenant = t.id
 WHERE coalesce(k.checked_on < $1, true) OR EXISTS (SELECT 1 FROM termination_deadline d WHERE d.tenant = t.id AND d.due_on <= $1)
"""


async def refresh_all() -> int:
    """What is due of every partner is computed anew, each partner checked once a day; returns how many. A partner that fails leaves the others done."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        tenants = await db.fetch(_TENANTS, clock.today())
    return sum([await _refresh_all_of(row["id"], unchecked=row["unchecked"]) for row in tenants])


async def _refresh_all_of(tenant: UUID, *, unchecked: bool) -> int:
    done, found = 0, BATCH
    while found == BATCH:
        try:
            async with db.unit_of_work(Principal(Door.TENANT, tenant, "system:daily")):
                if unchecked:
                    await check()
                found = await refresh()
        except Exception as error:  # tried again at the next round; the others must not wait for it
            log.exception("deadlines.failed", tenant=str(tenant), error=type(error).__name__)
            return done
        done, unchecked = done + found, False
    return done
