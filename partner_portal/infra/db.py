"""The database: two doors, and the unit of work that every request and job is.

Piccolo looks for a running transaction in its engine's context variable before every query; the unit of work sits there, so each query of
ours, of piccolo-admin or of any library takes part in it, and a query outside of one is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Token
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

from .resting import Resting

if TYPE_CHECKING:
    from .settings import Settings


class Door(StrEnum):
    """Which database role a unit of work uses."""

    TENANT = "portal_app"  # row-level security shows one tenant's rows, or none
    STAFF = "portal_staff"  # staff and jobs that serve every tenant


CONTACT = "portal_contact"
"""The role that a contact's unit of work takes on behind the tenant's door: one customer's rows, or none. Nobody can log in as it."""


class Principal(msgspec.Struct, frozen=True):
    """On whose behalf the database is spoken to; with `customer` no more than a contact of that customer sees."""

    door: Door
    tenant: UUID | None = None
    actor: str = ""
    customer: UUID | None = None


class NoUnitOfWork(RuntimeError):
    """A query was made outside any unit of work."""


class UnitOfWorkClosed(RuntimeError):
    """A query was made after its unit of work had ended, for example by a task that outlived the request."""


class CommitFailed(RuntimeError):
    """PostgreSQL answered COMMIT with ROLLBACK: an earlier error had been swallowed, nothing was saved."""


_WITHIN = f"SET LOCAL ROLE {CONTACT}"


@lru_cache(maxsize=1024)
def _opening(principal: Principal, *, reads_only: bool) -> str:
    # One simple-protocol round trip. The values cannot carry SQL: UUIDs, and the actor in hexadecimal.
    tenant = str(principal.tenant) if principal.tenant else ""
    begin = "BEGIN READ ONLY" if reads_only else "BEGIN"
    within = f"; {_WITHIN}; SET LOCAL app.customer = '{principal.customer}'" if principal.customer else ""
    return f"{begin}; SET LOCAL app.tenant = '{tenant}'; SET LOCAL app.actor = '{principal.actor.encode().hex()}'{within}"


class _Connection:
    """What Piccolo calls; takes the real connection at the first query and serialises concurrent ones."""

    __slots__ = ("_work",)

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        async with self._work.lock:
            return await (await self._work.live()).fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        async with self._work.lock:
            row: asyncpg.Record | None = await (await self._work.live()).fetchrow(sql, *args)
            return row

    async def execute(self, sql: str, *args: Any) -> str:
        async with self._work.lock:
            return await (await self._work.live()).execute(sql, *args)


class UnitOfWork(PostgresTransaction):
    """One transaction, opened by its first query, ended once by `finish`; as one principal."""

    __slots__ = ("_token", "after_commit", "closed", "doomed", "lock", "principal", "raw", "reads_only")

    def __init__(self, engine: TenantEngine, principal: Principal) -> None:
        self.engine: TenantEngine = engine
        self.principal = principal
        self._parent, self._savepoint_id, self._committed, self._rolled_back = None, 0, False, False
        self.connection = _Connection(self)
        self.lock = asyncio.Lock()
        self.raw: asyncpg.Connection | None = None
        self.closed = self.doomed = self.reads_only = False
        self.after_commit: list[Callable[[], Awaitable[None]]] = []
        self._token: Token[Any] | None = None

    async def live(self) -> asyncpg.Connection:
        if self.closed:
            raise UnitOfWorkClosed
        if self.raw is None:
            resting = self.engine.connections(self.principal.door)
            opening = _opening(self.principal, reads_only=self.reads_only)
            raw = resting.take()
            if raw is not None:
                opening = f"COMMIT; {opening}"
            else:
                raw = await self._acquired(resting)
            try:
                await raw.execute(opening)
            except BaseException:
                await resting.pool.release(raw)
                raise
            self.raw = raw
        return self.raw

    async def _acquired(self, resting: Resting) -> Any:
        if resting.pool.get_idle_size():  # a timer is set only where there is something to wait for
            return await resting.pool.acquire()
        resting.waiting += 1
        try:
            return await resting.pool.acquire(timeout=self.engine.acquire_seconds)
        finally:
            resting.waiting -= 1

    async def finish(self, *, ok: bool) -> None:
        """Commit or roll back, once; a commit that saved nothing raises CommitFailed. The connection always returns to its pool."""
        if self.closed:
            return
        async with self.lock:
            self.closed = True
            raw, self.raw = self.raw, None
            ok = ok and not self.doomed
            resting = self.engine.connections(self.principal.door)
            if raw is not None and not (ok and self.reads_only and resting.lay(raw)):
                try:
                    tag = await (_commit(raw) if ok else raw.execute("ROLLBACK"))
                finally:
                    await resting.pool.release(raw)
                if ok and tag != "COMMIT":
                    raise CommitFailed
        if ok:
            for call in self.after_commit:
                await call()

    def become(self, principal: Principal) -> None:
        """From its first query on the unit of work acts as `principal`; refused once a query was made."""
        if self.raw is not None:
            msg = "the unit of work has already spoken to the database"
            raise RuntimeError(msg)
        self.principal = principal

    def only_reads(self) -> None:
        """PostgreSQL refuses whatever this unit of work would write, and its end costs no round trip; nothing changes once a query was made."""
        if self.raw is None:
            self.reads_only = True

    def doom(self) -> None:
        """Nothing of this unit of work will be saved, whatever is answered."""
        self.doomed = True

    async def commit(self) -> None:
        """Refused: whoever opened the unit of work ends it."""
        msg = "the unit of work commits itself"
        raise RuntimeError(msg)

    async def rollback(self) -> None:
        """Nothing of this unit of work will be saved."""
        self.doomed = self._rolled_back = True

    async def __aenter__(self) -> Self:
        self._token = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> bool:
        if self._token is not None:
            self.engine.current_transaction.reset(self._token)
        await self.finish(ok=kind is None)
        return False


async def _commit(raw: asyncpg.Connection) -> str:
    tag: str = await raw.execute("COMMIT")
    return tag


async def _keep_session(_connection: asyncpg.Connection) -> None:
    """Only SET LOCAL is used, so nothing is left to reset; asyncpg itself rolls back what was left open."""


class TenantEngine(PostgresEngine):
    """Piccolo's engine with one pool per door; outside a unit of work it refuses to run anything."""

    __slots__ = ("_resting", "acquire_seconds", "pools")

    def __init__(self) -> None:
        self.pools: dict[Door, asyncpg.Pool] = {}
        self._resting: dict[asyncpg.Pool, Resting] = {}
        self.acquire_seconds = 5.0
        super().__init__(config={}, extensions=())

    def connections(self, door: Door) -> Resting:
        """The pool of a door, and its connections that rest."""
        pool = self.pools[door]
        found = self._resting.get(pool)
        if found is None:
            found = self._resting[pool] = Resting(pool, _commit)
        return found

    async def let_go(self, door: Door) -> None:
        """The pool of a door is closed; it waits for those who still hold a connection."""
        await self.connections(door).close()
        pool = self.pools.pop(door)
        del self._resting[pool]
        await pool.close()

    async def check_version(self) -> None:
        """Not at import: `verify` looks at the server when the portal starts."""

    async def prep_database(self) -> None:
        """No extension is needed."""

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:  # noqa: FBT001, FBT002  # Piccolo's signature
        if self.current_transaction.get() is None and not self.config:
            raise NoUnitOfWork(querystring.template[:80])
        return await super().run_querystring(querystring, in_pool)

    async def batch(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refused: Piccolo's batches open a connection of their own, outside the unit of work."""
        raise NoUnitOfWork


DB = TenantEngine()


async def open_pools(settings: Settings) -> None:
    """Both doors are open; each pool holds at most `settings.pool_size` connections."""
    for door, url in ((Door.TENANT, settings.app_dsn), (Door.STAFF, settings.staff_dsn)):
        DB.pools[door] = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=settings.pool_size,
            reset=_keep_session,
            command_timeout=30,
            server_settings={"application_name": f"portal {door.value}", "timezone": "UTC"},
        )


class WallMissing(RuntimeError):
    """A door could see past row-level security; the portal does not run like that."""


async def verify_walls() -> None:
    """No role that requests use is a superuser, can bypass row-level security, owns a table or has the rights of another; WallMissing otherwise."""
    for door in Door:
        await _verify(door.value, Principal(door, actor="system:verify"))
    try:
        await _verify(CONTACT, Principal(Door.TENANT, NOBODY, "system:verify", customer=NOBODY))
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as error:
        raise WallMissing(CONTACT, f"{error}: run `portal migrate`, or see the roles in docs/operations.md") from error


NOBODY = UUID(int=0)


async def _verify(role: str, principal: Principal) -> None:
    async with unit_of_work(principal):
        row = await fetch_one(
            "SELECT rolname, rolsuper OR rolbypassrls AS passes, (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owns,"
            " (SELECT count(*) FROM pg_auth_members WHERE member = r.oid AND inherit_option) AS inherits,"
            " rolname = $1 AND rolcanlogin AS logs_in FROM pg_roles r WHERE rolname = current_user",
            CONTACT,
        )
    if row is None or row["passes"] or row["owns"] or row["inherits"] or row["logs_in"] or (role == CONTACT and row["rolname"] != role):
        raise WallMissing(role, dict(row) if row else None)


async def close_pools() -> None:
    """Both doors are closed."""
    for door in list(DB.pools):
        await DB.let_go(door)


def begin(principal: Principal) -> UnitOfWork:
    """A unit of work that holds no connection until its first query; whoever begins it must `finish` it."""
    return UnitOfWork(DB, principal)


@asynccontextmanager
async def unit_of_work(principal: Principal) -> AsyncIterator[UnitOfWork]:
    """Commits when the block returns, rolls back when it raises; refused inside another unit of work."""
    if DB.current_transaction.get() is not None:
        msg = "a unit of work is already open"
        raise RuntimeError(msg)
    async with begin(principal) as work:
        yield work


@asynccontextmanager
async def apart(principal: Principal) -> AsyncIterator[UnitOfWork]:
    """A unit of work of its own, whatever runs around it: for look-ups that find out who is asking, and for facts that must outlive a refusal."""
    async with begin(principal) as work:
        yield work


def current() -> UnitOfWork:
    """The unit of work this code runs in; NoUnitOfWork if there is none."""
    work = DB.current_transaction.get()
    if not isinstance(work, UnitOfWork):
        raise NoUnitOfWork
    return work


async def fetch(sql: str, *args: Any) -> list[asyncpg.Record]:
    """The rows of `sql` in the current unit of work: for hot reads and set-based writes, where Piccolo's query building costs more than the query."""
    rows: list[asyncpg.Record] = await current().connection.fetch(sql, *args)
    return rows


async def fetch_one(sql: str, *args: Any) -> asyncpg.Record | None:
    """The first row of `sql` in the current unit of work, or None."""
    row: asyncpg.Record | None = await current().connection.fetchrow(sql, *args)
    return row


async def execute(sql: str, *args: Any) -> str:
    """Run `sql` in the current unit of work; returns PostgreSQL's command tag."""
    tag: str = await current().connection.execute(sql, *args)
    return tag


@asynccontextmanager
async def as_the_tenant() -> AsyncIterator[None]:
    """Inside the block a contact's unit of work has its tenant's rights, in the same transaction; nothing changes for anybody else.

    For a use case that has judged what the contact may, and needs what a contact's role may not read or write: what a partner pays the provider
    for the contact's services, and what was reckoned from it. Rows are named by ids that the contact's own role has seen.
    """
    work = current()
    if work.principal.customer is None:
        yield
        return
    await work.connection.execute("SET LOCAL ROLE NONE")
    try:
        yield
    finally:
        # Where the transaction has failed it is undone, or a savepoint from before the block is, and the role with it.
        with suppress(asyncpg.InFailedSQLTransactionError):
            await work.connection.execute(_WITHIN)


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """An expected refusal by the database inside the block undoes the block only."""
    point = await current().savepoint()
    try:
        yield
    except BaseException:
        await point.rollback_to()
        raise
    await point.release()
