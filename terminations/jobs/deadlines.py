"""What time makes of deadlines: those that passed or changed are computed anew."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.kernel.events import Event

from ..service import deadline_keeping


async def keep_deadlines() -> None:
    """Every deadline is what would be computed today."""
    await deadline_keeping.refresh_all()


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {}
DAILY = [keep_deadlines]
