"""The wall around services; products and buyout rules are the provider's, read by all."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T13:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall"

STATEMENTS = [
    *wall.around("billing_service", staff="SELECT, INSERT, UPDATE", references={"customer": "customer", "location": "location"}),
    *wall.around("billing_terms_change", app="SELECT", staff="SELECT, INSERT", references={"service": "billing_service"}),
    *wall.append_only("billing_terms_change"),
    *wall.grants("billing_product", app="SELECT", staff="SELECT, INSERT, UPDATE"),
    *wall.grants("billing_buyout_rule", app="SELECT", staff="SELECT, INSERT"),
    *wall.append_only("billing_buyout_rule"),
    *wall.audited("billing_service"),
    *wall.audited("billing_product"),
    "CREATE INDEX billing_service_running ON billing_service (tenant, customer, number) WHERE ended_at IS NULL",
    "CREATE INDEX billing_service_bundle ON billing_service (tenant, bundle) WHERE bundle IS NOT NULL",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
