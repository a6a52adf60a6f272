"""Finance and the bank in the admin: a file comes in, what nobody knows is decided, files for the bank leave."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest_asyncio

from billing.service import issuers, mandates
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.billing.bank import Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_debits import SIGNED
from tests.billing.test_statements import open_cents, reference, rows
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

STATEMENTS, DEBITS = "/admin/statements", "/admin/direct-debits"


@pytest_asyncio.fixture(loop_scope="session")
async def fien(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


@pytest_asyncio.fixture(loop_scope="session")
async def invoice(world: World) -> UUID:
    return await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])


async def page(client: httpx.AsyncClient, address: str = STATEMENTS) -> str:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(
    client: httpx.AsyncClient, decision: str, address: str = STATEMENTS, file: bytes | None = None, **typed: str
) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(client, address))
    data: dict[str, Any] = {"csrf_token": token[1] if token else "", "decision": decision, **typed}
    files = {"file": ("bank.xml", file)} if file is not None else None
    answer = await client.post(address, data=data, files=files)
    await outbox.drain()
    return answer


async def test_a_file_comes_in_and_what_is_unknown_is_booked_by_a_suggestion(world: World, fien: httpx.AsyncClient, invoice: UUID) -> None:
    assert "Er wacht geen boeking op u" in await page(fien)
    taken = await press(fien, "import", file=camt([Booking(cents=12100, text="zonder kenmerk", name="Korst")]))
    assert taken.status_code == 303, taken.text
    seen = await page(fien)
    _reference, number = await reference(invoice)
    assert "1 boeking wacht op u" in seen
    assert f"{number}, Bakkerij De Korst" in seen
    assert "precies dit bedrag staat open" in seen
    entry = (await rows("SELECT id FROM billing_statement_entry"))[0]["id"]

    wrong = await press(fien, "book", id=str(entry), numbers="HUIS-F2026-999999")
    assert wrong.status_code == 422
    assert "HUIS-F2026-999999" in wrong.text
    done = await press(fien, "book", id=str(entry), numbers=f"{number} = 121,00")

    assert done.status_code == 303
    assert await open_cents(invoice) == 0
    again = await press(fien, "book", id=str(entry), numbers=number)
    assert again.status_code == 409


async def test_a_statement_that_does_not_add_up_waits_and_a_broken_file_says_so(fien: httpx.AsyncClient, invoice: UUID) -> None:
    said, _number = await reference(invoice)
    assert (await press(fien, "import", file=b"<broken")).status_code == 422
    assert (await press(fien, "import")).status_code == 422
    await press(fien, "import", file=camt([Booking(cents=12100, reference=said)], closing=5))
    assert "Afschrift S1 klopt niet" in await page(fien)
    statement = (await rows("SELECT id FROM billing_statement"))[0]["id"]

    assert (await press(fien, "accept", id=str(statement))).status_code == 303
    assert await open_cents(invoice) == 0


async def test_files_to_collect_are_made_and_fetched(world: World, staff: SignsIn) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, SIGNED)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])  # says itself that it will be collected
    clock.move_to(date(2026, 12, 19))
    fien = await staff(StaffRole.FINANCE, name="fien")
    made = await press(fien, "collect", DEBITS, id=str(world.house))
    assert made.status_code == 303, made.text
    batch = (await rows("SELECT id FROM billing_bank_batch"))[0]["id"]
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(fien, DEBITS))
    assert token

    file = await fien.post(f"{DEBITS}/{batch}/file", data={"csrf_token": token[1]})

    assert (file.status_code, file.headers["content-type"]) == (200, "application/xml; charset=utf-8")
    assert b"pain.008.001.08" in file.content
    assert (await press(fien, "collect", DEBITS, id=str(world.house))).status_code == 409
    assert await open_cents(invoice) == 12100

    assert (await press(fien, "refused", DEBITS, id=str(batch), ids="I1", note="AC04")).status_code == 422
    assert (await press(fien, "refused", DEBITS, id=str(batch), ids="", note="bestand afgekeurd")).status_code == 303
    assert "bestand afgekeurd" in await page(fien, DEBITS)
    assert (await press(fien, "refused", DEBITS, id=str(batch), ids="", note="nog eens")).status_code == 409
    assert (await press(fien, "collect", DEBITS, id=str(world.house))).status_code == 303


async def test_only_finance_comes_in_and_only_from_its_own_page(
    staff: SignsIn, stranger: httpx.AsyncClient, fien: httpx.AsyncClient
) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")
    for address in (STATEMENTS, DEBITS):
        assert (await desk.get(address)).status_code == 403
        assert (await desk.post(address, data={"decision": "import"})).status_code == 403
        assert (await stranger.get(address)).status_code == 303
        assert (await stranger.post(address, data={"decision": "import"})).status_code == 303
        assert (await fien.post(address, data={"decision": "import", "csrf_token": "x"})).status_code == 403
