"""A case that moves is told to the partner's software."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event
from tenants.service.webhooks import deliveries

from ..events import CaseMoved
from ..service import told


async def announce(event: CaseMoved) -> None:
    """Every endpoint of the partner that wants it will be told of the state the case came to."""
    case, at = await told.moved(event.termination_id, event.nth)
    await deliveries.announce(event.tenant_id, f"termination.{case.state.value}", case, key=f"{case.id}:{event.nth}", at=at)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {CaseMoved: [announce]}
DAILY: list[Daily] = []
