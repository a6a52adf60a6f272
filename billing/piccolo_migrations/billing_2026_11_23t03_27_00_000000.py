"""The wall around what is on account, and the triggers that keep it from payments and allocations."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:27:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around what is on account"

# `made` says of which payment how much more, or less, is left; payments are taken in one order, so that two transactions never wait for each other.
_KEPT = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_on_account (id, tenant, payment, customer, issuer, left_cents)
    SELECT gen_random_uuid(), p.tenant, p.id, p.customer, p.issuer, m.cents FROM ({more}) m JOIN billing_payment p ON p.id = m.payment ORDER BY p.id
        ON CONFLICT (payment) DO UPDATE SET left_cents = billing_on_account.left_cents + excluded.left_cents;
    DELETE FROM billing_on_account o USING ({more}) m WHERE o.payment = m.payment AND o.left_cents = 0;
    RETURN NULL;
END $$
"""
_CAME_IN = "SELECT coalesce(reverses, id) AS payment, sum(amount_cents)::bigint AS cents FROM made GROUP BY 1"
_USED = "SELECT payment, -sum(amount_cents)::bigint AS cents FROM made WHERE payment IS NOT NULL GROUP BY 1"
_TRIGGER = "CREATE TRIGGER {name} AFTER INSERT ON {table} REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
_AS_IT_STANDS = """
INSERT INTO billing_on_account (id, tenant, payment, customer, issuer, left_cents)
SELECT gen_random_uuid(), p.tenant, p.id, p.customer, p.issuer, m.cents FROM billing_payment p JOIN (
       SELECT payment, sum(cents)::bigint AS cents FROM (
              SELECT coalesce(reverses, id) AS payment, amount_cents AS cents FROM billing_payment UNION ALL
              SELECT payment, -amount_cents FROM billing_allocation WHERE payment IS NOT NULL) x
        GROUP BY payment HAVING sum(cents) <> 0) m ON m.payment = p.id
"""

STATEMENTS = [
    *wall.around("billing_on_account", app="SELECT", references={"customer": "customer", "payment": "billing_payment"}),
    *wall.for_contacts("billing_on_account", "SELECT", rows=f"customer = {wall.CUSTOMER}"),
    _AS_IT_STANDS,
    _KEPT.format(name="billing_came_in", more=_CAME_IN),
    _KEPT.format(name="billing_used", more=_USED),
    _TRIGGER.format(name="billing_came_in", table="billing_payment"),
    _TRIGGER.format(name="billing_used", table="billing_allocation"),
]


async def forwards() -> MigrationManager:
    """The wall stands, and what is on account is known."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
