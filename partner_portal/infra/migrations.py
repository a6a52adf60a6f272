"""Brings a database up to date, once, whoever else tries at the same time."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import redirect_stdout

import asyncpg
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import Finder

from . import db
from .settings import Settings

_LOCK = 7_204_118  # any number, the same in every process that migrates


class MigrationFailed(RuntimeError):
    """A migration did not succeed; the database is as it was before that migration."""


async def run_sql(statements: Iterable[str]) -> None:
    """For raw migrations: each statement runs inside the migration's transaction."""
    for statement in statements:
        await db.DB.run_ddl(statement)


async def migrate(settings: Settings) -> list[str]:
    """The roles exist and the schema is up to date; returns the migrations that had to run. Safe to run from several processes."""
    guard = await asyncpg.connect(settings.database_url)
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _roles(guard, settings)
        return await _forwards(settings)
    finally:
        await guard.close()


async def _roles(connection: asyncpg.Connection, settings: Settings) -> None:
    own = {db.Door.TENANT: settings.database_app_url, db.Door.STAFF: settings.database_staff_url}
    for role, url in own.items():
        if not url:  # a role with a URL of its own is the operator's, password and all
            await _role(connection, role.value, settings.role_password(role.value))
        await connection.execute(f"GRANT USAGE ON SCHEMA public TO {role.value}")
    await _contact_role(connection)
    await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


async def _contact_role(connection: asyncpg.Connection) -> None:
    # Whoever made these by hand need not give the owner CREATEROLE: what is as it should be is left alone.
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", db.CONTACT):
        await connection.execute(f"CREATE ROLE {db.CONTACT} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS")
    app = db.Door.TENANT.value
    if not await connection.fetchval("SELECT pg_has_role($1, $2, 'SET') AND NOT pg_has_role($1, $2, 'USAGE')", app, db.CONTACT):
        # Not inherited: members keep their own policies, and a contact's never widen them.
        await connection.execute(f"GRANT {db.CONTACT} TO {app} WITH INHERIT FALSE, SET TRUE")
    await connection.execute(f"GRANT USAGE ON SCHEMA public TO {db.CONTACT}")


async def _role(connection: asyncpg.Connection, role: str, password: str) -> None:
    secret = await connection.fetchval("SELECT quote_literal($1::text)", password)
    if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"ALTER ROLE {role} PASSWORD {secret}")
    else:
        await connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {secret}")


async def _forwards(settings: Settings) -> list[str]:
    db.DB.config = {"dsn": settings.database_url}
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            await Migration.create_table(if_not_exists=True).run()
            before = await Migration.get_migrations_which_ran()
            for app in Finder().get_sorted_app_names():
                result = await ForwardsMigrationManager(app_name=app, migration_id="all").run()
                if not result.success:
                    raise MigrationFailed(app, said.getvalue())
            after = await Migration.get_migrations_which_ran()
        await db.DB.run_ddl(f"GRANT SELECT ON migration TO {db.Door.STAFF.value}")
    finally:
        db.DB.config = {}
    return [name for name in after if name not in before]


async def pending() -> list[str]:
    """The migrations that this version knows and the database lacks; runs in the current unit of work, through the staff door."""
    ran = {(row["app_name"], row["name"]) for row in await db.fetch("SELECT app_name, name FROM migration")}
    finder = Finder()
    missing = []
    for app in finder.get_sorted_app_names():
        folder = finder.get_app_config(app).resolved_migrations_folder_path
        known = ForwardsMigrationManager(app_name=app).get_migration_modules(folder)
        missing += [f"{app} {name}" for name in known if (app, name) not in ran]
    return missing
