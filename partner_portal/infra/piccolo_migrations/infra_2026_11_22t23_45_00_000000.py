"""Entries of one unit of work keep their order in the trail: each says its own instant instead of the transaction's."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T23:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the trail in its order"

AUDIT = """
CREATE OR REPLACE FUNCTION portal_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
        VALUES (gen_random_uuid(), CASE WHEN TG_TABLE_NAME = 'tenant' THEN (whole ->> 'id')::uuid ELSE (whole ->> 'tenant')::uuid END, clock_timestamp(),
                coalesce(nullif(convert_from(decode(coalesce(current_setting('app.actor', true), ''), 'hex'), 'UTF8'), ''), 'database:' || session_user),
                TG_TABLE_NAME, CASE WHEN whole ->> 'id' ~ '^[0-9a-f]{8}-' THEN (whole ->> 'id')::uuid END, lower(TG_OP), changed);
    END IF;
    RETURN NULL;
END $$
"""


async def forwards() -> MigrationManager:
    """The trail is written in the order in which things happened."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql([AUDIT])

    manager.add_raw(build)
    return manager
