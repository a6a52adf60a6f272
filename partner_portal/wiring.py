"""What the processes share: which handlers listen to which events, what is due daily, and starting and stopping what they stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import admin.waiting
import billing.jobs.routes
import billing.service.told
import tenants.jobs.routes
import terminations.jobs.routes
import terminations.service.told
from partner_portal.infra import clock, db, mail, outbox, pdf, redis
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.queue import Daily
from partner_portal.infra.settings import Settings
from partner_portal.web import idempotency, metrics
from tenants.service.webhooks import deliveries, kinds


async def forget_what_is_done() -> None:
    """Answers that nobody repeats any more and messages delivered long ago are forgotten; what they did stays on record elsewhere."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        await idempotency.purge(clock.now() - timedelta(hours=25))
        await outbox.purge(clock.now() - _DELIVERED_KEPT)


_DELIVERED_KEPT = timedelta(days=30)

DAILY: list[Daily] = [
    *tenants.jobs.routes.DAILY,
    *billing.jobs.routes.DAILY,
    *terminations.jobs.routes.DAILY,
    *admin.waiting.DAILY,
    forget_what_is_done,
]


def register_handlers() -> None:
    """Every domain's handlers listen, its events can be chosen for webhooks, its work is counted: in the web process, too, for `publish` must know them."""
    for routes in (mail.ON_EVENT.items(), tenants.jobs.routes.ON_EVENT, billing.jobs.routes.ON_EVENT, terminations.jobs.routes.ON_EVENT):
        outbox.register(routes)
    kinds.offer(terminations.service.told.KINDS, about=terminations.service.told.SUBJECT)
    for about, offered in billing.service.told.SUBJECTS.items():
        kinds.offer(offered, about=about)
    metrics.watch("portal_jobs", "Jobs that wait, and jobs that were given up.", outbox.counts)
    metrics.watch("portal_webhook_deliveries", "Webhooks that wait, and webhooks that were given up.", deliveries.counts)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    """Inside the block database and Redis are open, the handlers known, and the walls verified."""
    if not settings.in_production:
        clock.movable(settings.data)
    register_handlers()
    redis.open_pool(settings.redis_url)
    await db.open_pools(settings)
    try:
        await db.verify_walls()
        yield
    finally:
        pdf.close()
        await db.close_pools()
        await redis.close_pool()
