"""To whom a partner's debtors were written on a day is found without reading all that was ever sent."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "reminders by day"

STATEMENTS = ["CREATE INDEX billing_reminder_day ON billing_reminder (tenant, sent_on)"]


async def forwards() -> MigrationManager:
    """The index stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
