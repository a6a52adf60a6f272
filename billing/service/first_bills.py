"""The first invoice of an order, at once: what is charged once, and the first period of what is billed in advance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import NotFound

from ..policy import recurring
from ..policy.ledger import Layer, LineKind
from . import charges, due, runs
from .bulk import Piece
from .charges import Charge

_SETUP = sentence("Set-up: %(service)s")
_ORDERED = """
SELECT s.id, s.customer, s.tenant, k.name AS customer_name, k.language, s.label, s.quantity, s.fee_cents, s.wholesale_cents, s.billing_months, s.cycle_day,
       s.in_advance, s.proration, s.starts_on, s.paid_until, s.billing_ends_on, x.position, x.setup_cents, x.wholesale_setup_cents, t.bills
  FROM billing_order_line x JOIN billing_service s ON s.id = x.service JOIN customer k ON k.id = s.customer JOIN tenant t ON t.id = s.tenant
 WHERE x.of_order = $1 AND x.tenant = $2 ORDER BY x.position FOR UPDATE OF s
"""
_REACHED = "UPDATE billing_service SET billed_from = $2, paid_until = $3 WHERE id = $1"


async def bill(tenant: UUID, order: UUID) -> None:
    """The customer has the order's first invoice; what the partner owes for it waits for the partner's own. Once, however often.

    Runs through the staff door; NotFound where the order is not this tenant's.
    """
    rows = await db.fetch(_ORDERED, order, tenant)
    if not rows:
        raise NotFound(what="order", id=str(order))
    today = clock.today()
    for row in rows:
        waiting = [*_once(row, order, today)]
        if row["starts_on"] > today and row["in_advance"]:
            waiting += await _first(row, order, today)
        await charges.put(tenant, waiting)
    await runs.bill_at_once(rows[0]["customer"], tenant, today)


def _once(row: Any, order: UUID, today: date) -> Iterator[Charge]:
    for layer, name in ((Layer.CUSTOMER, "setup_cents"), (Layer.PARTNER, "wholesale_setup_cents")):
        cents = row[name]
        if cents:
            label = row["label"] if layer is Layer.CUSTOMER else f"{row['customer_name']}: {row['label']}"
            yield Charge(
                key=f"order:{order}:{row['position']}:setup",
                kind=LineKind.SETUP,
                description=catalogue.text(_SETUP, row["language"], service=label),
                amount_cents=cents,
                bill_from=today,
                quantity=Decimal(row["quantity"]),
                unit_price=Decimal(cents) / row["quantity"] / 100,
                customer=row["customer"] if layer is Layer.CUSTOMER else None,
                service=row["id"],
                layer=layer,
                why={"rule": "setup", "order": str(order)},
            )


async def _first(row: Any, order: UUID, today: date) -> list[Charge]:
    """What begins later is paid for before it begins: the stretches that are due on its first day."""
    service = due.billed(row)
    if service.paid_until != service.starts_on:
        return []
    stretches = recurring.due(service, service.starts_on)
    if not stretches:  # withdrawn meanwhile: it never begins
        return []
    await db.execute(_REACHED, row["id"], stretches[0].days.start, stretches[-1].days.until)
    return [
        _charge(row, order, due.piece_of(row, layer, piece), today)
        for layer in due.layers_of(row)
        for stretch in stretches
        for piece in recurring.pieces(service, stretch, due.prices_of(row, (), layer))
    ]


def _charge(row: Any, order: UUID, piece: Piece, today: date) -> Charge:
    return Charge(
        key=f"order:{order}:{row['position']}:{piece.period[0].isoformat()}",
        kind=LineKind.RECURRING,
        description=piece.description,
        amount_cents=piece.amount_cents,
        bill_from=today,
        quantity=piece.quantity,
        unit=piece.unit,
        unit_price=piece.unit_price,
        customer=row["customer"] if piece.layer is Layer.CUSTOMER else None,
        service=piece.service,
        layer=piece.layer,
        period=piece.period,
        why=piece.why,
    )
