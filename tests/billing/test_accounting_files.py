"""Accounting by files: e-invoices lie in a folder once, statements are taken from another, bad ones set apart with the reason."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from billing.service.accounting import connections
from billing.service.accounting.connections import Connection
from partner_portal.infra import db, outbox, settings
from partner_portal.kernel.actor import SYSTEM
from tests.billing import booked
from tests.billing.bank import Booking, camt
from tests.billing.booked import carry, conflicts, link_of, look, rows
from tests.billing.books import Books
from tests.billing.money import issue
from tests.billing.test_statements import reference
from tests.world import STAFF_DOOR, World


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Iterator[Path]:  # after the world, so that its settings are there
    with settings.use(accounting_folder=str(tmp_path / "boekhouding")):
        yield tmp_path / "boekhouding" / "map"


@pytest_asyncio.fixture(loop_scope="session")
async def connection(world: World, folder: Path) -> AsyncIterator[Connection]:
    made = await booked.connect(Books(), world.house, code="map", package="files", url="")
    await carry()
    assert folder.is_dir()
    yield made


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def open_cents(invoice: UUID) -> int:
    found: int = (await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice))[0]["open_cents"]
    return found


async def test_an_invoice_lies_in_the_folder_once_as_an_e_invoice(world: World, connection: Connection, folder: Path) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    lies = folder / "out" / "HUIS-F2026-000001.xml"

    assert names(folder / "out") == ["HUIS-F2026-000001.xml"]
    assert b"HUIS-F2026-000001" in lies.read_bytes()
    assert ((await link_of(invoice))["remote_id"], connection.sends_payments) == ("HUIS-F2026-000001.xml", False)


async def test_what_the_package_took_away_is_not_put_there_again(world: World, connection: Connection, folder: Path) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    (folder / "out" / "HUIS-F2026-000001.xml").unlink()
    async with db.unit_of_work(STAFF_DOOR):  # as after a worker that died before it could say so
        await db.execute(
            "UPDATE billing_accounting_link SET state = 'waiting', remote_id = NULL, due_at = wanted_at WHERE subject = $1", invoice
        )
    await look(connection)

    assert (names(folder / "out"), (await link_of(invoice))["state"]) == ([], "sent")


async def test_a_statement_is_booked_and_put_away(world: World, connection: Connection, folder: Path) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    known, _number = await reference(invoice)
    (folder / "in" / "bank.xml").write_bytes(camt([Booking(cents=1210, reference=known)]))
    await look(connection)
    await outbox.drain()

    assert (await open_cents(invoice), names(folder / "in"), names(folder / "done")) == (0, [], ["bank.xml"])

    (folder / "in" / "bank.xml").write_bytes((folder / "done" / "bank.xml").read_bytes())
    await look(connection)

    assert len(await rows("SELECT 1 FROM billing_payment")) == 1
    assert names(folder / "done") == ["bank-2.xml", "bank.xml"]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "empty"), (b"<html>", "damaged"), (b"\x00" * 3000, "not-a-statement")],
    ids=["empty", "html", "bytes"],
)
async def test_a_file_that_is_no_statement_is_set_apart_with_the_reason(
    connection: Connection, folder: Path, content: bytes, why: str
) -> None:
    (folder / "in" / "bank.xml").write_bytes(content)
    (folder / "in" / "busy.xml.part").write_bytes(b"half")
    await look(connection)
    await look(connection)
    (conflict,) = await conflicts()

    assert (names(folder / "in"), names(folder / "refused")) == (["busy.xml.part"], ["bank.xml", "bank.xml.reason.txt"])
    assert (conflict["why"], conflict["about"]) == ("file", "bank.xml")
    assert (folder / "refused" / "bank.xml.reason.txt").read_text().strip() == conflict["detail"]
    assert conflict["detail"].startswith(why)


async def test_a_name_in_letters_of_another_system_hinders_nothing(world: World, connection: Connection, folder: Path) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    known, _number = await reference(invoice)
    good, bad = (folder / "in" / os.fsdecode(name) for name in (b"\xdcberweisung.xml", b"\xdcbel.xml"))
    good.write_bytes(camt([Booking(cents=1210, reference=known)]))
    bad.write_bytes(b"<broken")
    await look(connection)
    await outbox.drain()

    assert await open_cents(invoice) == 0
    assert (names(folder / "in"), [one["about"] for one in await conflicts()]) == ([], ["?bel.xml"])


async def test_nobody_tells_of_another_issuers_account(world: World, connection: Connection, folder: Path) -> None:
    zuids = await issue(world.zuid.id, world.zuid.customers["bakery"])
    known, _number = await reference(zuids)
    (folder / "in" / "bank.xml").write_bytes(camt([Booking(cents=1210, reference=known)], iban="NL61BANK0123456780"))
    await look(connection)

    assert await open_cents(zuids) == 1210
    assert [one["detail"] for one in await conflicts()] == ["account (value NL61BANK0123456780)"]


async def test_a_file_larger_than_any_statement_is_set_apart(connection: Connection, folder: Path) -> None:
    with (folder / "in" / "huge.xml").open("wb") as huge:
        huge.truncate(200 * 1024 * 1024)
    await look(connection)

    assert [one["detail"] for one in await conflicts()] == ["too-large"]
    assert "huge.xml" in names(folder / "refused")


async def test_a_folder_that_cannot_be_written_is_noted_and_tried_again(world: World, connection: Connection, folder: Path) -> None:
    (folder / "out").rmdir()
    (folder / "out").write_text("in the way")
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    link = await link_of(invoice)
    assert (link["state"], link["attempts"], "Error" in link["last_error"]) == ("waiting", 1, True)

    (folder / "out").unlink()
    async with db.unit_of_work(STAFF_DOOR):
        await connections.pause(SYSTEM, connection.id, "reparatie")
        await connections.resume(SYSTEM, connection.id)
    await carry()

    assert names(folder / "out") == ["HUIS-F2026-000001.xml"]
