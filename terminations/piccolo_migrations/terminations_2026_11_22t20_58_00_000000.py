"""A service that was billed up to another day keeps its deadline: only what the deadline is computed from marks it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "deadlines stand while services are billed"

_ASKED = (
    "customer, location, product, number, label, quantity, fee_cents, wholesale_cents, starts_on, signed_on, channel, minimum_months, explicit_end,"
    " renewal, renewal_months, notice_n, notice_unit, notice_from, align, billing_months, credit_mode, buyout_rule, discount_cents, discount_months,"
    " discount_full, equipment_cents, equipment_months, equipment_by_day, bundle, waiver_document, long_notice_document, provider_notice_months,"
    " is_m2m, ends_on, billing_ends_on, ended_at, version"
)

STATEMENTS = [
    "DROP TRIGGER billing_service_deadline ON billing_service",
    f"CREATE TRIGGER billing_service_deadline AFTER UPDATE OF {_ASKED} ON billing_service FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)"
    " EXECUTE FUNCTION termination_deadline_due()",
]


async def forwards() -> MigrationManager:
    """The trigger looks at what is asked."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
