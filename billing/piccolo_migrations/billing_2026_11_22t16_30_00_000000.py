"""A contact sees the services of its own organisation; of a service only its planned end can be written."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what contacts see"

STATEMENTS = [
    *wall.for_contacts(
        "billing_service", "SELECT, UPDATE (ends_on, billing_ends_on, ended_at, version)", rows=f"customer = {wall.CUSTOMER}"
    ),
    *wall.shared_with_contacts("billing_product"),
    *wall.shared_with_contacts("billing_buyout_rule"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
