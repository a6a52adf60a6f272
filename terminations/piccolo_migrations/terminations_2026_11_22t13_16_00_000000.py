"""The wall around quotes, cases and all that hangs on them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T13:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall"

HISTORY = ("termination_quote", "termination_step", "termination_buyout_decision")

STATEMENTS = [
    *wall.around("termination_quote", app="SELECT, INSERT", staff="SELECT, INSERT", references={"customer": "customer"}),
    *wall.around("termination", staff="SELECT, INSERT, UPDATE", references={"customer": "customer", "quote": "termination_quote"}),
    *wall.around(
        "termination_line", staff="SELECT, INSERT, UPDATE", references={"termination": "termination", "service": "billing_service"}
    ),
    *wall.around("termination_step", app="SELECT, INSERT", staff="SELECT, INSERT", references={"termination": "termination"}),
    *wall.around("termination_buyout_decision", app="SELECT, INSERT", staff="SELECT, INSERT", references={"termination": "termination"}),
    *wall.around("termination_decision_link", staff="SELECT, INSERT, UPDATE", references={"termination": "termination"}),
    *(statement for table in HISTORY for statement in wall.append_only(table)),
    *wall.audited("termination"),
    "ALTER TABLE termination ADD CONSTRAINT termination_document_same_tenant FOREIGN KEY (tenant, document) REFERENCES infra_document (tenant, id)",
    # A service is held by one open case at most: the database decides between two people who press at once.
    "CREATE UNIQUE INDEX termination_line_service_once ON termination_line (tenant, service) WHERE is_open",
    "CREATE UNIQUE INDEX termination_quote_used_once ON termination (tenant, quote)",
    "CREATE INDEX termination_newest ON termination (tenant, filed_at DESC, id DESC)",
    "CREATE INDEX termination_waiting ON termination (waits_until) WHERE waits_until IS NOT NULL",
    "CREATE INDEX termination_to_remind ON termination (remind_at) WHERE remind_at IS NOT NULL",
    "CREATE INDEX termination_line_due ON termination_line (ends_on) WHERE is_open",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
