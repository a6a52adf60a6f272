"""What is open as partner and customer see it: on the page, as a file, as a statement; and nothing of anybody else."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio
from pypdf import PdfReader

from billing.policy.ledger import Layer
from billing.policy.reminding import Held
from billing.service import holds, paper, reminders, suspensions
from partner_portal.infra import db
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import START, at, due, staff
from tests.conftest import browser, sign_in
from tests.tenants.people import main_user
from tests.world import STAFF_DOOR, World

LIST, OWN = "/portal/open-items", "/portal/own/open-items"


async def page(client: httpx.AsyncClient, path: str, status: int = 200, *, headers: dict[str, str] | None = None) -> str:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.text.replace("\N{NO-BREAK SPACE}", " ")


@pytest_asyncio.fixture(loop_scope="session")
async def overdue(world: World) -> UUID:
    """An invoice of Noord's bakery, forty days late, reminded of and disputed."""
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(123_456)])
    at(await due(invoice) + timedelta(days=40))
    await reminders.run()
    await staff(holds.on_invoice, invoice, Held.DISPUTED)
    return invoice


@pytest.mark.usefixtures("overdue")
async def test_a_partner_sees_what_is_open_how_old_and_why_it_waits(noord: httpx.AsyncClient) -> None:
    seen = await page(noord, LIST)

    assert "EUR 1.493,82" in seen
    assert "40 dagen vervallen" in seen
    assert "betwist" in seen
    assert 'role="img" aria-label="EUR 1.493,82 staat open, waarvan EUR 1.493,82 is vervallen"' in seen
    assert "21 dagen erna: de laatste aanmaning" in seen


@pytest.mark.usefixtures("overdue")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?age=31-60", True),
        ("?age=overdue", True),
        ("?age=1-30", False),
        ("?q=korst", True),
        ("?q=nergens", False),
        ("?age=nonsense", True),
    ],
)
async def test_the_list_can_be_narrowed(noord: httpx.AsyncClient, query: str, found: object) -> None:
    assert ("HUIS-F2026-000001" in await page(noord, LIST + query)) is found
    assert ("HUIS-F2026-000001" in await page(noord, LIST + query, headers={"hx-request": "true"})) is found


async def test_an_empty_list_says_so(noord: httpx.AsyncClient) -> None:
    assert "Er staat niets open" in await page(noord, LIST)


@pytest.mark.usefixtures("overdue")
async def test_another_partner_sees_none_of_it(world: World, zuid: httpx.AsyncClient) -> None:
    assert "HUIS-F2026-000001" not in await page(zuid, LIST)
    assert "HUIS-F2026-000001" not in await page(zuid, f"{LIST}/export.csv")
    bakery = world.noord.customers["bakery"]
    await page(zuid, f"{LIST}?customer={bakery}", 404)
    await page(zuid, f"{LIST}/customers/{bakery}/statement.pdf", 404)


@pytest.mark.usefixtures("overdue")
async def test_files_hold_exactly_the_filter(noord: httpx.AsyncClient) -> None:
    answer = await noord.get(f"{LIST}/export.csv?age=31-60")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    empty = await noord.get(f"{LIST}/export.csv?age=1-30")
    workbook = await noord.get(f"{LIST}/export.xlsx")

    assert [(row[0], row[5], row[7], row[8], row[9]) for row in rows[1:]] == [
        ("HUIS-F2026-000001", "40", "1493.82", "eerste herinnering", "betwist")
    ]
    assert len(empty.text.strip().splitlines()) == 1
    assert workbook.content.startswith(b"PK")


@pytest.mark.usefixtures("overdue")
async def test_a_statement_of_account_is_a_letter_to_the_debtor(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.get(f"{LIST}/customers/{world.noord.customers['bakery']}/statement.pdf")
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)

    assert answer.headers["content-type"] == "application/pdf"
    for word in ("Rekeningoverzicht", "Bakkerij De Korst", "HUIS-F2026-000001", "EUR 1.493,82", "31 tot 60 dagen"):
        assert word in text


async def test_a_statement_says_where_to_transfer_what_is_open_and_with_which_references(
    world: World, overdue: UUID, noord: httpx.AsyncClient
) -> None:
    another = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    told = await _invoices(overdue, another)
    issuer = told[0]["issuer_details"]
    address = f"{LIST}/customers/{world.noord.customers['bakery']}/statement.pdf"

    text = await _paper(noord, address)
    async with browser() as client:
        await sign_in(client, await main_user(world.noord))
        seen = await page(client, OWN)

    for where in (text, seen):
        assert issuer["name"] in where
        assert paper.in_fours(issuer["iban"]) in where
        assert all(paper.in_fours(row["reference"]) in where for row in told)
    assert '<h2 id="by-transfer">' not in await page(noord, LIST), "a partner's customers pay, not the partner"

    for row in told:
        await pay(row["id"], row["open_cents"])
    assert "Zo betaalt u" in text
    assert "Zo betaalt u" not in await _paper(noord, address)


async def _invoices(*invoices: UUID) -> list[dict[str, Any]]:
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch(
            "SELECT i.id, i.reference, i.issuer_details, s.open_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE i.id = ANY($1)",
            list(invoices),
        )
    return [{**row, "issuer_details": msgspec.json.decode(row["issuer_details"])} for row in rows]


async def _paper(client: httpx.AsyncClient, address: str) -> str:
    answer = await client.get(address)
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages).split())


async def test_a_partner_that_bills_itself_sees_what_it_owes_apart(world: World, zuid: httpx.AsyncClient) -> None:
    await issue(world.zuid.id, None, [line(90_000)], layer=Layer.PARTNER)

    assert "EUR 1.089,00" not in (await page(zuid, LIST)).split('id="list"')[1]
    assert "EUR 1.089,00" in await page(zuid, f"{LIST}?whose=own")
    answer = await zuid.get(f"{LIST}/statement.pdf")
    assert answer.content.startswith(b"%PDF")


@pytest.mark.usefixtures("overdue")
async def test_a_contact_sees_and_takes_along_what_its_organisation_owes_without_why_the_provider_waits(world: World) -> None:
    await issue(world.noord.id, world.noord.customers["private"], [line(777_700)])
    async with browser() as client:
        await sign_in(client, await main_user(world.noord))
        seen = await page(client, OWN)
        answer = await client.get(f"{OWN}/statement.pdf")

    assert "EUR 1.493,82" in seen
    assert "9.410,17" not in seen
    assert "betwist" not in seen
    assert "EUR 1.493,82" in " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)


async def test_the_first_page_counts_what_is_overdue(world: World, noord: httpx.AsyncClient) -> None:
    assert "age=overdue" not in await page(noord, "/portal")
    await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    at(START + timedelta(days=60))

    assert 'href="/portal/open-items?age=overdue"' in await page(noord, "/portal")


async def test_a_service_that_stopped_says_so_wherever_it_is_seen(world: World, noord: httpx.AsyncClient) -> None:
    service, bakery = world.noord.services["free"], world.noord.customers["bakery"]
    at(START - timedelta(days=80))
    invoice = await issue(world.noord.id, bakery, [line(1000, service=service)])
    for late in (3, 14, 21, 28):
        at(await due(invoice) + timedelta(days=late))
        await reminders.run()
        await suspensions.run()
    at(START)

    seen = await page(noord, f"/portal/services/{service}")
    listed = (await noord.get(f"/api/v1/customers/{bakery}/services")).json()
    async with browser() as client:
        await sign_in(client, await main_user(world.noord))
        own = await page(client, f"/portal/own/services/{service}")

    assert "Deze dienst is gestopt sinds" in seen
    assert "HUIS-F2026-000001" in seen
    assert "Deze dienst is gestopt sinds" in own
    assert [one["id"] for one in listed if one["suspended_since"]] == [str(service)]
