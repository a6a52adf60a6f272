"""A refund may give back what a document below zero owes its debtor: such a payment reverses none."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T07:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "refunds of documents below zero"

STATEMENTS = [
    "ALTER TABLE billing_payment DROP CONSTRAINT billing_payment_amount",
    "ALTER TABLE billing_payment ADD CONSTRAINT billing_payment_amount"
    " CHECK (amount_cents <> 0 AND (amount_cents > 0 OR reverses IS NOT NULL OR method = 'refund'))",
]


async def forwards() -> MigrationManager:
    """The database takes it."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
