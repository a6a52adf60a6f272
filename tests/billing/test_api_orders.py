"""Orders at the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.billing.offering import on_offer
from tests.conftest import browser, sign_in
from tests.world import Partner, World

PORT = {"numbers": ["0201234567"], "donor": "Oude Telefoon B.V.", "accepts_fee": True}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def offered(world: World) -> None:
    await on_offer()


async def body(client: httpx.AsyncClient, partner: Partner, *lines: dict[str, Any]) -> dict[str, Any]:
    customer = str(partner.customers["bakery"])
    asked = {"customer_id": customer, "lines": [{"starts_on": "2026-12-16", **line} for line in lines]}
    shown = await client.post("/api/v1/orders/terms", json=asked)
    assert shown.status_code == 200, shown.text
    return {**asked, "terms_sha256": shown.json()["terms_sha256"], "accepted_by": "Bram Bakker"}


async def test_terms_are_shown_accepted_and_become_services(world: World, noord: httpx.AsyncClient) -> None:
    order = await body(noord, world.noord, {"offer": "zakelijk-internet", "quantity": 2}, {"offer": "bellen", "port": PORT})

    placed = await noord.post("/api/v1/orders", json=order)
    listed = (await noord.get("/api/v1/orders", params={"customer": order["customer_id"]})).json()["items"]

    assert placed.status_code == 201, placed.text
    made = placed.json()
    assert [(one["label"], one["monthly_fee"]["amount"], one["setup_fee"]["amount"]) for one in made["services"]] == [
        ("Zakelijk internet", "45.00", "198.00"),
        ("Zakelijk bellen", "12.50", "0.00"),
    ]
    assert [(port["numbers"], port["state"]) for port in made["port_ins"]] == [(["0201234567"], "requested")]
    assert [(row["number"], row["ports_open"]) for row in listed] == [(made["number"], 1)]


async def test_the_same_request_sent_again_orders_once(world: World, noord: httpx.AsyncClient) -> None:
    order = await body(noord, world.noord, {"offer": "bellen"})

    answers = [await noord.post("/api/v1/orders", json=order, headers={"idempotency-key": "een"}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await noord.get("/api/v1/orders")).json()["items"]) == 1


async def test_terms_that_were_not_shown_are_not_accepted(world: World, noord: httpx.AsyncClient) -> None:
    order = await body(noord, world.noord, {"offer": "bellen"})
    order["lines"][0]["quantity"] = 9

    refused = await noord.post("/api/v1/orders", json=order)

    assert (refused.status_code, refused.json()["title"]) == (409, "De voorwaarden zijn gewijzigd")


async def test_faults_are_named_where_they_are(world: World, noord: httpx.AsyncClient) -> None:
    asked = {"customer_id": str(world.noord.customers["bakery"]), "lines": [{"offer": "niets", "starts_on": "2026-12-01"}]}

    refused = await noord.post("/api/v1/orders/terms", json=asked)

    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/lines/0/offer"]


async def test_another_partner_finds_nothing_and_a_reader_orders_nothing(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient
) -> None:
    order = await body(noord, world.noord, {"offer": "bellen", "port": PORT})
    made = (await noord.post("/api/v1/orders", json=order)).json()
    port = made["port_ins"][0]["id"]
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)
        refused = await reader.post("/api/v1/orders", json=order)
        seen = await reader.get(f"/api/v1/orders/{made['id']}")

    assert (refused.status_code, seen.status_code) == (403, 200)
    assert (await zuid.get(f"/api/v1/orders/{made['id']}")).status_code == 404
    assert (await zuid.post(f"/api/v1/port-ins/{port}/withdrawal")).status_code == 404
    assert (await zuid.get("/api/v1/orders")).json()["items"] == []


@pytest.mark.parametrize(("steps", "statuses"), [(["withdrawal"], [200]), (["request"], [409]), (["withdrawal", "request"], [200, 409])])
async def test_the_partner_withdraws_a_port_in_and_asks_again_only_after_a_rejection(
    world: World, noord: httpx.AsyncClient, steps: list[str], statuses: list[int]
) -> None:
    order = await body(noord, world.noord, {"offer": "bellen", "port": PORT})
    port = (await noord.post("/api/v1/orders", json=order)).json()["port_ins"][0]["id"]

    assert [(await noord.post(f"/api/v1/port-ins/{port}/{step}")).status_code for step in steps] == statuses


async def test_what_is_on_offer_is_told_with_its_terms(noord: httpx.AsyncClient) -> None:
    sold = {offer["code"]: offer for offer in (await noord.get("/api/v1/offers")).json()}

    assert sold["zakelijk-internet"]["wholesale_fee"]["amount"] == "30.00"
    assert (sold["thuis-internet"]["for_consumers"], sold["bellen"]["has_numbers"]) == (True, True)
