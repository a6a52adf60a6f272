"""A partner whose software listens on this machine, and the clock as the database has it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.settings import Settings
from tenants.service.webhooks import deliveries, endpoints, kinds
from tenants.service.webhooks.endpoints import EndpointChange, NewEndpoint
from tests.infra.receiver import Receiver, receiver
from tests.world import Partner

KIND = "termination.scheduled"


class Hook(msgspec.Struct, kw_only=True):
    """One endpoint with its receiver."""

    partner: Partner
    at: Receiver
    id: UUID
    secret: str

    async def row(self) -> Any:
        """The endpoint as its partner sees it."""
        async with db.unit_of_work(self.partner.principal()):
            return await endpoints.one(self.id)

    async def sent(self) -> list[Any]:
        """Its deliveries, newest first."""
        async with db.unit_of_work(self.partner.principal()):
            return await deliveries.page(self.id, deliveries.LISTING.window(limit=200))

    async def states(self) -> list[str]:
        """Where its deliveries stand, oldest first."""
        return [row["state"] for row in reversed(await self.sent())]

    async def change(self, **wanted: Any) -> None:
        """Its owner changes it."""
        async with db.unit_of_work(self.partner.principal()):
            await endpoints.change(self.partner.actor, await endpoints.find(self.id), EndpointChange(**wanted))

    async def resend(self, delivery: UUID) -> None:
        """Its owner sends a delivery again."""
        async with db.unit_of_work(self.partner.principal()):
            await deliveries.resend(self.partner.actor, await endpoints.find(self.id), delivery)

    def bodies(self) -> list[Any]:
        """What came in, in its order."""
        return [json.loads(came.body)["data"] for came in self.at.received]


@asynccontextmanager
async def on_this_machine(running: Settings, **chosen: Any) -> AsyncIterator[None]:
    """Inside the block webhooks may reach this machine, within a second, and the portal's clock is the machine's."""
    clock.reset()
    kinds.offer({KIND: "as the domains above offer it"}, about="Terminations")
    with settings.use(
        running, **{"outgoing_networks": "127.0.0.0/8", "webhook_seconds": 1, "smtp_url": settings.current().smtp_url, **chosen}
    ):
        yield


async def listen(partner: Partner, at: Receiver, **wanted: Any) -> Hook:
    """The partner's software listens there."""
    async with db.unit_of_work(partner.principal()):
        made = await endpoints.add(partner.actor, NewEndpoint(url=at.url, **wanted))
    return Hook(partner=partner, at=at, id=made.id, secret=made.secret)


@asynccontextmanager
async def listening(partner: Partner, **wanted: Any) -> AsyncIterator[Hook]:
    """The partner's software listens inside the block."""
    async with receiver() as at:
        yield await listen(partner, at, **wanted)


async def announce(partner: Partner, *keys: str, kind: str = KIND) -> None:
    """Something happened, once per key."""
    for key in keys:
        async with db.unit_of_work(partner.principal()):
            await deliveries.announce(partner.id, kind, {"key": key}, key=key, at=clock.now())


async def later(by: timedelta) -> None:
    """So much time passes, and what is due by then is done."""
    clock.move(by)
    await outbox.drain()
