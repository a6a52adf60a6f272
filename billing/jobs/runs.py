"""What time does to services: their days become due, and are billed."""

from __future__ import annotations

import structlog

from partner_portal.infra import clock, outbox
from partner_portal.kernel.events import Event

from ..service import runs
from ..service.runs import RunUnderWay

log = structlog.get_logger()


async def bill_what_is_due() -> None:
    """Once a day everything that is due is billed; a day that was missed, or a run that was killed, is caught up."""
    today = clock.today()
    if await runs.was_billed(today):
        return
    try:
        report = await runs.bill(today)
    except RunUnderWay:
        return  # another worker is at it
    log.info("billing.run", services=report.services, invoices=report.invoices, parked=sum(report.parked.values()))


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {}
DAILY = [bill_what_is_due]
