"""What the customer wants with numbers, domain names and data is kept with the case and told to everybody."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from pypdf import PdfReader

from partner_portal.infra import db, outbox
from tests.journeys import partner as people
from tests.world import World, make_service

TOLD = {
    "number": "Telefoonnummer Nummers winkel gaat mee naar een andere aanbieder.",
    "domain": "Domeinnaam dekorst.example.com wordt niet behouden, zoals gevraagd",
    "data": "Uw gegevens (Webshop): er volgt een export, zoals gevraagd; u kunt die ophalen tot en met 10 januari 2027.",
}


@pytest_asyncio.fixture(loop_scope="session")
async def services(world: World) -> dict[str, UUID]:
    """A service with each thing to leave behind."""
    made = {}
    async with db.unit_of_work(world.noord.principal()):
        for thing, product, label in (
            ("number", "telephony", "Nummers winkel"),
            ("domain", "domain", "dekorst.example.com"),
            ("data", "hosting", "Webshop"),
        ):
            made[thing] = await make_service(world.noord, world.noord.customers["bakery"], product=product, label=label)
    return made


async def filed(client: httpx.AsyncClient, services: dict[str, UUID], *afterwards: dict[str, Any]) -> httpx.Response:
    quote = await people.quote(client, *services.values())
    return await client.post(
        "/api/v1/terminations", json={"quote_id": quote["id"], "reason": "switches", "mandate": True, "afterwards": list(afterwards)}
    )


async def test_wishes_are_told_on_the_case_in_the_mail_and_in_the_confirmation(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, services: dict[str, UUID]
) -> None:
    wishes: list[dict[str, Any]] = [
        {"service_id": str(services["number"]), "thing": "number", "plan": "take_along", "until": None},
        {"service_id": str(services["domain"]), "thing": "domain", "plan": "let_go", "until": None},
        {"service_id": str(services["data"]), "thing": "data", "plan": "take_along", "until": "2027-01-10"},
    ]

    case = (await filed(noord, services, *wishes)).json()
    await outbox.drain()
    await people.press(stranger, people.link_in(people.newest(world.mailbox, "bakkerij@")), "approve")
    await outbox.drain()

    assert case["afterwards"] == wishes
    page = await noord.get(f"/portal/terminations/{case['id']}")
    letter = await noord.get(f"/api/v1/terminations/{case['id']}/confirmation.pdf")
    printed = re.sub(r"\s+", " ", " ".join(one.extract_text() for one in PdfReader(BytesIO(letter.content)).pages))
    mailed = re.sub(r"\s+", " ", people.newest(world.mailbox, "bakkerij@").text)
    for thing, words in TOLD.items():
        assert words in page.text, thing
        assert words in printed, thing
        assert words in mailed, thing


async def test_without_wishes_everything_is_undecided_as_before(noord: httpx.AsyncClient, services: dict[str, UUID]) -> None:
    quote = await people.quote(noord, *services.values())

    case = (await noord.post("/api/v1/terminations", json={"quote_id": quote["id"], "reason": "price"})).json()

    assert case["afterwards"] == []
    assert "Vraag ons om de verhuistoken" in (await noord.get(f"/portal/terminations/{case['id']}")).text


async def test_a_wish_that_cannot_be_is_told_at_its_place_and_nothing_is_filed(
    world: World, noord: httpx.AsyncClient, services: dict[str, UUID]
) -> None:
    data = {"service_id": str(services["data"]), "thing": "data", "plan": "take_along"}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({**data, "thing": "number"}, "/afterwards/0/thing", "not-of-the-service"),
        ({**data, "service_id": str(world.noord.services["free"])}, "/afterwards/0/thing", "not-of-the-service"),
        ({**data, "until": "2028-01-01"}, "/afterwards/0/until", "not-kept-then"),
        ({**data, "plan": "burn"}, "/afterwards/0/plan", "choice"),
        ({**data, "more": 1}, "/afterwards/0/more", "unknown"),
    ]

    for wish, pointer, code in wrong:
        refused = await filed(noord, services, wish)
        assert (refused.status_code, [(one["pointer"], one["code"]) for one in refused.json()["errors"]]) == (422, [(pointer, code)]), wish
    assert (await noord.get("/api/v1/terminations")).json()["items"] == []
