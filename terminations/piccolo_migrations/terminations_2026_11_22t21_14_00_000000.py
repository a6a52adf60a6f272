"""A contact sees what was made of its own cases and of its own invoices, nothing else on file."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T21:14:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "documents that contacts see"

_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid)"
_OF_CASES = f"SELECT document FROM termination WHERE customer = {wall.CUSTOMER}"
_OF_INVOICES = (
    "SELECT unnest(ARRAY[s.document, s.einvoice, s.paid_document]) FROM billing_standing s"
    f" JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice WHERE i.customer = {wall.CUSTOMER}"
)
_OWN = f"{_TENANT} AND (id IN ({_OF_CASES}) OR id IN ({_OF_INVOICES}))"

STATEMENTS = [f"ALTER POLICY infra_document_contact ON infra_document USING ({_OWN}) WITH CHECK ({_OWN})"]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
