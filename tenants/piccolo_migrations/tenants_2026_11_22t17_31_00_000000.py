"""A logo is found by its content, and deliveries that failed by their endpoint."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "brand"

STATEMENTS = [
    "CREATE INDEX infra_document_logo ON infra_document (tenant, sha256) WHERE kind = 'logo'",
    "CREATE INDEX webhook_delivery_failed ON webhook_delivery (tenant, endpoint, created_at, id) WHERE state = 'failed'",
]


async def forwards() -> MigrationManager:
    """The indexes are there."""
    manager = MigrationManager(migration_id=ID, app_name="tenants", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
