"""Events leave with the transaction that made them, and reach each handler at least once.

`publish` writes one row per handler in the unit of work of the change. The relay leases rows and hands their ids to the queue; `deliver` runs
the handler and marks its row done in one transaction, so that what a handler writes happens exactly once. A lease that runs out (a killed
worker, a lost queue) is simply taken again: PostgreSQL is the truth, the queue only carries.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from partner_portal.kernel.errors import Refused
from partner_portal.kernel.events import Event

from . import clock, db
from .db import Door, Principal
from .ids import new_id

log = structlog.get_logger()

Handler = Callable[[Any], Awaitable[None]]

MAX_ATTEMPTS = 12
_BACKOFF_SECONDS = (1, 5, 15, 60, 300, 900, 1800, 3600)


class _Route(msgspec.Struct, frozen=True):
    event: type[Event]
    handler: Handler
    door: Door


_routes: dict[str, _Route] = {}
_topics: dict[type[Event], list[str]] = {}


class UnknownHandler(LookupError):
    """A row names a handler that this version of the portal does not have."""


_HOPELESS = (UnknownHandler, Refused)  # trying again changes nothing: staff sees it at once


def through_staff_door(handler: Handler) -> Handler:
    """Marks a handler that serves the provider and so must see more than the event's tenant."""
    handler.door = Door.STAFF  # type: ignore[attr-defined]
    return handler


def register(routes: Iterable[tuple[type[Event], Iterable[Handler]]]) -> None:
    """Each event of `routes` is delivered to its handlers from now on; registering twice changes nothing."""
    for event, handlers in routes:
        for handler in handlers:
            name = f"{handler.__module__}.{handler.__qualname__}"
            _routes[name] = _Route(event, handler, getattr(handler, "door", Door.TENANT))
            names = _topics.setdefault(event, [])
            if name not in names:
                names.append(name)


_PUBLISH = """
INSERT INTO infra_outbox (id, tenant, event_id, topic, handler, door, payload, turn, occurred_at, available_at, attempts)
SELECT given.*, $8::text, $9::timestamptz, $9, 0
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[]) AS given
"""


async def publish(event: Event, *, after: timedelta = timedelta(), turn: str | None = None) -> None:
    """The event is delivered to every handler if, and only if, the current unit of work commits; not before `after` has passed.

    What shares a `turn` is delivered one at a time: for work that waits for somebody else's machine, which may take its time.
    """
    await publish_all([event], after=after, turn=turn)


async def publish_all(events: Sequence[Event], *, after: timedelta = timedelta(), turn: str | None = None) -> None:
    """The same of many events at once, in one statement."""
    due = clock.now() + after
    rows = [
        (new_id(), event.tenant_id, event_id, type(event).__name__, name, _routes[name].door.value, payload)
        for event in events
        if (names := _topics.get(type(event)))
        for event_id, payload in [(new_id(), msgspec.json.encode(event).decode())]
        for name in names
    ]
    if rows:
        await db.execute(_PUBLISH, *(list(column) for column in zip(*rows, strict=True)), turn, due)


async def waits(event: type[Event], turn: str) -> bool:
    """Whether such an event waits for this turn that nobody has begun with: it will see all that is by now. Runs in the caller's unit of work."""
    found = await db.fetch_one(
        "SELECT 1 FROM infra_outbox WHERE turn = $1 AND topic = $2 AND done_at IS NULL AND dead_at IS NULL AND attempts = 0 AND leased_until IS NULL",
        *(turn, event.__name__),
    )
    return found is not None


async def hold(turn: str, after: timedelta) -> None:
    """Nothing that waits for this turn is delivered before `after` has passed. Runs in the caller's unit of work."""
    await db.execute(
        "UPDATE infra_outbox SET available_at = $2 WHERE turn = $1 AND available_at < $2 AND done_at IS NULL AND dead_at IS NULL",
        *(turn, clock.now() + after),
    )


_LEASE = """
WITH plain AS (
    SELECT id FROM infra_outbox WHERE turn IS NULL AND done_at IS NULL AND dead_at IS NULL AND available_at <= greatest(now(), $3)
       AND (leased_until IS NULL OR leased_until < now()) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED),
turns AS (
    SELECT id FROM infra_outbox AS mine WHERE turn IS NOT NULL AND done_at IS NULL AND dead_at IS NULL AND available_at <= greatest(now(), $3)
       AND (leased_until IS NULL OR leased_until < now()) AND NOT EXISTS (
           SELECT 1 FROM infra_outbox AS other WHERE other.turn = mine.turn AND other.done_at IS NULL AND other.dead_at IS NULL
              AND (other.leased_until >= now() OR (other.available_at, other.id) < (mine.available_at, mine.id)))
     ORDER BY available_at, id
     LIMIT greatest(0, $4 - (SELECT count(*) FROM infra_outbox WHERE turn IS NOT NULL AND done_at IS NULL AND dead_at IS NULL AND leased_until >= now()))
       FOR UPDATE SKIP LOCKED)
UPDATE infra_outbox SET leased_until = now() + $2 WHERE id = ANY (ARRAY(SELECT id FROM plain UNION ALL SELECT id FROM turns))
RETURNING id, (extract(epoch FROM leased_until) * 1000)::bigint AS lease
"""


async def lease(limit: int, seconds: float, *, turns: int = 100) -> list[tuple[UUID, int]]:
    """Up to `limit` due rows, each with a number of this lease, leased for `seconds`: nobody else gets them meanwhile.

    Of what shares a turn the one that was due first, and at most `turns` of these in all, so that the slow never keep every worker busy.
    A lease is no attempt: what waits in a long queue until its lease is over has not failed.
    """
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:relay")):
        rows = await db.fetch(_LEASE, limit, timedelta(seconds=seconds), clock.now(), turns)
    return sorted((row["id"], row["lease"]) for row in rows)


async def deliver(message: UUID, *, within: float | None = None) -> None:
    """The message's handler has run and its row is done, in one transaction; or its next attempt is planned, or it is dead.

    A handler that takes longer than `within` seconds has failed. A worker that is killed has not: its job runs again when the lease is over,
    however often that happens.
    """
    row = await _look(message)
    if row is None:
        return
    structlog.contextvars.bind_contextvars(event=row["topic"], handler=row["handler"], tenant=str(row["tenant"]))
    try:
        async with asyncio.timeout(within):
            await _run(message, row)
    except Exception as error:  # noqa: BLE001  # whatever a handler raises is planned again, and kept for staff to read
        await _plan_again(message, row["attempts"] + 1, error)
    finally:
        structlog.contextvars.unbind_contextvars("event", "handler", "tenant")


async def _look(message: UUID) -> Any:
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:relay")):
        return await db.fetch_one(
            "SELECT tenant, topic, handler, payload, attempts FROM infra_outbox WHERE id = $1 AND done_at IS NULL AND dead_at IS NULL",
            message,
        )


async def _run(message: UUID, row: Any) -> None:
    route = _routes.get(row["handler"])
    if route is None:
        raise UnknownHandler(row["handler"])
    event = msgspec.json.decode(row["payload"], type=route.event)
    async with db.unit_of_work(Principal(route.door, row["tenant"], f"system:{route.handler.__name__}")):
        # The lock keeps a twin (an expired lease, a repeated job) out until this one has committed.
        if await db.fetch_one("SELECT 1 FROM infra_outbox WHERE id = $1 AND done_at IS NULL FOR UPDATE SKIP LOCKED", message) is None:
            return
        await route.handler(event)
        await db.execute("UPDATE infra_outbox SET done_at = now(), leased_until = NULL, last_error = NULL WHERE id = $1", message)


async def _plan_again(message: UUID, attempts: int, error: Exception) -> None:
    dead = attempts >= MAX_ATTEMPTS or isinstance(error, _HOPELESS)
    wait = _BACKOFF_SECONDS[min(attempts, len(_BACKOFF_SECONDS)) - 1]
    log.warning("outbox.failed", message=str(message), attempts=attempts, dead=dead, error=type(error).__name__, exc_info=error)
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:relay")):
        await db.execute(
            "UPDATE infra_outbox SET last_error = $2, leased_until = NULL, available_at = now() + $3, attempts = $5,"
            " dead_at = CASE WHEN $4 THEN now() END WHERE id = $1 AND done_at IS NULL",
            *(message, f"{type(error).__name__}: {error}"[:2000], timedelta(seconds=wait), dead, attempts),
        )


async def dead() -> list[Any]:
    """The messages that were given up, oldest first, with the last error. Runs in the caller's unit of work."""
    return await db.fetch(
        "SELECT id, tenant, topic, handler, dead_at, last_error FROM infra_outbox WHERE dead_at IS NOT NULL ORDER BY dead_at"
    )


async def counts() -> dict[str, int]:
    """How many messages wait and how many were given up. Runs in the caller's unit of work, through the staff door."""
    row = await db.fetch_one(
        "SELECT (SELECT count(*) FROM infra_outbox WHERE done_at IS NULL AND dead_at IS NULL) AS waiting,"
        " (SELECT count(*) FROM infra_outbox WHERE done_at IS NULL AND dead_at IS NOT NULL) AS dead"
    )
    return dict(row) if row else {}


async def run_again(message: UUID) -> bool:
    """A dead message is due again, with all its attempts; False when it is not dead (any more). Runs in the caller's unit of work."""
    tag = await db.execute(
        "UPDATE infra_outbox SET dead_at = NULL, attempts = 0, available_at = now(), leased_until = NULL"
        " WHERE id = $1 AND dead_at IS NOT NULL AND done_at IS NULL",
        message,
    )
    return tag == "UPDATE 1"


async def purge(before: datetime) -> int:
    """Messages delivered before this instant are forgotten; through the staff door. Returns how many."""
    tag = await db.execute("DELETE FROM infra_outbox WHERE done_at < $1", before)
    return int(tag.rpartition(" ")[2])


async def drain(rounds: int = 50) -> int:
    """Everything due is delivered in this process, in order; returns how many. For tests and one-off commands."""
    delivered = 0
    for _ in range(rounds):
        due = await lease(100, 60)
        if not due:
            return delivered
        for message, _lease in due:
            await deliver(message)
            delivered += 1
    return delivered


def known_handlers() -> dict[str, str]:
    """Each handler's name with the event it listens to; for the documents and the tests that walk all jobs."""
    return {name: route.event.__name__ for name, route in _routes.items() if inspect.iscoroutinefunction(route.handler)}
