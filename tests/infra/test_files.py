"""What is on file is what was stored, once, and nobody else's."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import UUID

import asyncpg
import pytest

from partner_portal.infra import db, embedded, files
from partner_portal.infra.tables import Document
from tests.infra.conftest import NOORD, ZUID, as_tenant

pytestmark = pytest.mark.usefixtures("database")


async def stored(content: bytes, filename: str = "brief.pdf", tenant: UUID = NOORD) -> Document:
    async with db.unit_of_work(as_tenant(tenant)):
        return await files.store("confirmation", filename, content, "application/pdf")


async def test_a_document_comes_back_byte_for_byte() -> None:
    content = bytes(range(256)) * 40
    document = await stored(content)
    async with db.unit_of_work(as_tenant()):
        found, bytes_ = await files.fetch(document.id)
    assert bytes_ == content
    assert (found.filename, found.media_type, found.size) == ("brief.pdf", "application/pdf", len(content))
    assert found.sha256 == hashlib.sha256(content).digest()


async def test_the_same_bytes_are_kept_once_whatever_they_are_called() -> None:
    first, again, renamed = await stored(b"same"), await stored(b"same"), await stored(b"same", "andere naam.pdf")
    assert first.id == again.id
    assert renamed.id != first.id
    async with db.unit_of_work(as_tenant()):
        kept = await db.fetch("SELECT 1 FROM infra_document_content WHERE sha256 = $1", first.sha256)
    assert len(kept) == 1


async def test_two_jobs_that_store_the_same_at_once_make_one_document() -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(stored(b"at once")) for _ in range(8)]
    assert len({task.result().id for task in tasks}) == 1


async def test_another_tenants_document_is_not_there_and_its_bytes_are_not_shared() -> None:
    mine = await stored(b"of noord", tenant=NOORD)
    theirs = await stored(b"of noord", tenant=ZUID)
    assert mine.id != theirs.id
    async with db.unit_of_work(as_tenant(ZUID)):
        with pytest.raises(files.NoSuchDocument):
            await files.fetch(mine.id)


async def test_what_is_on_file_cannot_be_changed() -> None:
    document = await stored(b"final")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.unit_of_work(as_tenant()):
            await db.execute("UPDATE infra_document_content SET content = 'x' WHERE sha256 = $1", document.sha256)


async def test_damaged_bytes_are_noticed_before_anyone_gets_them(infra_servers: embedded.Servers) -> None:
    document = await stored(b"will be damaged")
    owner = await asyncpg.connect(infra_servers.postgres_url)
    await owner.execute("ALTER TABLE infra_document_content DISABLE TRIGGER USER")
    await owner.execute("UPDATE infra_document_content SET content = 'x' WHERE sha256 = $1", document.sha256)
    await owner.execute("ALTER TABLE infra_document_content ENABLE TRIGGER USER")
    await owner.close()
    async with db.unit_of_work(as_tenant()):
        with pytest.raises(files.DamagedDocument):
            await files.fetch(document.id)


async def test_a_document_belongs_to_a_tenant() -> None:
    async with db.unit_of_work(db.Principal(db.Door.STAFF)):
        with pytest.raises(files.NobodysDocument):
            await files.store("confirmation", "brief.pdf", b"x", "application/pdf")
