"""Real workers send webhooks: a receiver that hangs holds up nobody, and a killed worker loses nothing."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from partner_portal.infra import db, outbox, queue, settings
from partner_portal.infra.settings import Settings
from tenants.service.webhooks import deliveries, endpoints
from tests.infra.receiver import Said
from tests.tenants import hooks
from tests.tenants.hooks import Hook, announce, listening
from tests.world import World

# A connection that Valkey dropped is left to the garbage collector by its client.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def outside(world: World, running: Settings) -> AsyncIterator[None]:
    async with hooks.on_this_machine(running):
        yield
    gc.collect()


@pytest_asyncio.fixture(loop_scope="session")
async def hook(world: World) -> AsyncIterator[Hook]:
    """Noord's software listens."""
    async with listening(world.noord) as listens:
        yield listens


@asynccontextmanager
async def working() -> AsyncIterator[None]:
    """A relay and a worker run inside the block."""
    stop, chosen = asyncio.Event(), settings.current()
    parts = [asyncio.create_task(queue.relay(chosen, stop)), asyncio.create_task(queue.work(chosen, stop))]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait(parts, timeout=30)


async def until(hook: Hook, count: int, seconds: float = 30) -> None:
    """So many webhooks have come in, or time is up."""
    began = time.monotonic()
    while len(hook.at.received) < count and time.monotonic() - began < seconds:  # another task works
        await asyncio.sleep(0.05)


async def test_one_endpoint_that_hangs_holds_up_nobody_else(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(after=5)]
    async with listening(world.zuid) as quick:
        await announce(world.noord, *(f"stuck {nth}" for nth in range(20)))
        await announce(world.zuid, *(f"quick {nth}" for nth in range(5)))
        async with db.unit_of_work(world.zuid.principal()):
            await deliveries.send_test(world.zuid.actor, await endpoints.find(quick.id))
        async with working():
            await until(quick, 6)

        assert len(quick.at.received) == 6
        assert hook.at.most_at_once == 1, "one try at a time"
        assert len(hook.at.received) <= 3, "what waits behind it is not even tried"


async def test_workers_together_send_each_once(world: World, hook: Hook) -> None:
    keys = {f"event {nth}" for nth in range(30)}
    await announce(world.noord, *keys)
    async with working(), working():
        await until(hook, 30)
        await asyncio.sleep(0.5)

    assert sorted(body["key"] for body in hook.bodies()) == sorted(keys)


async def test_a_worker_killed_while_it_sends_loses_nothing(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(after=0.8), Said(204)]
    await announce(world.noord, "killed")
    [(message, _lease)] = await outbox.lease(10, 0.5)
    dying = asyncio.create_task(outbox.deliver(message))
    await until(hook, 1)
    dying.cancel()
    await asyncio.wait({dying})
    await asyncio.sleep(0.6)
    await outbox.drain()

    assert len({came.headers["webhook-id"] for came in hook.at.received}) == 1
    assert len(hook.at.received) == 2
    assert await hook.states() == ["delivered"]
