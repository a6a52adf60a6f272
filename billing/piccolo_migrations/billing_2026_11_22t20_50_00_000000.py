"""The wall around orders and port-ins; what is on offer is the provider's, read by all partners."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T20:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around orders"

STATEMENTS = [
    *wall.grants("billing_offer", app="SELECT", staff="SELECT, INSERT, UPDATE (sold_until)"),
    *wall.audited("billing_offer"),
    *wall.grants("billing_offer_price", app="SELECT", staff="SELECT, INSERT"),
    *wall.append_only("billing_offer_price"),
    *wall.around(
        "billing_order", app="SELECT, INSERT", staff="SELECT, INSERT", references={"customer": "customer", "location": "location"}
    ),
    *wall.append_only("billing_order"),
    "CREATE INDEX billing_order_newest ON billing_order (tenant, placed_at, id)",
    *wall.around(
        "billing_order_line",
        app="SELECT, INSERT",
        staff="SELECT, INSERT",
        references={"of_order": "billing_order", "service": "billing_service"},
    ),
    *wall.append_only("billing_order_line"),
    *wall.around(
        "billing_port_in",
        staff="SELECT, INSERT, UPDATE",
        references={"of_order": "billing_order", "service": "billing_service"},
    ),
    "CREATE INDEX billing_port_in_open ON billing_port_in (state) WHERE state NOT IN ('done', 'withdrawn')",
    *wall.around("billing_port_in_step", app="SELECT, INSERT", staff="SELECT, INSERT", references={"port_in": "billing_port_in"}),
    *wall.append_only("billing_port_in_step"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
