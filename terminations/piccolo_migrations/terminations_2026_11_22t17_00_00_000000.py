"""Cases are found by their numbers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import search
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "found by number"

STATEMENTS = search.findable("termination", "case", "number")


async def forwards() -> MigrationManager:
    """They are found, those that are there as well."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
