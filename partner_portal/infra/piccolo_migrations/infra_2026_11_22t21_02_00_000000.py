"""What was removed is found in the trail: few rows of it tell of a removal."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T21:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "removals in the audit trail"

STATEMENTS = ["CREATE INDEX infra_audit_removed ON infra_audit (tenant, relation, at) WHERE action = 'delete'"]


async def forwards() -> MigrationManager:
    """The index is there."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
