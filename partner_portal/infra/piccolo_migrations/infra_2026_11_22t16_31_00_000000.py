"""The mails about one thing are found together."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "mails by what they are about"

STATEMENTS = ["CREATE INDEX infra_mail_about ON infra_mail (tenant, about, queued_at) WHERE about IS NOT NULL"]


async def forwards() -> MigrationManager:
    """The index is there."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
