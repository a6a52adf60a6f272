"""What was made of a document is on file with its own partner; documents are listed by customer and found by number."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T21:14:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "documents on file"

STATEMENTS = [
    *(
        f"ALTER TABLE billing_standing ADD CONSTRAINT billing_standing_{column}_same_tenant FOREIGN KEY (tenant, {column}) REFERENCES infra_document (tenant, id)"
        for column in ("document", "einvoice", "paid_document")
    ),
    "CREATE INDEX billing_invoice_of_customer ON billing_invoice (tenant, customer, issued_on, id)",
    "CREATE INDEX billing_invoice_numbered ON billing_invoice (tenant, number)",
    "CREATE INDEX billing_invoice_sequenced ON billing_invoice (tenant, sequence)",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
