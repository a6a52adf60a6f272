"""An issuer's invoices on their way to its books, beside the same HTTP requests bare: what looking for them, remembering them and taking turns costs."""

from __future__ import annotations

import asyncio
import base64
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from billing.service.accounting import connections
from billing.service.accounting.connections import ConnectionWanted
from partner_portal import wiring
from partner_portal.infra import db, outbox, remote
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import SYSTEM

from .books_side import Asked
from .rows import Goal, Measured, compared

if TYPE_CHECKING:
    from .ground import Ground, World

_LEAST = 0.05
_CODE = "bench"
_SECRET = msgspec.json.encode(
    {"client_id": "a", "client_secret": "b", "refresh_token": "c", "access_token": "d", "until": "2099-01-01T00:00:00Z"}
)
_DOOR = Principal(Door.STAFF, actor="system:bench")
_HOUSE = "SELECT id FROM tenant WHERE kind = 'house'"
_FORGOTTEN = """
SET session_replication_role = replica; DELETE FROM billing_accounting_conflict; DELETE FROM billing_accounting_link;
DELETE FROM billing_accounting_connection; DELETE FROM infra_outbox WHERE turn IS NOT NULL
"""


class NotSent(RuntimeError):
    """Not every invoice arrived; there is nothing to measure."""


async def beside_bare_requests(ground: Ground, world: World, *, slices: int) -> list[Measured]:
    """Invoices a second to a package that answers at once, without their papers; no payments go. The world has invoices and is used by nobody else."""
    wiring.register_handlers()
    served = await ground.server("books", "partner_portal.bench.books_side", settings=world.settings).ready()
    address = f"http://127.0.0.1:{served.port}"
    owner = await asyncpg.connect(world.superuser_url, command_timeout=None)
    await db.open_pools(world.settings)
    ours, floor = [], []
    try:
        for _ in range(slices):
            begun = perf_counter()
            await _sent(owner, address, world.size.invoices)
            ours.append(world.size.invoices / (perf_counter() - begun))
            asked = msgspec.json.decode((await remote.ask("GET", f"{address}/asked")).body, type=list[Asked])
            floor.append(world.size.invoices / await _bare(address, asked))
            await remote.ask("GET", f"{address}/asked")
    finally:
        await db.close_pools()
        await owner.close()
    return [
        compared(Goal("invoices to the books, many a request (floor: the same requests bare)", "invoices/s", _LEAST, "higher"), ours, floor)
    ]


async def _sent(owner: Any, address: str, count: int) -> None:
    await owner.execute(_FORGOTTEN)
    await asyncio.to_thread(connections.keep_secret, _CODE, _SECRET.decode())
    wanted = ConnectionWanted(
        code=_CODE,
        package="xero",
        starts_on=date(2000, 1, 1),
        url=address,
        administration="bench",
        options={"papers": "none"},
        ledgers={"default": "200"},
        vat_codes={"S": "OUTPUT2", "S:NL:21": "OUTPUT2"},
        sends_payments=False,
    )
    async with db.unit_of_work(_DOOR):
        await connections.enter(SYSTEM, await owner.fetchval(_HOUSE), wanted)
    await outbox.drain(rounds=1_000_000)
    sent = await owner.fetchval("SELECT count(*) FROM billing_accounting_link WHERE what = 'document' AND state = 'sent'")
    if sent != count:
        because = await owner.fetchval(
            "SELECT coalesce(max(k.detail), max(l.last_error)) FROM billing_accounting_link l FULL JOIN billing_accounting_conflict k ON k.link = l.id"
        )
        raise NotSent(f"{sent} invoices of {count} are there: {because}")


async def _bare(address: str, asked: list[Asked]) -> float:
    begun = perf_counter()
    for one in asked:
        await remote.ask(one.method, f"{address}{one.path}", headers=one.headers, body=base64.b64decode(one.body) or None)
    return perf_counter() - begun
