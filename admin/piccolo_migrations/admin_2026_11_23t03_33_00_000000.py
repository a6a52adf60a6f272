"""What the doors may do with the mails that staff gets by itself, and the trail of changes to them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:33:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rights to what staff is told by itself"

STATEMENTS = [
    *wall.grants("staff_digest", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.audited("staff_digest"),
]


async def forwards() -> MigrationManager:
    """Staff can say whether it wants the mail, and nobody else can see it."""
    manager = MigrationManager(migration_id=ID, app_name="admin", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
