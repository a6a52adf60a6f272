"""What an owner set up: keys for software, a webhook endpoint nobody answers at, a calendar of deadlines."""

from __future__ import annotations

from datetime import timedelta

from partner_portal.infra import clock, db
from tenants.policy import Scope
from tenants.service import keys
from tenants.service.webhooks import endpoints
from tenants.service.webhooks.endpoints import NewEndpoint

from .stage import Stage

_URL = "https://hooks.noord.invalid/portal"  # RFC 6761: nobody has this name


async def choose(stage: Stage) -> None:
    """A key, an endpoint with a delivery that failed, and a calendar with its address."""
    async with db.unit_of_work(stage.principal):
        key = await keys.make(
            stage.owner, name="Boekhouding", scopes=frozenset({Scope.READ}), expires_on=clock.today() + timedelta(days=300)
        )
        endpoint = await endpoints.add(stage.owner, NewEndpoint(_URL, "Ons eigen systeem"))
    await stage.send(f"/portal/settings/webhooks/{endpoint.id}/test", {})
    await stage.send("/portal/deadlines/calendar/address", {})
    delivery = await stage.row("SELECT id FROM webhook_delivery WHERE endpoint = $1 ORDER BY created_at DESC LIMIT 1", endpoint.id)
    stage.things |= {
        "key": key.id,
        "endpoint": endpoint.id,
        "delivery": delivery["id"],
        "digest": await stage.secret("SELECT id FROM termination_deadline_reader WHERE member::text = $1", stage.owner.id),
    }
