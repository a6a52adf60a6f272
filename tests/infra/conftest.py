"""A real PostgreSQL with the tables of infra, and a real mail server, for what people read."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from partner_portal.infra import db, embedded, mail, migrations, outbox, pdf, settings
from partner_portal.mailcatcher.catcher import Catcher
from tests import letters

NOORD = UUID("01900000-0000-7000-8000-00000000000a")
ZUID = UUID("01900000-0000-7000-8000-00000000000b")


@pytest.fixture(scope="session")
def infra_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Servers]:
    with embedded.servers(tmp_path_factory.mktemp("infra"), durable=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(infra_servers: embedded.Servers) -> AsyncIterator[settings.Settings]:
    """The tables of infra behind both doors; what was open before is there again afterwards."""
    environ = {
        "PORTAL_ENV": "test",
        "DATABASE_URL": infra_servers.postgres_url,
        "REDIS_URL": infra_servers.redis_url,
        "SECRET_KEY": "of the tests only, forty characters long.",
        "PROVIDER_NAME": letters.PROVIDER,
        "MAIL_FROM": "Portal <portal@kadetel.example.com>",
    }
    before, conf = dict(db.DB.pools), os.environ.get("PICCOLO_CONF")
    os.environ["PICCOLO_CONF"] = "tests.infra.piccolo_conf"
    with settings.use(settings.load(environ)) as chosen:
        await migrations.migrate(chosen)
        await db.open_pools(chosen)
        yield chosen
        await db.close_pools()
    db.DB.pools = before
    os.environ.pop("PICCOLO_CONF")
    if conf is not None:
        os.environ["PICCOLO_CONF"] = conf


@pytest_asyncio.fixture(loop_scope="session")
async def catcher(database: settings.Settings, tmp_path: Path) -> AsyncIterator[Catcher]:
    """A mail server that the portal sends to, empty, and no mail waiting."""
    outbox.register(mail.ON_EVENT.items())
    async with Catcher(tmp_path / "mail") as running:
        with settings.use(database, smtp_url=running.smtp_url):
            yield running
    async with db.unit_of_work(db.Principal(db.Door.STAFF)):
        await db.execute("DELETE FROM infra_outbox")
        await db.execute("DELETE FROM infra_mail")


@pytest.fixture
def own_pool() -> Iterator[None]:
    """PDF processes of this test's own, ended afterwards."""
    pdf.close()
    yield
    pdf.close()


def as_tenant(tenant: UUID = NOORD, door: db.Door = db.Door.TENANT) -> db.Principal:
    """Whose unit of work it is."""
    return db.Principal(door, tenant, "system:test")
