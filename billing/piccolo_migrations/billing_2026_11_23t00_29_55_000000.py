"""The wall around evidence of where consumers are: append-only; partners read and add their own customers', documents' places are the run's."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T00:29:55:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall around evidence of where consumers are"

STATEMENTS = [
    *wall.around(
        "billing_location_evidence",
        app="SELECT, INSERT",
        staff="SELECT, INSERT",
        references={"customer": "customer", "of_order": "billing_order"},
    ),
    *wall.append_only("billing_location_evidence"),
    "CREATE INDEX billing_location_evidence_newest ON billing_location_evidence (tenant, customer, kind, seen_at DESC)",
    *wall.around(
        "billing_vat_place",
        app="SELECT",
        staff="SELECT, INSERT",
        references={"invoice": "billing_invoice", "first": "billing_location_evidence", "second": "billing_location_evidence"},
    ),
    *wall.append_only("billing_vat_place"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
