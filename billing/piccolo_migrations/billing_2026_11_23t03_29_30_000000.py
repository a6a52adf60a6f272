"""No day's interest is charged twice: each document's days begin where those of the one before stopped. Rates of interest are added and never changed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-23T03:29:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "days of interest follow each other, rates are kept"

STATEMENTS = [
    "ALTER TABLE billing_late_claim DISABLE TRIGGER billing_late_claim_append_only",
    """
    UPDATE billing_late_claim c SET first_on = i.due_on + 1, until = greatest(i.due_on + 1, n.reckoned_on)
      FROM billing_invoice i, billing_late_note n WHERE i.id = c.invoice AND n.id = c.note
    """,
    "ALTER TABLE billing_late_claim ENABLE TRIGGER billing_late_claim_append_only",
    "ALTER TABLE billing_late_claim ADD COLUMN follows smallint GENERATED ALWAYS AS (nullif(nth - 1, 0)::smallint) STORED",
    "CREATE UNIQUE INDEX billing_late_claim_days_of ON billing_late_claim (tenant, invoice, nth, until)",
    "ALTER TABLE billing_late_claim ADD CONSTRAINT billing_late_claim_follows FOREIGN KEY (tenant, invoice, follows, first_on)"
    " REFERENCES billing_late_claim (tenant, invoice, nth, until)",
    *wall.grants("billing_interest_rate", app="", staff="SELECT, INSERT"),
    *wall.append_only("billing_interest_rate"),
]


async def forwards() -> MigrationManager:
    """The days follow each other."""
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
