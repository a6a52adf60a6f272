"""A customer is told that a service of it is paused, with what is billed meanwhile, and that a pause does not come after all."""

from __future__ import annotations

from partner_portal.infra import clock, mail, outbox, settings
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import PauseAgreed, PauseTakenBack
from ..service import parties, pauses


@outbox.through_staff_door
async def tell_of_pause(event: PauseAgreed) -> None:
    """Whoever reads the customer's invoices knows from when until when there is none for the service."""
    await _tell(event, "pause_agreed")


@outbox.through_staff_door
async def tell_of_no_pause(event: PauseTakenBack) -> None:
    """Whoever reads the customer's invoices knows that the service is billed on."""
    await _tell(event, "pause_taken_back")


async def _tell(event: PauseAgreed | PauseTakenBack, name: str) -> None:
    told = await pauses.told(event.tenant_id, event.pause_id)
    debtor = await parties.debtor(event.tenant_id, told.customer, clock.today())
    if not debtor.party.email:
        return
    await mail.queue(
        f"{event.pause_id}:{name}",
        f"billing/{name}",
        to=debtor.party.email,
        language=debtor.language,
        brand=await brands.of_tenant(event.tenant_id),
        envelope=Envelope(about=event.pause_id),
        told=told,
        customer=debtor.party.name,
        link=f"{settings.current().public_url}/portal/own/services/{told.service}",
    )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {PauseAgreed: [tell_of_pause], PauseTakenBack: [tell_of_no_pause]}
