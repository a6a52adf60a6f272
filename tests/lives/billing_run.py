"""A run as a process of its own, to be killed: small chunks, and a word before each, so that a kill can meet any of them."""

from __future__ import annotations

import asyncio
import sys
from datetime import date

from billing.service import runs
from partner_portal import wiring
from partner_portal.infra import settings

BETWEEN = 0.02


async def bill(day: date) -> None:
    """Everything due on the day is billed; another run that dies at this moment is waited for."""
    async with wiring.running(settings.current()):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            try:
                await runs.bill(day)
            except runs.RunUnderWay:
                await asyncio.sleep(BETWEEN)
            else:
                return


if __name__ == "__main__":
    runs.CHUNK = 3
    settings.adopt(settings.load())
    asyncio.run(bill(date.fromisoformat(sys.argv[1])))
