"""The only module that knows arq: carries ids of due work from the relay to the workers, and runs the daily jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import arq
import msgspec
import structlog
from arq.connections import RedisSettings
from arq.worker import Worker

from . import outbox
from .settings import Settings

log = structlog.get_logger()

Daily = Callable[[], Awaitable[None]]

_QUEUE = "portal:jobs"
_RELAY_PAUSE = 0.2


def _redis(settings: Settings) -> RedisSettings:
    redis = RedisSettings.from_dsn(settings.redis_url)
    redis.conn_retries, redis.conn_retry_delay, redis.retry_on_timeout = 30, 1, True
    return redis


async def _connect(settings: Settings) -> arq.ArqRedis:
    return await arq.create_pool(
        _redis(settings), job_serializer=msgspec.msgpack.encode, job_deserializer=msgspec.msgpack.decode, default_queue_name=_QUEUE
    )


def _deliver(settings: Settings) -> Callable[[dict[str, Any], str], Awaitable[None]]:
    within = settings.job_lease_seconds * 0.9  # over before the lease is, so that it can be told from a worker that was killed

    async def deliver(_context: dict[str, Any], message: str) -> None:
        await outbox.deliver(UUID(message), within=within)

    return deliver


async def relay(settings: Settings, stop: asyncio.Event) -> None:
    """Until `stop` is set, due outbox rows are handed to the workers; a lost connection is made again."""
    queue = await _connect(settings)
    turns = max(1, settings.worker_jobs // 2)
    try:
        while not stop.is_set():
            due = await outbox.lease(100, settings.job_lease_seconds, turns=turns)
            for message, lease in due:
                # The lease's number is part of the id, so that a row leased again never meets what is left of an earlier lease.
                await queue.enqueue_job("deliver", str(message), _job_id=f"{message}:{lease}", _expires=settings.job_lease_seconds)
            if not due:
                await _pause(stop, _RELAY_PAUSE)
    finally:
        await queue.aclose()


async def daily(jobs: Sequence[Daily], every_seconds: float, stop: asyncio.Event) -> None:
    """Until `stop` is set, each job asks the database what is due, now and every `every_seconds`; one that fails does not stop the others."""
    while not stop.is_set():
        for job in jobs:
            try:
                await job()
            except Exception as error:  # it is due again at the next round
                log.exception("daily.failed", job=job.__name__, error=type(error).__name__)
        await _pause(stop, every_seconds)


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Until `stop` is set, leased work is run; running jobs are finished before this returns."""
    worker = Worker(
        functions=[arq.func(_deliver(settings), name="deliver", keep_result=0, timeout=settings.job_lease_seconds, max_tries=1)],  # type: ignore[arg-type]  # arq wants *args: Any
        redis_settings=_redis(settings),
        queue_name=_QUEUE,
        poll_delay=0.05,
        max_jobs=settings.worker_jobs,
        health_check_interval=10,
        job_serializer=msgspec.msgpack.encode,
        job_deserializer=msgspec.msgpack.decode,
        handle_signals=False,
    )
    running = asyncio.create_task(worker.async_run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    worker.allow_pick_jobs = False
    if worker.tasks:
        await asyncio.wait(worker.tasks.values(), timeout=settings.job_lease_seconds)
    if not running.done():
        running.cancel()
    await asyncio.wait({running})
    await worker.close()
    if not running.cancelled() and (error := running.exception()):
        raise error


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
