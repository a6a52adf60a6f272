"""The whole portal on real parts: PostgreSQL, Valkey, a mail server; one small world, new for each test that asks for it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import pytest_asyncio

from partner_portal import wiring
from partner_portal.infra import clock, db, embedded, migrations, outbox, redis, settings
from partner_portal.infra.settings import Settings
from partner_portal.mailcatcher.catcher import Catcher
from tests.world import World, load

# Nothing is timed in a test: machines are noisy, and speed has its own command.
hypothesis.settings.register_profile("portal", parent=hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("portal")

SECRET = "of the tests only, forty characters long."
_ANY_NUMBER = "100000"


def pytest_configure() -> None:
    """Modules that make the application when they are collected do so without its limit of requests: attackers here try every route within a minute."""
    settings.adopt(settings.load(os.environ | {"REQUESTS_PER_MINUTE": _ANY_NUMBER}))


@pytest.fixture(scope="session")
def portal_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Servers]:
    """PostgreSQL and Valkey of this run."""
    with embedded.servers(tmp_path_factory.mktemp("portal"), durable=False) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def portal_settings(portal_servers: embedded.Servers, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the portal under test, its database migrated."""
    chosen = settings.load(
        {
            "PORTAL_ENV": "test",
            "DATA": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": portal_servers.postgres_url,
            "REDIS_URL": portal_servers.redis_url,
            "SECRET_KEY": SECRET,
            "BASE_URL": "http://portal.test",
            "PROVIDER_NAME": "Kadetel B.V.",
            "FINANCE_EMAIL": "finance@kadetel.example.com",
            "MAIL_FROM": "Portal <portal@kadetel.example.com>",
            "REQUESTS_PER_MINUTE": _ANY_NUMBER,
        }
    )
    await migrations.migrate(chosen)
    return chosen


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(portal_settings: Settings) -> AsyncIterator[Settings]:
    """The portal's connections are open and its handlers known; what was open before is there again afterwards."""
    before, client = dict(db.DB.pools), redis._Pool.client
    db.DB.pools, redis._Pool.client = {}, None
    with settings.use(portal_settings):
        async with wiring.running(portal_settings):
            yield portal_settings
    db.DB.pools, redis._Pool.client = before, client


@asynccontextmanager
async def emptied(running: Settings, folder: Path) -> AsyncIterator[Catcher]:
    """Nobody's rows, no session, no mail; noon of 22 November 2026; a mail server that the portal sends to."""
    owner = await asyncpg.connect(running.database_url)
    tables = await owner.fetch(
        "SELECT quote_ident(relname) AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migration'"
    )
    await owner.execute(f"TRUNCATE {', '.join(row['name'] for row in tables)} CASCADE")
    await owner.close()
    await redis.client().flushdb()
    clock.set_to(datetime(2026, 11, 22, 11, 0, tzinfo=UTC))
    async with Catcher(folder / "mail") as catcher:
        with settings.use(smtp_url=catcher.smtp_url):
            yield catcher


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox(running: Settings, tmp_path: Path) -> AsyncIterator[Catcher]:
    """A portal as new, for each test."""
    async with emptied(running, tmp_path) as catcher:
        yield catcher


@pytest_asyncio.fixture(loop_scope="session")
async def world(mailbox: Catcher) -> World:
    """The small named world: partners Noord and Zuid, an owner and a clerk each, a few customers and services."""
    return await load(mailbox)


@pytest_asyncio.fixture(loop_scope="session")
async def noord(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Noord's owner at the API, signed in."""
    async with browser() as client:
        await sign_in(client, world.noord.owner)
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def zuid(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Zuid's owner at the API, signed in."""
    async with browser() as client:
        await sign_in(client, world.zuid.owner)
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in."""
    async with browser() as client:
        yield client


def browser(**given: object) -> httpx.AsyncClient:
    """A client of the portal in this process."""
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    as_asgi: Any = app  # httpx and Litestar each type ASGI themselves
    transport = httpx.ASGITransport(as_asgi, raise_app_exceptions=False, client=("192.0.2.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://portal.test", **given)  # type: ignore[arg-type]


async def sign_in(client: httpx.AsyncClient, email: str, password: str = "correct horse battery") -> None:
    """The client is signed in as the member with this e-mail."""
    answer = await client.post("/api/v1/session", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["x-csrf-token"] = answer.json()["csrf_token"]


async def work() -> None:
    """Everything that is due in the background is done."""
    assert await outbox.drain() >= 0
