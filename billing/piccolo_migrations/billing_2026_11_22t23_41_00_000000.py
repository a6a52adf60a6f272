"""What is overdue already was told by hand; what becomes so is found along an index."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T23:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what becomes overdue"

STATEMENTS = [
    """
UPDATE billing_standing s SET overdue_told_on = CURRENT_DATE FROM billing_invoice i
 WHERE i.tenant = s.tenant AND i.id = s.invoice AND s.open_cents > 0 AND i.kind <> 'credit note' AND i.due_on < CURRENT_DATE""",
    "CREATE INDEX billing_standing_to_be_overdue ON billing_standing (tenant, invoice) WHERE open_cents > 0 AND overdue_told_on IS NULL",
]


async def forwards() -> MigrationManager:
    """Only what becomes overdue from now on is told."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
