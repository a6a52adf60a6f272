"""The worker as one coroutine: relays due work, does it, and looks every quarter of an hour for what time has made due."""

from __future__ import annotations

import asyncio

from partner_portal import wiring
from partner_portal.infra import queue
from partner_portal.infra.settings import Settings


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Until `stop` is set, events reach their handlers and daily jobs run; if one part fails, all stop and the error is raised."""
    async with wiring.running(settings), asyncio.TaskGroup() as parts:
        parts.create_task(queue.relay(settings, stop))
        parts.create_task(queue.work(settings, stop))
        parts.create_task(queue.daily(wiring.DAILY, settings.daily_every_seconds, stop))
