"""The wall around credit notes that wait for a second person, pauses and indexations; orders and pauses are for their customer's contacts to read."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T23:44:50:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around credit requests and pauses, orders for contacts"

_OWN = f"customer = {wall.CUSTOMER}"
_OF_ORDER = (
    "EXISTS (SELECT 1 FROM billing_order o WHERE o.tenant = {table}.tenant AND o.id = {table}.of_order AND o.customer = " + wall.CUSTOMER + ")"
)
_OF_PORT_IN = (
    "EXISTS (SELECT 1 FROM billing_port_in p JOIN billing_order o ON o.tenant = p.tenant AND o.id = p.of_order"
    " WHERE p.tenant = billing_port_in_step.tenant AND p.id = billing_port_in_step.port_in AND o.customer = " + wall.CUSTOMER + ")"
)
_OF_SERVICE = (
    "EXISTS (SELECT 1 FROM billing_service s WHERE s.tenant = billing_pause.tenant AND s.id = billing_pause.service AND s.customer = "
    + wall.CUSTOMER
    + ")"
)

STATEMENTS = [
    *wall.around(
        "billing_credit_request",
        app="",
        staff="SELECT, INSERT, UPDATE",
        references={"invoice": "billing_invoice", "credit_note": "billing_invoice"},
    ),
    *wall.audited("billing_credit_request"),
    "CREATE UNIQUE INDEX billing_credit_request_waits_once ON billing_credit_request (invoice) WHERE decision IS NULL",
    *wall.around("billing_pause", app="SELECT, INSERT, UPDATE", staff="SELECT, INSERT, UPDATE", references={"service": "billing_service"}),
    *wall.audited("billing_pause"),
    *wall.for_contacts("billing_pause", "SELECT", rows=_OF_SERVICE),
    *wall.grants("billing_offer_indexation", app="SELECT", staff="SELECT, INSERT"),
    *wall.append_only("billing_offer_indexation"),
    *wall.for_contacts("billing_order", "SELECT", rows=_OWN),
    *wall.for_contacts("billing_order_line", "SELECT", rows=_OF_ORDER.format(table="billing_order_line")),
    *wall.for_contacts("billing_port_in", "SELECT", rows=_OF_ORDER.format(table="billing_port_in")),
    *wall.for_contacts("billing_port_in_step", "SELECT", rows=_OF_PORT_IN),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
