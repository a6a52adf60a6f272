"""Whatever must never be in the books is found when it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import asyncpg
import pytest
import pytest_asyncio

from billing.policy.crediting import Part
from billing.policy.late import Uncollectable
from billing.policy.ledger import LineKind
from billing.policy.tax import Vat
from billing.service import credit_notes, plans, write_offs
from billing.service.credit_notes import Wanted
from billing.service.plans import InstalmentWanted
from billing.service.write_offs import WriteOffWanted
from partner_portal import invariants, invariants_billing
from partner_portal.infra import clock, db
from partner_portal.infra.settings import Settings
from tests.attack import unpaid as unpaid_things
from tests.billing.money import issue, line, pay
from tests.world import FINANCE, STAFF_DOOR, World

MONTHS = [date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1)]
HISTORY = (
    "billing_invoice", "billing_line", "billing_vat", "billing_payment", "billing_allocation",
    "billing_late_note", "billing_late_claim", "billing_instalment", "billing_write_off",
)  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def billed(world: World) -> World:
    """Three months of a service billed, one of them credited in part; something paid; a consumer's document."""
    noord = world.noord
    invoices = []
    for period in pairwise(MONTHS):
        monthly = line(8995, kind=LineKind.RECURRING, service=noord.services["bound"], period=period)
        invoices.append(await issue(noord.id, noord.customers["bakery"], [monthly, line(333)]))
        await pay(invoices[-1], 5000)
    async with db.unit_of_work(STAFF_DOOR):
        (row,) = await db.fetch("SELECT id FROM billing_line WHERE invoice = $1 AND kind = 'recurring'", invoices[-1])
        await credit_notes.give_back(FINANCE, invoices[-1], Wanted(reason="Storing", parts=(Part(line=row["id"], amount_cents=1000),)))
    await issue(noord.id, noord.customers["private"], [line(4500, vat=Vat(prices_include_vat=True), quantity=Decimal(1))])
    return world


@pytest_asyncio.fixture(loop_scope="session")
async def unpaid(billed: World) -> World:
    """Besides: an invoice with interest and costs, one in a plan that was withdrawn, one that is written off."""
    noord = billed.noord
    charged, planned, given_up = [await issue(noord.id, noord.customers["private"], [line(1000)]) for _ in range(3)]
    async with db.unit_of_work(STAFF_DOOR):
        await unpaid_things.charge(noord, charged)
        plan = await plans.agree(FINANCE, [planned], [InstalmentWanted(clock.today() + timedelta(days=9), 1210)])
        await plans.withdraw(FINANCE, plan)
        await write_offs.write_off(FINANCE, given_up, WriteOffWanted(reason=Uncollectable.OTHER, note="Weg"))
    return billed


@pytest_asyncio.fixture(loop_scope="session")
async def owner(running: Settings, unpaid: World) -> AsyncIterator[asyncpg.Connection]:
    """Somebody for whom history is not append-only."""
    connection = await asyncpg.connect(running.database_url)
    for table in HISTORY:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield connection
    for table in HISTORY:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.close()


async def broken() -> set[str]:
    async with db.unit_of_work(STAFF_DOOR):
        return {breach.rule for breach in await invariants.breaches_of(invariants_billing.RULES)}


_FIRST = "(SELECT id FROM billing_invoice ORDER BY id LIMIT 1)"
_JANUARY = "period_from = '2027-01-01'"
# ruff: noqa: S608  # ours
PLANTED = {
    "a document is the sum of its lines": f"UPDATE billing_line SET net_cents = net_cents + 1 WHERE invoice = {_FIRST} AND position = 1",
    "VAT is its rate on the sum of the lines": f"UPDATE billing_vat SET vat_cents = vat_cents + 1 WHERE invoice = {_FIRST}",
    "no document is credited for more than it billed": "UPDATE billing_standing SET credited_cents = 1 WHERE credited_cents = 0",
    "no line is credited for more than it charged": "UPDATE billing_line SET amount_cents = 999 WHERE id IN (SELECT credits FROM billing_line)",
    "no payment settles more than it is": "UPDATE billing_payment SET amount_cents = 4999",
    "what is on account is what came in and was not used": (
        "INSERT INTO billing_on_account (id, tenant, payment, customer, issuer, left_cents)"
        " SELECT gen_random_uuid(), tenant, id, customer, issuer, 1 FROM billing_payment LIMIT 1"
    ),
    "what was moved from a customer's account is on another's": "UPDATE billing_payment SET method = 'moved'",
    "what is open is what was not settled": "UPDATE billing_standing SET open_cents = open_cents + 1",
    "no number is left out": "UPDATE billing_series SET last = last + 1",
    "no day of a service is billed twice": f"UPDATE billing_line SET period_from = '2026-12-31' WHERE {_JANUARY}",
    "no day of a service is left out": f"UPDATE billing_line SET period_from = '2027-01-02' WHERE {_JANUARY}",
    "no paused day is billed": (
        "INSERT INTO billing_pause (id, tenant, service, pauses_from, resumes_on, extends_term, reason, decided_by, decided_by_label, decided_at)"
        " SELECT gen_random_uuid(), tenant, service, period_from, period_until, false, 'verbouwing', 'test', 'test', now() FROM billing_line"
        " WHERE kind = 'recurring' LIMIT 1"
    ),
    "a service is billed on from where it was billed to": "UPDATE billing_service SET paid_until = paid_until - 1",
    "interest and costs are charged as they were reckoned": "UPDATE billing_late_note SET costs_cents = costs_cents - 1",
    "every document of interest and costs says after which letter": f"UPDATE billing_late_note SET document = {_FIRST}",
    "what is written off was settled so": "UPDATE billing_write_off SET amount_cents = amount_cents - 1",
    "instalments add up to their plan": "UPDATE billing_instalment SET amount_cents = amount_cents + 1",
    "a plan that has ended holds nothing": "UPDATE billing_hold SET lifted_at = NULL, lifted_by = NULL",
    "what has ended is billed or parked": (
        "WITH over AS (UPDATE billing_service SET ends_on = '2026-10-31', billing_ends_on = '2026-10-31', paid_until = '2026-11-01', ended_at = '2026-11-01'"
        " WHERE ends_on IS NULL AND paid_until = '2026-12-01' RETURNING id, tenant, customer)"
        " INSERT INTO billing_charge (id, tenant, key, customer, service, kind, description, unit_price, amount_cents, bill_from, created_at)"
        " SELECT gen_random_uuid(), tenant, 'termination:' || id || ':HANDLING', customer, id, 'handling', 'Afhandeling', 25, 2500, '9999-12-31',"
        " '2026-10-01' FROM over"
    ),
    "debit is credit": f"UPDATE billing_vat SET vat_cents = vat_cents - 1 WHERE invoice = {_FIRST}",
}


@pytest.mark.parametrize("rule", PLANTED)
@pytest.mark.breaks_the_books
async def test_each_breach_is_found(owner: asyncpg.Connection, rule: str) -> None:
    assert await broken() == set()

    tag = await owner.execute(PLANTED[rule])

    assert not tag.endswith(" 0")
    assert rule in await broken()


async def test_what_documents_and_payments_do_to_the_books(billed: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT account, sum(debit_cents - credit_cents)::bigint AS cents FROM billing_posting GROUP BY 1 ORDER BY 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.unit_of_work(billed.zuid.principal()):
            await db.fetch("SELECT 1 FROM billing_posting")

    # 3 x (93.28 + 19.59) + 45.00 - (10.00 + 2.10), of which 150.00 was paid.
    assert {row["account"]: row["cents"] for row in rows} == {"bank": 15000, "debtors": 22151, "revenue": -30703, "vat": -6448}
