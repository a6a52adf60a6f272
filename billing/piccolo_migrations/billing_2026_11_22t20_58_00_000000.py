"""What the daily run reads along, and what a service that is only moved on no longer costs."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "indexes of the daily run"

_AGREED = (
    "tenant, customer, location, product, number, label, quantity, fee_cents, wholesale_cents, starts_on, signed_on, channel, minimum_months,"
    " explicit_end, renewal, renewal_months, notice_n, notice_unit, notice_from, align, billing_months, in_advance, cycle_day, proration, credit_mode,"
    " buyout_rule, discount_cents, discount_months, discount_full, equipment_cents, equipment_months, equipment_by_day, bundle, waiver_document,"
    " long_notice_document, provider_notice_months, is_m2m, ends_on, billing_ends_on, ended_at, version"
)

STATEMENTS = [
    # A run moves every service on: as long as no index holds the day it moves, and its page has room, no index has to be written for that.
    "DROP INDEX billing_service_due",
    "ALTER TABLE billing_service SET (fillfactor = 70)",
    # That it was billed stands on its invoices; the trail is for what people change.
    "DROP TRIGGER billing_service_audited ON billing_service",
    f"CREATE TRIGGER billing_service_audited AFTER INSERT OR DELETE OR UPDATE OF {_AGREED} ON billing_service FOR EACH ROW"
    " EXECUTE FUNCTION portal_audit()",
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
