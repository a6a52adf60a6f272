"""Statements of the bank that the package's side put into the connection's folder are taken in as if finance had done it."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path

from partner_portal.infra import db
from partner_portal.kernel.actor import SYSTEM

from ...policy.accounting import Why
from ..statements import importing, mt940
from ..statements.read import LARGEST, StatementUnreadable
from . import differences
from .connections import Connection
from .differences import Found
from .files import Files
from .port import Accounting


async def take(connection: Connection, adapter: Accounting) -> int:
    """The statements that lie there are booked as far as they are known and put away, bad ones set apart with the reason; returns how many were good.

    A file is moved after what it says is on record: cut off between, it is read again, and changes nothing.
    """
    if not isinstance(adapter, Files):
        return 0
    good = 0
    for file in await adapter.waiting():
        try:
            content = await adapter.read(file, LARGEST + 1)
            async with db.savepoint():
                await _must_be_own(connection, content)
                await importing.take(SYSTEM, file.name, content)
        except StatementUnreadable as problem:
            await _set_apart(connection, adapter, file, _reason(problem))
        else:
            good += 1
            db.current().after_commit.append(partial(adapter.put_away, file))
    return good


async def _must_be_own(connection: Connection, content: bytes) -> None:
    """Whoever may put files here may not tell of another issuer's account."""
    statements = await asyncio.to_thread(importing.read, content)
    row = await db.fetch_one("SELECT iban FROM billing_issuer WHERE tenant = $1", connection.tenant)
    for statement in statements:
        if row is None or not mt940.same_account(statement.account, row["iban"]):
            raise StatementUnreadable("account", value=statement.account)


def _reason(problem: StatementUnreadable) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in problem.facts.items() if name != "why" and value)
    return f"{problem.why} ({facts})" if facts else problem.why


async def _set_apart(connection: Connection, adapter: Files, file: Path, reason: str) -> None:
    digest = hashlib.sha256(await adapter.read(file, LARGEST + 1)).hexdigest()[:12]
    found = Found(key=f"file {file.name[:100]} {digest}", why=Why.FILE, about=file.name, detail=reason, forever=True)
    await differences.put(connection, found)
    db.current().after_commit.append(partial(adapter.put_away, file, reason))
