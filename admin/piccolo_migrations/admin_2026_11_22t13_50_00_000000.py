"""What the doors may do with the accounts of staff, and the trail of changes to them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T13:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rights and trail"

# Accounts are Piccolo's table: their ids are numbers, so the entry names the account beside what changed. No password ever stands in it.
ACCOUNT_AUDIT = """
CREATE FUNCTION portal_account_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(NEW) END;
    changed jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key = 'password' THEN '["***", "***"]'::jsonb ELSE jsonb_build_array(was -> key, becomes -> key) END), '{}'::jsonb)
      INTO changed FROM jsonb_object_keys(was || becomes) AS key
     WHERE was -> key IS DISTINCT FROM becomes -> key AND key <> 'last_login';
    IF changed <> '{}'::jsonb THEN
        INSERT INTO infra_audit (id, tenant, at, actor, relation, "row", action, changes)
        VALUES (gen_random_uuid(), NULL, now(),
                coalesce(nullif(convert_from(decode(coalesce(current_setting('app.actor', true), ''), 'hex'), 'UTF8'), ''), 'database:' || session_user),
                TG_TABLE_NAME, NULL, lower(TG_OP), changed || jsonb_build_object('id', jsonb_build_array(was -> 'id', becomes -> 'id')));
    END IF;
    RETURN NULL;
END $$
"""

STATEMENTS = [
    ACCOUNT_AUDIT,
    "REVOKE EXECUTE ON FUNCTION portal_account_audit() FROM PUBLIC",
    "CREATE TRIGGER piccolo_user_audited AFTER INSERT OR UPDATE OR DELETE ON piccolo_user FOR EACH ROW EXECUTE FUNCTION portal_account_audit()",
    *wall.grants("piccolo_user", app="", staff="SELECT, INSERT, UPDATE"),
    *wall.grants("staff_session", app="", staff="SELECT, INSERT, UPDATE, DELETE"),
    *wall.grants("staff_role", app="", staff="SELECT, INSERT, DELETE"),
    "GRANT USAGE ON SEQUENCE piccolo_user_id_seq, staff_session_id_seq TO portal_staff",
    *wall.audited("staff_role"),
    "CREATE UNIQUE INDEX staff_session_token ON staff_session (token)",
    "CREATE INDEX staff_session_of_user ON staff_session (user_id)",
]


async def forwards() -> MigrationManager:
    """Staff can be let in, and nobody else can see them."""
    manager = MigrationManager(migration_id=ID, app_name="admin", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
