"""The wall around announcements and invitations to sign; payouts are the provider's own; a debtor's contacts read what concerns them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T23:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around announcements, invitations and payouts"

_OF_OWN_INVOICE = (
    "EXISTS (SELECT 1 FROM billing_invoice i WHERE i.tenant = billing_announcement.tenant AND i.id = billing_announcement.invoice"
    f" AND i.layer = 'customer' AND i.customer = {wall.CUSTOMER})"
)
_OF_OWN_PAYMENT = f"EXISTS (SELECT 1 FROM billing_payment p WHERE p.tenant = billing_refund.tenant AND p.id = billing_refund.payment AND p.customer = {wall.CUSTOMER})"

STATEMENTS = [
    *wall.around(
        "billing_announcement",
        app="SELECT",
        staff="SELECT, INSERT",
        references={"invoice": "billing_invoice", "mandate": "billing_mandate"},
    ),
    *wall.append_only("billing_announcement"),
    *wall.for_contacts("billing_announcement", "SELECT", rows=_OF_OWN_INVOICE),
    *wall.around(
        "billing_mandate_invitation",
        app="SELECT, INSERT, UPDATE",
        staff="SELECT, INSERT, UPDATE",
        references={"customer": "customer", "mandate": "billing_mandate"},
    ),
    "ALTER TABLE billing_refund ADD CONSTRAINT billing_refund_undone_same_tenant FOREIGN KEY (tenant, undone)"
    " REFERENCES billing_payment (tenant, id) ON DELETE RESTRICT",
    "CREATE INDEX billing_refund_undone_of_tenant ON billing_refund (tenant, undone)",
    "CREATE INDEX billing_refund_under_way ON billing_refund (state, changed_at) WHERE state NOT IN ('done', 'refused')",
    *wall.for_contacts("billing_refund", "SELECT", rows=_OF_OWN_PAYMENT),
    *wall.grants("billing_payout_part", app="", staff="SELECT, INSERT"),
    "CREATE INDEX billing_payout_part_of ON billing_payout_part (payout)",
    *wall.grants("billing_sandbox_payout", app="", staff="SELECT, INSERT"),
    "CREATE UNIQUE INDEX billing_payout_at_gateway ON billing_payout (gateway, gateway_id) WHERE gateway_id IS NOT NULL",
    "CREATE INDEX billing_sandbox_payment_to_pay_out ON billing_sandbox_payment (paid_at) WHERE payout IS NULL AND state = 'paid'",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
