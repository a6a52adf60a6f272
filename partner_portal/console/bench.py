"""`portal bench`: how fast the portal is, beside a floor measured in the same run."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from partner_portal.bench import pages, plan, rows, runner

_IN_A_FILE = 240
"""Characters: what the widest table takes."""


@click.command()
@click.option("--quick", is_flag=True, help="A shorter run: fewer turns and a smaller large world. Without --pages about two minutes.")
@click.option(
    "--pages",
    "of_pages",
    is_flag=True,
    help="Every page instead: time, statements, weight, and what a browser says; a browser is not needed.",
)
@click.option("--only", multiple=True, metavar="WORDS", help="Of --pages those with these words in their name; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="The rows as a JSON list, and nothing else, on standard output.")
def bench(*, quick: bool, of_pages: bool, only: tuple[str, ...], as_json: bool) -> None:
    """Measure speed and memory, on servers of its own that are gone afterwards. What else the machine does hits figure and floor alike."""
    from rich.console import Console  # noqa: PLC0415  # only where a table is drawn

    looked_at = pages.surfaces(only)
    if only and not (of_pages and looked_at):
        raise click.UsageError(f"No page is called like {', '.join(only)}." if of_pages else "--only is for --pages.")
    said = f"portal bench{' --pages' if of_pages else ''}{' --quick' if quick else ''}, {os.cpu_count()} cores"
    if of_pages:
        measured = asyncio.run(pages.run(pages.QUICK if quick else pages.FULL, _say, looked_at))
        text, table = pages.as_json(measured), pages.as_table(measured, said)
    else:
        found = asyncio.run(runner.run(plan.QUICK if quick else plan.FULL, _say))
        text, table = rows.as_json(found), rows.as_table(found, said)
    if as_json:
        click.echo(text)
    else:
        # A terminal has its width; into a file nothing is cut off.
        Console(width=None if sys.stdout.isatty() else _IN_A_FILE).print(table)


def _say(said: str) -> None:
    click.echo(said, err=True)
