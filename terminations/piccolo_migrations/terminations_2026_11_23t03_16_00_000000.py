"""A quote also holds what its end costs the partner, and who of finance decided is finance's own: neither exists for a customer's contact."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what contacts do not read"

STATEMENTS = [
    *wall.hidden_from_contacts("termination_quote", "facts", "preview", "sha256"),
    *wall.hidden_from_contacts("termination_buyout_decision", "decided_by", "decided_by_label"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
