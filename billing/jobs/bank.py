"""What the bank said is booked, mandates that nobody used end, and what will be collected is announced."""

from __future__ import annotations

from partner_portal.infra import db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event

from ..events import StatementAccepted
from ..service import announcing, mandates
from ..service.statements import booking


@outbox.through_staff_door
async def book(event: StatementAccepted) -> None:
    """The next entries that were matched are booked; what is left follows."""
    await booking.book_next(event.tenant_id, event.statement_id)


async def lapse() -> None:
    """Mandates that were not used for 36 months hold no more."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        await mandates.lapse()


async def announce() -> None:
    """Debtors know of every collection that comes up."""
    await announcing.announce()


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {StatementAccepted: [book]}
DAILY: list[Daily] = [lapse, announce]
