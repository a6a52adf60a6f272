"""Statements of the bank that the package's side put into the connection's folder are taken in as if finance had done it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
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


async def take(connection: Connection, adapter: Accounting) -> list[Callable[[], Awaitable[None]]]:
    """The statements that lie there are booked as far as they are known; bad ones stand on the list of conflicts.

    Returns how they are put away, or set apart with the reason: to be done once what they say is on record. Cut off before, they are read again, and
    change nothing.
    """
    if not isinstance(adapter, Files):
        return []
    moves: list[Callable[[], Awaitable[None]]] = []
    for file in await adapter.waiting():
        content = await adapter.read(file, LARGEST + 1)
        reason = None
        try:
            async with db.savepoint():
                await _must_be_own(connection, content)
                await importing.take(SYSTEM, _called(file), content)
        except StatementUnreadable as problem:
            reason = _reason(problem)
            await _put_on_list(connection, file, content, reason)
        moves.append(partial(adapter.put_away, file, reason))
    return moves


def _called(file: Path) -> str:
    """The file's name as it can be written down, though some system wrote it in letters of its own."""
    return file.name.encode("utf-8", "replace").decode()


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


async def _put_on_list(connection: Connection, file: Path, content: bytes, reason: str) -> None:
    digest = hashlib.sha256(content).hexdigest()[:12]
    name = _called(file)
    found = Found(key=f"file {name[:100]} {digest}", why=Why.FILE, about=name, detail=reason, forever=True)
    await differences.put(connection, found)
