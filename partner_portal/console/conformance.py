"""`portal conformance`: the rules beside case files of others."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from partner_portal.conformance import runner


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def conformance(files: tuple[Path, ...]) -> None:
    """Compute the cases of FILES and print how many agree, with every difference.

    Exit status 1 if there is a difference that docs/conformance.md does not explain.
    """
    status, lines = runner.portal_conformance(files)
    click.echo("\n".join(lines))
    sys.exit(status)
