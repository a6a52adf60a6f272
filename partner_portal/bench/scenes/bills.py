"""Invoices in each state: paid, credited with its credit note, and one with many lines and the longest names."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.policy.ledger import DraftLine, LineKind, Unit
from billing.policy.money_in import Source
from billing.policy.tax import Vat
from billing.service import credit_notes, issuing, payments
from billing.service.credit_notes import Wanted
from billing.service.issuing import Draft
from billing.service.payments import Debtor, Receipt
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.dates import add_months, first_of_month

from .customers import LONGEST
from .stage import STAFF, Stage

_MANY = 30


async def bill(stage: Stage) -> None:
    """One of each is there, made and mailed."""
    paid = await _issue(stage, "customer", [_line("Inrichten van telefonie", 15_000, LineKind.SETUP)])
    await _pay(stage, paid)
    credited = await _issue(stage, "customer", [_line("Verbruik oktober", 4_210, LineKind.USAGE)])
    async with db.unit_of_work(_door(stage)):
        note = await credit_notes.give_back(SYSTEM, credited, Wanted(reason="Dubbel in rekening gebracht"))
    many = [_line("L" * LONGEST, 1_234_567, period=True), *(_line(f"Telefonie, nummer {nth}", 895 + nth) for nth in range(_MANY))]
    many.append(_line("Terug: vooruitbetaald", -2_500, LineKind.CREDIT))
    long = await _issue(stage, "long_customer", many)
    open_ = await _issue(stage, "customer", [_line("Werkzaamheden op locatie", 9_900)])
    overdue = await stage.row(
        "SELECT i.id FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE i.customer = $1 AND s.open_cents > 0 ORDER BY i.due_on LIMIT 1",
        UUID(str(stage.things["customer"])),
    )
    await outbox.drain()
    stage.things |= {
        "paid_invoice": paid,
        "credited_invoice": credited,
        "credit_note": note,
        "long_invoice": long,
        "open_invoice": open_,
        "overdue_invoice": overdue["id"],
    }


def _door(stage: Stage) -> Principal:
    return Principal(Door.STAFF, stage.owner.tenant, STAFF.actor)


def _line(description: str, cents: int, kind: LineKind = LineKind.OTHER, *, period: bool = False) -> DraftLine:
    month = first_of_month(clock.today())
    return DraftLine(
        kind=kind,
        description=description,
        amount_cents=cents,
        quantity=Decimal(1 if cents > 0 else -1),
        unit=Unit.MONTH if period else Unit.PIECE,
        unit_price=abs(Decimal(cents)) / 100,
        vat=Vat(),
        period=(month, add_months(month, 1)) if period else None,
    )


async def _issue(stage: Stage, whose: str, lines: list[DraftLine]) -> UUID:
    tenant = stage.owner.tenant
    assert tenant is not None  # noqa: S101  # the owner's
    async with db.unit_of_work(_door(stage)):
        return await issuing.issue(Draft(tenant=tenant, customer=UUID(str(stage.things[whose])), lines=lines))


async def _pay(stage: Stage, invoice: UUID) -> None:
    async with db.unit_of_work(_door(stage)):
        row = await db.fetch_one("SELECT tenant, customer, issuer, gross_cents FROM billing_invoice WHERE id = $1", invoice)
        assert row is not None  # noqa: S101  # just issued
        debtor = Debtor(row["tenant"], row["customer"], row["issuer"])
        receipt = Receipt(
            debtor=debtor,
            source=Source.MANUAL,
            source_key=str(invoice),
            amount_cents=row["gross_cents"],
            received_on=clock.today(),
            invoices=(invoice,),
        )
        await payments.book(SYSTEM, receipt)
