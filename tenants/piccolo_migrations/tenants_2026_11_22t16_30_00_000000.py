"""A contact sees its own organisation: the customer, its contacts and addresses, and the name of the partner."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what contacts see"

STATEMENTS = [
    *wall.for_contacts("tenant", "SELECT", column="id"),
    *wall.for_contacts("customer", "SELECT", rows=f"id = {wall.CUSTOMER}"),
    *wall.for_contacts("contact", "SELECT, INSERT, UPDATE", rows=f"customer = {wall.CUSTOMER}"),
    *wall.for_contacts("location", "SELECT", rows=f"customer = {wall.CUSTOMER}"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="tenants", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
