"""A debtor's contacts see which of their invoices are being collected."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T00:03:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "contacts see collections of their invoices"

_OF_OWN_INVOICE = (
    "EXISTS (SELECT 1 FROM billing_invoice i WHERE i.tenant = billing_debit.tenant AND i.id = billing_debit.invoice"
    f" AND i.layer = 'customer' AND i.customer = {wall.CUSTOMER})"
)
STATEMENTS = wall.for_contacts("billing_debit", "SELECT", rows=_OF_OWN_INVOICE)


async def forwards() -> MigrationManager:
    """The policy is there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
