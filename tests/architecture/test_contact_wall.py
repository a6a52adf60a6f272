"""The wall around a customer's contact, as the database has it: no table is a contact's unless it was given, and of that one customer's rows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from partner_portal.infra import db, migrations, outbox
from partner_portal.infra.db import CONTACT, Door, Principal
from partner_portal.infra.settings import Settings
from tests.attack.intruder import Victim, victim
from tests.world import World

GIVEN = {
    "tenant": "SELECT",
    "customer": "SELECT",
    "contact": "SELECT INSERT UPDATE",
    "location": "SELECT",
    "invitation": "SELECT INSERT UPDATE",
    "billing_service": "SELECT",  # and the columns of its planned end
    "billing_product": "SELECT",
    "billing_buyout_rule": "SELECT",
    "billing_invoice": "SELECT",
    "billing_line": "SELECT",
    "billing_vat": "SELECT",
    "billing_standing": "SELECT",
    "billing_allocation": "SELECT",
    "billing_payment": "SELECT",
    "billing_on_account": "SELECT",
    "billing_pay_link": "SELECT INSERT",
    "billing_pay_link_invoice": "SELECT INSERT",
    "billing_mandate": "SELECT",
    "billing_announcement": "SELECT",
    "billing_debit": "SELECT",
    "billing_refund": "SELECT",
    "billing_late_claim": "SELECT",
    "billing_late_note": "SELECT",
    "billing_reminder": "SELECT",
    "billing_suspension": "SELECT",
    "billing_vat_check": "SELECT",
    "billing_order": "SELECT",
    "billing_order_line": "SELECT",
    "billing_port_in": "SELECT",
    "billing_port_in_step": "SELECT",
    "billing_pause": "SELECT",
    "termination_quote": "SELECT INSERT",
    "termination": "SELECT INSERT UPDATE",
    "termination_line": "SELECT INSERT UPDATE",
    "termination_step": "SELECT INSERT",
    "termination_buyout_decision": "SELECT",
    "termination_decision_link": "SELECT INSERT UPDATE",
    "infra_document": "SELECT",
    "infra_document_content": "SELECT",
    "infra_outbox": "INSERT",
    "infra_counter": "SELECT INSERT UPDATE",
    "infra_idempotency": "SELECT INSERT UPDATE",
}
"""All that a contact may do, by table: whoever gives it more says so here."""

HIDDEN = {
    "billing_service": {"wholesale_cents"},
    "billing_order_line": {"wholesale_setup_cents"},
    "billing_allocation": {"note"},
    "billing_payment": {"note", "booked_by"},
    "billing_refund": {"reason", "failed_because", "gateway_id", "made_by", "decided_by", "decided_at", "seen_by", "seen_at"},
    "billing_mandate": {"amendments", "ended_because", "made_by"},
    "termination_quote": {"facts", "preview", "sha256"},  # both layers, the partner's included
    "termination_buyout_decision": {"decided_by", "decided_by_label"},
}
"""Of the tables given above what does not exist for a contact: what its partner pays the provider, and what people note for themselves."""

TELLING = re.compile(r"wholesale|margin|purchase|internal|note|reason|because|comment|_by$|_by_label$|answer|facts|preview")
READ = {
    "billing_debit": {"reason"},  # its own bank's word for why nothing was collected
    "billing_invoice": {"reason"},  # of a credit note, printed on it
    "billing_late_claim": {"note"},  # the document of costs that it is part of
    "billing_order": {"accepted_by", "placed_by", "placed_by_label"},  # the customer's own order
    "billing_pause": {"reason", "decided_by", "decided_by_label", "taken_back_by"},  # agreed with the customer, and told it
    "billing_pay_link": {"made_by"},
    "billing_port_in_step": {"note"},  # what the donor said, told the customer by mail
    "billing_allocation": {"made_by"},
    "billing_standing": {"owed_by"},  # a day
    "billing_suspension": {"because"},  # told the customer by mail
    "billing_vat_check": {"answer"},  # what the register said of its own number
    "termination": {"reason", "comment", "filed_by"},  # the contact files cases itself
    "termination_step": {"note", "facts"},
    "termination_buyout_decision": {"reason"},  # of an adjusted sum, told the customer
    "billing_service": {"long_notice_document"},
    "billing_reminder": {"pays_by"},  # a day
    "termination_quote": {"created_by"},
}
"""Columns with a telling name that a contact may read all the same."""

SHARED = {"billing_product", "billing_buyout_rule"}
WITHOUT_CUSTOMER = {"tenant", "infra_outbox", "infra_counter"}
"""What holds nothing of a customer: a contact writes it in its tenant, or reads whose customer it is."""


@pytest_asyncio.fixture(loop_scope="session")
async def catalogue(running: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The database as its owner sees it."""
    connection = await asyncpg.connect(running.database_url)
    yield connection
    await connection.close()


def contact_of(tenant: UUID, customer: UUID) -> Principal:
    return Principal(Door.TENANT, tenant, "contact:test", customer)


async def test_a_contact_has_these_rights_and_no_others(catalogue: asyncpg.Connection) -> None:
    granted: dict[str, set[str]] = {}
    for row in await catalogue.fetch(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee IN ($1, 'PUBLIC') AND table_schema = 'public'",
        CONTACT,
    ):
        granted.setdefault(row["table_name"], set()).add(row["privilege_type"])

    whole = {table: set(rights.split()) - ({"SELECT"} if table in HIDDEN else set()) for table, rights in GIVEN.items()}
    assert granted == {table: rights for table, rights in whole.items() if rights}


_OF_COLUMNS = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, aclexplode(a.attacl) AS given
 WHERE given.grantee = 'portal_contact'::regrole AND (given.privilege_type = 'SELECT') = $1 ORDER BY 1, 2
"""
_COLUMNS = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relname = ANY($1::text[]) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""


async def test_of_single_columns_only_a_services_planned_end_can_be_written(catalogue: asyncpg.Connection) -> None:
    columns = await catalogue.fetch(_OF_COLUMNS, False)

    assert [tuple(row) for row in columns] == [("billing_service", name) for name in ("billing_ends_on", "ended_at", "ends_on", "version")]


async def test_of_some_tables_a_contact_reads_every_column_but_those_that_are_hidden(catalogue: asyncpg.Connection) -> None:
    """A column that is added to one of them is closed until a migration gives it (`GRANT SELECT (column)`), or it stands in HIDDEN."""
    readable = {tuple(row) for row in await catalogue.fetch(_OF_COLUMNS, True)}
    there = {tuple(row) for row in await catalogue.fetch(_COLUMNS, list(HIDDEN))}

    assert there - readable == {(table, column) for table, columns in HIDDEN.items() for column in columns}


async def test_a_column_whose_name_tells_more_than_a_customers_own_is_hidden_or_judged(catalogue: asyncpg.Connection) -> None:
    telling = {(row["relname"], row["attname"]) for row in await catalogue.fetch(_COLUMNS, list(GIVEN)) if TELLING.search(row["attname"])}
    judged = {(table, column) for judged in (HIDDEN, READ) for table, columns in judged.items() for column in columns}

    assert telling - judged == set()


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, columns in HIDDEN.items() for column in sorted(columns)])
async def test_the_database_itself_refuses_a_contact_what_is_hidden(world: World, table: str, column: str) -> None:
    for words in (f"SELECT {column} FROM {table}", f"SELECT 1 FROM {table} WHERE {column} IS NULL", f"SELECT {table} FROM {table}"):  # noqa: S608
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.unit_of_work(contact_of(world.noord.id, world.noord.customers["bakery"])):
                await db.fetch(words)


async def test_a_use_case_has_its_tenants_rights_for_a_moment_only(world: World) -> None:
    """Also where the block ends in an error, of the database or of ours, and was or was not within a savepoint."""
    baker = contact_of(world.noord.id, world.noord.customers["bakery"])

    async def role() -> str:
        row = await db.fetch_one("SELECT current_user AS role")
        assert row is not None
        return str(row["role"])

    async with db.unit_of_work(baker):
        async with db.as_the_tenant():
            assert await role() == "portal_app"
        assert await role() == CONTACT
        for wrong, error in (("SELECT 1 / 0", asyncpg.DivisionByZeroError), ("SELECT * FROM nowhere", asyncpg.UndefinedTableError)):
            with pytest.raises(error):
                async with db.savepoint(), db.as_the_tenant():
                    await db.fetch(wrong)
            assert await role() == CONTACT
            with pytest.raises(error):
                async with db.as_the_tenant(), db.savepoint():
                    await db.fetch(wrong)
            assert await role() == CONTACT
        with pytest.raises(KeyError):
            async with db.as_the_tenant():
                raise KeyError
        assert await role() == CONTACT
    async with db.unit_of_work(world.noord.principal()), db.as_the_tenant():
        assert await role() == "portal_app"


async def test_every_table_of_a_contact_but_the_shared_has_one_policy_that_names_tenant_and_customer(catalogue: asyncpg.Connection) -> None:
    policies = {
        row["tablename"]: f"{row['qual']} {row['with_check']}"
        for row in await catalogue.fetch("SELECT tablename, qual, with_check FROM pg_policies WHERE roles = '{portal_contact}'")
    }
    count = await catalogue.fetchval("SELECT count(*) FROM pg_policies WHERE 'portal_contact' = ANY(roles) OR 'public' = ANY(roles)")

    assert set(policies) == set(GIVEN) - SHARED
    assert count == len(policies)
    assert [table for table, said in policies.items() if "app.tenant" not in said] == []
    narrowed = {table for table, said in policies.items() if "app.customer" in said}
    # A repeated request is its actor's own; the bytes of a document are reached through the documents one may see.
    assert set(policies) - narrowed == WITHOUT_CUSTOMER | {"infra_idempotency", "infra_document_content"}


async def test_nobody_logs_in_as_a_contact_and_the_role_has_no_power(catalogue: asyncpg.Connection) -> None:
    role = await catalogue.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", CONTACT)
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication", "rolcanlogin")
    belongs = await catalogue.fetch("SELECT 1 FROM pg_auth_members WHERE member = 'portal_contact'::regrole")

    assert role is not None
    assert [power for power in powers if role[power]] == []
    assert belongs == []
    assert await catalogue.fetchval("SELECT count(*) FROM pg_class WHERE relowner = 'portal_contact'::regrole") == 0
    assert await catalogue.fetchval("SELECT NOT pg_has_role('portal_app', 'portal_contact', 'USAGE')"), "a member has its own rights only"
    assert not await catalogue.fetchval("SELECT pg_has_role('portal_staff', 'portal_contact', 'MEMBER')")


@pytest_asyncio.fixture(loop_scope="session")
async def everything(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> Victim:
    """Noord with something of everything, all of it one customer's."""
    return await victim(world, noord, stranger)


async def _seen(principal: Principal, tables: list[str]) -> dict[str, int]:
    seen = {}
    async with db.unit_of_work(principal):
        for name in tables:
            rows = await db.fetch(f"SELECT count(*) AS n FROM {name}")  # noqa: S608  # names from this file
            seen[name] = rows[0]["n"]
    return seen


READABLE = sorted(name for name, rights in GIVEN.items() if "SELECT" in rights and name not in SHARED)


async def test_a_contact_sees_what_is_its_customers(world: World, everything: Victim) -> None:
    seen = await _seen(contact_of(world.noord.id, everything.customer), READABLE)

    empty = {name for name, count in seen.items() if not count}
    assert empty == {"infra_idempotency"}, "of all else there is something to be seen"
    assert (seen["tenant"], seen["customer"], seen["billing_service"]) == (1, 1, 4)


async def test_a_contact_of_another_customer_sees_nothing_of_it(world: World, everything: Victim, catalogue: asyncpg.Connection) -> None:
    baker = world.noord.customers["bakery"]
    own = {"tenant": 1, "customer": 1, "contact": 1, "location": 1, "billing_service": 2}
    assert await catalogue.fetchval("SELECT count(*) FROM billing_service WHERE customer = $1", everything.customer) == 4

    seen = await _seen(contact_of(world.noord.id, baker), READABLE)

    del seen["infra_counter"]  # the partner's last numbers are nobody's
    assert {name: count for name, count in seen.items() if count} == own


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("whose", ["another partner's customer", "nobody's", "another partner's tenant"])
async def test_customer_and_tenant_must_belong_together(world: World, everything: Victim, whose: str) -> None:
    tenant, customer = {
        "another partner's customer": (world.zuid.id, everything.customer),
        "nobody's": (world.noord.id, uuid4()),
        "another partner's tenant": (uuid4(), everything.customer),
    }[whose]

    seen = await _seen(contact_of(tenant, customer), [name for name in READABLE if name not in {"tenant", "infra_counter"}])

    assert {name: count for name, count in seen.items() if count} == {}


async def test_what_was_not_given_does_not_exist_for_a_contact(world: World, catalogue: asyncpg.Connection) -> None:
    names = [
        row["name"]
        for row in await catalogue.fetch(
            "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = 'public'::regnamespace"
        )
    ]
    closed = sorted(set(names) - set(GIVEN))
    assert {"member", "api_key", "infra_mail", "infra_audit", "piccolo_user", "staff_session"} <= set(closed)

    for name in closed:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _seen(contact_of(world.noord.id, world.noord.customers["bakery"]), [name])


WRITES: dict[str, tuple[str, type[Exception] | None]] = {
    "its customer": ("UPDATE customer SET name = 'taken' WHERE id = $2", asyncpg.InsufficientPrivilegeError),
    "the price of a service": ("UPDATE billing_service SET fee_cents = 0 WHERE customer = $2", asyncpg.InsufficientPrivilegeError),
    "another's service": ("UPDATE billing_service SET ends_on = now(), billing_ends_on = now() WHERE customer <> $2", None),
    "another's contact": ("UPDATE contact SET name = 'taken' WHERE customer <> $2", None),
    "another's case": ("UPDATE termination SET reason = 'taken' WHERE customer <> $2", None),
    "a contact given away": (
        "UPDATE contact SET customer = (SELECT $1::uuid) WHERE customer = $2",
        asyncpg.InsufficientPrivilegeError,
    ),
    "what waits for delivery": ("UPDATE infra_outbox SET tenant = tenant", asyncpg.InsufficientPrivilegeError),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_contact_cannot_write(world: World, everything: Victim, write: str) -> None:
    sql, error = WRITES[write]
    other, own = everything.customer, world.noord.customers["bakery"]
    # Each statement names both customers, so that one set of values fits all.
    statement = f"WITH other AS (SELECT $1::uuid), own AS (SELECT $2::uuid) {sql}"
    if error is None:
        async with db.unit_of_work(contact_of(world.noord.id, own)):
            assert await db.execute(statement, other, own) == "UPDATE 0"
    else:
        with pytest.raises(error):
            async with db.unit_of_work(contact_of(world.noord.id, own)):
                await db.execute(statement, other, own)


@pytest.mark.parametrize("what", ["a case on another's quote", "another's service in a case", "a step in another's case"])
async def test_a_contact_cannot_hang_its_row_onto_anothers(world: World, everything: Victim, what: str) -> None:
    own = everything.customer
    baker, service = world.noord.customers["bakery"], world.noord.services["free"]
    statements: dict[str, tuple[str, tuple[Any, ...], UUID]] = {
        "a case on another's quote": (
            (
                "INSERT INTO termination (id, tenant, number, customer, quote, state, reason, ends_on, payer)"
                " VALUES (gen_random_uuid(), $1, 'X', $2, $3, 'refused', 'price', now(), 'customer')"
            ),
            (world.noord.id, baker, everything.quote),
            baker,
        ),
        "another's service in a case": (
            (
                "INSERT INTO termination_line (id, tenant, termination, service, ends_on, billing_ends_on, kind, is_open)"
                " VALUES (gen_random_uuid(), $1, $2, $3, now(), now(), 'ordinary', true)"
            ),
            (world.noord.id, everything.scheduled, service),
            own,
        ),
        "a step in another's case": (
            (
                "INSERT INTO termination_step (id, tenant, termination, nth, action, state, actor, actor_label, channel)"
                " VALUES (gen_random_uuid(), $1, $2, 99, 'approve', 'scheduled', 'x', 'x', 'x')"
            ),
            (world.noord.id, everything.scheduled),
            baker,
        ),
    }
    sql, values, acting = statements[what]

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.unit_of_work(contact_of(world.noord.id, acting)):
            await db.execute(sql, *values)


async def test_the_next_on_the_same_connection_is_not_a_contact(world: World) -> None:
    """The role and the customer end with the transaction, also where a hot read's connection rests inside it."""
    for _ in range(3):
        async with db.unit_of_work(contact_of(world.noord.id, world.noord.customers["bakery"])) as work:
            work.only_reads()
            role = await db.fetch_one("SELECT current_user AS role")
            assert role is not None
            assert role["role"] == CONTACT
        async with db.unit_of_work(world.noord.principal()):
            row = await db.fetch_one(
                "SELECT current_user AS role, current_setting('app.customer', true) AS customer, (SELECT count(*) FROM member) AS members"
            )
        assert row is not None
        assert (row["role"], row["customer"] or "", row["members"]) == ("portal_app", "", 3)


async def test_what_a_contact_does_is_in_the_trail_under_its_own_name(world: World, catalogue: asyncpg.Connection) -> None:
    baker = world.noord.customers["bakery"]
    async with db.unit_of_work(contact_of(world.noord.id, baker)):
        assert await db.execute("UPDATE contact SET phone = '+31201234567' WHERE customer = $1", baker) == "UPDATE 1"

    assert await catalogue.fetchval("SELECT actor FROM infra_audit WHERE relation = 'contact' ORDER BY at DESC LIMIT 1") == "contact:test"
    assert await outbox.drain() >= 0


@pytest.mark.parametrize(
    ("loosened", "mended"),
    [
        ("GRANT portal_contact TO portal_app WITH INHERIT TRUE", "GRANT portal_contact TO portal_app WITH INHERIT FALSE"),
        ("GRANT portal_contact TO portal_app WITH SET FALSE", "GRANT portal_contact TO portal_app WITH SET TRUE"),
        ("ALTER ROLE portal_contact LOGIN", "ALTER ROLE portal_contact NOLOGIN"),
    ],
)
async def test_the_portal_refuses_to_start_when_the_wall_around_contacts_is_loose(
    catalogue: asyncpg.Connection, loosened: str, mended: str
) -> None:
    await db.verify_walls()
    try:
        await catalogue.execute(loosened)
        with pytest.raises(db.WallMissing):
            await db.verify_walls()
    finally:
        await catalogue.execute(mended)
    await db.verify_walls()


async def test_migrating_makes_the_role_as_it_should_be_and_leaves_it_alone(running: Settings, catalogue: asyncpg.Connection) -> None:
    await catalogue.execute("GRANT portal_contact TO portal_app WITH INHERIT TRUE")

    for _ in range(2):
        await migrations.migrate(running)
        await db.verify_walls()
