"""Customers over the API: created with what they need, found, paged, changed by version."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from partner_portal.infra import db
from tests.conftest import browser, sign_in
from tests.world import STAFF_DOOR, World

NEW: dict[str, Any] = {
    "name": "Drukkerij Inkt",
    "segment": "PROTECTED_BIZ",
    "main_contact": {"name": "Ida Inkt", "email": "ida@inkt.example.com", "phone": "+31612345678"},
    "billing_address": {"street": "Persweg 1", "postcode": "1234 AB", "city": "Delft"},
}


async def test_a_customer_is_created_with_a_number_and_shown(world: World, noord: httpx.AsyncClient) -> None:
    made = await noord.post("/api/v1/customers", json=NEW)

    assert made.status_code == 201, made.text
    assert made.json()["number"] == "NRD-C-00003"
    shown = await noord.get(made.headers["location"])
    assert shown.json() == made.json()
    assert shown.json()["main_contact"]["email"] == "ida@inkt.example.com"
    assert (await noord.get(made.headers["location"], headers={"if-none-match": shown.headers["etag"]})).status_code == 304


async def test_every_wrong_field_is_named_at_once(world: World, noord: httpx.AsyncClient) -> None:
    wrong = {**NEW, "name": " ", "segment": "BIG", "language": "fr", "main_contact": {"name": "x", "email": "geen adres"}, "vatid": "x"}

    refused = await noord.post("/api/v1/customers", json=wrong)

    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/name", "/segment", "/language", "/main_contact/email", "/vatid"}


async def test_a_number_is_used_once_per_partner(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    assert (await noord.post("/api/v1/customers", json={**NEW, "number": "K-1"})).status_code == 201

    twice = await noord.post("/api/v1/customers", json={**NEW, "number": "K-1"})
    elsewhere = await zuid.post("/api/v1/customers", json={**NEW, "number": "K-1"})

    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/number")
    assert elsewhere.status_code == 201


async def test_a_change_names_the_version_it_changes(world: World, noord: httpx.AsyncClient) -> None:
    path = f"/api/v1/customers/{world.noord.customers['bakery']}"
    tag = (await noord.get(path)).headers["etag"]

    changed = await noord.patch(path, json={"name": "Bakkerij De Nieuwe Korst"}, headers={"if-match": tag})
    late = await noord.patch(path, json={"name": "Te laat"}, headers={"if-match": tag})
    blind = await noord.patch(path, json={"name": "Blind"})

    assert (changed.status_code, late.status_code, blind.status_code) == (200, 412, 428)
    assert (await noord.get(path)).json()["name"] == "Bakkerij De Nieuwe Korst"


async def test_a_change_leaves_a_trail_that_names_who_and_what(world: World, noord: httpx.AsyncClient) -> None:
    path = f"/api/v1/customers/{world.noord.customers['bakery']}"
    tag = (await noord.get(path)).headers["etag"]
    await noord.patch(path, json={"language": "en"}, headers={"if-match": tag})

    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT actor, action, changes FROM infra_audit WHERE relation = 'customer' ORDER BY at DESC LIMIT 1")

    assert row is not None
    assert row["actor"].startswith("member:")
    assert (row["action"], row["changes"]) == ("update", '{"language": ["nl", "en"]}')


async def test_the_list_is_paged_and_searched(world: World, noord: httpx.AsyncClient) -> None:
    for nth in range(5):
        await noord.post("/api/v1/customers", json={**NEW, "name": f"Winkel {nth}"})

    first = (await noord.get("/api/v1/customers", params={"limit": 4})).json()
    second = (await noord.get("/api/v1/customers", params={"limit": 4, "after": first["next"]})).json()

    names = [item["name"] for item in first["items"] + second["items"]]
    assert names == sorted(names)
    assert len(set(names)) == 7
    assert second["next"] is None
    assert [item["name"] for item in (await noord.get("/api/v1/customers", params={"q": "winkel 0"})).json()["items"]] == ["Winkel 0"]
    assert (await noord.get("/api/v1/customers", params={"q": "%"})).json()["items"] == []


@pytest.mark.parametrize(("limit", "status"), [(0, 422), (200, 200), (201, 422)])
async def test_a_page_has_at_most_200_rows(world: World, noord: httpx.AsyncClient, limit: int, status: int) -> None:
    assert (await noord.get("/api/v1/customers", params={"limit": limit})).status_code == status


async def test_a_reader_reads_and_a_clerk_writes(world: World) -> None:
    async with browser() as reader, browser() as clerk:
        await sign_in(reader, world.noord.reader)
        await sign_in(clerk, world.noord.clerk)

        assert (await reader.get("/api/v1/customers")).status_code == 200
        assert (await reader.post("/api/v1/customers", json=NEW)).status_code == 403
        assert (await clerk.post("/api/v1/customers", json=NEW)).status_code == 201
        assert (await clerk.get("/api/v1/api-keys")).status_code == 403


async def test_the_same_key_and_request_bring_the_first_answer_again(world: World, noord: httpx.AsyncClient) -> None:
    once = await noord.post("/api/v1/customers", json=NEW, headers={"idempotency-key": "one"})
    again = await noord.post("/api/v1/customers", json=NEW, headers={"idempotency-key": "one"})
    other = await noord.post("/api/v1/customers", json={**NEW, "name": "Anders"}, headers={"idempotency-key": "one"})

    assert (once.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert once.json() == again.json()


async def test_a_change_by_cookie_without_the_token_is_refused(world: World, noord: httpx.AsyncClient) -> None:
    del noord.headers["x-csrf-token"]

    assert (await noord.post("/api/v1/customers", json=NEW)).status_code == 403
