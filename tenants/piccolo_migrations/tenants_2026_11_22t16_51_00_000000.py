"""The wall around webhooks: where they go, what signs them, what was sent and what came back."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:51:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around webhooks"

STATEMENTS = [
    *wall.around("webhook_endpoint"),
    *wall.around("webhook_secret", references={"endpoint": "webhook_endpoint"}),
    *wall.around("webhook_delivery", references={"endpoint": "webhook_endpoint"}),
    *wall.around("webhook_attempt", app="SELECT, INSERT", staff="SELECT, DELETE", references={"delivery": "webhook_delivery"}),
    *wall.audited("webhook_secret"),
    # What people change leaves a trail; how an endpoint fares changes with every delivery, and stands in the deliveries themselves.
    "CREATE TRIGGER webhook_endpoint_audited AFTER INSERT OR DELETE OR UPDATE OF url, description, types, off_since, off_because, removed_at"
    " ON webhook_endpoint FOR EACH ROW EXECUTE FUNCTION portal_audit()",
    "CREATE UNIQUE INDEX webhook_endpoint_url_once ON webhook_endpoint (tenant, url) WHERE removed_at IS NULL",
    "CREATE INDEX webhook_delivery_newest ON webhook_delivery (tenant, endpoint, created_at, id)",
    "CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at)",
    "CREATE INDEX webhook_delivery_waiting ON webhook_delivery (tenant, endpoint, due_at) WHERE state = 'waiting'",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="tenants", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
