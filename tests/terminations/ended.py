"""A service that ends, by the services of the portal: agreed to by everybody, and its last day over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from terminations.service import buyouts, cases, quotes, scheduling
from terminations.service.buyouts import Decision
from terminations.service.cases import FiledBy, Filing, Reason
from terminations.service.quotes import Request
from terminations.service.steps import NO_NOTE
from terminations.tables import Termination
from terminations.workflow import Action, State
from tests.world import FINANCE, FINANCE_TOO, STAFF_DOOR, Partner


def on(day: date) -> None:
    """It is noon of that day."""
    clock.set_to(datetime.combine(day, time(11), tzinfo=UTC))


async def rule(name: str, percentage: int, handling: int = 0) -> str:
    """A buyout rule by started months at this percentage."""
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_buyout_rule (id, name, method, scale, percentage, bands, handling_cents, avoided_percentage)"
            " VALUES ($1, $2, 'FULL_STARTED', 'percentage', $3, '[]', $4, 0)",
            *(new_id(), name, Decimal(percentage), handling),
        )
    return name


def customer_of(partner: Partner) -> Actor:
    """Somebody who answers for a customer by a link."""
    return Actor(kind=ActorKind.CUSTOMER, id=str(new_id()), tenant=partner.id, label="Klant", channel="link")


async def agreed(partner: Partner, *ending: UUID, wished_on: date | None = None, early: bool = False, to: int | None = None) -> UUID:
    """All agreed that these services end: finance to the computed sum, or to `to` cents; returns the case."""
    today = clock.today()
    async with db.unit_of_work(partner.principal()):
        quote = await quotes.keep(partner.actor, Request(services=ending, received_on=today, wished_on=wished_on, early=early))
        filed = await cases.file(partner.actor, quote.id, Filing(reason=Reason.STOPS, has_mandate=True, by=FiledBy.CUSTOMER))
        case_id: UUID = filed.id
    await outbox.drain()
    if State(filed.state) is State.WAITING_FOR_FINANCE:
        for actor in (FINANCE, FINANCE_TOO):
            async with db.unit_of_work(STAFF_DOOR):
                case = await Termination.find(case_id)
                how: dict[str, Any] = {"amount_cents": to, "reason": "Coulance"} if to is not None else {}
                if await buyouts.decide(actor, case, Decision.ADJUST if how else Decision.APPROVE, **how):
                    break
        async with db.unit_of_work(partner.principal()):
            case = await Termination.find(case_id)
            payer = customer_of(partner) if case.payer == "customer" else partner.actor
            await buyouts.accept(payer, case)
        async with db.unit_of_work(partner.principal()):
            case = await Termination.find(case_id)
            if State(case.state) is State.ACCEPTED:
                await scheduling.schedule(customer_of(partner), case, Action.APPROVE, NO_NOTE)
    await outbox.drain()
    return case_id


async def over(day: date) -> None:
    """That day is over, and everything that follows has happened."""
    on(day + timedelta(days=1))
    await scheduling.take_effect()
    await outbox.drain()
