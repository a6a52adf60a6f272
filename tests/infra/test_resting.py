"""Hot reads on connections that rest between them: nobody sees another's rows, nothing is written, nobody waits for one that rests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from time import perf_counter

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from partner_portal.infra import db, resting, settings
from partner_portal.infra.db import Door, Principal
from tests.world import Partner, World


@pytest_asyncio.fixture(loop_scope="session")
async def one_connection(world: World) -> AsyncIterator[World]:
    """The world, reached through a single connection per door."""
    before, db.DB.pools = db.DB.pools, {}
    await db.open_pools(msgspec.structs.replace(settings.current(), pool_size=1))
    yield world
    await db.close_pools()
    db.DB.pools = before


async def names(partner: Partner, *, only_reads: bool = True) -> set[str]:
    """The customers that this partner sees."""
    async with db.unit_of_work(partner.principal()) as work:
        if only_reads:
            work.only_reads()
        return {str(row["id"]) for row in await db.fetch("SELECT id, pg_backend_pid() FROM customer")}


async def test_each_sees_its_own_on_the_connection_that_another_left(one_connection: World) -> None:
    noord, zuid = one_connection.noord, one_connection.zuid
    theirs = {partner.id: {str(customer) for customer in partner.customers.values()} for partner in (noord, zuid)}
    stranger = Principal(Door.TENANT, None, "stranger")

    for partner in (noord, zuid, noord, noord, zuid):
        assert await names(partner) == theirs[partner.id]
        async with db.unit_of_work(stranger) as work:
            work.only_reads()
            assert await db.fetch("SELECT id FROM customer") == []
        assert await names(partner, only_reads=False) == theirs[partner.id]


async def test_the_round_trip_of_the_commit_is_saved(one_connection: World) -> None:
    await names(one_connection.noord)

    assert db.DB.pools[Door.TENANT].get_idle_size() == 0, "the connection rests, it was not given back"
    begun = await backend_and_transaction(one_connection.noord)
    again = await backend_and_transaction(one_connection.noord)
    assert begun[0] == again[0]
    assert begun[1] < again[1], "each read has a transaction of its own"


async def backend_and_transaction(partner: Partner) -> tuple[int, datetime]:
    async with db.unit_of_work(partner.principal()) as work:
        work.only_reads()
        row = await db.fetch_one("SELECT pg_backend_pid() AS pid, transaction_timestamp() AS at")
    assert row is not None
    return row["pid"], row["at"]


async def test_a_read_that_would_write_is_refused(one_connection: World) -> None:
    async with db.unit_of_work(one_connection.noord.principal()) as work:
        work.only_reads()
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await db.execute("UPDATE customer SET name = 'x'")
        work.doom()

    async with db.unit_of_work(one_connection.noord.principal()):
        assert await db.execute("UPDATE customer SET name = name") == "UPDATE 2"


async def test_what_was_asked_before_is_no_longer_only_read(one_connection: World) -> None:
    async with db.unit_of_work(one_connection.noord.principal()) as work:
        await db.fetch("SELECT 1")
        work.only_reads()
        assert await db.execute("UPDATE customer SET name = name") == "UPDATE 2"


async def test_nobody_waits_for_a_connection_that_rests(one_connection: World) -> None:
    async with db.unit_of_work(one_connection.noord.principal()) as work:
        work.only_reads()
        await db.fetch("SELECT 1")
        waiter = asyncio.create_task(timed(one_connection.zuid))
        await asyncio.sleep(0.05)
        left = perf_counter()

    assert await waiter - left < resting.SECONDS


async def timed(partner: Partner) -> float:
    """When this partner was served; in a task of its own, which brings no unit of work along."""
    db.DB.current_transaction.set(None)
    await names(partner, only_reads=False)
    return perf_counter()


async def test_a_connection_rests_for_a_moment_only(one_connection: World) -> None:
    await names(one_connection.noord)
    await asyncio.sleep(resting.SECONDS * 3)

    pool = db.DB.pools[Door.TENANT]
    assert pool.get_idle_size() == pool.get_size() == 1
    states = await state_of_backends()
    assert states == {"idle"}, "no transaction is open"


async def state_of_backends() -> set[str]:
    async with db.unit_of_work(Principal(Door.STAFF, None, "system:test")):
        rows = await db.fetch("SELECT state FROM pg_stat_activity WHERE usename = 'portal_app' AND application_name LIKE 'portal %'")
    return {row["state"] for row in rows if row["state"] is not None} or {"idle"}


async def test_a_resting_connection_that_died_is_replaced(one_connection: World) -> None:
    pid, _at = await backend_and_transaction(one_connection.noord)
    owner = await asyncpg.connect(superuser_url())
    try:
        await owner.execute("SELECT pg_terminate_backend($1)", pid)
    finally:
        await owner.close()
    await asyncio.sleep(0.02)

    assert await names(one_connection.noord)


def superuser_url() -> str:
    return settings.current().database_url.replace("portal_owner@", "postgres@")


async def test_nothing_rests_when_the_doors_close(one_connection: World) -> None:
    await names(one_connection.noord)

    async with asyncio.timeout(2):
        await db.close_pools()
