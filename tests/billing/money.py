"""Documents and money for tests, made as the portal makes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.policy.ledger import DraftLine, LineKind
from billing.policy.tax import Vat
from billing.service import issuing
from billing.service.issuing import Draft
from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from tests.world import STAFF_DOOR


def line(cents: int = 1000, **given: Any) -> DraftLine:
    """A line of so many cents without VAT, taxed at 21 %."""
    usual: dict[str, Any] = {
        "kind": LineKind.OTHER,
        "description": "Werkzaamheden",
        "amount_cents": cents,
        "unit_price": abs(Decimal(cents)) / 100,
        "quantity": Decimal(1 if cents >= 0 else -1),
        "vat": Vat(),
    }
    return DraftLine(**{**usual, **given})


async def issue(tenant: UUID, customer: UUID | None, lines: Sequence[DraftLine] = (), **draft: Any) -> UUID:
    """A document on record in a unit of work of its own; one line of EUR 10 unless others are given. Services count as billed so far."""
    async with db.unit_of_work(STAFF_DOOR):
        for one in lines:
            if one.kind is LineKind.RECURRING and one.period:
                await db.execute(
                    "UPDATE billing_service SET paid_until = greatest(paid_until, $2) WHERE id = $1", one.service, one.period[1]
                )
        return await issuing.issue(Draft(tenant=tenant, customer=customer, lines=lines or [line()], **draft))


async def pay(invoice: UUID, cents: int) -> UUID:
    """So much came in and settles so much of the invoice."""
    payment = new_id()
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT tenant, customer, issuer FROM billing_invoice WHERE id = $1", invoice)
        assert row
        await db.execute(
            "INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, amount_cents, received_on, booked_by)"
            " VALUES ($1, $2, $3, $4, 'manual', $5, $6, $7, 'test')",
            *(payment, row["tenant"], row["customer"], row["issuer"], str(payment), cents, clock.today()),
        )
        await db.execute(
            "INSERT INTO billing_allocation (id, tenant, invoice, payment, amount_cents, made_by) VALUES ($1, $2, $3, $4, $5, 'test')",
            *(new_id(), row["tenant"], invoice, payment, cents),
        )
    return payment
