"""Invoices that wait for the same books go there together where the package takes many in one question; each still stands or falls by itself.

Whatever is not plain goes alone, as without this: what failed before, credit notes, what is there already, what waits for its debtor. A question that fails
as a whole counts for the first of them only, which goes alone next time; the others lead in their turn.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db

from ...policy.accounting import ConnectionState, LinkState
from . import connections, going, links, sending
from .connections import Connection
from .port import AccountingRefuses, Batched, CredentialRefused, Remote, SalesDocument, What

_WITH_IT = """
SELECT l.* FROM billing_accounting_link l JOIN billing_invoice i ON i.id = l.subject
  JOIN billing_accounting_link d ON d.connection = l.connection AND d.what = 'contact' AND d.subject = coalesce(i.customer, i.tenant)
 WHERE l.connection = $1 AND l.what = 'document' AND l.state = 'waiting' AND l.due_at <= $2 AND l.attempts = 0 AND l.remote_id IS NULL AND l.id <> $3
   AND i.kind <> 'credit note' AND d.remote_id IS NOT NULL ORDER BY l.wanted_at, l.id LIMIT $4 FOR UPDATE OF l SKIP LOCKED
"""


async def send(tenant: UUID, link: UUID) -> None:
    """As `sending.send`, with others that wait for the same books where they go together. NotFound for another issuer's."""
    row = await links.locked(link, tenant)
    connection = await connections.one(row["connection"], tenant)
    if await _goes_along(connection, row):
        adapter = connections.adapter(connection)
        if isinstance(adapter, Batched):
            if await sending.debtor_is_there(connection, adapter, row):
                others = await db.fetch(_WITH_IT, connection.id, clock.now(), link, adapter.at_once - 1)
                await sending.tried(connection, row, partial(_all_of, connection, adapter, [row, *others]))
            return
    await sending.send(tenant, link)


async def _goes_along(connection: Connection, row: Any) -> bool:
    if row["state"] != LinkState.WAITING or connection.state is not ConnectionState.ACTIVE or row["what"] != What.DOCUMENT:
        return False
    kind = await db.fetch_one("SELECT kind FROM billing_invoice WHERE id = $1", row["subject"])
    return row["attempts"] == 0 and row["remote_id"] is None and kind is not None and kind["kind"] != "credit note"


async def _all_of(connection: Connection, adapter: Batched, rows: list[Any]) -> None:
    ready: list[tuple[Any, SalesDocument]] = []
    for row in rows:
        await sending.tried(connection, row, partial(_make_ready, connection, row, ready))
    told = await _asked(adapter, [ours for _row, ours in ready]) if ready else {}
    for row, ours in ready:
        if ours.key in told:
            await sending.tried(connection, row, partial(_became, connection, row["id"], ours, told[ours.key]))
    await links.taken_along(connection, [row["id"] for row in rows[1:]])


async def _make_ready(connection: Connection, row: Any, ready: list[tuple[Any, SalesDocument]]) -> None:
    ready.append((row, await sending.as_sent(connection, await going.head(row["subject"], connection.tenant))))


async def _asked(adapter: Batched, wanted: list[SalesDocument]) -> dict[str, Remote | AccountingRefuses]:
    """What became of each; where the whole is refused, the first alone says whether that is its fault."""
    try:
        return dict(await adapter.several(wanted))
    except CredentialRefused:
        raise
    except AccountingRefuses as problem:
        return {wanted[0].key: problem} if len(wanted) == 1 else await _asked(adapter, wanted[:1])


async def _became(connection: Connection, link: UUID, ours: SalesDocument, outcome: Remote | AccountingRefuses) -> None:
    if isinstance(outcome, AccountingRefuses):
        raise outcome
    await sending.arrived(connection, ours, outcome, link)
