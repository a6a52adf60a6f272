"""Services that stop when the last reminder was not heard, and work again as soon as it was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.errors import NotFound

from ..events import ServiceReleased, ServiceSuspended
from ..policy.ledger import Layer
from ..policy.reminding import PAUSING

BATCH = 500
_LATEST = (
    "LEFT JOIN LATERAL (SELECT x.nth, x.invoice FROM billing_suspension x WHERE x.service = s.id ORDER BY x.nth DESC LIMIT 1) x ON true"
)
# A cause: the last reminder's day for this very service has come, and it was not paid: what is written off is not. What somebody holds is none.
_CAUSE = """
  FROM billing_reminder r
  JOIN billing_standing t ON t.tenant = r.tenant AND t.invoice = r.invoice AND t.open_cents + t.written_off_cents > 0
  JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice
  JOIN billing_line l ON l.tenant = r.tenant AND l.invoice = r.invoice AND l.layer = '{layer}'
  {service}
 WHERE r.level = 3 AND r.suspends_on <= $1
   AND EXISTS (SELECT FROM jsonb_to_recordset(r.words -> 'stops') AS w (number text, "on" date) WHERE w.number = s.number AND w."on" <= $1)
   AND NOT EXISTS (SELECT FROM billing_hold h WHERE h.tenant = r.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $1)
                      AND (h.invoice = r.invoice OR h.customer = i.customer){reasons})
"""
_STOP = f"""
INSERT INTO billing_suspension (id, tenant, service, nth, invoice, because, happened_on, happened_at)
SELECT DISTINCT ON (s.id) gen_random_uuid(), s.tenant, s.id, coalesce(x.nth, 0) + 1, r.invoice, 'unpaid', $1, $2
{
    _CAUSE.format(
        layer=Layer.CUSTOMER,
        service=f"JOIN billing_service s ON s.tenant = l.tenant AND s.id = l.service AND s.ended_at IS NULL {_LATEST}",
        reasons="",
    )
} AND coalesce(x.nth, 0) % 2 = 0 AND t.bounced_at IS NULL
 ORDER BY s.id, i.due_on LIMIT $3
ON CONFLICT (service, nth) DO NOTHING RETURNING tenant, service, nth, invoice
"""  # our own fragments
_WOULD_STOP = f"""
SELECT DISTINCT ON (s.id) s.number, s.label, i.number AS invoice, i.debtor_details ->> 'name' AS debtor_name
{
    _CAUSE.format(
        layer=Layer.CUSTOMER,
        service=f"JOIN billing_service s ON s.tenant = l.tenant AND s.id = l.service AND s.ended_at IS NULL {_LATEST}",
        reasons="",
    )
} AND coalesce(x.nth, 0) % 2 = 0 AND t.bounced_at IS NULL
 ORDER BY s.id, i.due_on LIMIT $2
"""
_START = f"""
INSERT INTO billing_suspension (id, tenant, service, nth, invoice, because, happened_on, happened_at)
SELECT gen_random_uuid(), s.tenant, s.id, x.nth + 1, x.invoice, CASE WHEN o.open_cents + o.written_off_cents > 0 THEN 'held' ELSE 'paid' END, $1, $2
  FROM billing_service s {_LATEST} JOIN billing_standing o ON o.tenant = s.tenant AND o.invoice = x.invoice
 WHERE {{which}} AND s.ended_at IS NULL AND x.nth % 2 = 1
   AND NOT EXISTS (SELECT {_CAUSE.format(layer=Layer.CUSTOMER, service="", reasons=" AND h.reason = ANY($3)")} AND l.service = s.id)
ON CONFLICT (service, nth) DO NOTHING RETURNING tenant, service, nth, invoice
"""  # noqa: S608
_STOPPED = "s.id IN (SELECT y.service FROM billing_suspension y GROUP BY y.service HAVING max(y.nth) % 2 = 1)"
_BILLED = "s.id IN (SELECT b.service FROM billing_line b WHERE b.invoice = $4)"
_STATE = """
SELECT DISTINCT ON (x.service) x.service, x.nth, x.happened_on, x.invoice, i.number
  FROM billing_suspension x JOIN billing_invoice i ON i.tenant = x.tenant AND i.id = x.invoice WHERE x.service = ANY($1) ORDER BY x.service, x.nth DESC
"""
_STEPS = """
SELECT x.nth, x.because, x.happened_on, x.happened_at, i.number, i.id AS invoice
  FROM billing_suspension x JOIN billing_invoice i ON i.tenant = x.tenant AND i.id = x.invoice WHERE x.service = $1 ORDER BY x.nth
"""
_DAILY = Principal(Door.STAFF, actor="system:suspensions")


class Suspended(msgspec.Struct, frozen=True):
    """Since when a service has stopped, and for which unpaid invoice."""

    since: date
    invoice: UUID
    number: str


async def run() -> int:
    """Every service whose day has come has stopped, and every service without a cause works again; returns how many stopped."""
    stopped = 0
    async with db.unit_of_work(_DAILY):
        await _tell(await db.fetch(_START.format(which=_STOPPED), clock.today(), clock.now(), sorted(PAUSING)), ServiceReleased)
    while True:
        async with db.unit_of_work(_DAILY):
            steps = await db.fetch(_STOP, clock.today(), clock.now(), BATCH)
            await _tell(steps, ServiceSuspended)
        stopped += len(steps)
        if len(steps) < BATCH:
            return stopped


async def preview(most: int = 200) -> list[asyncpg.Record]:
    """The services that `run` would stop today, with the invoice it would be for; nothing is written. Through the staff door."""
    return await db.fetch(_WOULD_STOP, clock.today(), most)


async def release(invoice: UUID) -> None:
    """The services of the invoice work again unless another invoice keeps them stopped. Through the staff door, in the caller's unit of work."""
    steps = await db.fetch(_START.format(which=_BILLED), clock.today(), clock.now(), sorted(PAUSING), invoice)
    await _tell(steps, ServiceReleased)


async def _tell(steps: Sequence[asyncpg.Record], event: type[ServiceSuspended | ServiceReleased]) -> None:
    await outbox.publish_all(
        [event(tenant_id=step["tenant"], service_id=step["service"], invoice_id=step["invoice"], nth=step["nth"]) for step in steps]
    )


async def of_services(services: Sequence[UUID]) -> dict[UUID, Suspended]:
    """Which of the services have stopped, since when and for what."""
    rows = await db.fetch(_STATE, list(services))
    return {row["service"]: Suspended(row["happened_on"], row["invoice"], row["number"]) for row in rows if row["nth"] % 2}


async def steps_of(service: UUID) -> list[asyncpg.Record]:
    """When the service stopped and worked again, in order."""
    return await db.fetch(_STEPS, service)


_TOLD = """
SELECT x.happened_on, i.customer, i.number, o.open_cents, t.language
  FROM billing_suspension x JOIN billing_invoice i ON i.tenant = x.tenant AND i.id = x.invoice
  JOIN billing_standing o ON o.tenant = i.tenant AND o.invoice = i.id JOIN tenant t ON t.id = i.tenant WHERE x.service = $1 AND x.nth = $2
"""
_TOGETHER = """
SELECT s.number, s.label FROM billing_suspension x JOIN billing_service s ON s.tenant = x.tenant AND s.id = x.service
 WHERE x.invoice = $1 AND x.happened_on = $2 AND x.nth = $3 ORDER BY s.number
"""


class ServiceTold(msgspec.Struct, frozen=True):
    """A service as a mail calls it."""

    number: str
    label: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The services that took the same step on the same day for the same invoice."""

    on: date
    customer: UUID | None
    number: str
    open_cents: int
    partner_language: str
    services: list[ServiceTold]


async def told(service: UUID, invoice: UUID, nth: int) -> Told:
    """What is to be told of a step of a service: together with all that took it on the same day for the same invoice. NotFound."""
    row = await db.fetch_one(_TOLD, service, nth)
    if row is None:
        raise NotFound(what="step", id=f"{service}:{nth}")
    services = await db.fetch(_TOGETHER, invoice, row["happened_on"], nth)
    return Told(
        on=row["happened_on"],
        customer=row["customer"],
        number=row["number"],
        open_cents=row["open_cents"],
        partner_language=row["language"],
        services=[ServiceTold(one["number"], one["label"]) for one in services],
    )
