"""The wall around deadlines and what follows them; the database itself marks which must be computed anew."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:32:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around deadlines"

# Both run as their owner: whoever may change a service or file a case need not have, and has not, a right to the deadlines.
DUE = """
CREATE FUNCTION termination_deadline_due() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'customer' THEN
        UPDATE termination_deadline SET due_on = '-infinity' WHERE tenant = NEW.tenant AND customer = NEW.id;
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO termination_deadline (id, tenant, service, customer, product, due_on)
        VALUES (gen_random_uuid(), NEW.tenant, NEW.id, NEW.customer, NEW.product, '-infinity') ON CONFLICT (tenant, service) DO NOTHING;
    ELSE
        UPDATE termination_deadline SET due_on = '-infinity' WHERE tenant = NEW.tenant AND service = NEW.id;
    END IF;
    IF NEW.bundle IS NOT NULL OR OLD.bundle IS NOT NULL THEN
        UPDATE termination_deadline d SET due_on = '-infinity' FROM billing_service s
         WHERE s.tenant = NEW.tenant AND s.customer = NEW.customer AND s.bundle IN (NEW.bundle, OLD.bundle) AND s.id <> NEW.id
           AND d.tenant = s.tenant AND d.service = s.id;
    END IF;
    RETURN NULL;
END $$
"""
HELD = """
CREATE FUNCTION termination_deadline_held() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE termination_deadline SET is_held = EXISTS (
        SELECT 1 FROM termination_line l WHERE l.tenant = NEW.tenant AND l.service = NEW.service AND l.is_open)
     WHERE tenant = NEW.tenant AND service = NEW.service;
    RETURN NULL;
END $$
"""

NO_DELETE = "SELECT, INSERT, UPDATE"
STATEMENTS = [
    *wall.around("termination_deadline", staff=NO_DELETE, references={"service": "billing_service", "customer": "customer"}),
    *wall.around("termination_deadline_check", staff=NO_DELETE),
    *wall.around("termination_deadline_reader", staff=NO_DELETE, references={"member": "member"}),
    *wall.around("termination_bulk", staff=NO_DELETE),
    *wall.around(
        "termination_bulk_item",
        staff=NO_DELETE,
        references={"round": "termination_bulk", "service": "billing_service", "customer": "customer", "termination": "termination"},
    ),
    *wall.audited("termination_deadline_reader"),
    DUE,
    HELD,
    "REVOKE EXECUTE ON FUNCTION termination_deadline_due() FROM PUBLIC",
    "REVOKE EXECUTE ON FUNCTION termination_deadline_held() FROM PUBLIC",
    "CREATE TRIGGER billing_service_deadline_new AFTER INSERT ON billing_service FOR EACH ROW EXECUTE FUNCTION termination_deadline_due()",
    "CREATE TRIGGER billing_service_deadline AFTER UPDATE ON billing_service FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)"
    " EXECUTE FUNCTION termination_deadline_due()",
    "CREATE TRIGGER customer_deadline AFTER UPDATE ON customer FOR EACH ROW"
    " WHEN ((OLD.name, OLD.number, OLD.segment) IS DISTINCT FROM (NEW.name, NEW.number, NEW.segment)) EXECUTE FUNCTION termination_deadline_due()",
    "CREATE TRIGGER termination_line_deadline AFTER INSERT OR UPDATE OF is_open ON termination_line FOR EACH ROW"
    " EXECUTE FUNCTION termination_deadline_held()",
    # Lists and sums read along these: a partner's deadlines in order, those of free services apart from those that an open case holds.
    "CREATE INDEX termination_deadline_coming ON termination_deadline (tenant, is_held, last_notice_on, id) INCLUDE (fee_cents)"
    " WHERE last_notice_on IS NOT NULL",
    "CREATE INDEX termination_deadline_missed ON termination_deadline (tenant, is_held, missed_on, id) WHERE missed_on IS NOT NULL",
    "CREATE INDEX termination_deadline_due ON termination_deadline (tenant, due_on) WHERE due_on IS NOT NULL",
    "CREATE INDEX termination_line_ends ON termination_line (tenant, ends_on)",
    "CREATE INDEX termination_open ON termination (tenant, state) WHERE state NOT IN ('ended', 'withdrawn', 'refused', 'expired')",
    "CREATE INDEX termination_buyouts ON termination (tenant, filed_at) WHERE is_buyout",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
