"""The list of terminations is walked by last day as it is by day of filing."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "terminations by last day"

STATEMENTS = ["CREATE INDEX termination_first_to_end ON termination (tenant, ends_on, id)"]


async def forwards() -> MigrationManager:
    """The index is there."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
