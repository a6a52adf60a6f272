"""What each document and payment does to the books, as a view: debtors, revenue, VAT and bank, debit beside credit."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T21:35:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "postings of documents and payments"

# Below zero on one side is above zero on the other. The view sees what its reader may see.
STATEMENTS = [
    """
CREATE VIEW billing_posting WITH (security_invoker = true) AS
SELECT tenant, issuer, source, id, day, account, greatest(cents, 0) AS debit_cents, greatest(-cents, 0) AS credit_cents FROM (
    SELECT i.tenant, i.issuer, 'document' AS source, i.id, i.issued_on AS day, 'debtors' AS account,
           CASE WHEN i.kind = 'credit note' THEN -i.gross_cents ELSE i.gross_cents END AS cents FROM billing_invoice i
     UNION ALL
    SELECT i.tenant, i.issuer, 'document', i.id, i.issued_on, 'revenue', CASE WHEN i.kind = 'credit note' THEN l.net_cents ELSE -l.net_cents END
      FROM billing_invoice i JOIN billing_line l ON l.tenant = i.tenant AND l.invoice = i.id
     UNION ALL
    SELECT i.tenant, i.issuer, 'document', i.id, i.issued_on, 'vat', CASE WHEN i.kind = 'credit note' THEN v.vat_cents ELSE -v.vat_cents END
      FROM billing_invoice i JOIN billing_vat v ON v.tenant = i.tenant AND v.invoice = i.id
     UNION ALL
    SELECT p.tenant, p.issuer, 'payment', p.id, p.received_on, 'bank', p.amount_cents FROM billing_payment p
     UNION ALL
    SELECT p.tenant, p.issuer, 'payment', p.id, p.received_on, 'debtors', -p.amount_cents FROM billing_payment p) AS posted
""",
    *wall.grants("billing_posting", app="", staff="SELECT"),
]


async def forwards() -> MigrationManager:
    """The view is there."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
