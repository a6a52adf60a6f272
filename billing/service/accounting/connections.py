"""Connections: which issuer keeps its books where, by which codes; made, paused, taken up again and ended by staff.

All of the accounting link runs through the staff door. Secrets stand in files beside the exchanged ones, `<ACCOUNTING_FOLDER>/<code>/secret`, never in a table.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from ...events import AccountingLookDue
from ...policy.accounting import ConnectionState
from . import chosen
from .files import Files
from .port import Accounting, Setup

PAPERS = "papers"
"""The option by which documents go without their papers: `papers = none`."""
SECRET = "secret"  # noqa: S105  # the name of a file
_LOCK_ASKED = timedelta(milliseconds=50)
_URL = re.compile(r"https?://[^\s]+[^/\s]")


class ConnectedAlready(Refused):
    """The issuer has a connection, or another one has this code: that one is ended first."""


class ConnectionEnded(Refused):
    """What has ended is not used again; a new connection is made."""


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an issuer's books are kept, under which name, and what goes there and comes from there; documents from `starts_on` on are sent."""

    code: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,29}$")]
    package: str
    starts_on: date
    administration: Annotated[str, Meta(max_length=60)] = ""
    url: Annotated[str, Meta(max_length=200)] = ""
    sends_payments: bool = True
    takes_payments: bool = True


class ConnectionWanted(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A connection as staff enters it; codes as in `policy.accounting`."""

    options: dict[str, str] = {}
    ledgers: dict[str, str] = {}
    vat_codes: dict[str, str] = {}


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as it is on record; `tenant` is the issuer."""

    id: UUID
    tenant: UUID
    code: str
    package: str
    url: str
    administration: str
    options: dict[str, str]
    starts_on: date
    ledgers: dict[str, str]
    vat_codes: dict[str, str]
    sends_payments: bool
    takes_payments: bool
    state: ConnectionState
    cursor: str | None

    @property
    def turn(self) -> str:
        """What goes there goes one at a time."""
        return f"accounting {self.id}"

    @property
    def has_papers(self) -> bool:
        """Whether documents go there with the original and the e-invoice; files are nothing else."""
        return self.options.get(PAPERS) != "none" or self.package == Files.name


_ENTER = """
INSERT INTO billing_accounting_connection (id, tenant, code, package, url, administration, options, starts_on, ledgers, vat_codes, sends_payments,
    takes_payments, state, state_because, made_by, made_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'active', '', $13, $14, 1)
"""
_CHANGE = """
UPDATE billing_accounting_connection SET package = $2, url = $3, administration = $4, options = $5, starts_on = $6, ledgers = $7, vat_codes = $8,
    sends_payments = $9, takes_payments = $10, synced_at = NULL, version = version + 1 WHERE id = $1
"""

# What had no code may have one now: it is tried again, and stands on the list again where it has not.
_CODES_CHANGED = """
WITH tried AS (UPDATE billing_accounting_conflict SET solved_at = $3, solved_by = $2, solution = 'again'
                WHERE connection = $1 AND why = 'no code' AND solved_at IS NULL RETURNING link)
UPDATE billing_accounting_link SET state = 'waiting', attempts = 0, due_at = $3, last_error = NULL WHERE id IN (SELECT link FROM tried)
"""


def guard(actor: Actor) -> None:
    """NotAllowed unless it is somebody of the provider, or the portal itself."""
    if actor.kind not in {ActorKind.STAFF, ActorKind.SYSTEM}:
        raise NotAllowed(requires=[ActorKind.STAFF.value])


async def enter(actor: Actor, issuer: UUID, wanted: ConnectionWanted) -> UUID:
    """The issuer's documents go to the package from now on; entered again under the same code, the connection is changed. Invalid, ConnectedAlready."""
    guard(actor)
    if wrong := faults(wanted.package, wanted.url):
        raise Invalid(*wrong)
    if await db.fetch_one("SELECT 1 FROM billing_issuer WHERE tenant = $1", issuer) is None:
        raise NotFound(what="issuer", id=str(issuer))
    row = await db.fetch_one("SELECT id, tenant, state FROM billing_accounting_connection WHERE code = $1 FOR UPDATE", wanted.code)
    tables = [msgspec.json.encode(table).decode() for table in (wanted.options, wanted.ledgers, wanted.vat_codes)]
    place = (wanted.package, wanted.url, wanted.administration, tables[0], wanted.starts_on, tables[1], tables[2])
    ways = (wanted.sends_payments and wanted.package != Files.name, wanted.takes_payments)
    if row is not None:
        if row["tenant"] != issuer or row["state"] == ConnectionState.ENDED:
            raise ConnectedAlready(code=wanted.code)
        made: UUID = row["id"]
        await db.execute(_CHANGE, made, *place, *ways)
        await db.execute(_CODES_CHANGED, made, actor.trail, clock.now())
    else:
        made = new_id()
        try:
            async with db.savepoint():
                await db.execute(_ENTER, made, issuer, wanted.code, *place, *ways, actor.trail, clock.now())
        except asyncpg.UniqueViolationError as error:
            raise ConnectedAlready(code=wanted.code) from error
    await look_soon(await one(made))
    return made


def faults(package: str, url: str) -> list[FieldError]:
    """What is wrong with the name of a package and the address of its API, each at its field; a form says it together with all else."""
    found = []
    if package not in chosen.PACKAGES:
        found.append(FieldError("/package", "unknown-package", {"value": package, "possible": ", ".join(sorted(chosen.PACKAGES))}))
    if url and not _URL.fullmatch(url):
        found.append(FieldError("/url", "not-an-address", {"value": url}))
    return found


async def pause(actor: Actor, connection: UUID, because: str) -> None:
    """Nothing goes there or comes from there until it is taken up again; what waits is kept."""
    guard(actor)
    await _move(connection, ConnectionState.PAUSED, because)


async def resume(actor: Actor, connection: UUID) -> None:
    """What waits goes there, from now on."""
    guard(actor)
    await _move(connection, ConnectionState.ACTIVE, "")
    await db.execute(
        "UPDATE billing_accounting_link SET due_at = $2, attempts = 0 WHERE connection = $1 AND state = 'waiting'", connection, clock.now()
    )
    taken_up = await one(connection)
    await db.execute(
        "UPDATE infra_outbox SET available_at = $2 WHERE turn = $1 AND done_at IS NULL AND dead_at IS NULL", taken_up.turn, clock.now()
    )
    await look_soon(taken_up)


async def end(actor: Actor, connection: UUID, because: str) -> None:
    """It is never used again; the issuer may have another one. What was mapped stays on record."""
    guard(actor)
    await _move(connection, ConnectionState.ENDED, because)


async def _move(connection: UUID, state: ConnectionState, because: str) -> None:
    row = await db.fetch_one("SELECT state FROM billing_accounting_connection WHERE id = $1 FOR UPDATE", connection)
    if row is None:
        raise NotFound(what="connection", id=str(connection))
    if row["state"] == ConnectionState.ENDED:
        raise ConnectionEnded
    await db.execute(
        "UPDATE billing_accounting_connection SET state = $2, state_because = $3, version = version + 1 WHERE id = $1",
        *(connection, state.value, because[:500]),
    )


async def catch_up(actor: Actor, connection: UUID, since: date) -> Connection:
    """Documents from before are sent, too: all from this day on, or from the earlier one that was wanted before. ConnectionEnded, NotFound."""
    guard(actor)
    row = await db.fetch_one(
        "UPDATE billing_accounting_connection SET starts_on = least(starts_on, $2), synced_at = NULL WHERE id = $1 AND state <> 'ended' RETURNING *",
        *(connection, since),
    )
    if row is None:
        await one(connection)
        raise ConnectionEnded
    wanted = of_row(row)
    await look_soon(wanted)
    return wanted


async def look_soon(connection: Connection) -> None:
    """What happened there, and what is to be sent, is looked for once more; not twice where that waits already."""
    if connection.state is not ConnectionState.ACTIVE:
        return
    if not await outbox.waits(AccountingLookDue, connection.turn):
        await look_on(connection)


async def look_on(connection: Connection) -> None:
    """It is looked at once more after this look, for there is more to see."""
    await outbox.publish(AccountingLookDue(tenant_id=connection.tenant, connection_id=connection.id), turn=connection.turn)


async def one(connection: UUID, tenant: UUID | None = None) -> Connection:
    """The connection; NotFound where there is none, or it is not this issuer's."""
    row = await db.fetch_one(
        "SELECT * FROM billing_accounting_connection WHERE id = $1 AND ($2::uuid IS NULL OR tenant = $2)", connection, tenant
    )
    if row is None:
        raise NotFound(what="connection", id=str(connection))
    return of_row(row)


async def called(code: str) -> Connection:
    """The connection of this code; NotFound."""
    row = await db.fetch_one("SELECT * FROM billing_accounting_connection WHERE code = $1", code)
    if row is None:
        raise NotFound(what="connection", id=code)
    return of_row(row)


async def of_issuer(issuer: UUID) -> Connection | None:
    """The connection that the issuer uses, be it paused; None where it has none."""
    row = await db.fetch_one("SELECT * FROM billing_accounting_connection WHERE tenant = $1 AND state <> 'ended'", issuer)
    return of_row(row) if row else None


async def active() -> list[Connection]:
    """The connections in use."""
    return [of_row(row) for row in await db.fetch("SELECT * FROM billing_accounting_connection WHERE state = 'active' ORDER BY code")]


def of_row(row: Any) -> Connection:
    """The connection of a row."""
    tables = {name: msgspec.json.decode(row[name]) for name in ("options", "ledgers", "vat_codes")}
    plain = {name: row[name] for name in Connection.__struct_fields__ if name not in tables}
    return msgspec.convert(plain | tables, Connection)


def adapter(connection: Connection) -> Accounting:
    """The package as it is spoken to; PackageUnknown."""
    folder = settings.current().accounting / connection.code
    setup = Setup(
        connection=connection.code,
        url=connection.url,
        administration=connection.administration,
        credential=_secret(folder),
        options=connection.options,
        within=timedelta(seconds=settings.current().accounting_seconds),
        keep=lambda secret: asyncio.to_thread(keep_secret, connection.code, secret),
        alone=lambda: alone(connection.code),
        folder=folder,
    )
    return chosen.of(connection.package, setup)


def _secret(folder: Path) -> str:
    file = folder / SECRET
    return file.read_text().strip() if file.is_file() else ""


@asynccontextmanager
async def alone(code: str) -> AsyncIterator[str]:
    """Nobody else, in this process or another, renews the connection's secret inside the block; gives the secret as it is kept now."""
    folder = settings.current().accounting / code
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f".{SECRET}.lock").open("w") as lock:
        while not _taken(lock):  # noqa: ASYNC110  # another process may hold it, and tells nobody
            await asyncio.sleep(_LOCK_ASKED.total_seconds())
        yield _secret(folder)


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go of when the file is closed, also by a process that dies
    except BlockingIOError:
        return False
    return True


def keep_secret(code: str, secret: str) -> None:
    """The connection's secret is this one from now on, in a file that its owner alone reads."""
    folder = settings.current().accounting / code
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = folder / f".{SECRET}.{os.getpid()}"
    new.touch(mode=0o600)
    with new.open("w") as file:
        file.write(secret)
        file.flush()
        # The one before it is good for nothing any more: an empty file after a power failure would end the connection.
        os.fsync(file.fileno())
    new.replace(folder / SECRET)


def codes(typed: Mapping[str, str] | str) -> dict[str, str]:
    """A table of codes as people type it: `name = code`, one a line; Invalid names what is not."""
    if not isinstance(typed, str):
        return dict(typed)
    found = {}
    for line in typed.splitlines():
        name, between, code = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not (name and between and code):
            raise Invalid(FieldError("/codes", "not-a-code-line", {"value": line.strip()[:80]}))
        found[name] = code
    return found
