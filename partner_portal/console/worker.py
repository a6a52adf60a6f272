"""`portal worker`: hands out due work and does it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from partner_portal import worker as parts

from .surroundings import surroundings

if TYPE_CHECKING:
    from partner_portal.infra.settings import Settings


@click.command()
def worker() -> None:
    """One worker, until it is told to stop; running jobs are finished first."""
    with surroundings() as settings:
        asyncio.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await parts.run(settings, stop)
