"""The wall around what is owed; documents and money are append-only, and triggers keep where each invoice stands."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:25:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around what is owed"

_OF_INVOICE = (
    "EXISTS (SELECT 1 FROM billing_invoice i WHERE i.tenant = {table}.tenant AND i.id = {table}.invoice AND i.customer = " + wall.CUSTOMER + ")"
)


def _through_invoice(table: str) -> str:
    return _OF_INVOICE.format(table=table)


_STANDING = """
CREATE FUNCTION billing_issued() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE too_much text;
BEGIN
    INSERT INTO billing_standing (id, tenant, invoice, open_cents) SELECT gen_random_uuid(), tenant, id, gross_cents FROM made;
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
_ALLOCATED = """
CREATE FUNCTION billing_allocated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE too_much text;
BEGIN
    UPDATE billing_standing s SET open_cents = s.open_cents - a.cents,
           paid_on = CASE WHEN s.open_cents - a.cents = 0 THEN greatest(s.paid_on, a.day) WHEN s.open_cents - a.cents > 0 THEN NULL ELSE s.paid_on END
      FROM (SELECT m.invoice, sum(m.amount_cents) AS cents, max(coalesce(p.received_on, c.issued_on)) AS day
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
    RETURN NULL;
END $$
"""

STATEMENTS = [
    *wall.around("billing_price_change", app="SELECT, INSERT", staff="SELECT, INSERT", references={"service": "billing_service"}),
    *wall.append_only("billing_price_change"),
    *wall.around("billing_issuer", app="SELECT, INSERT, UPDATE", staff="SELECT, INSERT, UPDATE"),
    *wall.audited("billing_issuer"),
    *wall.around("billing_series", app="SELECT", staff="SELECT, INSERT, UPDATE"),
    *wall.around("billing_account", staff="SELECT, INSERT, UPDATE", references={"customer": "customer"}),
    *wall.audited("billing_account"),
    "CREATE UNIQUE INDEX billing_account_once ON billing_account (tenant, customer) NULLS NOT DISTINCT",
    *wall.grants("billing_run", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.around(
        "billing_invoice", app="SELECT", staff="SELECT, INSERT", references={"customer": "customer", "refers_to": "billing_invoice"}
    ),
    *wall.append_only("billing_invoice"),
    "CREATE INDEX billing_invoice_newest ON billing_invoice (tenant, issued_on, id)",
    *wall.around(
        "billing_line",
        app="SELECT",
        staff="SELECT, INSERT",
        references={"invoice": "billing_invoice", "service": "billing_service", "credits": "billing_line"},
    ),
    *wall.append_only("billing_line"),
    "CREATE UNIQUE INDEX billing_line_period_once ON billing_line (service, layer, period_from, turn) WHERE kind = 'recurring'",
    *wall.around("billing_vat", app="SELECT", staff="SELECT, INSERT", references={"invoice": "billing_invoice"}),
    *wall.append_only("billing_vat"),
    *wall.around(
        "billing_charge",
        app="SELECT, INSERT",
        staff="SELECT, INSERT, UPDATE",
        references={"customer": "customer", "service": "billing_service", "line": "billing_line"},
    ),
    "CREATE INDEX billing_charge_waits ON billing_charge (bill_from) WHERE line IS NULL AND dropped_at IS NULL",
    *wall.around("billing_parked", app="SELECT", staff="SELECT, INSERT, UPDATE", references={"customer": "customer", "service": "billing_service"}),
    *wall.around("billing_standing", app="SELECT", staff="SELECT, INSERT, UPDATE", references={"invoice": "billing_invoice"}),
    "CREATE INDEX billing_standing_open ON billing_standing (tenant, invoice) WHERE open_cents <> 0",
    *wall.around(
        "billing_payment", app="SELECT", staff="SELECT, INSERT", references={"customer": "customer", "reverses": "billing_payment"}
    ),
    *wall.append_only("billing_payment"),
    *wall.around(
        "billing_allocation",
        app="SELECT",
        staff="SELECT, INSERT",
        references={"invoice": "billing_invoice", "payment": "billing_payment", "credit": "billing_invoice"},
    ),
    *wall.append_only("billing_allocation"),
    _STANDING,
    _ALLOCATED,
    "CREATE TRIGGER billing_invoice_issued AFTER INSERT ON billing_invoice REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing_issued()",
    "CREATE TRIGGER billing_allocation_made AFTER INSERT ON billing_allocation REFERENCING NEW TABLE AS made"
    " FOR EACH STATEMENT EXECUTE FUNCTION billing_allocated()",
    "CREATE INDEX billing_service_due ON billing_service (paid_until) WHERE ended_at IS NULL",
    *wall.for_contacts("billing_invoice", "SELECT", rows=f"customer = {wall.CUSTOMER} AND layer = 'customer'"),
    *wall.for_contacts("billing_line", "SELECT", rows=_through_invoice("billing_line")),
    *wall.for_contacts("billing_vat", "SELECT", rows=_through_invoice("billing_vat")),
    *wall.for_contacts("billing_standing", "SELECT", rows=_through_invoice("billing_standing")),
    *wall.for_contacts("billing_allocation", "SELECT", rows=_through_invoice("billing_allocation")),
    *wall.for_contacts("billing_payment", "SELECT", rows=f"customer = {wall.CUSTOMER}"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
