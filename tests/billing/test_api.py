"""Services over the API: entered with their terms, listed while they run."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from billing.service import services
from billing.service.services import TermsChangeWanted
from partner_portal.infra import db
from partner_portal.kernel.errors import Invalid
from tests.world import FINANCE, STAFF_DOOR, World

NEW: dict[str, Any] = {
    "product": "hosting",
    "terms": {
        "label": "Website",
        "fee_cents": 1995,
        "starts_on": "2026-01-01",
        "paid_until": "2026-12-01",
        "minimum_months": 12,
        "renewal": "FIXED",
        "renewal_months": 12,
        "notice_n": 2,
        "buyout_rule": "75 %",
    },
}


async def test_a_service_is_entered_with_its_terms(world: World, noord: httpx.AsyncClient) -> None:
    path = f"/api/v1/customers/{world.noord.customers['private']}/services"

    made = await noord.post(path, json={**NEW, "location": "billing"})

    assert made.status_code == 201, made.text
    assert made.json()["location"] == "Dorpsstraat 1, Utrecht"
    assert made.json()["monthly_fee"] == {"amount": "19.95", "currency": "EUR"}
    assert [service["number"] for service in (await noord.get(path)).json()] == [made.json()["number"]]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"renewal_months": 0}, "/terms/renewal_months"),
        ({"renewal": "NONE", "minimum_months": 0}, "/terms/minimum_months"),
        ({"explicit_end": "2025-12-31"}, "/terms/explicit_end"),
        ({"discount_cents": 100}, "/terms/discount_months"),
        ({"equipment_cents": 100}, "/terms/equipment_months"),
        ({"paid_until": "2025-12-31"}, "/terms/paid_until"),
        ({"billed_from": "2027-01-01"}, "/terms/billed_from"),
        ({"buyout_rule": "onbekend"}, "/terms/buyout_rule"),
        ({"wholesale_cents": 100}, "/terms/wholesale_cents"),
        ({"fee_cents": -1}, "/terms/fee_cents"),
        ({"starts_on": "2026-02-30"}, "/terms/starts_on"),
    ],
)
async def test_terms_that_cannot_be_are_refused_at_the_field(
    world: World, noord: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    path = f"/api/v1/customers/{world.noord.customers['private']}/services"

    refused = await noord.post(path, json={**NEW, "terms": {**NEW["terms"], **change}})

    assert refused.status_code == 422, refused.text
    assert pointer in {error["pointer"] for error in refused.json()["errors"]}


async def test_a_service_stands_at_an_address_that_the_customer_has(world: World, noord: httpx.AsyncClient) -> None:
    path = f"/api/v1/customers/{world.noord.customers['private']}/services"

    refused = await noord.post(path, json={**NEW, "location": "visit"})

    assert refused.json()["errors"][0]["pointer"] == "/location"


async def test_changed_terms_leave_the_decision_on_record(world: World) -> None:
    service = world.noord.services["bound"]
    async with db.unit_of_work(STAFF_DOOR):
        await services.change_terms(FINANCE, service, TermsChangeWanted({"fee_cents": 9995}, "Indexering 2027"))

    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT reason, changes, decided_by FROM billing_terms_change WHERE service = $1", service)
        now = (await services.by_id([service]))[0]
        trail = await db.fetch_one(
            "SELECT actor, changes FROM infra_audit WHERE relation = 'billing_service' AND \"row\" = $1 ORDER BY at DESC LIMIT 1", service
        )

    assert row is not None
    assert trail is not None
    assert (row["reason"], row["changes"], row["decided_by"], now["fee_cents"]) == (
        "Indexering 2027",
        '{"fee_cents": 9995}',
        "staff:1",
        9995,
    )
    assert (trail["actor"], trail["changes"]) == ("staff:1", '{"fee_cents": [8995, 9995]}')


async def test_terms_cannot_be_changed_into_what_cannot_be(world: World) -> None:
    with pytest.raises(Invalid):
        async with db.unit_of_work(STAFF_DOOR):
            await services.change_terms(FINANCE, world.noord.services["bound"], TermsChangeWanted({"renewal_months": 0}, "vergissing"))
