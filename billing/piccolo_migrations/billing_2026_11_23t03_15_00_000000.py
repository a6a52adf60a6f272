"""What a partner pays the provider, and what people note for themselves about money, do not exist for a customer's contact."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what contacts do not read"

STATEMENTS = [
    *wall.hidden_from_contacts("billing_service", "wholesale_cents"),
    *wall.hidden_from_contacts("billing_order_line", "wholesale_setup_cents"),
    *wall.hidden_from_contacts("billing_payment", "note", "booked_by"),
    *wall.hidden_from_contacts(
        "billing_refund", "reason", "failed_because", "gateway_id", "made_by", "decided_by", "decided_at", "seen_by", "seen_at"
    ),
    *wall.hidden_from_contacts("billing_mandate", "amendments", "ended_because", "made_by"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
