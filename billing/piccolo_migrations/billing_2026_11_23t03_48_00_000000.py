"""Payments are listed by the day they came in, page by page."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:48:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "payments by day"

STATEMENTS = ["CREATE INDEX billing_payment_received ON billing_payment (tenant, received_on, id)"]


async def forwards() -> MigrationManager:
    """The index is there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
