"""An issuer connected to books, and its part of the background work, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from billing.service.accounting import chosen, connections
from billing.service.accounting.connections import Connection, ConnectionWanted
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.actor import SYSTEM
from tests.billing import books as theirs
from tests.world import STAFF_DOOR

CODES = {"S:NL:21": "hoog", "S:NL:9": "laag", "AE": "verlegd", "O": "geen"}
LEDGERS = {"default": "8000", "usage": "8010", "product:hosting": "8020", "money": "1100"}


async def connect(books: theirs.Books, issuer: UUID, **given: Any) -> Connection:
    """The issuer keeps its books there, since long ago."""
    usual: dict[str, Any] = {
        "code": "boeken",
        "package": theirs.Plain.name,
        "url": books.url,
        "starts_on": date(2026, 1, 1),
        "ledgers": LEDGERS,
        "vat_codes": CODES,
    }
    wanted = msgspec.convert({**usual, **given}, ConnectionWanted)
    connections.keep_secret(wanted.code, theirs.TOKEN)
    async with db.unit_of_work(STAFF_DOOR):
        return await connections.one(await connections.enter(SYSTEM, issuer, wanted))


@asynccontextmanager
async def package(patch: pytest.MonkeyPatch) -> AsyncIterator[theirs.Books]:
    """A package that speaks the plain dialect, at an address of this machine."""
    patch.setitem(chosen.PACKAGES, theirs.Plain.name, theirs.Plain)
    async with theirs.serving(theirs.Books()) as books:
        yield books


_DUE = """
SELECT id FROM infra_outbox WHERE handler LIKE 'billing.jobs.accounting.%' AND done_at IS NULL AND dead_at IS NULL
   AND available_at <= $1 ORDER BY available_at, id
"""


async def carry(*, ahead: timedelta = timedelta()) -> int:
    """What is due of the accounting link is done, and what follows of it; nothing else is. Returns how many jobs ran."""
    count = 0
    for _round in range(60):
        async with db.unit_of_work(STAFF_DOOR):
            rows = await db.fetch(_DUE, clock.now() + ahead)
        if not rows:
            return count
        for row in rows:
            await outbox.deliver(row["id"])
            count += 1
    return count


async def look(connection: Connection) -> None:
    """The package is looked at once, with what follows."""
    async with db.unit_of_work(STAFF_DOOR):
        await connections.look_soon(await connections.one(connection.id))
    await carry()


async def rows(sql: str, *given: Any) -> list[dict[str, Any]]:
    """What the database has."""
    async with db.unit_of_work(STAFF_DOOR):
        return [dict(row) for row in await db.fetch(sql, *given)]


async def conflicts() -> list[dict[str, Any]]:
    """The open conflicts."""
    return await rows("SELECT * FROM billing_accounting_conflict WHERE solved_at IS NULL ORDER BY found_at, id")


async def link_of(subject: UUID) -> dict[str, Any]:
    """How an object of ours stands there."""
    return (await rows("SELECT * FROM billing_accounting_link WHERE subject = $1", subject))[0]
