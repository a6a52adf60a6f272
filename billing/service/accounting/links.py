"""What of ours is what there: rows that are wanted, sent, stuck or left, and their way through the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import NotFound

from ...events import AccountingWanted
from ...policy.accounting import MOST_ATTEMPTS, LinkState, pause
from .connections import Connection
from .port import AccountingUnavailable, Remote, What

_WANT = """
INSERT INTO billing_accounting_link (id, tenant, connection, what, subject, state, overwrites, attempts, due_at, wanted_at)
SELECT gen_random_uuid(), $1, $2, $3, s, 'waiting', false, 0, $5, $5 FROM unnest($4::uuid[]) AS s
    ON CONFLICT (connection, what, subject) DO NOTHING RETURNING id
"""
_SENT = """
UPDATE billing_accounting_link SET state = 'sent', remote_id = $2, version = $3, fingerprint = coalesce($4, fingerprint), overwrites = false, attempts = 0,
    due_at = NULL, last_error = NULL, sent_at = coalesce(sent_at, $5), seen_at = $5 WHERE id = $1
"""
_AGAIN = "UPDATE billing_accounting_link SET attempts = $2, due_at = $3, last_error = $4 WHERE id = $1"


async def want(connection: Connection, what: What, subjects: Sequence[UUID]) -> int:
    """These objects go to the package, each once however often it is wanted; returns how many are new."""
    rows = await db.fetch(_WANT, connection.tenant, connection.id, what.value, list(subjects), clock.now())
    await _publish(connection, [row["id"] for row in rows])
    return len(rows)


async def want_again(connection: Connection, link: UUID, *, overwrites: bool = False, forgets: bool = False) -> None:
    """The object waits as if it were new; written over what is there, or (`forgets`) made anew."""
    await db.execute(
        "UPDATE billing_accounting_link SET state = 'waiting', attempts = 0, due_at = $2, last_error = NULL, overwrites = $3,"
        " remote_id = CASE WHEN $4 THEN NULL ELSE remote_id END, version = CASE WHEN $4 THEN NULL ELSE version END WHERE id = $1",
        *(link, clock.now(), overwrites, forgets),
    )
    await _publish(connection, [link])


async def _publish(connection: Connection, made: Sequence[UUID], after: timedelta = timedelta()) -> None:
    events = [AccountingWanted(tenant_id=connection.tenant, link_id=link) for link in made]
    await outbox.publish_all(events, after=after, turn=connection.turn)


async def row_of(connection: Connection, what: What, subject: UUID) -> Any:
    """The link, made if need be and locked until the unit of work ends; nothing is published."""
    await db.fetch(_WANT, connection.tenant, connection.id, what.value, [subject], clock.now())
    return await db.fetch_one(
        "SELECT * FROM billing_accounting_link WHERE connection = $1 AND what = $2 AND subject = $3 FOR UPDATE",
        *(connection.id, what.value, subject),
    )


async def locked(link: UUID, tenant: UUID) -> Any:
    """The link, locked until the unit of work ends; NotFound where it is not this issuer's."""
    row = await db.fetch_one("SELECT * FROM billing_accounting_link WHERE id = $1 AND tenant = $2 FOR UPDATE", link, tenant)
    if row is None:
        raise NotFound(what="accounting link", id=str(link))
    return row


async def remote_of(connection: Connection, what: What, subject: UUID | None) -> str | None:
    """The object's id there; None where it is not there (yet)."""
    row = await db.fetch_one(
        "SELECT remote_id FROM billing_accounting_link WHERE connection = $1 AND what = $2 AND subject = $3",
        *(connection.id, what.value, subject),
    )
    found: str | None = row["remote_id"] if row else None
    return found


async def is_done(connection: Connection, what: What, subject: UUID) -> bool:
    """Whether the object is there, or a person said that it is not to be."""
    row = await db.fetch_one(
        "SELECT 1 FROM billing_accounting_link WHERE connection = $1 AND what = $2 AND subject = $3 AND state = ANY($4)",
        *(connection.id, what.value, subject, [LinkState.SENT.value, LinkState.LEFT.value]),
    )
    return row is not None


async def by_remote(connection: Connection, what: What, remote: str) -> Any:
    """The link of an object by its id there, locked; None where it is none of ours."""
    return await db.fetch_one(
        "SELECT * FROM billing_accounting_link WHERE connection = $1 AND what = $2 AND remote_id = $3 FOR UPDATE",
        *(connection.id, what.value, remote),
    )


async def sent(link: UUID, remote: Remote, fingerprint: str | None = None) -> None:
    """The object is there, as this."""
    await db.execute(_SENT, link, remote.id, remote.version, fingerprint, clock.now())


async def seen(link: UUID) -> None:
    """The object is there as we know it."""
    await db.execute("UPDATE billing_accounting_link SET seen_at = $2 WHERE id = $1", link, clock.now())


async def set_state(link: UUID, state: LinkState) -> None:
    """The link stands so; it waits for nothing."""
    await db.execute("UPDATE billing_accounting_link SET state = $2, due_at = NULL WHERE id = $1", link, state.value)


async def later(connection: Connection, row: Any, problem: AccountingUnavailable) -> bool:
    """It is tried again after a pause that grows, and nothing else is sent there meanwhile; False when that was the last attempt."""
    attempts = row["attempts"] + 1
    wait = pause(attempts, problem.pause)
    said = str(problem.facts.get("detail") or problem)[:500]
    await db.execute(_AGAIN, row["id"], attempts, clock.now() + wait, said)
    # Whoever does not answer one does not answer the next: what else waits for it waits a little, and no longer than it asked for.
    await outbox.hold(connection.turn, pause(1, problem.pause))
    if attempts >= MOST_ATTEMPTS:
        return False
    await _publish(connection, [row["id"]], wait)
    return True


async def wait_for(connection: Connection, row: Any, because: str, wait: timedelta) -> None:
    """It is tried again later without counting as an attempt: something of ours comes first."""
    await db.execute(_AGAIN, row["id"], row["attempts"], clock.now() + wait, because[:500])
    await _publish(connection, [row["id"]], wait)


_LOST = """
SELECT l.id FROM billing_accounting_link l WHERE l.connection = $1 AND l.state = 'waiting' AND l.due_at <= $2 AND NOT EXISTS (
       SELECT 1 FROM infra_outbox o WHERE o.turn = $3 AND o.done_at IS NULL AND o.dead_at IS NULL AND o.payload ->> 'link_id' = l.id::text) LIMIT 500
"""


async def find_lost(connection: Connection) -> int:
    """What waits and is on no way (given up by the outbox, paused for a while) is on its way again; returns how many."""
    rows = await db.fetch(_LOST, connection.id, clock.now(), connection.turn)
    await _publish(connection, [row["id"] for row in rows])
    return len(rows)


_TAKEN_ALONG = """
UPDATE infra_outbox o SET done_at = now() FROM billing_accounting_link l
 WHERE o.turn = $1 AND o.topic = $2 AND o.done_at IS NULL AND o.dead_at IS NULL AND o.leased_until IS NULL AND l.id = ANY($3::uuid[])
   AND l.state <> 'waiting' AND o.payload ->> 'link_id' = l.id::text
"""


async def taken_along(connection: Connection, links: Sequence[UUID]) -> None:
    """What was to send these has nothing left to do, where they wait no more: others sent them."""
    await db.execute(_TAKEN_ALONG, connection.turn, AccountingWanted.__name__, list(links))
