"""What has ended and was neither billed nor parked is found, after a day's grace; what is parked with a reason is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from partner_portal import invariants, invariants_billing
from partner_portal.infra import clock, db
from partner_portal.infra.settings import Settings
from tests.world import STAFF_DOOR, World

RULE = "what has ended is billed or parked"
_END = """
UPDATE billing_service SET ends_on = $2, billing_ends_on = $2, paid_until = $3, billed_from = NULL, ended_at = $4, credit_mode = $5 WHERE id = $1
"""
_PARK = """
INSERT INTO billing_parked (id, tenant, customer, service, reason) SELECT gen_random_uuid(), tenant, $2, $3, 'no address' FROM billing_service WHERE id = $1
"""
_CHARGE = """
INSERT INTO billing_charge (id, tenant, key, customer, service, layer, kind, description, unit_price, amount_cents, bill_from, created_at)
SELECT gen_random_uuid(), tenant, $2 || id, customer, id, $3, $4, 'Rest', 25, 2500, $5, $6 FROM billing_service WHERE id = $1
"""
pytestmark = pytest.mark.breaks_the_books


@pytest_asyncio.fixture(loop_scope="session")
async def owner(running: Settings) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who can write what nobody may."""
    connection = await asyncpg.connect(running.database_url)
    yield connection
    await connection.close()


async def found() -> list[str]:
    """What the rule finds, without the numbers of services."""
    async with db.unit_of_work(STAFF_DOOR):
        broken = await invariants.breaches_of({RULE: invariants_billing.RULES[RULE]})
    return sorted(row.partition(" ")[2] for breach in broken for row in breach.rows)


async def over(owner: asyncpg.Connection, world: World, *, days: int = 5, billed_on: int = 0, mode: str = "CAL") -> UUID:
    """A service whose last day was so many days ago, and that was billed so many days beyond it, or (below zero) not as far."""
    service, last = world.noord.services["free"], clock.today() - timedelta(days=days)
    done_at = clock.now() - timedelta(days=days - 1)
    await owner.execute(_END, service, last, last + timedelta(days=1 + billed_on), done_at, mode)
    return service


async def charge(
    owner: asyncpg.Connection, service: UUID, *, key: str = "termination:", layer: str = "customer", days: int = 5, due_in: int = 9999
) -> None:
    kind = "handling" if key == "termination:" else "usage"
    await owner.execute(_CHARGE, service, key, layer, kind, clock.today() + timedelta(days=due_in), clock.now() - timedelta(days=days))


async def test_what_was_billed_to_its_last_day_is_in_order(owner: asyncpg.Connection, world: World) -> None:
    await over(owner, world)

    assert await found() == []


@pytest.mark.parametrize(("days", "is_found"), [(2, False), (3, True)])
async def test_a_final_bill_that_was_not_made_is_found_when_it_is_a_day_late(
    owner: asyncpg.Connection,
    world: World,
    days: int,
    is_found: bool,  # noqa: FBT001 - a table's column
) -> None:
    await charge(owner, await over(owner, world, days=days), days=9)

    assert await found() == (["customer handling"] if is_found else [])


async def test_of_a_partner_as_of_a_customer(owner: asyncpg.Connection, world: World) -> None:
    service = await over(owner, world)
    await charge(owner, service, layer="partner")
    await owner.execute(_PARK, service, world.noord.customers["bakery"], None)

    assert await found() == ["partner handling"], "what the customer lacks is no reason of its partner's"


async def test_use_that_came_late_may_wait_for_its_day_and_no_longer(owner: asyncpg.Connection, world: World) -> None:
    service = await over(owner, world)
    await charge(owner, service, key="usage:1:", due_in=1)
    assert await found() == []

    await charge(owner, service, key="usage:2:", due_in=-2)
    assert await found() == ["customer usage"]


async def test_days_before_the_end_that_were_not_billed_are_found(owner: asyncpg.Connection, world: World) -> None:
    await over(owner, world, billed_on=-1)

    assert await found() == [f"not billed from {clock.today() - timedelta(days=5)}"]


@pytest.mark.parametrize(("mode", "is_found"), [("CAL", True), ("NONE", False), ("MONTHS", False)])
async def test_days_after_the_end_that_were_not_given_back_are_found_where_the_contract_gives_them_back(
    owner: asyncpg.Connection,
    world: World,
    mode: str,
    is_found: bool,  # noqa: FBT001 - a table's column
) -> None:
    await over(owner, world, billed_on=9, mode=mode)

    assert await found() == ([f"not given back until {clock.today() + timedelta(days=5)}"] if is_found else [])


@pytest.mark.parametrize("of", ["the customer", "the service"])
async def test_what_is_parked_with_a_reason_is_in_order(owner: asyncpg.Connection, world: World, of: str) -> None:
    service = await over(owner, world, billed_on=-1)
    await charge(owner, service)
    assert len(await found()) == 2

    await owner.execute(_PARK, service, world.noord.customers["bakery"], service if of == "the service" else None)
    assert await found() == []
    await owner.execute("UPDATE billing_parked SET settled_at = now(), settled_by = 'test'")
    assert len(await found()) == 2
