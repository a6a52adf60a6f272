"""Paying online as it goes on by itself: attempts are prepared, the gateway's news are looked up, and who was not heard of is asked about."""

from __future__ import annotations

from partner_portal.infra import outbox, settings
from partner_portal.infra.queue import Daily
from partner_portal.infra.settings import GatewayName
from partner_portal.kernel.events import Event

from ..events import GatewayCalled, PaymentWanted, RefundWanted, SandboxMoved
from ..service import paying, payouts, refunds
from ..service.gateways import sandbox


@outbox.through_staff_door
async def prepare(event: PaymentWanted) -> None:
    """The payer can go to the gateway."""
    await paying.prepare(event.tenant_id, event.link_id, event.intent_id, event.language, everything=event.everything)


@outbox.through_staff_door
async def look_again(event: GatewayCalled) -> None:
    """What the gateway has is on our books."""
    await paying.look_again(event.tenant_id, event.intent_id)


@outbox.through_staff_door
async def tell(event: SandboxMoved) -> None:
    """The built-in gateway calls our webhook."""
    await sandbox.tell(event.tenant_id, event.number)


@outbox.through_staff_door
async def send_back(event: RefundWanted) -> None:
    """The gateway is told to pay back."""
    await refunds.send(event.tenant_id, event.payment_id)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    PaymentWanted: [prepare],
    GatewayCalled: [look_again],
    SandboxMoved: [tell],
    RefundWanted: [send_back],
}


async def close_day() -> None:
    """The built-in gateway pays out, as a real one does by itself."""
    if settings.current().pays_online_by is GatewayName.SANDBOX:
        await sandbox.close_day()


async def fetch_payouts() -> None:
    """What the gateway paid out is on record."""
    await payouts.fetch()


DAILY: list[Daily] = [paying.poll, close_day, fetch_payouts]
