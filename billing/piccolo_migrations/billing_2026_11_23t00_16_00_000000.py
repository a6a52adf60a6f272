"""What is open is read along one index, with its due date and debtor, however many documents are paid."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T00:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "index of what is open"

# As before, but that due date and debtor stand beside what is open.
_ISSUED = """
CREATE OR REPLACE FUNCTION billing_issued() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE too_much text;
BEGIN
    INSERT INTO billing_standing (id, tenant, invoice, open_cents, due_on, owed_by)
    SELECT gen_random_uuid(), tenant, id, gross_cents, CASE WHEN kind <> 'credit note' THEN due_on END, customer FROM made;
    UPDATE billing_standing s SET credited_cents = s.credited_cents + c.cents
      FROM (SELECT refers_to, sum(gross_cents) AS cents FROM made WHERE refers_to IS NOT NULL GROUP BY refers_to) c WHERE s.invoice = c.refers_to;
    SELECT o.number INTO too_much FROM billing_invoice o JOIN billing_standing s ON s.invoice = o.id
     WHERE o.id IN (SELECT refers_to FROM made WHERE refers_to IS NOT NULL) AND s.credited_cents > greatest(o.gross_cents, 0) LIMIT 1;
    IF too_much IS NOT NULL THEN
        RAISE EXCEPTION 'more would be credited of % than was billed', too_much USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_credited_at_most_billed';
    END IF;
    RETURN NULL;
END $$
"""
STATEMENTS = [
    _ISSUED,
    """
UPDATE billing_standing s SET due_on = CASE WHEN i.kind <> 'credit note' THEN i.due_on END, owed_by = i.customer
  FROM billing_invoice i WHERE i.tenant = s.tenant AND i.id = s.invoice""",
    "CREATE INDEX billing_standing_owed ON billing_standing (tenant, due_on, invoice) INCLUDE (open_cents, owed_by)"
    " WHERE open_cents > 0 AND due_on IS NOT NULL",
    "CREATE INDEX billing_payment_sums ON billing_payment (tenant, customer) INCLUDE (id, amount_cents)",
    "CREATE INDEX billing_allocation_sums ON billing_allocation (tenant, payment) INCLUDE (amount_cents) WHERE payment IS NOT NULL",
    "DROP INDEX billing_standing_to_be_overdue",
    "CREATE INDEX billing_standing_to_be_overdue ON billing_standing (due_on) WHERE open_cents > 0 AND due_on IS NOT NULL AND overdue_told_on IS NULL",
]


async def forwards() -> MigrationManager:
    """The index is there, and holds what is open."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
