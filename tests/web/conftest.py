"""A small application of the tests' own behind the real shell, on a real PostgreSQL and a real Valkey."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from io import StringIO
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from partner_portal.infra import db, embedded, log, migrations, redis, sessions, settings
from partner_portal.kernel.actor import Actor
from partner_portal.web import csrf
from partner_portal.web.middleware import Shell
from tests.web import thing_app

SECRET = "of the tests only, forty characters long."


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Servers]:
    """Servers of these tests' own: here only the tables of infra and of the tests exist."""
    with embedded.servers(tmp_path_factory.mktemp("web"), durable=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def parts(servers: embedded.Servers) -> AsyncIterator[settings.Settings]:
    """Database, sessions and settings of the web tests; what was open before is there again afterwards."""
    environ = {
        "PORTAL_ENV": "test",
        "DATABASE_URL": servers.postgres_url,
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": SECRET,
        "REQUESTS_PER_MINUTE": "100000",
    }
    before, client = dict(db.DB.pools), redis._Pool.client
    with settings.use(settings.load(environ)) as chosen:
        await _migrate(chosen)
        await db.open_pools(chosen)
        redis.open_pool(chosen.redis_url)
        yield chosen
        await redis.close_pool()
        await db.close_pools()
    db.DB.pools, redis._Pool.client = before, client


async def _migrate(chosen: settings.Settings) -> None:
    known, os.environ["PICCOLO_CONF"] = os.environ.get("PICCOLO_CONF"), "tests.web.piccolo_conf"
    await migrations.migrate(chosen)
    if known is None:
        del os.environ["PICCOLO_CONF"]
    else:
        os.environ["PICCOLO_CONF"] = known
    owner = await asyncpg.connect(chosen.database_url)
    await owner.execute(thing_app.SCHEMA)
    await owner.close()


@pytest_asyncio.fixture(loop_scope="session")
async def people(parts: settings.Settings) -> thing_app.People:
    """Nobody signed in, nothing counted, no thing there."""
    await redis.client().flushdb()
    owner = await asyncpg.connect(parts.database_url)
    await owner.execute("TRUNCATE web_thing, infra_idempotency")
    await owner.close()
    return thing_app.People()


@pytest_asyncio.fixture(loop_scope="session")
async def portal(people: thing_app.People) -> Shell:
    return thing_app.portal(people)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(portal: Shell) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(portal) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def noord(portal: Shell, people: thing_app.People) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as the owner of Noord, sending the CSRF token."""
    async with browser(portal) as client:
        await signed_in(client, people.owner_of_noord)
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def zuid(portal: Shell, people: thing_app.People) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(portal) as client:
        await signed_in(client, people.owner_of_zuid)
        yield client


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What was written about requests."""
    written = StringIO()
    monkeypatch.setattr(log._Plain, "out", written)
    monkeypatch.setattr(log._Plain, "as_json", True)
    return lambda: [msgspec.json.decode(line) for line in written.getvalue().splitlines()]


def browser(portal: Any, **given: Any) -> httpx.AsyncClient:
    """A client of the portal; `raise_app_exceptions=False`, for a server would not raise either."""
    transport = httpx.ASGITransport(portal, raise_app_exceptions=False, client=("192.0.2.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://portal.test", **given)


async def signed_in(client: httpx.AsyncClient, actor: Actor) -> str:
    """The client has a session of `actor`; returns its token."""
    token = await sessions.start(actor.trail, tenant=actor.tenant)
    client.cookies.set("session", token)
    client.headers["x-csrf-token"] = csrf.token(token)
    return token
