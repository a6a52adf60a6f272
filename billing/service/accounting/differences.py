"""The list of conflicts: what stands on it, and how it gets there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id

from ...policy.accounting import LinkState, Why
from .connections import Connection
from .links import set_state

Facts = Mapping[str, str]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A difference: why, what people call it, what each side says. The same `key` is put on the list once; `forever`: also not after it was solved."""

    key: str
    why: Why
    about: str
    ours: Facts = {}
    theirs: Facts = {}
    detail: str = ""
    link: UUID | None = None
    forever: bool = False


_PUT = """
INSERT INTO billing_accounting_conflict (id, tenant, connection, link, key, why, about, ours, theirs, detail, found_at)
SELECT $1, $2, $3, $4, $5::text, $6, $7, $8, $9, $10, $11
 WHERE NOT ($12::boolean AND EXISTS (SELECT 1 FROM billing_accounting_conflict WHERE connection = $3 AND key = $5::text))
    ON CONFLICT (connection, key) WHERE solved_at IS NULL DO NOTHING RETURNING id
"""
_LIST = """
SELECT c.*, l.what, l.subject, l.remote_id, a.code, i.name AS issuer_name FROM billing_accounting_conflict c
  JOIN billing_accounting_connection a ON a.id = c.connection LEFT JOIN billing_accounting_link l ON l.id = c.link
  LEFT JOIN billing_issuer i ON i.tenant = c.tenant WHERE c.solved_at IS NULL ORDER BY c.found_at, c.id LIMIT $1
"""


async def put(connection: Connection, found: Found) -> bool:
    """The difference stands on the list, and its link waits for a person; False where it stands there already, or was solved for good."""
    row = await db.fetch_one(
        _PUT,
        *(new_id(), connection.tenant, connection.id, found.link, found.key[:200], found.why.value, found.about[:200]),
        *(msgspec.json.encode(found.ours).decode(), msgspec.json.encode(found.theirs).decode(), found.detail[:1000], clock.now()),
        found.forever,
    )
    if row is not None and found.link is not None:
        await set_state(found.link, LinkState.STUCK)
    return row is not None


async def open_ones(limit: int = 200) -> list[Any]:
    """What waits for a person, the oldest first."""
    return await db.fetch(_LIST, limit)


async def solved_ones(limit: int = 50) -> list[Any]:
    """What was solved last, with how and by whom."""
    return await db.fetch(
        "SELECT c.*, a.code FROM billing_accounting_conflict c JOIN billing_accounting_connection a ON a.id = c.connection"
        " WHERE c.solved_at IS NOT NULL ORDER BY c.solved_at DESC, c.id LIMIT $1",
        limit,
    )
