"""What a debtor owes and has coming is found by the debtor, whether it is a customer or the partner itself."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T00:26:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what is owed by debtor"

STATEMENTS = [
    "CREATE INDEX billing_standing_debtor ON billing_standing (tenant, (coalesce(owed_by, tenant))) WHERE open_cents > 0 AND due_on IS NOT NULL",
    "CREATE INDEX billing_standing_in_favour ON billing_standing (tenant, owed_by) INCLUDE (open_cents)"
    " WHERE open_cents <> 0 AND (open_cents < 0 OR due_on IS NULL)",
    "DROP INDEX billing_payment_sums",
    "CREATE INDEX billing_payment_sums ON billing_payment (tenant, (coalesce(customer, tenant))) INCLUDE (id, customer, issuer, amount_cents)",
]


async def forwards() -> MigrationManager:
    """The indexes are there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
