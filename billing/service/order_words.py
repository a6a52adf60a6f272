"""What mails say about an order and about numbers on their way."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from partner_portal.infra import db
from partner_portal.kernel.dates import local_date
from partner_portal.kernel.errors import NotFound
from tenants.policy import Segment

from ..policy.agreed import Channel
from ..policy.ordering import ShownTerms, cooling_off_ends


class PortWords(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers on their way, as their step left them."""

    numbers: str
    donor: str
    state: str
    planned_on: date | None
    note: str
    wished_on: date | None
    order: str
    order_id: UUID
    customer: str
    customer_email: str | None
    language: str
    partner_language: str


class OrderWords(msgspec.Struct, frozen=True, kw_only=True):
    """An order as its customer reads it; `withdraw_until` is the last day of a consumer's cooling-off, None for others.

    `starts_early`: it expressly asked for a start within that time, and so pays for the days used if it withdraws.
    """

    number: str
    customer: str
    email: str | None
    language: str
    accepted_by: str
    placed_at: datetime
    where: str
    lines: list[ShownTerms]
    ports: list[PortWords]
    withdraw_until: date | None
    starts_early: bool


_ORDER = """
SELECT o.*, c.name AS customer_name, c.segment, l.street, l.postcode, l.city, k.email
  FROM billing_order o JOIN customer c ON c.id = o.customer JOIN location l ON l.id = o.location
  LEFT JOIN contact k ON k.customer = c.id AND k.tenant = c.tenant AND k.is_main WHERE o.id = $1
"""
_PORTS = """
SELECT p.numbers, p.donor, p.wished_on, x.state, x.planned_on, x.note, o.number AS order, o.id AS order_id, c.name AS customer,
       k.email AS customer_email, c.language, t.language AS partner_language
  FROM billing_port_in p JOIN billing_port_in_step x ON x.port_in = p.id JOIN billing_order o ON o.id = p.of_order JOIN customer c ON c.id = o.customer
  JOIN tenant t ON t.id = p.tenant LEFT JOIN contact k ON k.customer = c.id AND k.tenant = c.tenant AND k.is_main
"""


async def of_order(order: UUID) -> OrderWords:
    """The order; NotFound where it is not the acting tenant's."""
    row = await db.fetch_one(_ORDER, order)
    if row is None:
        raise NotFound(what="order", id=str(order))
    ports = await db.fetch(f"{_PORTS} WHERE o.id = $1 AND x.nth = 1 ORDER BY p.id", order)
    return OrderWords(
        number=row["number"],
        customer=row["customer_name"],
        email=row["email"],
        language=row["language"],
        accepted_by=row["accepted_by"],
        placed_at=row["placed_at"],
        where=f"{row['street']}, {row['postcode']} {row['city']}",
        lines=msgspec.json.decode(row["terms"], type=list[ShownTerms]),
        ports=[PortWords(**dict(port)) for port in ports],
        withdraw_until=cooling_off_ends(Segment(row["segment"]), Channel(row["channel"]), local_date(row["placed_at"])),
        starts_early=row["starts_early"],
    )


async def of_step(port: UUID, nth: int) -> PortWords:
    """The port-in as this step left it; NotFound where it is not the acting tenant's."""
    row = await db.fetch_one(f"{_PORTS} WHERE p.id = $1 AND x.nth = $2", port, nth)
    if row is None:
        raise NotFound(what="port-in", id=str(port))
    return PortWords(**dict(row))
