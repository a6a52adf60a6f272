"""What a debtor hears of its payment plan: the schedule, an instalment that is late, and how it ended."""

from __future__ import annotations

from partner_portal.infra import clock, mail, outbox
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.errors import NotFound
from partner_portal.kernel.events import Event
from partner_portal.kernel.money import Money
from tenants.service import brands

from ..events import PaymentPlanMoved
from ..policy.instalments import Ended
from ..service import parties, plans, reminder_letters, transfers
from ..service.plans import GRACE

_MAILS = {
    "agreed": "plan_agreed",
    "missed": "plan_missed",
    Ended.BROKEN: "plan_broken",
    Ended.WITHDRAWN: "plan_broken",
    Ended.CREDITED: "plan_credited",
}


@outbox.through_staff_door
async def tell_of_plan(event: PaymentPlanMoved) -> None:
    """The debtor has it by mail; a plan that was kept needs no more words than the invoices that are paid, and nobody is told that a claim was given up."""
    plan = await plans.one(event.plan_id)
    if plan.tenant != event.tenant_id:
        raise NotFound(what="plan", id=str(event.plan_id))
    facts = await plans.step(event.plan_id, event.kind, event.nth)
    name = _MAILS.get(event.kind)
    debtor = await parties.debtor(plan.tenant, plan.customer, clock.today())
    if name is None or not debtor.party.email:
        return
    await mail.queue(
        f"plan:{plan.id}:{event.kind}:{event.nth}",
        f"billing/{name}",
        to=debtor.party.email,
        language=debtor.language,
        brand=await brands.of_tenant(plan.tenant),
        envelope=Envelope(about=plan.id),
        plan=plan,
        debtor=debtor.party.name,
        missing=Money(facts.get("missing_cents", 0)),
        last_day=plan.instalments[event.nth - 1].due_on + GRACE if event.nth else None,
        accounts=await transfers.of([invoice for invoice, _ in plan.invoices]),
        link=await reminder_letters.pay_at([invoice for invoice, _ in plan.invoices], plan.customer),
    )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {PaymentPlanMoved: [tell_of_plan]}
