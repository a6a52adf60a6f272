"""What follows an indexation of offers: each partner is told, weeks before it."""

from __future__ import annotations

from partner_portal.infra import mail, outbox
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import OffersIndexed
from ..service import indexations


async def announce(event: OffersIndexed) -> None:
    """The partner knows which offers cost what, from when, and why; only what concerns it."""
    told = await indexations.told(event.tenant_id, event.indexation_id)
    if told.email and told.offers:
        await mail.queue(
            f"offers-indexed:{event.indexation_id}:{event.tenant_id}",
            "billing/offers_indexed",
            to=told.email,
            language=told.language,
            brand=await brands.of_tenant(event.tenant_id),
            envelope=Envelope(about=event.indexation_id),
            told=told,
        )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {OffersIndexed: [announce]}
