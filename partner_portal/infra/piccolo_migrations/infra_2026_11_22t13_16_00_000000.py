"""The wall around the portal's own rows, the trail that the database writes, and rows that stay as they are."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T13:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall, audit trail, append-only"

APPEND_ONLY = """
CREATE FUNCTION portal_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: write a new row that refers to the old one', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

# Runs as its owner, so that no door needs, or has, the right to write the trail itself.
AUDIT = """
CREATE FUNCTION portal_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(NEW) END;
    whole jsonb := CASE WHEN TG_OP = 'DELETE' THEN was ELSE becomes END;
    changed jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key IN ('password_hash', 'secret_sha256', 'password')
                                          THEN '["***", "***"]'::jsonb ELSE jsonb_build_array(was -> key, becomes -> key) END), '{}'::jsonb)
      INTO changed FROM jsonb_object_keys(was || becomes) AS key
     WHERE was -> key IS DISTINCT FROM becomes -> key AND key NOT IN ('version', 'used_at', 'signed_in_at', 'last_login');
    IF changed <> '{}'::jsonb THEN
        INSERT INTO infra_audit (id, tenant, at, actor, relation, "row", action, changes)
        VALUES (gen_random_uuid(), CASE WHEN TG_TABLE_NAME = 'tenant' THEN (whole ->> 'id')::uuid ELSE (whole ->> 'tenant')::uuid END, now(),
                coalesce(nullif(convert_from(decode(coalesce(current_setting('app.actor', true), ''), 'hex'), 'UTF8'), ''), 'database:' || session_user),
                TG_TABLE_NAME, CASE WHEN whole ->> 'id' ~ '^[0-9a-f]{8}-' THEN (whole ->> 'id')::uuid END, lower(TG_OP), changed);
    END IF;
    RETURN NULL;
END $$
"""

NO_DELETE = "SELECT, INSERT, UPDATE"
STATEMENTS = [
    APPEND_ONLY,
    AUDIT,
    "REVOKE EXECUTE ON FUNCTION portal_audit() FROM PUBLIC",
    *wall.around("infra_outbox", staff="SELECT, INSERT, UPDATE, DELETE"),
    *wall.around("infra_mail", staff="SELECT, INSERT, UPDATE, DELETE"),
    *wall.around("infra_document", app="SELECT, INSERT", staff="SELECT, INSERT"),
    *wall.around("infra_document_content", app="SELECT, INSERT", staff="SELECT, INSERT"),
    *wall.around("infra_audit", app="SELECT", staff="SELECT"),
    *wall.around("infra_idempotency", app="SELECT, INSERT, UPDATE, DELETE"),
    *wall.around("infra_counter", app=NO_DELETE, staff=NO_DELETE),
    *wall.append_only("infra_audit"),
    *wall.append_only("infra_document"),
    *wall.append_only("infra_document_content"),
    "CREATE INDEX infra_outbox_due ON infra_outbox (id) WHERE done_at IS NULL AND dead_at IS NULL",
    "CREATE INDEX infra_outbox_dead ON infra_outbox (dead_at) WHERE dead_at IS NOT NULL AND done_at IS NULL",
    'CREATE INDEX infra_audit_row ON infra_audit (tenant, relation, "row", at)',
    "CREATE INDEX infra_idempotency_age ON infra_idempotency (created_at)",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
