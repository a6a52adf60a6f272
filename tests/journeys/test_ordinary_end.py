"""A partner ends a customer's service: preview, quote, case, the customer's yes, the proof to all three, the last day."""

from __future__ import annotations

from datetime import date

import httpx

from partner_portal.infra import clock, outbox
from terminations.service import scheduling
from tests.journeys import partner
from tests.world import World


async def test_an_ordinary_end_from_preview_to_the_last_day(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    service = world.noord.services["free"]

    seen = (await noord.post("/api/v1/terminations/preview", json={"service_ids": [str(service)]})).json()

    assert seen["customer"]["services"][0]["first_possible_end"] == "2026-12-22"
    assert not seen["needs_finance"]

    case = await partner.filed(noord, service)
    assert case["state"] == "waiting_for_customer"
    asked = partner.newest(world.mailbox, "bakkerij@klant.example.com")
    link = partner.link_in(asked)

    answered = await partner.press(stranger, link, "approve")

    assert answered.status_code == 200
    after = await partner.case(noord, case["id"])
    assert after["state"] == "scheduled"
    assert [step["action"] for step in after["steps"]] == ["file", "approve"]
    letters = [partner.newest(world.mailbox, to) for to in ("bakkerij@klant.example.com", world.noord.owner, "finance@kadetel.example.com")]
    pdf = await noord.get(f"/api/v1/terminations/{case['id']}/confirmation.pdf")
    assert pdf.content.startswith(b"%PDF-")
    files = [world.mailbox.mailbox.attachment(letter.id, 0) for letter in letters]
    assert {file[1] for file in files if file} == {pdf.content}
    assert all(files)

    clock.move_to(date(2026, 12, 22))
    assert await scheduling.take_effect() == 0, "the last day is a day of service"
    clock.move_to(date(2026, 12, 25))
    assert await scheduling.take_effect() == 1, "a missed day heals itself"
    await outbox.drain()
    assert (await partner.case(noord, case["id"]))["state"] == "ended"
    assert (await noord.get(f"/api/v1/customers/{world.noord.customers['bakery']}/services")).json()[0]["number"] != "NRD-S-00001"
