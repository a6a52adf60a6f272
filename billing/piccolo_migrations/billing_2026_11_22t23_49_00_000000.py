"""The wall around what is charged for paying late and around write-offs, which settle without anybody having paid; partners agree on holds and plans."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T23:49:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around what was paid too late and what is written off"


def _through(table: str, column: str) -> str:
    return f"EXISTS (SELECT 1 FROM billing_invoice i WHERE i.tenant = {table}.tenant AND i.id = {table}.{column} AND i.customer = {wall.CUSTOMER})"


# What is written off is settled, but not paid.
_ALLOCATED = """
CREATE OR REPLACE FUNCTION billing_allocated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE too_much text;
BEGIN
    UPDATE billing_standing s SET open_cents = s.open_cents - a.cents, written_off_cents = s.written_off_cents + a.written_off,
           paid_on = CASE WHEN s.open_cents - a.cents > 0 OR s.written_off_cents + a.written_off > 0 THEN NULL
                          WHEN s.open_cents - a.cents = 0 THEN greatest(s.paid_on, a.day) ELSE s.paid_on END
      FROM (SELECT m.invoice, sum(m.amount_cents) AS cents, coalesce(sum(m.amount_cents) FILTER (WHERE m.write_off IS NOT NULL), 0) AS written_off,
                   max(coalesce(p.received_on, c.issued_on)) AS day
              FROM made m LEFT JOIN billing_payment p ON p.id = m.payment LEFT JOIN billing_invoice c ON c.id = m.credit GROUP BY m.invoice) a
     WHERE s.invoice = a.invoice;
    UPDATE billing_standing s SET open_cents = s.open_cents - a.cents
      FROM (SELECT m.credit, sum(CASE WHEN c.kind = 'credit note' THEN m.amount_cents ELSE -m.amount_cents END) AS cents
              FROM made m JOIN billing_invoice c ON c.id = m.credit GROUP BY m.credit) a
     WHERE s.invoice = a.credit;
    SELECT p.source_key INTO too_much FROM billing_payment p WHERE p.id IN (SELECT payment FROM made WHERE payment IS NOT NULL)
       AND (SELECT sum(x.amount_cents) FROM billing_allocation x WHERE x.payment = p.id) > greatest(p.amount_cents, 0) LIMIT 1;
    IF too_much IS NOT NULL THEN
        RAISE EXCEPTION 'more would be settled by % than was paid', too_much USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_settled_at_most_paid';
    END IF;
    SELECT i.number INTO too_much FROM made m JOIN billing_standing s ON s.invoice = m.invoice JOIN billing_invoice i ON i.id = m.invoice
     WHERE m.write_off IS NOT NULL AND (s.written_off_cents < 0 OR s.open_cents < 0) LIMIT 1;
    IF too_much IS NOT NULL THEN
        RAISE EXCEPTION 'more would be written off of % than was open', too_much USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_written_off_at_most_open';
    END IF;
    RETURN NULL;
END $$
"""
_POSTING = """
CREATE OR REPLACE VIEW billing_posting WITH (security_invoker = true) AS
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
    SELECT p.tenant, p.issuer, 'payment', p.id, p.received_on, 'debtors', -p.amount_cents FROM billing_payment p
     UNION ALL
    SELECT w.tenant, i.issuer, 'write-off', w.id, w.decided_on, 'bad debts', w.amount_cents
      FROM billing_write_off w JOIN billing_invoice i ON i.tenant = w.tenant AND i.id = w.invoice
     UNION ALL
    SELECT w.tenant, i.issuer, 'write-off', w.id, w.decided_on, 'debtors', -w.amount_cents
      FROM billing_write_off w JOIN billing_invoice i ON i.tenant = w.tenant AND i.id = w.invoice) AS posted
"""

STATEMENTS = [
    *wall.around("billing_late_note", app="SELECT", staff="SELECT, INSERT", references={"document": "billing_invoice"}),
    *wall.append_only("billing_late_note"),
    "CREATE INDEX billing_late_note_letter ON billing_late_note (tenant, letter)",
    *wall.around(
        "billing_late_claim", app="SELECT", staff="SELECT, INSERT", references={"invoice": "billing_invoice", "note": "billing_late_note"}
    ),
    *wall.append_only("billing_late_claim"),
    *wall.around("billing_late_waiver", app="SELECT", staff="SELECT, INSERT", references={"invoice": "billing_invoice"}),
    *wall.append_only("billing_late_waiver"),
    *wall.around("billing_write_off", app="SELECT", staff="SELECT, INSERT", references={"invoice": "billing_invoice"}),
    *wall.append_only("billing_write_off"),
    *wall.around("billing_write_off_proposal", app="SELECT", staff="SELECT, INSERT, UPDATE", references={"invoice": "billing_invoice"}),
    *wall.audited("billing_write_off_proposal"),
    "CREATE UNIQUE INDEX billing_write_off_proposal_waits_once ON billing_write_off_proposal (invoice) WHERE outcome IS NULL",
    *wall.around("billing_plan_step", app="SELECT, INSERT", staff="SELECT, INSERT", references={"plan": "billing_payment_plan"}),
    *wall.append_only("billing_plan_step"),
    *wall.for_contacts("billing_late_note", "SELECT", rows=_through("billing_late_note", "document")),
    *wall.for_contacts("billing_late_claim", "SELECT", rows=_through("billing_late_claim", "invoice")),
    "GRANT INSERT, UPDATE ON billing_hold, billing_payment_plan TO portal_app",
    "GRANT INSERT ON billing_instalment TO portal_app",
    "ALTER TABLE billing_allocation DROP CONSTRAINT billing_allocation_of_one",
    "ALTER TABLE billing_allocation ADD CONSTRAINT billing_allocation_of_one"
    " CHECK (num_nonnulls(payment, credit, write_off) = 1 AND amount_cents <> 0 AND credit IS DISTINCT FROM invoice)",
    "CREATE INDEX billing_allocation_write_off_of_tenant ON billing_allocation (tenant, write_off)",
    "ALTER TABLE billing_allocation ADD CONSTRAINT billing_allocation_write_off_same_tenant"
    " FOREIGN KEY (tenant, write_off) REFERENCES billing_write_off (tenant, id) ON DELETE RESTRICT",
    "CREATE UNIQUE INDEX billing_allocation_write_off_once ON billing_allocation (write_off) WHERE write_off IS NOT NULL",
    "ALTER TABLE billing_reminder_policy DROP CONSTRAINT billing_reminder_policy_order",
    "ALTER TABLE billing_reminder_policy ADD CONSTRAINT billing_reminder_policy_order CHECK (note_days BETWEEN 0 AND 30 AND first_days BETWEEN 1 AND 90"
    " AND second_days > first_days AND third_days > second_days AND third_days <= 180 AND suspend_days BETWEEN 1 AND 180"
    " AND consumer_suspend_days BETWEEN 1 AND 180 AND threshold_cents >= 0 AND (charge_days IS NULL OR charge_days BETWEEN 0 AND 90))",
    _ALLOCATED,
    _POSTING,
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
