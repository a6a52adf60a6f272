"""A contact sees and moves the cases of its own organisation, and reads their documents."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what contacts see"

OWN_CASE = f"termination IN (SELECT id FROM termination WHERE customer = {wall.CUSTOMER})"
OWN_QUOTE = f"quote IN (SELECT id FROM termination_quote WHERE customer = {wall.CUSTOMER})"
OWN_SERVICE = f"service IN (SELECT id FROM billing_service WHERE customer = {wall.CUSTOMER})"
OWN_DOCUMENT = f"id IN (SELECT document FROM termination WHERE customer = {wall.CUSTOMER})"

STATEMENTS = [
    *wall.for_contacts("termination_quote", "SELECT, INSERT", rows=f"customer = {wall.CUSTOMER}"),
    *wall.for_contacts("termination", "SELECT, INSERT, UPDATE", rows=f"customer = {wall.CUSTOMER}", written=OWN_QUOTE),
    *wall.for_contacts("termination_line", "SELECT, INSERT, UPDATE", rows=OWN_CASE, written=OWN_SERVICE),
    *wall.for_contacts("termination_step", "SELECT, INSERT", rows=OWN_CASE),
    *wall.for_contacts("termination_buyout_decision", "SELECT", rows=OWN_CASE),
    *wall.for_contacts("termination_decision_link", "SELECT, INSERT, UPDATE", rows=OWN_CASE),
    *wall.for_contacts("infra_document", "SELECT", rows=OWN_DOCUMENT),
    *wall.for_contacts("infra_document_content", "SELECT", rows="sha256 IN (SELECT sha256 FROM infra_document)"),
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
