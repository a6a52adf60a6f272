"""Finance sees what a customer would be billed, and nothing of it stays."""

from __future__ import annotations

import io
import re
from datetime import date

import httpx
import pytest
from pypdf import PdfReader

from billing.service import runs
from partner_portal.infra import db
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.world import STAFF_DOOR, World

PATH = "/admin/pro-forma"
DAY = date(2026, 12, 1)
_KEPT = """
SELECT (SELECT count(*) FROM billing_invoice) AS invoices, (SELECT coalesce(sum(last), 0) FROM billing_series) AS numbers,
       (SELECT count(*) FROM infra_outbox) AS messages, (SELECT max(paid_until) FROM billing_service) AS until, (SELECT count(*) FROM billing_parked) AS parked
"""

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")


async def make(client: httpx.AsyncClient, customer: str, day: date = DAY) -> httpx.Response:
    """What the form answers."""
    token = re.search(r'name="csrf_token" value="(\w+)"', (await client.get(PATH)).text)
    assert token
    return await client.post(PATH, data={"csrf_token": token[1], "customer": customer, "day": day.isoformat()})


async def number_of(customer: object) -> str:
    """The number that people know the customer by."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT number FROM customer WHERE id = $1", customer)
    assert row
    found: str = row["number"]
    return found


async def kept() -> tuple[object, ...]:
    """What a bill leaves behind."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one(_KEPT)
    assert row
    return tuple(row)


async def test_the_bill_of_a_day_is_seen_before_it_is_made_and_is_what_the_run_then_makes(world: World, finance: httpx.AsyncClient) -> None:
    bakery = world.noord.customers["bakery"]
    before = await kept()

    answer = await make(finance, (await number_of(bakery)).lower())

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    told = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages).split())
    assert "Pro forma: geen factuur" in told
    assert "1 december 2026 gefactureerd zou worden" in told
    assert "HUIS-" not in told
    assert "169,34" in told
    assert await kept() == before

    async with db.unit_of_work(STAFF_DOOR):
        assert (await runs.bill_at_once(bakery, world.noord.id, DAY)).gross_cents == 16934
    again = await make(finance, await number_of(bakery))
    assert (again.status_code, "niets gefactureerd worden" in again.text) == (422, True), "it has been billed"


async def test_one_invoice_per_service_is_shown_as_one_for_each(world: World, finance: httpx.AsyncClient) -> None:
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("INSERT INTO billing_account (tenant, customer, is_collective) VALUES ($1, $2, false)", world.noord.id, bakery)

    reader = PdfReader(io.BytesIO((await make(finance, await number_of(bakery))).content))

    told = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert all("Pro forma: geen factuur Bladzijde 1 van 1" in one for one in told)
    assert sorted(re.findall(r"Totaal te betalen EUR ([\d,]+)", " ".join(told))) == ["108,84", "60,50"], "together what one would ask"
    assert reader.attachments == {}


@pytest.mark.parametrize(
    ("customer", "day", "said"),
    [
        ("", DAY, "Dit is verplicht."),
        ("K-9999", DAY, "Er is geen klant met nummer K-9999."),
        ("", date(2020, 1, 1), "Dit is verplicht."),
        ("bakery", date(2026, 11, 1), "Kies een dag van"),
        ("bakery", date(2028, 1, 1), "Kies een dag van"),
        ("x" * 5000, DAY, "te lang"),
    ],
)
async def test_what_is_wrong_stands_at_its_field(world: World, finance: httpx.AsyncClient, customer: str, day: date, said: str) -> None:
    number = await number_of(world.noord.customers[customer]) if customer == "bakery" else customer

    answer = await make(finance, number, day)

    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{day.isoformat()}"' in answer.text, "what was typed stays"


async def test_it_is_for_finance(world: World, noord: httpx.AsyncClient, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)

    assert (await desk.get(PATH)).status_code == 403
    assert (await desk.post(PATH, data={"customer": "K-1", "day": "2026-12-01"})).status_code == 403
    assert (await noord.get(PATH)).status_code in {303, 403}
