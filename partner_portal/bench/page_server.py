"""The portal's web process as `portal web` runs it, with two additions: an empty page to measure beside, and on each answer how many statements it took."""

from __future__ import annotations

from typing import Any

import uvicorn
from litestar import Litestar, Request, Response, get

from partner_portal.infra import db, log, settings
from partner_portal.web import pages

STATEMENTS = "x-statements"
EMPTY = "/portal/nothing-at-all"


@get(EMPTY, include_in_schema=False, before_request=pages.for_members)
async def empty(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The frame of every page, with nothing in it."""
    return await pages.page(request, "web/portal.html")


class Counting:
    """The application, each of whose answers tells how many statements it sent; one request at a time."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.sent = 0
        for name in ("fetch", "fetchrow", "execute"):
            setattr(db._Connection, name, self._counted(getattr(db._Connection, name)))  # noqa: SLF001  # whatever a unit of work sends goes through these

    def _counted(self, original: Any) -> Any:
        async def noted(connection: Any, sql: str, *args: Any) -> Any:
            self.sent += not sql.lower().startswith(("savepoint ", "release ", "rollback to "))
            return await original(connection, sql, *args)

        return noted

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        self.sent = 0

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (STATEMENTS.encode(), str(self.sent).encode())]}
            await send(message)

        await self._app(scope, receive, told)


def main() -> None:
    """Serves on the port of the settings, until told to stop, as `portal web` would."""
    chosen = settings.load()
    log.configure(chosen)
    settings.adopt(chosen)
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    inner = app.app
    assert isinstance(inner, Litestar)  # noqa: S101  # for mypy: the shell holds one
    inner.register(empty)
    uvicorn.run(
        Counting(app),
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=chosen.trusted_proxies,
    )


if __name__ == "__main__":
    main()
