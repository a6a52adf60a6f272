"""What is owed: an invoice that is long overdue and reminded of, one that is not due yet, and a service that stopped."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from billing.jobs import reminders
from billing.policy.ledger import DraftLine, LineKind
from billing.policy.tax import Vat
from billing.service import issuing
from billing.service.issuing import Draft
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal

from .stage import Stage

_STEPS = (33, 11, 7, 8)
"""Days from an invoice to its first reminder, to the second, to the third, to the stop."""


async def owe(stage: Stage) -> None:
    """Two months ago something was billed and never paid: step by step up to the stop of a service, and then it is today again."""
    clock.move(-timedelta(days=sum(_STEPS)))
    await _issue(stage, "customer", 24_900, None)
    await _issue(stage, "long_customer", 9_900, stage.services["long"])
    for days in _STEPS:
        clock.move(timedelta(days=days))
        for work in reminders.DAILY:
            await work()
        await outbox.drain()
    await _issue(stage, "customer", 4_500, None)
    await outbox.drain()


async def _issue(stage: Stage, whose: str, cents: int, service: UUID | None) -> None:
    line = DraftLine(
        kind=LineKind.OTHER,
        description="Werkzaamheden",
        amount_cents=cents,
        unit_price=Decimal(cents) / 100,
        vat=Vat(),
        service=service,
    )
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:scene")):
        tenant = stage.owner.tenant
        assert tenant is not None  # noqa: S101  # the owner's
        await issuing.issue(Draft(tenant=tenant, customer=UUID(str(stage.things[whose])), lines=[line]))
