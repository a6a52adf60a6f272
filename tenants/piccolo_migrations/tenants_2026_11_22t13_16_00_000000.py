"""The wall around partners, members, keys, customers, contacts and locations."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T13:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall"

STATEMENTS = [
    *wall.around("tenant", app="SELECT, UPDATE", staff="SELECT, INSERT, UPDATE", column="id"),
    *wall.around("member"),
    *wall.around("api_key"),
    *wall.around("customer", staff="SELECT, INSERT, UPDATE"),
    *wall.around("contact", app="SELECT, INSERT, UPDATE, DELETE", references={"customer": "customer"}),
    *wall.around("location", app="SELECT, INSERT, UPDATE, DELETE", references={"customer": "customer"}),
    *(statement for table in ("tenant", "member", "api_key", "customer", "contact", "location") for statement in wall.audited(table)),
    "CREATE UNIQUE INDEX member_email_once ON member (lower(email))",
    "CREATE UNIQUE INDEX contact_one_main ON contact (tenant, customer) WHERE is_main",
    "CREATE UNIQUE INDEX location_one_billing ON location (tenant, customer) WHERE kind = 'billing'",
    "CREATE UNIQUE INDEX tenant_one_house ON tenant (kind) WHERE kind = 'house'",
    "CREATE INDEX customer_by_name ON customer (tenant, name, id)",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="tenants", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
