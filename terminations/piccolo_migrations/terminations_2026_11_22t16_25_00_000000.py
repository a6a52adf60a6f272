"""The wall around drafts, and in which order their owner finds them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:25:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around drafts"

STATEMENTS = [
    *wall.around(
        "termination_draft",
        app="SELECT, INSERT, UPDATE, DELETE",
        staff="SELECT, DELETE",
        references={"customer": "customer", "termination": "termination"},
    ),
    "CREATE INDEX termination_draft_newest ON termination_draft (tenant, begun_by, changed_at DESC)",
    "CREATE INDEX termination_draft_old ON termination_draft (changed_at)",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
