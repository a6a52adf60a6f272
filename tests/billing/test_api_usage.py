"""Usage over the API: charged once, to the cent, with prices of parts of a cent."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from billing.service import runs
from partner_portal.infra import db
from tests.world import STAFF_DOOR, World

USED: dict[str, Any] = {
    "key": "2026-10/0201234567",
    "description": "Gesprekken oktober",
    "quantity": "1234.5",
    "unit_price": "0.004215",
    "used_from": "2026-10-01",
    "used_to": "2026-10-31",
}


def path(world: World) -> str:
    return f"/api/v1/services/{world.noord.services['free']}/usage"


async def test_usage_is_charged_once_however_often_it_is_sent(world: World, noord: httpx.AsyncClient) -> None:
    first = await noord.post(path(world), json=USED)
    again = await noord.post(path(world), json=USED)

    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    assert first.json()["amount"] == {"amount": "5.20", "currency": "EUR"}
    assert first.json()["unit_price"] == "0.004215"
    async with db.unit_of_work(STAFF_DOOR):
        assert len(await db.fetch("SELECT 1 FROM billing_charge")) == 1


async def test_usage_stands_on_the_next_invoice_and_then_says_so(world: World, noord: httpx.AsyncClient) -> None:
    await noord.post(path(world), json=USED)

    await runs.bill(date(2026, 12, 1))

    async with db.unit_of_work(STAFF_DOOR):
        line = await db.fetch_one("SELECT quantity, unit_price, net_cents, period_from FROM billing_line WHERE kind = 'usage'")
    assert line
    assert (str(line["quantity"]), str(line["unit_price"]), line["net_cents"]) == ("1234.5000", "0.004215", 520)
    assert (await noord.post(path(world), json=USED)).json()["is_billed"]


async def test_a_key_that_was_used_for_something_else_is_refused(world: World, noord: httpx.AsyncClient) -> None:
    await noord.post(path(world), json=USED)

    refused = await noord.post(path(world), json={**USED, "quantity": "1"})

    assert refused.status_code == 409
    assert refused.json()["type"].endswith("usage-differs")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"used_to": "2026-09-30"}, "/used_to"),
        ({"used_to": "2026-11-23"}, "/used_to"),
        ({"used_from": "2023-12-31"}, "/used_from"),
        ({"unit_price": "0.0000001"}, "/unit_price"),
        ({"quantity": "0.00001"}, "/quantity"),
        ({"quantity": "1000000", "unit_price": "101"}, "/quantity"),
        ({"quantity": "0"}, "/quantity"),
        ({"unit_price": "-1"}, "/unit_price"),
    ],
)
async def test_usage_that_cannot_be_is_refused_at_the_field(
    world: World, noord: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    refused = await noord.post(path(world), json={**USED, **change})

    assert refused.status_code == 422, refused.text
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]


async def test_another_partners_service_is_not_there(world: World, zuid: httpx.AsyncClient) -> None:
    assert (await zuid.post(path(world), json=USED)).status_code == 404
