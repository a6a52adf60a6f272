"""Rounds that nobody confirmed can be forgotten, for they are no history; and what filters and sums look at stands in the index itself."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "unconfirmed rounds, wider indexes"

STATEMENTS = [
    *wall.grants("termination_bulk", app="DELETE", staff=""),
    *wall.grants("termination_bulk_item", app="DELETE", staff=""),
    "DROP INDEX termination_deadline_coming",
    "CREATE INDEX termination_deadline_coming ON termination_deadline (tenant, is_held, last_notice_on, id) INCLUDE (fee_cents, renewal_months)"
    " WHERE last_notice_on IS NOT NULL",
    "DROP INDEX termination_deadline_missed",
    "CREATE INDEX termination_deadline_missed ON termination_deadline (tenant, is_held, missed_on, id) INCLUDE (fee_cents, renewal_months)"
    " WHERE missed_on IS NOT NULL",
    "CREATE INDEX termination_bulk_unconfirmed ON termination_bulk (created_at) WHERE confirmed_at IS NULL",
]


async def forwards() -> MigrationManager:
    """They are there."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
