"""The wall around answers about VAT numbers, which are evidence: append-only."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T21:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around answers of VIES"

STATEMENTS = [
    *wall.around("billing_vat_check", app="SELECT", staff="SELECT, INSERT", references={"customer": "customer"}),
    *wall.append_only("billing_vat_check"),
    "CREATE INDEX billing_vat_check_newest ON billing_vat_check (tenant, vat_id, asked_at DESC)",
    *wall.for_contacts("billing_vat_check", "SELECT", rows=f"customer = {wall.CUSTOMER}"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
