"""What an order says of a service whose contract is withdrawn from: what was asked and told when it was placed, and what it was billed for setting up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db

from ..policy.ledger import Kind, Layer, LineKind

CONFIRMED = "billing/order_confirmed"
"""The mail by which a consumer has the terms, its right to withdraw, and what early use costs (BW 6:230v(7))."""
_SETUP = f"g.kind = '{LineKind.SETUP}' AND starts_with(g.key, 'order:')"
_BILLED = f"""
coalesce((SELECT sum(l.amount_cents - coalesce((
             SELECT sum(CASE WHEN d.kind = '{Kind.CREDIT_NOTE}' THEN c.amount_cents ELSE -c.amount_cents END)
               FROM billing_line c JOIN billing_invoice d ON d.id = c.invoice WHERE c.tenant = l.tenant AND c.credits = l.id), 0))
            FROM billing_charge g JOIN billing_line l ON l.id = g.line
           WHERE g.tenant = x.tenant AND g.service = x.service AND g.layer = '{{layer}}' AND {_SETUP}), 0)::bigint AS {{layer}}_billed
"""  # noqa: S608  # our own words
# What no server would take told nobody anything, and what was mailed long after the service began came too late. The index of dead letters is small.
_TOLD = f"""
EXISTS (SELECT FROM infra_mail m WHERE m.tenant = o.tenant AND m.about = o.id AND m.name = '{CONFIRMED}'
    AND (m.queued_at AT TIME ZONE 'Europe/Amsterdam')::date <= 1 + greatest(s.starts_on, (o.placed_at AT TIME ZONE 'Europe/Amsterdam')::date)
    AND (m.sent_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM infra_outbox d WHERE d.dead_at IS NOT NULL AND d.done_at IS NULL AND d.topic = 'MailQueued' AND d.payload ->> 'mail_id' = m.id::text)))
"""  # noqa: S608  # our own words
_ORDERED = f"""
SELECT x.service, o.starts_early, s.starts_on, {_TOLD} AS told, x.setup_cents AS {Layer.CUSTOMER}_setup, x.wholesale_setup_cents AS {Layer.PARTNER}_setup,
       {", ".join(_BILLED.format(layer=layer.value) for layer in Layer)}, p.is_open, p.came_at
  FROM billing_order_line x JOIN billing_order o ON o.id = x.of_order JOIN billing_service s ON s.id = x.service
  LEFT JOIN LATERAL (
       SELECT bool_or(i.state NOT IN ('done', 'withdrawn')) AS is_open, max(t.at) AS came_at FROM billing_port_in i
         LEFT JOIN billing_port_in_step t ON t.tenant = i.tenant AND t.port_in = i.id AND t.state = 'done'
        WHERE i.tenant = x.tenant AND i.service = x.service) p ON true
 WHERE x.service = ANY($1::uuid[])
"""  # noqa: S608  # our own words
_DROP_SETUP = f"""
UPDATE billing_charge g SET dropped_at = $3, dropped_because = $4
 WHERE g.tenant = $1 AND g.service = ANY($2::uuid[]) AND g.line IS NULL AND g.dropped_at IS NULL AND {_SETUP}
"""  # noqa: S608  # our own words


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed by an order of one service. Cents as prices of each layer are given.

    `asked_early`: the customer expressly asked for a start within the cooling-off period; `told`: it was sent the confirmation with its rights in time.
    `delivered_from`: the first day it had the service, None while the numbers that come along have not come. `setup_billed_cents` is what was billed of
    `setup_cents` and not given back.
    """

    asked_early: bool
    told: bool
    delivered_from: date | None
    setup_cents: Mapping[Layer, int]
    setup_billed_cents: Mapping[Layer, int]


async def of_services(services: Collection[UUID]) -> dict[UUID, Ordered]:
    """What was agreed by order of these services, in both layers also where a contact acts; those that no order made are left out."""
    async with db.as_the_tenant():
        return {row["service"]: _ordered(row) for row in await db.fetch(_ORDERED, list(services))}


def _ordered(row: Any) -> Ordered:
    came_on = clock.civil_day(row["came_at"]) if row["came_at"] else row["starts_on"]
    return Ordered(
        asked_early=row["starts_early"],
        told=row["told"],
        delivered_from=None if row["is_open"] else max(came_on, row["starts_on"]),
        setup_cents={layer: row[f"{layer}_setup"] for layer in Layer},
        setup_billed_cents={layer: row[f"{layer}_billed"] for layer in Layer},
    )


async def drop_setup(tenant: UUID, services: Collection[UUID], reason: str) -> None:
    """What waits to be billed for setting these services up is not billed any more, and why stays on record. Through the staff door."""
    await db.execute(_DROP_SETUP, tenant, list(services), clock.now(), reason)
