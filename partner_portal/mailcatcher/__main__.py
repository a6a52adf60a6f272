"""`python -m partner_portal.mailcatcher --smtp-port 2525 --http-port 8025 --folder var/mail`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from .catcher import Catcher


@click.command()
@click.option("--smtp-port", default=2525, show_default=True, help="Where mail is taken; 0 takes a free port.")
@click.option("--http-port", default=8025, show_default=True, help="Where mail is shown; 0 takes a free port.")
@click.option(
    "--folder", default="var/mail", show_default=True, type=click.Path(file_okay=False, path_type=Path), help="Where mail is kept."
)
def main(smtp_port: int, http_port: int, folder: Path) -> None:
    """Take every mail, keep it in a folder, and show it on a page; on this machine only."""
    asyncio.run(_run(Catcher(folder, smtp_port=smtp_port, http_port=http_port)))


async def _run(catcher: Catcher) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with catcher:
        click.echo(f"mail: {catcher.smtp_url}  page: {catcher.url}")
        await stop.wait()


if __name__ == "__main__":
    main()
