"""What must never be in reminders and stopped services is found when it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from partner_portal import invariants_billing
from partner_portal.infra.settings import Settings
from tests.billing import test_accounting_invariants, test_invariants
from tests.billing.money import issue, line
from tests.billing.test_invariants import broken
from tests.billing.test_service_reminders import due, live, stopped
from tests.world import World

HISTORY = ("billing_reminder", "billing_suspension", "billing_line", "billing_allocation")
FOLLOW, OWED = "reminders of an invoice follow each other", "a stopped service is owed for"
ONE = "a debtor is reminded in one letter a day"
_PAID = """
WITH paid AS (
    INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, amount_cents, received_on, booked_by)
    SELECT gen_random_uuid(), tenant, customer, issuer, 'manual', 'long ago', gross_cents, issued_on, 'test' FROM billing_invoice
    RETURNING id, tenant, amount_cents),
settled AS (
    INSERT INTO billing_allocation (id, tenant, invoice, payment, amount_cents, made_by, made_at)
    SELECT gen_random_uuid(), p.tenant, i.id, p.id, p.amount_cents, 'test', i.issued_at FROM paid p JOIN billing_invoice i ON i.tenant = p.tenant)
UPDATE billing_standing SET open_cents = 0
"""
PLANTED = {
    "a reminder is left out": (FOLLOW, "DELETE FROM billing_reminder WHERE level = 1"),
    "the second came on the day of the first": (
        FOLLOW,
        "UPDATE billing_reminder r SET sent_on = e.sent_on FROM billing_reminder e WHERE e.invoice = r.invoice AND e.level = 1 AND r.level = 2",
    ),
    "two letters have one day": (ONE, "UPDATE billing_reminder SET sent_on = current_date"),
    "the last came before the second": (FOLLOW, "UPDATE billing_reminder SET sent_on = sent_on - 100 WHERE level = 3"),
    "the note came after the first reminder": (FOLLOW, "UPDATE billing_reminder SET sent_on = sent_on + 100 WHERE level = 0"),
    "nobody was reminded for the last time": (OWED, "DELETE FROM billing_reminder WHERE level = 3"),
    "the invoice was paid and nothing works again": (OWED, _PAID),
    "the service stands on no unpaid invoice": (OWED, "UPDATE billing_line SET service = NULL"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def owner(running: Settings, world: World) -> AsyncIterator[asyncpg.Connection]:
    """Somebody for whom history is not append-only, where a service has stopped after the last reminder of its invoice."""
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000, service=service)])
    await live(await due(invoice) + timedelta(days=40))
    assert await stopped(service)
    connection = await asyncpg.connect(running.database_url)
    for table in HISTORY:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield connection
    for table in HISTORY:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.close()


@pytest.mark.parametrize("what", PLANTED)
@pytest.mark.breaks_the_books
async def test_each_breach_is_found(owner: asyncpg.Connection, what: str) -> None:
    rule, statement = PLANTED[what]
    assert await broken() == set()

    tag = await owner.execute(statement)

    assert not tag.endswith(" 0")
    assert rule in await broken()


def test_every_rule_of_billing_has_a_test_that_breaks_it() -> None:
    planted = {rule for rule, _ in PLANTED.values()} | {rule for _, rule in test_accounting_invariants.PLANTED.values()}
    assert {*test_invariants.PLANTED, *planted} == invariants_billing.RULES.keys()
