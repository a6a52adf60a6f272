"""`portal bench`: how fast the portal is, beside a floor measured in the same run."""

from __future__ import annotations

import asyncio
import os

import click

from partner_portal.bench import plan, rows, runner


@click.command()
@click.option("--quick", is_flag=True, help="A shorter run, within 45 seconds: fewer slices and a smaller large world.")
@click.option("--json", "as_json", is_flag=True, help="The rows as a JSON list, and nothing else, on standard output.")
def bench(*, quick: bool, as_json: bool) -> None:
    """Measure speed and memory, on servers of its own that are gone afterwards. What else the machine does hits figure and floor alike."""
    from rich.console import Console  # noqa: PLC0415  # only where a table is drawn

    found = asyncio.run(runner.run(plan.QUICK if quick else plan.FULL, lambda said: click.echo(said, err=True)))
    if as_json:
        click.echo(rows.as_json(found))
    else:
        Console().print(rows.as_table(found, f"portal bench{' --quick' if quick else ''}, {os.cpu_count()} cores"))
