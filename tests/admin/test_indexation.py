"""Finance looks at what an indexation would do, and then does just that."""

from __future__ import annotations

import re

import httpx

from partner_portal.bench.pressing import pressed
from partner_portal.infra import db
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.billing.offering import on_offer
from tests.world import STAFF_DOOR, World

PATH = "/admin/indexation"


async def press(client: httpx.AsyncClient, **typed: str) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="(\w+)"', (await client.get(PATH)).text)
    assert token
    usual = {"what": "offers", "percentage": "3,4", "since": "2027-01-01", "round_to_cents": "1", "product": "", "reason": "CPI 2026"}
    return await client.post(PATH, data={"csrf_token": token[1], "decision": "look", **usual, **typed})


async def count(table: str) -> int:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one(f"SELECT count(*) AS n FROM {table}")  # noqa: S608  # names from this file
    assert row
    found: int = row["n"]
    return found


async def test_offers_are_seen_then_indexed(world: World, finance: httpx.AsyncClient) -> None:
    await on_offer()
    before = await count("billing_offer_price")

    shown = await press(finance)
    assert shown.status_code == 200, shown.text
    assert "EUR 12,93" in re.sub(r"\s+", " ", shown.text)
    assert await count("billing_offer_price") == before
    _, fields = pressed(shown.text)
    done = await finance.post(PATH, data={**fields, "decision": "decide"})

    assert done.status_code == 303, done.text
    assert await count("billing_offer_price") == before + 3
    assert (await finance.post(PATH, data={**fields, "decision": "decide"})).status_code == 422


async def test_services_are_seen_in_sums_then_indexed(world: World, finance: httpx.AsyncClient) -> None:
    shown = await press(finance, what="services")
    assert shown.status_code == 200, shown.text
    assert await count("billing_price_change") == 0
    _, fields = pressed(shown.text)

    assert (await finance.post(PATH, data={**fields, "decision": "decide"})).status_code == 303
    assert await count("billing_price_change") > 0


async def test_what_is_wrong_is_said_and_what_was_typed_stays(world: World, finance: httpx.AsyncClient) -> None:
    wrong = await press(finance, since="2026-12-01", reason="Vroeg")

    assert wrong.status_code == 422
    assert "30 dagen vooraf" in wrong.text
    assert ">Vroeg</textarea>" in wrong.text


async def test_it_is_finances(staff: SignsIn, stranger: httpx.AsyncClient) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    assert (await desk.get(PATH)).status_code == 403
    assert (await stranger.get(PATH)).status_code == 303
