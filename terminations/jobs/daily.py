"""What time does to cases by itself: ends come, answers come too late, reminders go out."""

from __future__ import annotations

from ..service import scheduling


async def take_effect() -> None:
    """What ends today, ends; what was missed, too."""
    await scheduling.take_effect()


async def expire() -> None:
    """What nobody answered in time is closed."""
    await scheduling.expire()


async def remind_late() -> None:
    """Who has not answered is reminded."""
    await scheduling.remind()


DAILY = [take_effect, expire, remind_late]
