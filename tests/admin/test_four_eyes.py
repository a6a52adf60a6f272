"""Finance asks for a large credit note in one place and somebody else agrees in another; the asker is not even offered it."""

from __future__ import annotations

import re

import httpx

from partner_portal.infra import db
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.admin.test_forms import fill
from tests.billing.money import issue, line
from tests.world import STAFF_DOOR, World

PATH = "/admin/credit-notes"


async def page(client: httpx.AsyncClient) -> str:
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, decision: str, **typed: str) -> httpx.Response:
    seen = await page(client)
    token, request = re.search(r'name="csrf_token" value="(\w+)"', seen), re.search(r'name="id" value="([\w-]+)"', seen)
    assert token
    assert request
    return await client.post(PATH, data={"csrf_token": token[1], "id": request[1], "decision": decision, **typed})


async def test_the_asker_sees_that_somebody_else_must_agree_and_another_does(
    world: World, staff: SignsIn, finance: httpx.AsyncClient
) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(300_000)])
    assert "Geen creditnota wacht" in await page(finance)

    asked = await fill(finance, "credit-an-invoice", invoice="HUIS-F2026-000001", reason="Verkeerd <b>tarief</b>")
    assert "moet iemand anders van de financiële administratie" in asked.text, asked.text
    seen = await page(finance)
    assert "EUR 3.630,00" in seen
    assert "Verkeerd &lt;b&gt;tarief" in seen
    assert 'value="agree"' not in seen
    refused = await press(finance, "agree")
    assert refused.status_code == 409
    assert "Iemand anders moet akkoord gaan" in refused.text

    frits = await staff(StaffRole.FINANCE, name="frits")
    assert 'value="agree"' in await page(frits)
    assert (await press(frits, "agree")).status_code == 303

    assert "HUIS-C2026-000001" in await page(frits)
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT gross_cents FROM billing_invoice WHERE kind = 'credit note'")
    assert [row["gross_cents"] for row in rows] == [363_000]


async def test_declining_asks_for_a_reason_and_keeps_it(world: World, finance: httpx.AsyncClient) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(300_000)])
    await fill(finance, "credit-an-invoice", invoice="HUIS-F2026-000001", reason="Vergissing")

    assert (await press(finance, "decline")).status_code == 422
    assert (await press(finance, "decline", reason="Klopte toch")).status_code == 303

    assert "Klopte toch" in await page(finance)


async def test_it_is_finances_and_a_strangers_form_is_refused(
    staff: SignsIn, finance: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)

    assert (await desk.get(PATH)).status_code == 403
    assert (await stranger.get(PATH)).status_code == 303
    assert (await finance.post(PATH, data={"csrf_token": "0" * 64, "decision": "agree"})).status_code == 403
