"""What waits for its turn is found without walking over all that waits."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:48:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "turns of the outbox"

STATEMENTS = [
    "CREATE INDEX infra_outbox_plain ON infra_outbox (id) WHERE turn IS NULL AND done_at IS NULL AND dead_at IS NULL",
    "CREATE INDEX infra_outbox_turns ON infra_outbox (available_at, id) WHERE turn IS NOT NULL AND done_at IS NULL AND dead_at IS NULL",
    "CREATE INDEX infra_outbox_turn ON infra_outbox (turn, available_at, id) WHERE turn IS NOT NULL AND done_at IS NULL AND dead_at IS NULL",
    "DROP INDEX infra_outbox_due",
]


async def forwards() -> MigrationManager:
    """The indexes are there."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
