"""Deliveries: what happened is announced to every endpoint that wants it, sent until it arrives or is given up, kept for a while, sent again by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused
from partner_portal.web.lists import Column, Listing, Window

from ... import workflow
from ...events import WebhookDue, WebhookSwitchedOff
from ...tables import WebhookDelivery, WebhookEndpoint
from ...workflow import DeliveryState, OffBecause, Outcome
from . import endpoints, kinds

MOST_AGAIN = 200
"""So many are sent again at one press of a button."""

LISTING = Listing(
    "webhook-deliveries", {"created_at": Column("d.created_at", "timestamptz", "created_at")}, usual="-created_at", id_sql="d.id"
)
_LIST = """
SELECT d.id, d.message, d.type, d.state, d.attempts, d.due_at, d.created_at, d.body::jsonb #>> '{data,number}' AS about, a.at, a.status, a.why, a.ms
  FROM webhook_delivery d LEFT JOIN webhook_attempt a ON a.tenant = d.tenant AND a.delivery = d.id AND a.nth = d.attempts
"""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent now: the words, where to, and which secrets sign it."""

    delivery: UUID
    endpoint: UUID
    nth: int
    url: str
    message: UUID
    body: str
    secrets: tuple[UUID, ...]


class Message(msgspec.Struct, frozen=True):
    """What is told, to one endpoint or to several: its name for the receivers, the kind of event, our key, and the very words."""

    id: UUID
    kind: str
    key: str
    body: str

    @classmethod
    def of(cls, tenant: UUID, kind: str, data: Any, *, key: str, at: datetime) -> Message:
        """The event in the envelope of Standard Webhooks. Its id comes from the key, not by chance: told twice, it is the same message."""
        envelope = {"type": kind, "timestamp": at.astimezone(UTC), "data": data}
        return cls(uuid5(tenant, key), kind, key, msgspec.json.encode(envelope).decode())


class EndpointIsOff(Refused):
    """Nothing is sent to an endpoint that is switched off, but a test."""


async def announce(tenant: UUID, kind: str, data: Any, *, key: str, at: datetime) -> None:
    """Every endpoint of the tenant that wants this kind will be told, each once per `key` however often this is called.

    An endpoint that the portal itself switched off misses nothing: what it would have got is kept as failed, to be sent again by hand.
    """
    wanting = await db.fetch(
        "SELECT id, resting_until, off_since FROM webhook_endpoint WHERE removed_at IS NULL AND (types = '' OR $1 = ANY (string_to_array(types, ' ')))"
        " AND (off_because IS NULL OR off_because <> $2)",
        *(kind, OffBecause.OWNER.value),
    )
    if not wanting:
        return
    message = Message.of(tenant, kind, data, key=key, at=at)
    for endpoint in wanting:
        is_on = endpoint["off_since"] is None
        made = await _keep(tenant, endpoint["id"], message, waits=is_on)
        if made is not None and is_on:
            pause = max((endpoint["resting_until"] or clock.now()) - clock.now(), timedelta())
            await _due(tenant, endpoint["id"], made, nth=1, after=pause)


async def send_test(actor: Actor, endpoint: WebhookEndpoint) -> UUID:
    """A test event is on its way to the locked endpoint, also to one that is switched off; it is tried once. Returns the delivery."""
    endpoints.guard(actor)
    message = Message.of(endpoint.tenant, kinds.TEST, {"endpoint_id": endpoint.id}, key=f"test:{new_id()}", at=clock.now())
    made = await _keep(endpoint.tenant, endpoint.id, message)
    assert made is not None  # noqa: S101  # its key is new
    await _due(endpoint.tenant, endpoint.id, made, nth=1)
    return made


async def resend(actor: Actor, endpoint: WebhookEndpoint, delivery: UUID) -> None:
    """The delivery to the locked endpoint is sent once more, now, whatever became of it; tried again as if it were new. NotFound, EndpointIsOff."""
    _guard(actor, endpoint)
    row = await db.fetch_one("SELECT id, attempts FROM webhook_delivery WHERE id = $1 AND endpoint = $2 FOR UPDATE", delivery, endpoint.id)
    if row is None:
        raise NotFound(what="webhook delivery", id=str(delivery))
    await _again(endpoint, [row])


async def resend_failed(actor: Actor, endpoint: WebhookEndpoint, since: datetime) -> int:
    """What failed of all that was announced since then is sent once more, oldest first, at most MOST_AGAIN; returns how many. EndpointIsOff."""
    _guard(actor, endpoint)
    kept_since = clock.now() - timedelta(days=settings.current().webhook_log_days + 1)
    rows = await db.fetch(
        "SELECT id, attempts FROM webhook_delivery WHERE endpoint = $1 AND state = 'failed' AND created_at >= $2 AND type <> $3"
        " ORDER BY created_at, id LIMIT $4 FOR UPDATE",
        *(endpoint.id, max(since, kept_since), kinds.TEST, MOST_AGAIN),
    )
    await _again(endpoint, rows)
    return len(rows)


async def page(endpoint: UUID, window: Window, *, state: DeliveryState | None = None) -> list[asyncpg.Record]:
    """The endpoint's deliveries in the window, newest first, of one state or of all, each with its last attempt; NotFound as in `endpoints.one`."""
    await endpoints.one(endpoint)
    unseen, values = window.where(2)
    chosen = f" AND d.state = ${len(values) + 2}" if state else ""
    return await db.fetch(
        f"{_LIST} WHERE d.endpoint = $1 AND {unseen}{chosen} ORDER BY {window.order}", endpoint, *values, *([state.value] if state else [])
    )


async def one(endpoint: UUID, delivery: UUID) -> tuple[asyncpg.Record, list[asyncpg.Record]]:
    """The delivery with its words, and every attempt, newest first; NotFound when it is not this endpoint's."""
    await endpoints.one(endpoint)
    row = await db.fetch_one(
        "SELECT id, message, type, state, attempts, due_at, created_at, body FROM webhook_delivery WHERE id = $1 AND endpoint = $2",
        *(delivery, endpoint),
    )
    if row is None:
        raise NotFound(what="webhook delivery", id=str(delivery))
    return row, await db.fetch(
        "SELECT nth, at, status, why, ms, excerpt FROM webhook_attempt WHERE delivery = $1 ORDER BY nth DESC", delivery
    )


async def due(delivery: UUID, nth: int) -> Due | None:
    """What the `nth` attempt of a delivery sends; None when that is settled. NotFound when it is not the acting tenant's."""
    row = await db.fetch_one(
        "SELECT d.endpoint, d.message, d.type, d.state, d.attempts, d.body, e.url, e.off_since, e.removed_at FROM webhook_delivery d"
        " JOIN webhook_endpoint e ON e.tenant = d.tenant AND e.id = d.endpoint WHERE d.id = $1",
        delivery,
    )
    if row is None:
        raise NotFound(what="webhook delivery", id=str(delivery))
    if row["state"] != DeliveryState.WAITING or row["attempts"] + 1 != nth:
        return None
    if row["removed_at"] is not None or (row["off_since"] is not None and row["type"] != kinds.TEST):
        await db.execute("UPDATE webhook_delivery SET state = 'failed', due_at = NULL WHERE id = $1", delivery)
        return None
    return Due(
        delivery=delivery,
        endpoint=row["endpoint"],
        nth=nth,
        url=row["url"],
        message=row["message"],
        body=row["body"],
        secrets=tuple(secret["id"] for secret in await endpoints.secrets_in_force(row["endpoint"])),
    )


async def record(sent: Due, outcome: Outcome) -> None:
    """What came of an attempt is on record: delivered, to be tried again, or given up; and what it says about the endpoint."""
    endpoint, delivery = await WebhookEndpoint.find(sent.endpoint), await WebhookDelivery.find(sent.delivery)
    if delivery.attempts + 1 != sent.nth:
        return
    await db.execute(
        "INSERT INTO webhook_attempt (id, tenant, delivery, nth, at, status, why, ms, excerpt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *(new_id(), delivery.tenant, delivery.id, sent.nth, clock.now(), outcome.status, outcome.why, outcome.ms, outcome.excerpt),
    )
    if outcome.delivered:
        await _move(delivery, DeliveryState.DELIVERED)
        await db.execute(
            "UPDATE webhook_endpoint SET delivered_at = $2, failing_since = NULL, failures = 0, resting_until = NULL WHERE id = $1",
            *(endpoint.id, clock.now()),
        )
    elif delivery.type == kinds.TEST:
        await _move(delivery, DeliveryState.FAILED)
    else:
        await _failed(endpoint, delivery, outcome)


async def _failed(endpoint: WebhookEndpoint, delivery: WebhookDelivery, outcome: Outcome) -> None:
    since, failures = endpoint.failing_since or clock.now(), endpoint.failures + 1
    await db.execute("UPDATE webhook_endpoint SET failing_since = $2, failures = $3 WHERE id = $1", endpoint.id, since, failures)
    days = settings.current().webhook_off_days
    is_hopeless = workflow.is_hopeless(failing_since=since, failures=failures, now=clock.now(), days=days)
    # One that somebody switched off while this attempt was under way stays off for that reason.
    if (outcome.gone or is_hopeless) and endpoint.off_since is None:
        await _move(delivery, DeliveryState.FAILED)
        off_since = await endpoints.switch_off(endpoint, OffBecause.GONE if outcome.gone else OffBecause.FAILING)
        await outbox.publish(WebhookSwitchedOff(tenant_id=endpoint.tenant, endpoint_id=endpoint.id, off_since=off_since))
        return
    failed = delivery.failed_in_a_row + 1
    wait = workflow.next_wait(failed, outcome.retry_after, random.randrange(1001))  # noqa: S311  # spreads load, keeps no secret
    if wait is None or endpoint.off_since is not None:
        await _move(delivery, DeliveryState.FAILED)
        return
    await _move(delivery, DeliveryState.WAITING, failed=failed, due_at=clock.now() + wait)
    await _due(delivery.tenant, endpoint.id, delivery.id, nth=delivery.attempts + 2, after=wait)
    if pause := workflow.rest(outcome, wait):
        await db.execute("UPDATE webhook_endpoint SET resting_until = $2 WHERE id = $1", endpoint.id, clock.now() + pause)
        await outbox.hold(_turn(endpoint.id), pause)


async def _move(delivery: WebhookDelivery, state: DeliveryState, *, failed: int = 0, due_at: datetime | None = None) -> None:
    await db.execute(
        "UPDATE webhook_delivery SET state = $2, attempts = attempts + 1, failed_in_a_row = $3, due_at = $4 WHERE id = $1",
        *(delivery.id, state.value, failed, due_at),
    )


async def _keep(tenant: UUID, endpoint: UUID, message: Message, *, waits: bool = True) -> UUID | None:
    state = DeliveryState.WAITING if waits else DeliveryState.FAILED
    kept = await db.fetch_one(
        "INSERT INTO webhook_delivery (id, tenant, endpoint, message, type, key, body, state, attempts, failed_in_a_row, due_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10) ON CONFLICT (tenant, endpoint, key) DO NOTHING RETURNING id",
        *(new_id(), tenant, endpoint, message.id, message.kind, message.key, message.body),
        *(state.value, clock.now() if waits else None, clock.now()),
    )
    made: UUID | None = kept["id"] if kept else None
    return made


async def _again(endpoint: WebhookEndpoint, rows: Sequence[asyncpg.Record]) -> None:
    await db.execute(
        "UPDATE webhook_delivery SET state = 'waiting', failed_in_a_row = 0, due_at = $2 WHERE id = ANY ($1)",
        *([row["id"] for row in rows], clock.now()),
    )
    for row in rows:
        await _due(endpoint.tenant, endpoint.id, row["id"], nth=row["attempts"] + 1)


async def _due(tenant: UUID, endpoint: UUID, delivery: UUID, *, nth: int, after: timedelta = timedelta()) -> None:
    await outbox.publish(WebhookDue(tenant_id=tenant, delivery_id=delivery, nth=nth), after=after, turn=_turn(endpoint))


def _turn(endpoint: UUID) -> str:
    return f"webhook:{endpoint}"


async def purge(before: datetime) -> None:
    """What was announced before this instant is forgotten with its attempts, and so is an endpoint that was taken away; through the staff door."""
    for statement in _PURGE:
        await db.execute(statement, before)


# ruff: noqa: S608  # only our own words are put into these statements
_OLD = "SELECT id FROM webhook_delivery WHERE created_at < $1 AND state <> 'waiting'"
_GONE = """
SELECT e.id FROM webhook_endpoint e WHERE e.removed_at < $1
   AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.tenant = e.tenant AND d.endpoint = e.id)
"""
_PURGE = (
    f"DELETE FROM webhook_attempt WHERE delivery IN ({_OLD})",
    f"DELETE FROM webhook_delivery WHERE id IN ({_OLD})",
    f"DELETE FROM webhook_secret WHERE ends_at < $1 OR endpoint IN ({_GONE})",
    f"DELETE FROM webhook_endpoint WHERE id IN ({_GONE})",
)


async def counts() -> dict[str, int]:
    """How many deliveries wait and how many were given up, of every tenant; through the staff door."""
    rows = await db.fetch("SELECT state, count(*) AS n FROM webhook_delivery WHERE state IN ('waiting', 'failed') GROUP BY state")
    return {"waiting": 0, "failed": 0} | {row["state"]: row["n"] for row in rows}


def _guard(actor: Actor, endpoint: WebhookEndpoint) -> None:
    endpoints.guard(actor)
    if endpoint.off_since is not None:
        raise EndpointIsOff(since=endpoint.off_since.isoformat())
