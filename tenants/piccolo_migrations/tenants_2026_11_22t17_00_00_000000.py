"""Customers and contacts are found by their words; a list finds the main contact in the index itself."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import search
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "found by words"

STATEMENTS = [
    *search.findable("customer", "customer", "number", "name", "chamber_number"),
    *search.findable("contact", "contact", "name", "email"),
    "CREATE UNIQUE INDEX contact_main ON contact (tenant, customer) INCLUDE (name, email) WHERE is_main",
    "DROP INDEX contact_one_main",
]


async def forwards() -> MigrationManager:
    """They are found, those that are there as well."""
    manager = MigrationManager(migration_id=ID, app_name="tenants", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
