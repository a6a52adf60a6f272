"""`portal invariants`: what must never be, looked for."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from partner_portal import invariants as rules
from partner_portal.infra import clock, db

from .surroundings import surroundings

if TYPE_CHECKING:
    from partner_portal.infra.settings import Settings

_OPERATOR = db.Principal(db.Door.STAFF, actor="system:console")


@click.command()
def invariants() -> None:
    """Look for rows that must not be; each rule that is broken is named with them, and the exit status is 1."""
    with surroundings() as settings:
        if not settings.in_production:
            clock.movable(settings.data)
        found = asyncio.run(_look(settings))
    out = Console(highlight=False, soft_wrap=True)
    for breach in found:
        out.print(f"[bold]BROKEN: {breach.rule}[/bold]")
        for row in breach.rows:
            out.print(f"  {row}", markup=False)
    held = len(rules.RULES) + 1 - len(found)
    out.print(f"{held} of {len(rules.RULES) + 1} rules hold.")
    sys.exit(1 if found else 0)


async def _look(settings: Settings) -> list[rules.Breach]:
    await db.open_pools(settings)
    try:
        async with db.unit_of_work(_OPERATOR):
            return await rules.breaches()
    finally:
        await db.close_pools()
