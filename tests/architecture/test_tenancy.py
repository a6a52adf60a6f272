"""The wall between tenants, as the database's own catalogue has it: no table can be added without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from partner_portal.infra import db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.settings import Settings
from tests.world import World

DOORS = ("portal_app", "portal_staff")
# The provider's own, the same for every partner; what each reader sees of them is for their services to choose.
SHARED = {
    "billing_product",
    "billing_buyout_rule",
    "billing_offer",
    "billing_offer_price",
    "billing_offer_indexation",
    "knowledge_base_article",
}
_OWNED = """
SELECT c.oid, c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, pg_get_userbyid(c.relowner) AS owner
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname
"""


@pytest_asyncio.fixture(loop_scope="session")
async def catalogue(running: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The database as its owner sees it."""
    connection = await asyncpg.connect(running.database_url)
    yield connection
    await connection.close()


async def owned(catalogue: asyncpg.Connection) -> list[Any]:
    rows = await catalogue.fetch(_OWNED)
    assert len(rows) >= 18, "the catalogue was read wrongly"
    return list(rows)


async def test_every_table_with_a_tenant_has_row_level_security_enabled_and_forced(catalogue: asyncpg.Connection) -> None:
    assert [row["name"] for row in await owned(catalogue) if not (row["enabled"] and row["forced"])] == []
    partner = await catalogue.fetchrow("SELECT relrowsecurity AND relforcerowsecurity AS walled FROM pg_class WHERE relname = 'tenant'")
    assert partner["walled"]


@pytest.mark.parametrize("command", ["SELECT", "INSERT", "UPDATE", "DELETE"])
async def test_every_such_table_says_for_each_command_which_rows_a_partner_reaches(catalogue: asyncpg.Connection, command: str) -> None:
    own = "(tenant = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::uuid AS \"nullif\"))"
    policies = await catalogue.fetch(
        "SELECT tablename, qual, with_check FROM pg_policies WHERE cmd = $1 AND roles = '{portal_app}'", command
    )
    reads = {row["tablename"] for row in policies if row["qual"] == own}
    writes = {row["tablename"] for row in policies if row["with_check"] == own}
    names = {row["name"] for row in await owned(catalogue)}

    assert names - (writes if command == "INSERT" else reads) == set()
    assert command != "UPDATE" or names - writes == set()


async def test_no_other_policy_lets_a_partner_see_more(catalogue: asyncpg.Connection) -> None:
    wide = await catalogue.fetch(
        "SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public' AND ('portal_app' = ANY(roles) OR 'public' = ANY(roles))"
        " AND coalesce(qual, with_check) NOT LIKE '%app.tenant%'"
    )

    assert [dict(row) for row in wide] == []


async def test_every_such_table_has_an_index_that_begins_with_the_tenant(catalogue: asyncpg.Connection) -> None:
    indexed = await catalogue.fetch(
        "SELECT DISTINCT i.indrelid FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE a.attname = 'tenant' AND i.indpred IS NULL AND i.indisvalid"
    )
    found = {row["indrelid"] for row in indexed}

    assert [row["name"] for row in await owned(catalogue) if row["oid"] not in found] == []


async def test_every_key_between_such_tables_includes_the_tenant(catalogue: asyncpg.Connection) -> None:
    """The database checks foreign keys past row-level security: a plain one would let a row point at another tenant's."""
    keys = await catalogue.fetch(
        "SELECT k.conrelid, k.conrelid::regclass::text AS source, k.confrelid,"
        " ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = ANY(k.conkey)) AS columns,"
        " ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = k.confrelid AND attnum = ANY(k.confkey)) AS pointed"
        " FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace"
    )
    tables = {row["oid"] for row in await owned(catalogue)}
    between = [row for row in keys if row["conrelid"] in tables and row["confrelid"] in tables]
    safe = {
        (row["source"], column, row["confrelid"])
        for row in between
        if "tenant" in row["columns"] and "tenant" in row["pointed"]
        for column in row["columns"]
    }
    plain = [
        (row["source"], column) for row in between for column in row["columns"] if (row["source"], column, row["confrelid"]) not in safe
    ]

    assert len(between) >= 12, "the catalogue was read wrongly"
    assert plain == []


async def test_no_door_is_a_superuser_bypasses_the_wall_owns_anything_or_belongs_to_others(catalogue: asyncpg.Connection) -> None:
    roles = await catalogue.fetch("SELECT * FROM pg_roles WHERE rolname = ANY($1)", list(DOORS))
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
    # To take on the role of a contact, which sees less, is the one thing granted; its rights are not inherited.
    member = await catalogue.fetch(
        "SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.member::regrole::text = ANY($1)"
        " AND (m.inherit_option OR m.admin_option OR m.roleid <> 'portal_contact'::regrole)",
        list(DOORS),
    )
    owns = await catalogue.fetch("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = ANY($1)", list(DOORS))
    functions = await catalogue.fetch("SELECT proname FROM pg_proc WHERE pg_get_userbyid(proowner) = ANY($1)", list(DOORS))

    assert len(roles) == 2
    assert [(row["rolname"], power) for row in roles for power in powers if row[power]] == []
    assert (list(member), list(owns), list(functions)) == ([], [], [])


async def test_a_partner_reaches_no_table_that_is_neither_its_own_nor_shared(catalogue: asyncpg.Connection) -> None:
    granted = await catalogue.fetch(
        "SELECT DISTINCT table_name FROM information_schema.role_table_grants WHERE grantee IN ('portal_app', 'PUBLIC') AND table_schema = 'public'"
    )
    own = {row["name"] for row in await owned(catalogue)} | {"tenant"}

    assert {row["table_name"] for row in granted} - own == SHARED


async def test_a_partner_only_reads_what_is_shared(catalogue: asyncpg.Connection) -> None:
    granted = await catalogue.fetch(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = 'portal_app' AND table_name = ANY($1)",
        sorted(SHARED),
    )

    assert {row["privilege_type"] for row in granted} == {"SELECT"}


async def test_functions_that_run_as_their_owner_are_for_triggers_only(catalogue: asyncpg.Connection) -> None:
    callable_by_doors = await catalogue.fetch(
        "SELECT p.proname, r.rolname FROM pg_proc p, pg_roles r WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
        " AND r.rolname = ANY($1) AND has_function_privilege(r.oid, p.oid, 'EXECUTE')",
        list(DOORS),
    )

    assert [dict(row) for row in callable_by_doors] == []


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("tenant", ["nobody", "unknown"])
async def test_without_a_tenant_no_table_has_a_row(catalogue: asyncpg.Connection, tenant: str) -> None:
    filled = [row["name"] for row in await owned(catalogue)] + ["tenant"]
    before = {name: await catalogue.fetchval(f"SELECT count(*) FROM {name}") for name in filled}  # noqa: S608  # names from the catalogue
    assert min(before[name] for name in ("customer", "billing_service", "tenant")) > 0, "there is something to be seen"

    seen = {}
    who = None if tenant == "nobody" else uuid4()
    async with db.unit_of_work(Principal(Door.TENANT, who, "member:test")):
        for name in filled:
            rows = await db.fetch(f"SELECT count(*) AS n FROM {name}")  # noqa: S608  # names from the catalogue
            seen[name] = rows[0]["n"]

    assert {name: count for name, count in seen.items() if count} == {}


async def test_a_partner_cannot_write_a_row_for_another(world: World) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.unit_of_work(world.zuid.principal()):
            await db.execute(
                "INSERT INTO infra_counter (id, tenant, series, last) VALUES (gen_random_uuid(), $1, 'T', 900)", world.noord.id
            )


async def test_a_partner_cannot_give_a_row_away_or_take_one(world: World) -> None:
    async with db.unit_of_work(world.zuid.principal()):
        taken = await db.execute("UPDATE customer SET name = 'taken' WHERE id = $1", world.noord.customers["bakery"])
    assert taken == "UPDATE 0"

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.unit_of_work(world.zuid.principal()):
            await db.execute("UPDATE customer SET tenant = $1 WHERE id = $2", world.noord.id, world.zuid.customers["bakery"])


async def test_a_partner_cannot_hang_its_row_onto_anothers(world: World) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.unit_of_work(world.zuid.principal()):
            await db.execute(
                "INSERT INTO contact (id, tenant, customer, name, email, is_main, created_at)"
                " VALUES (gen_random_uuid(), $1, $2, 'X', 'x@x.test', false, now())",
                world.zuid.id,
                world.noord.customers["bakery"],
            )


@pytest.mark.parametrize("change", ["UPDATE {} SET tenant = tenant", "DELETE FROM {}"])
@pytest.mark.parametrize(
    "table",
    [
        "termination_step",
        "termination_quote",
        "termination_buyout_decision",
        "infra_document",
        "infra_document_content",
        "infra_audit",
        "billing_terms_change",
        "billing_price_change",
        "billing_invoice",
        "billing_line",
        "billing_vat",
        "billing_vat_check",
        "billing_location_evidence",
        "billing_vat_place",
        "billing_payment",
        "billing_allocation",
        "billing_announcement",
        "billing_reminder",
        "billing_instalment",
        "billing_late_claim",
        "billing_late_note",
        "billing_late_waiver",
        "billing_interest_rate",
        "billing_plan_step",
        "billing_write_off",
        "billing_suspension",
        "billing_order",
        "billing_order_line",
        "billing_port_in_step",
    ],
)
async def test_history_is_refused_every_change_even_by_its_owner(catalogue: asyncpg.Connection, table: str, change: str) -> None:
    triggers = await catalogue.fetch(
        "SELECT tgtype FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE t.tgrelid = $1::regclass AND p.proname = 'portal_append_only' AND t.tgenabled = 'O'",
        table,
    )
    on_delete, on_update = 8, 16

    assert any(row["tgtype"] & (on_update if change.startswith("UPDATE") else on_delete) for row in triggers)
