"""Like every table of a tenant, credit notes that wait are read behind its wall; only staff write them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T00:48:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "credit requests are read behind the wall"

STATEMENTS = wall.grants("billing_credit_request", app="SELECT", staff="")


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
