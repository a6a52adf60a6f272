"""`portal staff create`: an account for somebody of the provider's staff."""

from __future__ import annotations

import asyncio
import secrets
import sys

import click

from admin import access
from partner_portal import words
from partner_portal.infra import catalogue, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.settings import Settings
from partner_portal.kernel.actor import StaffRole
from partner_portal.kernel.errors import Invalid
from partner_portal.web import problems

from .surroundings import surroundings

_FAILED = 1


@click.group()
def staff() -> None:
    """The provider's own people, who use the staff admin."""


@staff.command()
@click.argument("username")
@click.option("--email", required=True, help="Where the person gets mail.")
@click.option("--name", required=True, help="First and last name, as it stands with what the person decides.")
@click.option("--role", "roles", multiple=True, type=click.Choice([role.value for role in StaffRole]), help="May be given several times.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it, once.")
def create(*, username: str, email: str, name: str, roles: tuple[str, ...], password_stdin: bool, generate: bool) -> None:
    """Let USERNAME into the staff admin; asks for the password unless told where it comes from."""
    if password_stdin and generate:
        raise click.UsageError("Choose one of --password-stdin and --generate.")
    password = _password(from_stdin=password_stdin, made=generate)
    given = frozenset(StaffRole(role) for role in roles)
    with surroundings() as settings:
        try:
            asyncio.run(_enter(settings, username, email, name, given, password))
        except Invalid as problem:
            words.explain()
            for fault in problem.fields:
                click.echo(
                    f"{fault.pointer.removeprefix('/')}: {catalogue.text(problems.FIELD_WORDS[fault.code], 'en', **fault.facts)}", err=True
                )
            sys.exit(_FAILED)
    click.echo(f"{username} can sign in at {settings.public_url}/admin/")
    if generate:
        click.echo(f"Password: {password}")


def _password(*, from_stdin: bool, made: bool) -> str:
    if made:
        return secrets.token_urlsafe(15)
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


async def _enter(settings: Settings, username: str, email: str, name: str, roles: frozenset[StaffRole], password: str) -> None:
    await db.open_pools(settings)
    try:
        async with db.unit_of_work(Principal(Door.STAFF, actor="system:console")):
            await access.enter(username=username, email=email, name=name, roles=roles, password=password)
    finally:
        await db.close_pools()
