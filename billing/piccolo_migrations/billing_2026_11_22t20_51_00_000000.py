"""The wall around reminders; what was sent, what was agreed to pay and what stopped is append-only."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:51:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around reminders"

_OF_INVOICE = (
    "EXISTS (SELECT 1 FROM billing_invoice i WHERE i.tenant = billing_reminder.tenant AND i.id = billing_reminder.invoice"
    f" AND i.customer = {wall.CUSTOMER})"
)
_OF_SERVICE = (
    "EXISTS (SELECT 1 FROM billing_service s WHERE s.tenant = billing_suspension.tenant AND s.id = billing_suspension.service"
    f" AND s.customer = {wall.CUSTOMER})"
)

STATEMENTS = [
    *wall.around("billing_reminder_policy", app="SELECT", staff="SELECT, INSERT, UPDATE"),
    *wall.audited("billing_reminder_policy"),
    *wall.around("billing_reminder", app="SELECT", staff="SELECT, INSERT", references={"invoice": "billing_invoice"}),
    *wall.append_only("billing_reminder"),
    "CREATE INDEX billing_reminder_letter ON billing_reminder (tenant, letter)",
    *wall.around("billing_payment_plan", app="SELECT", staff="SELECT, INSERT, UPDATE", references={"customer": "customer"}),
    "CREATE INDEX billing_payment_plan_runs ON billing_payment_plan (tenant, id) WHERE ended_on IS NULL",
    *wall.around("billing_instalment", app="SELECT", staff="SELECT, INSERT", references={"plan": "billing_payment_plan"}),
    *wall.append_only("billing_instalment"),
    *wall.around(
        "billing_hold",
        app="SELECT",
        staff="SELECT, INSERT, UPDATE",
        references={"customer": "customer", "invoice": "billing_invoice", "plan": "billing_payment_plan"},
    ),
    *wall.audited("billing_hold"),
    "CREATE INDEX billing_hold_stands ON billing_hold (tenant, id) WHERE lifted_at IS NULL",
    *wall.around(
        "billing_suspension", app="SELECT", staff="SELECT, INSERT", references={"service": "billing_service", "invoice": "billing_invoice"}
    ),
    *wall.append_only("billing_suspension"),
    *wall.for_contacts("billing_reminder", "SELECT", rows=_OF_INVOICE),
    *wall.for_contacts("billing_suspension", "SELECT", rows=_OF_SERVICE),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
