"""The wall around invitations and passwords, the passwords that members have, and the main user that every customer keeps."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "how people come in"

# At the end of the transaction, so that the right can change hands within it.
KEEPS_MAIN = """
CREATE FUNCTION contact_keeps_main() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM contact WHERE tenant = OLD.tenant AND customer = OLD.customer AND is_main) THEN
        RAISE EXCEPTION 'a customer keeps a main user' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contact_keeps_main';
    END IF;
    RETURN NULL;
END $$
"""
KEPT = """
CREATE CONSTRAINT TRIGGER contact_keeps_main AFTER UPDATE OF is_main OR DELETE ON contact DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.is_main) EXECUTE FUNCTION contact_keeps_main()
"""

STATEMENTS = [
    *wall.around("invitation", references={"member": "member", "contact": "contact"}),
    *wall.for_contacts(
        "invitation", "SELECT, INSERT, UPDATE", rows=f"contact IN (SELECT id FROM contact WHERE customer = {wall.CUSTOMER})"
    ),
    # Nobody's tenant: whoever can read these could try passwords at leisure, so no door of a tenant reaches them.
    *wall.grants("credential", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.grants("password_link", app="", staff="SELECT, INSERT, UPDATE, DELETE"),
    *wall.audited("credential"),
    KEEPS_MAIN,
    KEPT,
    # The same person may work for two partners, and no partner learns that of another's people.
    "DROP INDEX member_email_once",
    "CREATE UNIQUE INDEX member_email_once_per_tenant ON member (tenant, lower(email))",
    "CREATE INDEX member_by_email ON member (lower(email))",
    "CREATE INDEX contact_by_email ON contact (lower(email))",
    "CREATE INDEX password_link_age ON password_link (created_at)",
    "INSERT INTO credential (id, email, password_hash, changed_at)"
    " SELECT gen_random_uuid(), lower(email), password_hash, created_at FROM member WHERE password_hash IS NOT NULL",
    "UPDATE member SET accepted_as = email WHERE password_hash IS NOT NULL",
]


async def forwards() -> MigrationManager:
    """The wall stands, and whoever could sign in still can."""
    manager = MigrationManager(migration_id=ID, app_name="tenants", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
