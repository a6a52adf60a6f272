"""`portal web`: uvicorn around `partner_portal.app:app`."""

from __future__ import annotations

import click
import uvicorn

from .surroundings import surroundings

_GRACE = 15


@click.command()
@click.option("--reload", "reloading", is_flag=True, help="Restart when a file changes.")
def web(*, reloading: bool) -> None:
    """One web process, until it is told to stop; requests under way are finished first."""
    with surroundings() as settings:
        uvicorn.run(
            "partner_portal.app:app",
            host=settings.host,
            port=settings.port,
            reload=reloading,
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=_GRACE,
        )
