"""The wall around notices from the public: what was said can be changed by nobody, how it is dealt with by the partner and by staff."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:28:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around notices"

DEALT_WITH = "state, why, customer, termination, look_by, reminded_at, receipt, answer, answered_by, answered_by_label, answered_at"

STATEMENTS = [
    *wall.around(
        "received_notice",
        app=f"SELECT, INSERT, UPDATE ({DEALT_WITH})",
        staff=f"SELECT, INSERT, UPDATE ({DEALT_WITH})",
        references={"customer": "customer", "termination": "termination"},
    ),
    *wall.audited("received_notice"),
    "ALTER TABLE received_notice ADD CONSTRAINT received_notice_receipt_same_tenant"
    " FOREIGN KEY (tenant, receipt) REFERENCES infra_document (tenant, id)",
    "CREATE INDEX received_notice_newest ON received_notice (tenant, received_at DESC, id DESC)",
    "CREATE INDEX received_notice_open ON received_notice (tenant, look_by, received_at, id) WHERE state = 'open'",
    "CREATE INDEX received_notice_to_look_at ON received_notice (look_by) WHERE state = 'open'",
    "CREATE INDEX received_notice_unplaced ON received_notice (received_at) WHERE state = 'received'",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
