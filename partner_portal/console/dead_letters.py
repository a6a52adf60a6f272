"""`portal dead-letters` and `portal run-again`: jobs that were given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from partner_portal.infra import db, outbox

from .surroundings import surroundings

Result = TypeVar("Result")
_OPERATOR = db.Principal(db.Door.STAFF, actor="system:console")


@click.command()
def dead_letters() -> None:
    """List the jobs that were given up after all their attempts, with the last error."""
    rows = _with_database(outbox.dead)
    table = Table("id", "given up at", "handler", "partner", "last error")
    for row in rows:
        table.add_row(str(row["id"]), f"{row['dead_at']:%Y-%m-%d %H:%M}", row["handler"], str(row["tenant"] or ""), row["last_error"])
    Console().print(table if rows else "No job was given up.")


@click.command()
@click.argument("ids", nargs=-1, required=True, type=click.UUID)
def run_again(ids: tuple[UUID, ...]) -> None:
    """Let the jobs IDS of `dead-letters` be tried again, with all their attempts."""

    async def each() -> list[bool]:
        return [await outbox.run_again(message) for message in ids]

    for message, again in zip(ids, _with_database(each), strict=True):
        click.echo(f"{message}: {'is due again' if again else 'was not given up (any more)'}")


def _with_database(ask: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    async def run() -> Result:
        await db.open_pools(settings)
        try:
            async with db.unit_of_work(_OPERATOR):
                return await ask()
        finally:
            await db.close_pools()

    with surroundings() as settings:
        return asyncio.run(run())
