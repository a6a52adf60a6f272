"""`portal invoices export`: every document as an e-invoice, for archives and accounting."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from billing.service import documents, ubl
from billing.service.ubl import Profile
from partner_portal.infra import db

from .surroundings import surroundings

if TYPE_CHECKING:
    from partner_portal.infra.settings import Settings

_OPERATOR = db.Principal(db.Door.STAFF, actor="system:console")
_AT_ONCE = 500
_PROFILES = {"peppol": Profile.PEPPOL, "nlcius": Profile.NLCIUS, "core": Profile.CORE}


@click.group()
def invoices() -> None:
    """Invoices, credit notes and notes of damage."""


@invoices.command()
@click.option(
    "--ubl",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to; made if it is not there.",
)
@click.option(
    "--profile",
    type=click.Choice(list(_PROFILES)),
    help="Which rules to claim; without it Peppol BIS 3 where the debtor has an address in Peppol.",
)
def export(folder: Path, profile: str | None) -> None:
    """Write every document as UBL 2.1, one file each, named by its number; what is there already is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    with surroundings() as settings:
        count = asyncio.run(_export(settings, folder, _PROFILES[profile] if profile else None))
    click.echo(f"{count} documents written to {folder}.")


async def _export(settings: Settings, folder: Path, profile: Profile | None) -> int:
    await db.open_pools(settings)
    try:
        return await write_all(folder, profile)
    finally:
        await db.close_pools()


async def write_all(folder: Path, profile: Profile | None = None) -> int:
    """Every document of every partner is in the folder; returns how many. A few hundred are held at a time."""
    count, last = 0, None
    while True:
        async with db.unit_of_work(_OPERATOR):
            found = await documents.following(last, _AT_ONCE)
        if not found:
            return count
        for document in found:
            (folder / f"{document.number}.xml").write_bytes(ubl.render(document, profile))
        count, last = count + len(found), found[-1].id
