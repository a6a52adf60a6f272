"""A debtor is invited to give a mandate, has a copy of what it gave, and is told that it was withdrawn."""

from __future__ import annotations

from partner_portal.infra import mail, outbox
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import MandateInvited, MandateSigned, MandateWithdrawn
from ..service import mandate_links, own_mandates, pay_links


async def invite(event: MandateInvited) -> None:
    """The link is on its way to where the customer's invoices go."""
    view = await mandate_links.look(event.invitation_id)
    await mail.queue(
        f"{event.invitation_id}:invited",
        "billing/mandate_invitation",
        to=view.email,
        language=view.language,
        brand=await brands.of_tenant(event.tenant_id),
        envelope=Envelope(about=event.invitation_id),
        view=view,
        link=mandate_links.address(event.invitation_id),
    )


async def confirm(event: MandateSigned) -> None:
    """The debtor keeps what it gave: to whom, for which account, under which reference."""
    view = await mandate_links.look(event.invitation_id)
    await mail.queue(
        f"{event.mandate_id}:signed",
        "billing/mandate_signed",
        to=view.email,
        language=view.language,
        brand=await brands.of_tenant(event.tenant_id),
        envelope=Envelope(about=event.mandate_id),
        view=view,
        link=mandate_links.address(event.invitation_id),
    )


async def tell_of_withdrawal(event: MandateWithdrawn) -> None:
    """The debtor knows that nothing more is collected, what still is, and what it has to pay itself."""
    told = await own_mandates.withdrawn(event.mandate_id)
    if not told.email:
        return
    link = await pay_links.make(SYSTEM, [row["id"] for row in told.to_pay]) if told.to_pay else None
    await mail.queue(
        f"{event.mandate_id}:withdrawn",
        "billing/mandate_withdrawn",
        to=told.email,
        language=told.language,
        brand=await brands.of_tenant(event.tenant_id),
        envelope=Envelope(about=event.mandate_id),
        told=told,
        link=pay_links.address(link) if link else "",
    )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    MandateInvited: [invite],
    MandateSigned: [confirm],
    MandateWithdrawn: [tell_of_withdrawal],
}
