"""Services are found by their words; how many a customer has, at what fee and which of them end, is read from an index."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import search
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "found by words, counted by index"

STATEMENTS = [
    *search.findable("billing_service", "service", "number", "label"),
    "CREATE INDEX billing_service_fees ON billing_service (tenant, customer) INCLUDE (quantity, fee_cents, ends_on) WHERE ended_at IS NULL",
    "CREATE INDEX billing_service_ending ON billing_service (tenant, customer) WHERE ended_at IS NULL AND ends_on IS NOT NULL",
]


async def forwards() -> MigrationManager:
    """They are found, those that are there as well."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
