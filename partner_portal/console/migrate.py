"""`portal migrate`: the schema of this version."""

from __future__ import annotations

import asyncio

import click

from partner_portal.infra import migrations

from .surroundings import surroundings


@click.command()
def migrate() -> None:
    """Bring the database up to date; safe to run from several places at once."""
    with surroundings() as settings:
        ran = asyncio.run(migrations.migrate(settings))
    click.echo("\n".join(ran) or "The database is up to date.")
