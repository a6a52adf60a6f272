"""Whether the bank told of a sum before, in another format, is found by its day and its amount."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:18:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "entries of statements are found by day and amount"

STATEMENTS = ["CREATE INDEX billing_statement_entry_sum ON billing_statement_entry (booked_on, amount_cents)"]


async def forwards() -> MigrationManager:
    """The index is there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
