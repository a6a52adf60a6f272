"""Whether this process lives, and whether it can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from litestar import Response, get

from partner_portal.infra import db, migrations, redis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = structlog.get_logger("web")


class MigrationsPending(RuntimeError):
    """The database lacks migrations that this version of the portal needs."""


class _Seen:
    migrated = False


async def _tenant_door() -> None:
    async with db.unit_of_work(db.Principal(db.Door.TENANT, None, "health")):
        await db.fetch("SELECT 1")


async def _staff_door() -> None:
    async with db.unit_of_work(db.Principal(db.Door.STAFF, None, "health")):
        await db.fetch("SELECT 1")


async def _migrated() -> None:
    if _Seen.migrated:  # what ran stays run; a newer version is another process
        return
    async with db.unit_of_work(db.Principal(db.Door.STAFF, None, "health")):
        missing = await migrations.pending()
    if missing:
        raise MigrationsPending(missing)
    _Seen.migrated = True


_NEEDS: dict[str, Callable[[], Awaitable[None]]] = {
    "database as tenant": _tenant_door,
    "database as staff": _staff_door,
    "migrations": _migrated,
    "redis": redis.ping,
}


@get("/healthz", include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers; nothing else is asked, so that a lost database restarts nobody."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz() -> Response[dict[str, Any]]:
    """Whether requests can be served: every part that is needed answers; 503 names those that do not."""
    found = {name: await _state(need) for name, need in _NEEDS.items()}
    ready = set(found.values()) == {"ok"}
    return Response({"status": "ok" if ready else "not ready", "parts": found}, status_code=200 if ready else 503)


async def _state(need: Callable[[], Awaitable[None]]) -> str:
    try:
        await need()
    except Exception as error:  # noqa: BLE001  # whatever is wrong with a part, the others are still asked
        _log.warning("web.not_ready", part=need.__name__.strip("_"), error=type(error).__name__)
        return "failing"
    return "ok"
