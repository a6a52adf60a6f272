"""The wall between tenants, as SQL for migrations.

Migrations that have run call these functions: what they return for the same arguments never changes. A new kind of wall is a new function.
"""

from __future__ import annotations

from collections.abc import Mapping

_TENANT = "(SELECT nullif(current_setting('app.tenant', true), '')::uuid)"
CUSTOMER = "(SELECT nullif(current_setting('app.customer', true), '')::uuid)"
"""The customer whose contact acts, for the conditions of `for_contacts`; nobody's where none is set."""
ACTOR = "(SELECT convert_from(decode(coalesce(current_setting('app.actor', true), ''), 'hex'), 'UTF8'))"
"""Who acts, by kind and id."""


def around(
    table: str,
    *,
    app: str = "SELECT, INSERT, UPDATE",
    staff: str = "SELECT, INSERT, UPDATE, DELETE",
    column: str = "tenant",
    references: Mapping[str, str] | None = None,
) -> list[str]:
    """Only rows of the acting tenant exist for portal_app; portal_staff sees all; neither can do more than its grants.

    `references`: columns that point at other tenant-owned tables. Their foreign keys include the tenant, because PostgreSQL
    checks foreign keys past row-level security.
    """
    own = f"{column} = {_TENANT}"
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {table}_read ON {table} FOR SELECT TO portal_app USING ({own})",
        f"CREATE POLICY {table}_insert ON {table} FOR INSERT TO portal_app WITH CHECK ({own})",
        f"CREATE POLICY {table}_update ON {table} FOR UPDATE TO portal_app USING ({own}) WITH CHECK ({own})",
        f"CREATE POLICY {table}_delete ON {table} FOR DELETE TO portal_app USING ({own})",
        f"CREATE POLICY {table}_staff ON {table} TO portal_staff USING (true) WITH CHECK (true)",
        f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
        *grants(table, app=app, staff=staff),
    ]
    if column == "tenant":
        statements.append(f"CREATE UNIQUE INDEX {table}_tenant_id ON {table} (tenant, id)")
    for name, other in (references or {}).items():
        statements.append(f"CREATE INDEX {table}_{name}_of_tenant ON {table} (tenant, {name})")
        statements.append(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name}_same_tenant FOREIGN KEY (tenant, {name}) REFERENCES {other} (tenant, id) ON DELETE RESTRICT"
        )
    return statements


def grants(table: str, *, app: str, staff: str) -> list[str]:
    """What each door may do with the table; nothing when empty."""
    return [f"GRANT {rights} ON {table} TO {role}" for role, rights in (("portal_app", app), ("portal_staff", staff)) if rights]


def append_only(table: str) -> list[str]:
    """Rows of the table are never changed or removed, by nobody."""
    return [f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION portal_append_only()"]


def audited(table: str) -> list[str]:
    """Each change of a row leaves an entry in infra_audit, with the actor of the unit of work."""
    return [f"CREATE TRIGGER {table}_audited AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION portal_audit()"]


def for_contacts(table: str, rights: str, *, rows: str = "", written: str = "", column: str = "tenant") -> list[str]:
    """Of the acting tenant's rows those that meet `rows` exist for portal_contact, for these rights; what it writes must meet `written` as well.

    `rows` and `written` are SQL, usually with CUSTOMER. Without `rows` it is every row of the tenant: for what holds nothing of anybody. A table
    that was never given to portal_contact does not exist for it.
    """
    seen = " AND ".join(part for part in (f"{column} = {_TENANT}", rows) if part)
    kept = " AND ".join(part for part in (seen, written) if part)
    return [
        f"CREATE POLICY {table}_contact ON {table} TO portal_contact USING ({seen}) WITH CHECK ({kept})",
        f"GRANT {rights} ON {table} TO portal_contact",
    ]


def shared_with_contacts(table: str) -> list[str]:
    """Contacts read the table, which is the provider's and the same for everybody."""
    return [f"GRANT SELECT ON {table} TO portal_contact"]


_GRANT_THE_OTHERS = """
DO $$ BEGIN EXECUTE (
    SELECT format('GRANT SELECT (%s) ON {table} TO portal_contact', string_agg(quote_ident(attname), ', ' ORDER BY attnum)) FROM pg_attribute
     WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ({hidden}));
END $$
"""


def hidden_from_contacts(table: str, *columns: str) -> list[str]:
    """Of a table that portal_contact reads these columns do not exist for it, nor does any that is added later; the others it reads as before."""
    hidden = ", ".join(f"'{column}'" for column in columns)
    return [
        f"REVOKE SELECT ON {table} FROM portal_contact",  # noqa: S608  # names of our own tables and columns
        _GRANT_THE_OTHERS.format(table=table, hidden=hidden),
    ]
