"""What is open for exactly a sum is found along an index, for suggestions beside entries of bank statements."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T21:34:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what is open by its sum"

STATEMENTS = ["CREATE INDEX billing_standing_open_sum ON billing_standing (open_cents) WHERE open_cents > 0"]


async def forwards() -> MigrationManager:
    """The index is there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
