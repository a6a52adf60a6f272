"""The wall around the accounting link; whose changes are kept, and along which indexes what waits and what differs is found."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T23:44:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around the accounting link"

_STAFF = "SELECT, INSERT, UPDATE"

STATEMENTS = [
    *wall.around("billing_accounting_connection", app="SELECT", staff=_STAFF),
    # What a synchronisation notes every quarter of an hour is nobody's decision.
    "CREATE TRIGGER billing_accounting_connection_audited AFTER INSERT OR DELETE OR UPDATE OF package, url, administration, options, starts_on, ledgers,"
    " vat_codes, sends_payments, takes_payments, state, state_because ON billing_accounting_connection FOR EACH ROW EXECUTE FUNCTION portal_audit()",
    "CREATE UNIQUE INDEX billing_accounting_connection_in_use_once ON billing_accounting_connection (tenant) WHERE state <> 'ended'",
    *wall.around("billing_accounting_link", app="SELECT", staff=_STAFF, references={"connection": "billing_accounting_connection"}),
    "CREATE UNIQUE INDEX billing_accounting_link_there_once ON billing_accounting_link (connection, what, remote_id) WHERE remote_id IS NOT NULL",
    "CREATE INDEX billing_accounting_link_waits ON billing_accounting_link (connection, due_at) WHERE state = 'waiting'",
    "CREATE INDEX billing_accounting_link_seen ON billing_accounting_link (connection, what, seen_at) WHERE state = 'sent'",
    *wall.around(
        "billing_accounting_conflict",
        app="SELECT",
        staff=_STAFF,
        references={"connection": "billing_accounting_connection", "link": "billing_accounting_link"},
    ),
    *wall.audited("billing_accounting_conflict"),
    "CREATE UNIQUE INDEX billing_accounting_conflict_open_once ON billing_accounting_conflict (connection, key) WHERE solved_at IS NULL",
    "CREATE INDEX billing_invoice_issuer_issued ON billing_invoice (issuer, issued_on, id)",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
