"""Real arq on a real Valkey carries what PostgreSQL knows: whatever happens to Valkey, nothing is lost and nothing runs twice."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from partner_portal.infra import db, outbox, queue, settings
from partner_portal.infra.embedded_programs import Valkey
from partner_portal.infra.processes import Child
from partner_portal.kernel.events import Event
from tests.infra.conftest import NOORD, as_tenant
from tests.infra.test_outbox import STAFF, listening

# A connection that Valkey dropped is left to the garbage collector by its client.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_ran: Counter[str] = Counter()
_slow = {"seconds": 0.0}


class Posted(Event, frozen=True, kw_only=True):
    """A parcel was posted."""

    parcel: str


async def carry(event: Posted) -> None:
    await asyncio.sleep(_slow["seconds"])
    _ran[event.parcel] += 1


@pytest_asyncio.fixture(loop_scope="session")
async def carried(database: settings.Settings) -> AsyncIterator[settings.Settings]:
    """Nothing waits, and one handler listens; work is leased for two seconds."""
    _ran.clear()
    _slow["seconds"] = 0.0
    async with db.unit_of_work(STAFF):
        await db.execute("DELETE FROM infra_outbox")
    with listening():
        outbox.register({Posted: [carry]}.items())
        yield msgspec.structs.replace(database, job_lease_seconds=2, worker_jobs=5)
    gc.collect()
    async with db.unit_of_work(STAFF):
        await db.execute("DELETE FROM infra_outbox")


@asynccontextmanager
async def working(chosen: settings.Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A relay and a worker run inside the block, started again when they end, as whoever keeps processes does."""
    stop = asyncio.Event()

    async def keep() -> None:
        while not stop.is_set():
            try:
                async with asyncio.TaskGroup() as parts:
                    parts.create_task(queue.relay(chosen, stop))
                    parts.create_task(queue.work(chosen, stop))
            except* Exception:  # noqa: BLE001  # a lost Valkey ends the process: it is started again
                await asyncio.sleep(0.2)

    running = asyncio.create_task(keep())
    try:
        yield running
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


async def post(count: int) -> list[str]:
    parcels = [f"parcel {nth}" for nth in range(count)]
    for parcel in parcels:
        async with db.unit_of_work(as_tenant()):
            await outbox.publish(Posted(tenant_id=NOORD, parcel=parcel))
    return parcels


async def undone() -> list[Any]:
    async with db.unit_of_work(STAFF):
        return await db.fetch("SELECT id, attempts, last_error FROM infra_outbox WHERE done_at IS NULL")


async def all_done(seconds: float = 25) -> None:
    async with asyncio.timeout(seconds):
        while await undone():  # another task works
            await asyncio.sleep(0.1)


async def test_what_was_published_is_carried_and_done_once(carried: settings.Settings) -> None:
    async with working(carried):
        parcels = await post(40)
        await all_done()

    assert _ran == Counter(parcels)


async def test_two_workers_share_and_never_double(carried: settings.Settings) -> None:
    _slow["seconds"] = 0.02
    parcels = await post(60)

    async with working(carried), working(carried):
        await all_done()

    assert _ran == Counter(parcels)


async def test_a_valkey_that_forgets_everything_in_the_middle_loses_nothing(carried: settings.Settings) -> None:
    _slow["seconds"] = 0.1
    parcels = await post(40)
    client = Redis.from_url(carried.redis_url)

    async with working(carried):
        for _ in range(4):
            await asyncio.sleep(0.2)
            await client.flushall()
        await all_done()

    await client.aclose()
    assert _ran == Counter(parcels)


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """A Valkey of this test's own, that ends without a word and remembers nothing."""
    program = Valkey(folder, folder, durable=False)
    child = Child(program.prepare())
    try:
        while not program.ready():
            time.sleep(0.02)
        yield program.url()
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.stop()


async def test_a_valkey_that_dies_and_is_gone_for_a_while_loses_nothing(carried: settings.Settings) -> None:
    _slow["seconds"] = 0.1
    parcels = await post(40)

    with TemporaryDirectory() as folder, ExitStack() as first:
        chosen = msgspec.structs.replace(carried, redis_url=first.enter_context(valkey(Path(folder))))
        async with working(chosen):
            await asyncio.sleep(0.5)
            first.close()
            await asyncio.sleep(1)
            assert await undone(), "it was gone amid the work"
            with valkey(Path(folder)):
                await all_done(40)

    assert _ran == Counter(parcels)


async def test_a_job_that_takes_longer_than_its_lease_is_cut_off_and_counted(carried: settings.Settings) -> None:
    _slow["seconds"] = 30
    await post(1)

    async with working(carried):
        async with asyncio.timeout(60):
            while (await undone())[0]["attempts"] < 2:  # another task works
                await asyncio.sleep(0.1)
        _slow["seconds"] = 0
        await all_done()

    assert _ran == Counter(["parcel 0"])


async def test_a_worker_that_is_told_to_stop_finishes_what_it_began(carried: settings.Settings) -> None:
    _slow["seconds"] = 1.0
    await post(3)

    async with working(carried):
        await asyncio.sleep(0.8)

    assert sum(_ran.values()) == 3
    assert await undone() == []


async def test_of_the_daily_jobs_one_that_fails_does_not_stop_the_others() -> None:
    stop, done = asyncio.Event(), []

    async def fails() -> None:
        done.append("fails")
        raise RuntimeError

    async def works() -> None:
        done.append("works")
        if len(done) >= 4:
            stop.set()

    await asyncio.wait_for(queue.daily([fails, works], 0.05, stop), 5)

    assert done == ["fails", "works"] * 2


async def test_what_lies_in_valkey_is_no_code(carried: settings.Settings) -> None:
    """Whoever can write to Valkey could run anything in a worker that unpickles what it finds there."""
    client = Redis.from_url(carried.redis_url)
    stop = asyncio.Event()
    await post(3)
    relaying = asyncio.create_task(queue.relay(carried, stop))
    async with asyncio.timeout(10):
        while not (keys := await client.keys("arq:job:*")):
            await asyncio.sleep(0.05)
    stop.set()
    await relaying

    for key in keys:
        held = msgspec.msgpack.decode(await client.get(key))
        assert set(map(type, held["a"])) == {str}
        assert held["f"] == "deliver"
    await client.flushall()
    await client.aclose()


@pytest.mark.usefixtures("carried")
async def test_nonsense_in_the_queue_harms_nobody(carried: settings.Settings) -> None:
    client = Redis.from_url(carried.redis_url)
    await client.set("arq:job:evil", b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    await client.zadd("portal:jobs", {"evil": 0})

    async with working(carried):
        parcels = await post(3)
        await all_done()

    await client.flushall()
    await client.aclose()
    assert _ran == Counter(parcels)
