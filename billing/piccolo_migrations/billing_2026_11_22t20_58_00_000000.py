"""What the daily run reads along: services with days to bill, charges that wait, and what is parked."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "indexes of the daily run"

STATEMENTS = [
    # Billing may go on after a service has ended, so its end does not say that nothing is to be billed.
    "DROP INDEX billing_service_due",
    "CREATE INDEX billing_service_to_bill ON billing_service (customer, paid_until) WHERE billing_ends_on IS NULL OR paid_until <= billing_ends_on",
    "CREATE INDEX billing_charge_open ON billing_charge (layer, (coalesce(customer, tenant))) WHERE line IS NULL AND dropped_at IS NULL",
    "CREATE INDEX billing_parked_open ON billing_parked (tenant, customer) WHERE settled_at IS NULL",
    "CREATE INDEX billing_run_of_day ON billing_run (day)",
]


async def forwards() -> MigrationManager:
    """The indexes are there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
