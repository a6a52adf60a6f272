"""`portal import`: customers or services of one partner from a CSV."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from billing.service import imports as of_billing
from partner_portal.infra import db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.spreadsheet import ImportRefused
from partner_portal.kernel.actor import Actor, ActorKind
from tenants.service import imports as of_tenants

from .surroundings import surroundings

if TYPE_CHECKING:
    from partner_portal.infra.settings import Settings

_TAKERS = {"customers": of_tenants.of_customers, "services": of_billing.of_services}


@click.command(name="import")
@click.argument("what", type=click.Choice(sorted(_TAKERS)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--partner", required=True, help="The partner's code, for example NRD.")
def import_(what: str, file: Path, partner: str) -> None:
    """Import FILE (a CSV in UTF-8 with a heading): every row, or none and a line for each wrong cell (exit status 1)."""
    with surroundings() as settings:
        try:
            rows = asyncio.run(_import(settings, what, file.read_text(encoding="utf-8"), partner))
        except ImportRefused as refused:
            for field in refused.fields:
                facts = ", ".join(f"{name}: {value}" for name, value in field.facts.items() if name not in {"row", "column"})
                click.echo(f"row {field.facts['row']}, column {field.facts['column'] or '-'}: {field.code} {facts}".rstrip(), err=True)
            click.echo("Nothing was imported.", err=True)
            raise SystemExit(1) from refused
    click.echo(f"{rows} {what} imported.")


async def _import(settings: Settings, what: str, text: str, partner: str) -> int:
    await db.open_pools(settings)
    try:
        tenant = await _tenant(partner)
        actor = Actor(kind=ActorKind.SYSTEM, id="import", tenant=tenant, label="import", channel="console")
        async with db.unit_of_work(Principal(Door.TENANT, tenant, actor.trail)):
            return await _TAKERS[what](actor, text)
    finally:
        await db.close_pools()


async def _tenant(code: str) -> UUID:
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:import")):
        row = await db.fetch_one("SELECT id FROM tenant WHERE code = $1", code.upper())
    if row is None:
        raise click.BadParameter(f"no partner has the code {code}", param_hint="--partner")
    tenant: UUID = row["id"]
    return tenant
