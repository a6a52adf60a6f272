"""`portal accounting`: connections to accounting packages: their secrets, a look through them, what waits, and what is to be sent after all."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from billing.policy.accounting import ConnectionState
from billing.service.accounting import connections, consent, differences, seen, smoke
from billing.service.accounting.speaking import Grant, held
from partner_portal import wiring, words
from partner_portal.infra import catalogue, clock, db, outbox, settings
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound, Problem
from partner_portal.web import problems

from .surroundings import surroundings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime

    from billing.service.accounting.connections import Connection
    from billing.service.accounting.port import Health

T = TypeVar("T")

FAILED = 3
_OPERATOR = db.Principal(db.Door.STAFF, actor="system:console")
_CONNECTION = click.option("--connection", "code", required=True, help="The name of the connection.")


@click.group()
def accounting() -> None:
    """The links with accounting packages."""


@accounting.command("list")
def list_() -> None:
    """Every connection: what is there, what waits, what differs."""
    for line in _run(_listed):
        click.echo(line)


@accounting.command("secret")
@_CONNECTION
@click.option("--secret", prompt=True, hide_input=True, help="Asked for, so that it stands in no history.")
def secret_(code: str, secret: str) -> None:
    """Keep the secret that opens the administration at the package, in a file that only this user reads."""
    given = secret.strip()
    if not given:
        raise click.UsageError("the secret is empty: nothing was kept.")
    connection = _run(lambda: _called(code))
    with surroundings(), _told():
        held(given)
        connections.keep_secret(connection.code, given)
    click.echo(f"The secret of {code} is kept; see whether it works by `portal accounting smoke --connection {code}`.")


@accounting.command("consent")
@_CONNECTION
@click.option("--client-id", required=True, help="The name of the portal's own application at the package.")
@click.option("--client-secret", prompt=True, hide_input=True, help="Its secret; asked for, so that it stands in no history.")
@click.option("--back", required=True, help="The address that the application is registered with; nothing has to answer there.")
@click.option("--rights", default="", help="Other rights than the usual ones, as the package calls them.")
def consent_(*, code: str, client_id: str, client_secret: str, back: str, rights: str) -> None:
    """Let an owner of the administration agree at the package, and keep the grant as the connection's secret."""
    connection = _run(lambda: _called(code))
    state = secrets.token_urlsafe(16)
    with _told():
        where = consent.address(connection.package, client_id=client_id, back=back, state=state, rights=rights)
        click.echo(f"An owner of the administration opens this address and agrees:\n\n  {where}\n")
        typed = click.prompt("The code, or the whole address where the browser went then")
        given = consent.code_of(typed, state)
    client = Grant(client_id=client_id, client_secret=client_secret.strip(), refresh_token="")

    async def agreed() -> dict[str, str]:
        within = timedelta(seconds=settings.current().accounting_seconds)
        grant = await consent.redeem(connection, client, code=given, back=back, within=within)
        connections.keep_secret(connection.code, msgspec.json.encode(grant).decode())
        return await consent.opens(connection, grant, within)

    for number, name in _run(agreed).items():
        click.echo(f"{'*' if number == connection.administration else ' '} {number} {name}")
    click.echo(f"The grant of {code} is kept. It opens these administrations; the one of the connection is marked.")


@accounting.command("codes")
@_CONNECTION
def codes_(code: str) -> None:
    """The ledger accounts and VAT codes that the package has, as they are entered with the connection."""

    async def asked() -> Health:
        async with db.unit_of_work(_OPERATOR):
            return await connections.adapter(await connections.called(code)).check()

    health = _run(asked)
    click.echo(health.administration)
    for what, there in (("ledger accounts", health.ledgers), ("VAT codes", health.vat_codes)):
        click.echo(f"{what}:{'' if there else ' the package does not tell'}")
        for number, name in sorted((there or {}).items(), key=lambda one: one[1]):
            click.echo(f"  {number}  {name}")


@accounting.command("smoke")
@_CONNECTION
@click.option("--write", is_flag=True, help="Also send a debtor called “Portal smoke test”, and send it once more: it must be there once.")
def smoke_(*, code: str, write: bool) -> None:
    """Ask the package itself whether the connection works: read only, unless --write (exit status 3 where it does not)."""

    async def tried() -> smoke.Report:
        async with db.unit_of_work(_OPERATOR):
            return await smoke.run(await connections.called(code), writes=write)

    report = _run(tried)
    for step in report.steps:
        click.echo(f"{'ok  ' if step.is_good else 'FAIL'} {step.said}")
    if not report.is_good:
        raise SystemExit(FAILED)


@accounting.command("sync")
@click.option("--connection", "code", default=None, help="Only this connection; without it all that are in use.")
def sync_(code: str | None) -> None:
    """Send what waits and take in what happened there, now, in this process."""

    async def synced() -> list[str]:
        async with db.unit_of_work(_OPERATOR):
            for connection in [await connections.called(code)] if code else await connections.active():
                await connections.look_soon(connection)
        await outbox.drain()
        return await _listed()

    for line in _run(synced):
        click.echo(line)


@accounting.command("catch-up")
@_CONNECTION
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first day of issue of what is sent.")
def catch_up(code: str, since: datetime) -> None:
    """Send documents from before the connection, too, from this day on; the worker does it, a few hundred at a time."""
    if since.date() > clock.today():
        raise click.UsageError(f"{since.date()} is still to come: give a day from which documents were issued.")

    async def wanted() -> Connection:
        async with db.unit_of_work(_OPERATOR):
            return await connections.catch_up(SYSTEM, (await connections.called(code)).id, since.date())

    connection = _run(wanted)
    when = "" if connection.state is ConnectionState.ACTIVE else " when the connection is resumed"
    click.echo(f"Documents from {connection.starts_on} on will be sent{when}.")


def _run(work: Callable[[], Awaitable[T]]) -> T:
    async def within() -> T:
        async with wiring.running(chosen):
            return await work()

    with surroundings() as chosen, _told():
        return asyncio.run(within())


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except NotFound as problem:
        raise click.UsageError(f"there is no connection {problem.facts.get('id', '')}; see `portal accounting list`.") from problem
    except Problem as problem:
        words.explain()
        said = problems.words(type(problem))
        told = ". ".join(catalogue.text(part, "en", **problem.facts) for part in (said.title, said.detail) if part)
        detail = str(problem.facts.get("detail") or "")
        raise click.ClickException(f"{told} ({detail})" if detail and detail not in told else told) from problem


async def _called(code: str) -> Connection:
    async with db.unit_of_work(_OPERATOR):
        return await connections.called(code)


async def _listed() -> list[str]:
    async with db.unit_of_work(_OPERATOR):
        rows, differ = await seen.all_of_them(), await differences.open_ones()
    lines = [
        f"{row['code']}: {row['issuer_name']} at {row['package']}, {row['state']}; there {row['there']}, waiting {row['waiting']},"
        f" differing {row['conflicts']}; last looked {row['synced_at'] or 'never'}{' · ' + row['last_error'] if row['last_error'] else ''}"
        for row in rows
    ]
    lines += [f"  {row['code']} · {row['about']} · {row['why']}{' · ' + row['detail'] if row['detail'] else ''}" for row in differ]
    return lines or ["There is no connection."]
