"""Why a payment was taken off an invoice is for staff; mandates that were given signed in say so, where they said that a link had been used."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T06:57:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around why a payment was taken off; mandates given in the portal"

STATEMENTS = [
    *wall.hidden_from_contacts("billing_allocation", "note"),
    # Whoever gave it signed in stands in the record of what was shown and pressed; behind a link nobody is known but the address.
    "UPDATE billing_mandate SET signed_how = 'portal' WHERE signed_how = 'link' AND consent ? 'by'",
]


async def forwards() -> MigrationManager:
    """The reason is hidden from contacts, and the mandates say how they were given."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
