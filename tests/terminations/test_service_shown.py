"""What a preview says of real rows: bundles, price layers, VAT by seat, odd days, and the calendar that agrees with every preview."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from tenants.policy import Segment
from tests.journeys import partner
from tests.world import STAFF_DOOR, Partner, World, make_customer, make_service

BOUND: dict[str, Any] = {
    "minimum_months": 36,
    "renewal": "FIXED",
    "renewal_months": 12,
    "buyout_rule": "75 %",
    "paid_until": date(2026, 12, 1),
}


async def new_service(of: Partner, customer: UUID | str, **terms: Any) -> UUID:
    """A service of this customer."""
    async with db.unit_of_work(of.principal()):
        return await make_service(of, of.customers[customer] if isinstance(customer, str) else customer, **terms)


async def preview(client: httpx.AsyncClient, *services: UUID, **asked: Any) -> dict[str, Any]:
    """What the partner is shown."""
    asked = {"calendar": "none", **asked}
    answer = await client.post("/api/v1/terminations/preview", json={"service_ids": [str(service) for service in services], **asked})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_a_part_of_a_bundle_that_ends_alone_is_bound_no_longer_than_with_the_rest(world: World, noord: httpx.AsyncClient) -> None:
    line = await new_service(world.noord, "bakery", starts_on=date(2025, 3, 1), **{**BOUND, "minimum_months": 12}, bundle="kantoor")
    pages = await new_service(world.noord, "bakery", product="hosting", label="Site", starts_on=date(2025, 3, 1), **BOUND, bundle="kantoor")
    apart = await new_service(world.noord, "bakery", product="hosting", label="Los", starts_on=date(2025, 3, 1), **BOUND)

    together = await preview(noord, line, pages)
    alone = await preview(noord, pages)
    unbundled = await preview(noord, apart)

    ends = {service["service_id"]: service["first_possible_end"] for service in together["customer"]["services"]}
    assert ends == {str(line): "2026-12-22", str(pages): "2026-12-22"}, "the telecom of a bundle gone on tacitly frees all of it"
    assert alone["customer"]["services"][0]["first_possible_end"] == "2026-12-22"
    assert unbundled["customer"]["services"][0]["first_possible_end"] == "2028-02-29"


async def test_a_quote_for_a_part_of_a_bundle_notices_that_the_rest_changed(world: World, noord: httpx.AsyncClient) -> None:
    line = await new_service(world.noord, "bakery", starts_on=date(2025, 3, 1), **{**BOUND, "minimum_months": 12}, bundle="kantoor")
    pages = await new_service(world.noord, "bakery", product="hosting", label="Site", starts_on=date(2025, 3, 1), **BOUND, bundle="kantoor")
    kept = await partner.quote(noord, pages)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET minimum_months = 24 WHERE id = $1", line)

    refused = await noord.post("/api/v1/terminations", json={"quote_id": kept["id"], "reason": "price", "mandate": True})

    assert refused.status_code == 409
    assert any("beside" in change["input"] for change in refused.json()["facts"]["changed"])


async def test_no_cost_is_given_while_the_provider_has_not_set_the_wholesale_price(world: World, zuid: httpx.AsyncClient) -> None:
    service = await new_service(world.zuid, "bakery", product="hosting", **BOUND)

    refused = await zuid.post("/api/v1/terminations/preview", json={"service_ids": [str(service)]})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-wholesale-price")
    assert "ZUD-S-00003" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("country", "segment", "vat_id", "category", "total"),
    [
        ("NL", Segment.GOV, None, "S", "1091.43"),
        ("BE", Segment.OTHER_BIZ, "BE0123456749", "AE", "902.01"),
        ("BE", Segment.OTHER_BIZ, None, "S", "1091.43"),
        ("DE", Segment.CONSUMER, None, "S", "0.00"),
        ("US", Segment.OTHER_BIZ, None, "O", "902.01"),
    ],
)
async def test_vat_follows_the_customers_seat_and_kind(
    world: World, noord: httpx.AsyncClient, country: str, segment: Segment, vat_id: str | None, category: str, total: str
) -> None:
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, "Klant elders", segment=segment)
        await db.execute("UPDATE customer SET country = $2, vat_id = $3 WHERE id = $1", customer, country, vat_id)
    terms = {**BOUND, "minimum_months": 24, "paid_until": date(2027, 2, 1)}
    service = await new_service(world.noord, customer, product="hosting", fee_cents=8995, starts_on=date(2026, 3, 1), **terms)

    seen = (await preview(noord, service, wished_on="2027-01-31", early=True))["customer"]

    # 13 months x 89.95 x 75 % + 25.00 = 902.01; a consumer owes nothing for leaving such a service.
    assert seen["bill"]["total"]["amount"] == total
    assert {line["vat_category"] for line in seen["services"][0]["ending"]["lines"]} <= {category}
    assert seen["prices_include_vat"] is (segment is Segment.CONSUMER)


async def test_a_consumers_prices_keep_their_totals_to_the_cent(world: World, noord: httpx.AsyncClient) -> None:
    # Rule book, example 18: 11 x 45.00 incl. x 70 % = 346.50 incl., 286.36 without VAT.
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_buyout_rule (id, name, method, scale, percentage, bands, handling_cents, avoided_percentage)"
            " VALUES ($1, '70 %', 'FULL_STARTED', 'percentage', 70, '[]', 0, 0)",
            new_id(),
        )
    terms = {
        **BOUND,
        "buyout_rule": "70 %",
        "minimum_months": 24,
        "fee_cents": 4500,
        "starts_on": date(2026, 1, 1),
        "paid_until": date(2027, 2, 1),
    }
    service = await new_service(world.noord, "private", **terms)

    bill = (await preview(noord, service, wished_on="2027-01-31", early=True))["customer"]["bill"]

    assert [(one["base"]["amount"], one["vat"]["amount"], one["total"]["amount"]) for one in bill["vat"]] == [("286.36", "60.14", "346.50")]


@pytest.mark.parametrize(
    ("terms", "asked", "ends_on"),
    [
        (
            {"notice_n": 5, "notice_unit": "WD"},
            {"notice_on": "2026-12-23"},
            "2026-12-31",
        ),  # 24, 28 to 31 December: both Christmas days are none
        ({"notice_n": 5, "notice_unit": "WD"}, {"notice_on": "2026-12-24"}, "2027-01-04"),  # nor is New Year's Day
        ({}, {"wished_on": "2028-02-29"}, "2028-02-29"),
        ({}, {"wished_on": "2027-01-31"}, "2027-01-31"),
        ({}, {"wished_on": "2020-01-01"}, "2026-12-22"),
        ({}, {"wished_on": "2046-06-30"}, "2046-06-30"),
        ({"product": "hosting", "explicit_end": date(2027, 6, 14), "minimum_months": 12, "renewal": "NONE"}, {}, "2027-06-14"),
        ({"fee_cents": 0}, {}, "2026-12-22"),
    ],
)
async def test_odd_days_and_wishes(
    world: World, noord: httpx.AsyncClient, terms: dict[str, Any], asked: dict[str, Any], ends_on: str
) -> None:
    service = await new_service(world.noord, "bakery", **terms)
    seen = (await preview(noord, service, **asked))["customer"]["services"][0]
    assert seen["ending"]["ends_on"] == ends_on


async def test_a_contract_that_ended_by_itself_is_not_ended_again(world: World, noord: httpx.AsyncClient) -> None:
    service = await new_service(world.noord, "bakery", minimum_months=12, renewal="NONE")
    kept = await partner.quote(noord, service)
    assert kept["preview"]["customer"]["services"][0]["already_ended"]

    refused = await noord.post("/api/v1/terminations", json={"quote_id": kept["id"], "reason": "stops", "mandate": True})

    assert refused.json()["type"] == "/problems/ends-in-the-past"


async def test_each_day_of_the_calendar_is_what_the_preview_of_that_day_says(world: World, noord: httpx.AsyncClient) -> None:
    both = (world.noord.services["free"], world.noord.services["bound"])
    seen = await preview(noord, *both, calendar="day")
    rows = {row["end"]: row for row in seen["calendar"]["rows"]}
    assert len(rows) > 700

    for day in ("2026-11-22", "2026-12-01", "2026-12-22", "2027-01-31", "2027-02-28", "2028-02-28", "2028-02-29"):
        services = (await preview(noord, *both, wished_on=day, early=True))["customer"]["services"]
        lines = [line for service in services for line in (*service["ending"]["lines"], *service["ending"]["fees"])]
        cents = {code: sum(_cents(line) for line in lines if line["code"] == code) for code in ("FEES", "CREDIT")}
        extra = sum(round(float(service["ending"]["extra_cost"]["amount"]) * 100) for service in services)
        row = rows[day]
        assert row["extra_cost"]["amount"] == f"{extra / 100:.2f}", day
        assert row["fees"]["amount"] == f"{cents['FEES'] / 100:.2f}", day
        assert row["credit"]["amount"] == f"{-cents['CREDIT'] / 100:.2f}", day
        assert row["total_to_pay"]["amount"] == f"{sum(map(_cents, lines)) / 100:.2f}", day


def _cents(line: dict[str, Any]) -> int:
    return round(float(line["amount"]["amount"]) * 100)


async def test_a_quote_is_filed_on_its_last_day_if_nothing_moved_and_is_outdated_when_its_day_did(
    world: World, noord: httpx.AsyncClient
) -> None:
    stays = await partner.quote(noord, world.noord.services["free"], wished_on="2027-03-31")
    moves = await partner.quote(noord, world.noord.services["bound"], wished_on="2026-12-01", early=True)
    clock.move_to(date(2026, 12, 6))

    assert (await partner.file(noord, stays["id"]))["ends_on"] == "2027-03-31"
    refused = await noord.post("/api/v1/terminations", json={"quote_id": moves["id"], "reason": "price", "mandate": True})

    assert refused.json()["type"] == "/problems/quote-outdated"
    assert "asked.received_on" in [change["input"] for change in refused.json()["facts"]["changed"]]
