"""The deadlines of one product are read along an index of their own, and so are the withdrawals that finance is asked for."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "deadlines by product"

STATEMENTS = [
    "CREATE INDEX termination_deadline_product ON termination_deadline (tenant, product, is_held, last_notice_on, id) WHERE last_notice_on IS NOT NULL",
    "CREATE INDEX termination_withdrawal_asked ON termination (tenant, withdrawal_asked_at) WHERE withdrawal_asked_at IS NOT NULL",
]


async def forwards() -> MigrationManager:
    """The indexes are there."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
