"""Finance connects an issuer to its books, sees how that stands and solves what differs; nobody else does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from billing.service.accounting import connections
from billing.service.accounting.connections import Connection
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.billing import booked, books
from tests.billing.booked import carry, conflicts, connect, link_of, look, rows
from tests.billing.books import Books
from tests.billing.money import issue
from tests.world import World

PATH = "/admin/accounting"


@pytest_asyncio.fixture(loop_scope="session")
async def finance(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with booked.package(monkeypatch) as package:
        yield package


@pytest_asyncio.fixture(loop_scope="session")
async def invoice(world: World, there: Books) -> UUID:
    """An invoice that is at the package."""
    await connect(there, world.house)
    made = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    return made


async def page(client: httpx.AsyncClient) -> str:
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, decision: str, **typed: Any) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(client))
    assert token
    answer = await client.post(PATH, data={"csrf_token": token[1], "decision": decision, **typed})
    await carry()
    return answer


async def the_connection() -> Connection:
    (row,) = await rows("SELECT * FROM billing_accounting_connection")
    return connections.of_row(row)


async def test_an_issuer_is_connected_and_its_next_invoice_is_there(world: World, finance: httpx.AsyncClient, there: Books) -> None:
    assert "Nog geen afzender is met zijn boekhouding verbonden" in await page(finance)
    connections.keep_secret("huis", books.TOKEN)
    typed = {
        "issuer": str(world.house),
        "code": "huis",
        "package": "plain",
        "url": there.url,
        "starts_on": "2026-01-01",
        "ledgers": "default = 8000\nmoney = 1100",
        "vat_codes": "S:NL:21 = hoog",
        "sends_payments": "yes",
        "takes_payments": "yes",
    }
    answer = await press(finance, "connect", **typed)
    assert answer.status_code == 303, answer.text
    await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()

    seen = await page(finance)
    assert "huis · Kadetel B.V." in seen
    assert "In gebruik" in seen
    assert "<dt>Daar</dt><dd>2</dd>" in seen
    assert [one["lines"][0]["ledger"] for one in there.kept["document"].values()] == ["8000"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"package": "onbekend"}, {"package": "Zo&#39;n pakket is er niet"}),
        ({"code": "Met Spaties"}, {"code": ""}),
        ({"code": ""}, {"code": ""}),
        ({"starts_on": "gisteren"}, {"starts_on": ""}),
        ({"ledgers": "8000"}, {"ledgers": "Schrijf per regel één naam met zijn code"}),
        ({"vat_codes": "S:NL:21 hoog", "options": "x"}, {"vat_codes": "S:NL:21 hoog", "options": "Schrijf per regel"}),
        ({"url": "ftp://x", "package": "niets"}, {"url": "Geef een volledig adres", "package": "Zo&#39;n pakket"}),
        ({"starts_on": "", "ledgers": "= 8000"}, {"starts_on": "", "ledgers": "= 8000"}),
        (
            {"starts_on": "", "ledgers": "8000", "url": "ftp://x"},
            {"starts_on": "", "ledgers": "Schrijf per regel", "url": "Geef een volledig adres"},
        ),
        ({"options": "a = b\n" * 1000}, {"options": ""}),
    ],
    ids=[
        "package",
        "code",
        "no-code",
        "day",
        "codes",
        "two-tables",
        "address-and-package",
        "day-and-table",
        "day-table-and-address",
        "long",
    ],
)
async def test_what_cannot_be_is_said_and_what_was_typed_is_still_there(
    world: World, finance: httpx.AsyncClient, there: Books, wrong: dict[str, str], said: dict[str, str]
) -> None:
    typed = {
        "issuer": str(world.house),
        "code": "huis",
        "package": "plain",
        "url": there.url,
        "starts_on": "2026-01-01",
        "administration": "AE & zn.",
    }
    answer = await press(finance, "connect", **typed | wrong)

    assert answer.status_code == 422
    at_fields = dict(re.findall(r'(?s)id="([a-z_]+)-error">.*?</svg> (.*?)</p>', answer.text))
    assert set(at_fields) == set(said)
    assert all(words in at_fields[name] for name, words in said.items()), at_fields
    assert set(re.findall(r'<li><a href="#([a-z_]+)">', answer.text)) == set(said), "each has a way there from the top"
    assert "AE &amp; zn." in answer.text
    assert await rows("SELECT 1 FROM billing_accounting_connection") == []


async def test_a_second_connection_of_one_issuer_waits_for_the_end_of_the_first(
    world: World, finance: httpx.AsyncClient, there: Books, invoice: UUID
) -> None:
    typed = {"issuer": str(world.house), "code": "tweede", "package": "plain", "url": there.url, "starts_on": "2026-01-01"}
    refused = await press(finance, "connect", **typed)
    assert (refused.status_code, "Er is al een koppeling" in refused.text) == (409, True)

    first = await the_connection()
    silent = await press(finance, "end", id=str(first.id), reason="")
    assert (silent.status_code, 'id="reason-c1-error"' in silent.text) == (422, True)
    assert (await press(finance, "end", id=str(first.id), reason="Naar een ander pakket")).status_code == 303
    assert (await press(finance, "connect", **typed)).status_code == 303
    assert (await press(finance, "resume", id=str(first.id))).status_code == 409


async def test_a_paused_connection_keeps_what_waits_until_it_is_resumed(
    world: World, finance: httpx.AsyncClient, there: Books, invoice: UUID
) -> None:
    connection = await the_connection()
    await press(finance, "pause", id=str(connection.id), reason="Jaarafsluiting <b>2026</b>")
    second = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    seen = await page(finance)
    assert "Staat stil" in seen
    assert "Jaarafsluiting &lt;b&gt;2026&lt;/b&gt;" in seen
    assert (await link_of(second))["state"] == "waiting"

    await press(finance, "resume", id=str(connection.id))

    assert (await link_of(second))["state"] == "sent"


async def test_a_difference_shows_both_sides_and_is_solved_by_a_button(finance: httpx.AsyncClient, there: Books, invoice: UUID) -> None:
    document = (await link_of(invoice))["remote_id"]
    there.alter("document", document, gross=999)
    await press(finance, "look", id=str((await the_connection()).id))
    seen = await page(finance)
    assert "1 verschil wacht op u" in seen
    assert "Iemand heeft het daar gewijzigd" in seen
    assert "<td>EUR 12,10</td><td>EUR 9,99</td>" in seen

    (conflict,) = await conflicts()
    without = await press(finance, "leave", id=str(conflict["id"]), reason=".")
    assert without.status_code == 422
    assert re.search(r'(?s)id="reason-d1-error">.*?Zeg waarom, in een paar woorden', without.text)
    assert '<a href="#reason-d1">' in without.text
    assert 'value="."' in without.text
    assert (await press(finance, "leave", id=str(conflict["id"]), reason="Korting van het pakket")).status_code == 303
    seen = await page(finance)
    assert "Beide boekhoudingen zeggen hetzelfde" in seen
    assert "Korting van het pakket" in seen
    assert (await press(finance, "again", id=str(conflict["id"]))).status_code == 409


async def test_every_kind_of_difference_has_its_words(world: World, finance: httpx.AsyncClient, there: Books, invoice: UUID) -> None:
    document = (await link_of(invoice))["remote_id"]
    there.pay(document, 5000)
    there.pay(document, -100)
    there.pay(document, 100, currency="USD")
    there.remove("document", document)
    there.remove("contact", next(iter(there.kept["contact"])))
    await look(await the_connection())

    seen = await page(finance)

    assert "5 verschillen wachten op u" in seen
    for words in ("Daar is meer betaald", "Daar is geld teruggehaald", "in een andere munt", "Het is daar verwijderd"):
        assert words in seen


async def test_only_finance_sees_and_decides_and_only_from_its_own_page(staff: SignsIn, finance: httpx.AsyncClient, invoice: UUID) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")
    forged = await finance.post(PATH, data={"csrf_token": "x", "decision": "look", "id": str((await the_connection()).id)})

    assert (await desk.get(PATH)).status_code == 403
    assert (await desk.post(PATH, data={"decision": "look"})).status_code == 403
    assert forged.status_code == 403
    assert (await press(finance, "dans")).status_code == 404
    assert (await press(finance, "again", id="x")).status_code == 404
