"""The wall around paying and direct debit; statements are the provider's own; payments are found by what they reverse and settle."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:56:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around paying"

_OF_LINK = (
    "EXISTS (SELECT 1 FROM billing_pay_link l WHERE l.tenant = billing_pay_link_invoice.tenant AND l.id = billing_pay_link_invoice.link AND l.customer = "
    + wall.CUSTOMER
    + ")"
)
_OWN = f"customer = {wall.CUSTOMER}"

STATEMENTS = [
    *wall.around("billing_pay_link", app="SELECT, INSERT", staff="SELECT, INSERT", references={"customer": "customer"}),
    *wall.around(
        "billing_pay_link_invoice",
        app="SELECT, INSERT",
        staff="SELECT, INSERT",
        references={"link": "billing_pay_link", "invoice": "billing_invoice"},
    ),
    *wall.around(
        "billing_intent",
        app="SELECT, INSERT",
        staff="SELECT, INSERT, UPDATE",
        references={"link": "billing_pay_link", "payment": "billing_payment"},
    ),
    "CREATE UNIQUE INDEX billing_intent_at_gateway ON billing_intent (gateway, gateway_id) WHERE gateway_id IS NOT NULL",
    "CREATE UNIQUE INDEX billing_intent_open_once ON billing_intent (link) WHERE state IN ('new', 'open')",
    "CREATE INDEX billing_intent_unsettled ON billing_intent (checked_at) WHERE state IN ('new', 'open')",
    *wall.for_contacts("billing_pay_link", "SELECT, INSERT", rows=_OWN),
    *wall.for_contacts("billing_pay_link_invoice", "SELECT, INSERT", rows=_OF_LINK),
    *wall.grants("billing_sandbox_payment", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.grants("billing_statement", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.grants("billing_statement_entry", app="", staff="SELECT, INSERT, UPDATE"),
    "CREATE INDEX billing_statement_entry_of ON billing_statement_entry (statement, position)",
    "CREATE INDEX billing_statement_entry_to_do ON billing_statement_entry (state, id) WHERE state IN ('new', 'matched', 'waiting')",
    "CREATE INDEX billing_statement_entry_iban ON billing_statement_entry (iban) WHERE payment IS NOT NULL",
    "CREATE INDEX billing_statement_entry_payment ON billing_statement_entry (payment) WHERE payment IS NOT NULL",
    *wall.grants("billing_payout", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.around("billing_mandate", app="SELECT, INSERT, UPDATE", staff="SELECT, INSERT, UPDATE", references={"customer": "customer"}),
    *wall.audited("billing_mandate"),
    "CREATE UNIQUE INDEX billing_mandate_in_force_once ON billing_mandate (tenant, customer, issuer) NULLS NOT DISTINCT WHERE ended_on IS NULL",
    "CREATE INDEX billing_mandate_iban ON billing_mandate (iban)",
    *wall.for_contacts("billing_mandate", "SELECT", rows=_OWN),
    *wall.grants("billing_bank_batch", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.around(
        "billing_debit",
        app="SELECT",
        staff="SELECT, INSERT, UPDATE",
        references={"mandate": "billing_mandate", "invoice": "billing_invoice", "payment": "billing_payment"},
    ),
    "CREATE UNIQUE INDEX billing_debit_on_its_way_once ON billing_debit (invoice) WHERE state = 'sent'",
    "CREATE INDEX billing_debit_batch ON billing_debit (batch)",
    *wall.around("billing_refund", app="SELECT", staff="SELECT, INSERT, UPDATE", references={"payment": "billing_payment"}),
    "CREATE INDEX billing_refund_waits ON billing_refund (id) WHERE batch IS NULL",
    "CREATE INDEX billing_payment_reverses ON billing_payment (reverses) WHERE reverses IS NOT NULL",
    "CREATE INDEX billing_payment_of_debtor ON billing_payment (tenant, customer, issuer, received_on)",
    "CREATE INDEX billing_allocation_payment ON billing_allocation (payment) WHERE payment IS NOT NULL",
    "CREATE INDEX billing_invoice_reference ON billing_invoice (reference)",
    "CREATE INDEX billing_invoice_debtor ON billing_invoice (tenant, customer, issuer)",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
