"""Connections that rest between two hot reads, still inside the transaction of the last one.

A read that changes nothing needs no answer to its COMMIT: whoever comes next sends it, in the round trip that opens its own transaction. PostgreSQL
itself holds such a read to READ ONLY. The one way to a resting connection is `take`, and whoever takes it says COMMIT and BEGIN before anything else,
so that nobody ever speaks in another's transaction. Under READ COMMITTED a transaction that rests holds no snapshot.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from asyncpg import exceptions

if TYPE_CHECKING:
    from asyncio import Task, TimerHandle
    from collections.abc import Awaitable, Callable

    import asyncpg

SECONDS = 0.05
"""How long a connection rests at most; its locks (against changes of the schema only) are held as long."""

_GONE = (exceptions.PostgresError, exceptions.InterfaceError, OSError)


class Resting:
    """The resting connections of one pool."""

    def __init__(self, pool: asyncpg.Pool, commit: Callable[[Any], Awaitable[Any]]) -> None:
        self.pool = pool
        self._commit = commit
        self.waiting = 0
        """How many wait for a connection of the pool: while anybody does, none rests."""
        self._asleep: dict[Any, TimerHandle] = {}
        self._ending: set[Task[None]] = set()

    def lay(self, raw: Any) -> bool:
        """The connection rests until it is taken, or its time is over; False, and nothing was done, if somebody waits for one."""
        if self.waiting:
            return False
        self._asleep[raw] = asyncio.get_running_loop().call_later(SECONDS, self._wake, raw)
        return True

    def take(self) -> Any:
        """A connection in a transaction that is over but for its COMMIT, now the caller's; None if none rests."""
        while self._asleep:
            raw, timer = self._asleep.popitem()
            timer.cancel()
            if _lives(raw):
                return raw
        return None

    async def close(self) -> None:
        """Nothing rests any more."""
        while (raw := self.take()) is not None:
            self._end(raw)
        if self._ending:
            await asyncio.wait(self._ending)

    def _wake(self, raw: Any) -> None:
        del self._asleep[raw]
        self._end(raw)

    def _end(self, raw: Any) -> None:
        task = asyncio.ensure_future(self._give_back(raw))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _give_back(self, raw: Any) -> None:
        try:
            with suppress(*_GONE):
                await self._commit(raw)
        finally:
            await self.pool.release(raw)


def _lives(raw: Any) -> bool:
    try:
        return not raw.is_closed()
    except exceptions.InterfaceError:  # it died, and asyncpg has taken it back already
        return False
