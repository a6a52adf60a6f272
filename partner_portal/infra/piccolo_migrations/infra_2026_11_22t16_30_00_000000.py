"""What a customer's contact needs of the portal's own rows: to publish, to number, to repeat a request."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what contacts write"

STATEMENTS = [
    *wall.for_contacts("infra_outbox", "INSERT"),
    *wall.for_contacts("infra_counter", "SELECT, INSERT, UPDATE"),
    *wall.for_contacts("infra_idempotency", "SELECT, INSERT, UPDATE", rows=f"actor = {wall.ACTOR}"),
]


async def forwards() -> MigrationManager:
    """Contacts can write what each request writes."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
