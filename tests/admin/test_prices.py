"""Staff change prices and settle what a run left, by form."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx

from billing.service import runs
from partner_portal.infra import db
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.admin.test_forms import fill
from tests.world import STAFF_DOOR, World


async def one(sql: str, *given: Any) -> Any:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch_one(sql, *given)


async def test_finance_sets_the_price_of_a_service_from_a_day_on(world: World, finance: httpx.AsyncClient) -> None:
    done = await fill(
        finance, "new-price-of-a-service", service="NRD-S-00001", since="2027-01-01", fee="62,50", reason="Sneller abonnement"
    )
    refused = await fill(
        finance, "new-price-of-a-service", service="NRD-S-00001", since="2026-11-30", fee="70", reason="Sneller abonnement"
    )

    assert done.status_code == 200, done.text
    assert refused.status_code == 422, refused.text
    change = await one("SELECT fee_cents, fee_before_cents, since, decided_by LIKE 'staff:%' AS by_staff FROM billing_price_change")
    assert tuple(change) == (6250, 5000, date(2027, 1, 1), True)


async def test_finance_indexes_a_partners_prices(world: World, finance: httpx.AsyncClient) -> None:
    done = await fill(finance, "index-prices", percentage="3,4", since="2027-01-01", partner="nrd", reason="CPI 2026")
    wrong = await fill(finance, "index-prices", percentage="250", since="2027-01-01", reason="CPI 2026")

    assert done.status_code == 200, done.text
    assert wrong.status_code == 422, wrong.text
    assert (await one("SELECT count(*) AS n, min(fee_cents) AS least FROM billing_price_change"))["least"] == 5170


async def test_finance_settles_what_was_parked(world: World, finance: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET wholesale_cents = NULL WHERE id = $1", world.zuid.services["free"])
    await runs.bill(date(2026, 12, 1))

    done = await fill(finance, "settle-what-was-parked", whose="ZUD-S-00001")
    again = await fill(finance, "settle-what-was-parked", whose="ZUD-S-00001")

    assert (done.status_code, again.status_code) == (200, 422), done.text
    assert (await one("SELECT settled_by LIKE 'staff:%' AS by_staff FROM billing_parked"))["by_staff"]


async def test_the_service_desk_has_no_say_in_prices(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")

    refused = await fill(desk, "index-prices", percentage="3", since="2027-01-01", reason="CPI 2026")

    assert refused.status_code in {403, 404}
    assert await one("SELECT 1 FROM billing_price_change") is None
