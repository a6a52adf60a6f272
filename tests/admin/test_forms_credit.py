"""What finance does by hand to what is owed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.actor import StaffRole
from terminations.service import scheduling
from tests.admin.conftest import SignsIn
from tests.admin.test_forms import EARLY, fill
from tests.billing.money import issue, line
from tests.journeys import partner
from tests.world import STAFF_DOOR, World


async def documents() -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch("SELECT i.*, s.open_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id ORDER BY i.id")


async def test_a_buyout_approved_here_is_billed_to_the_cent_when_the_service_has_ended(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    assert (await fill(finance, "approve-buyout", case=case["number"])).status_code == 200
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, "bakkerij@klant.example.com")), "accept")
    assert await documents() == []

    clock.set_to(datetime(2027, 2, 1, 11, tzinfo=UTC))
    await scheduling.take_effect()
    await outbox.drain()

    # 13 x 89.95 x 75 % = 877.01 and 25.00 for handling, as the cost sheet said; 21 % on both together.
    (final,) = await documents()
    assert (final["net_cents"], final["vat_cents"], final["gross_cents"]) == (90201, 18942, 109143)
    async with db.unit_of_work(STAFF_DOOR):
        lines = await db.fetch("SELECT description, amount_cents FROM billing_line WHERE invoice = $1 ORDER BY amount_cents", final["id"])
    assert [row["amount_cents"] for row in lines] == [2500, 87701]
    assert "13 mnd x EUR 89,95 x 75 %" in lines[1]["description"]


async def test_an_invoice_is_credited_by_line_and_whole_and_then_no_more(world: World, finance: httpx.AsyncClient) -> None:
    noord = world.noord
    await issue(noord.id, noord.customers["bakery"], [line(10000), line(5000)])

    part = await fill(finance, "credit-an-invoice", invoice=" huis-f2026-000001", line="1", amount="25,00", reason="Storing")
    rest = await fill(finance, "credit-an-invoice", invoice="HUIS-F2026-000001", reason="Storing")
    more = await fill(finance, "credit-an-invoice", invoice="HUIS-F2026-000001", reason="Storing")
    unknown = await fill(finance, "credit-an-invoice", invoice="HUIS-F2026-000001", line="9", reason="Storing")

    assert "HUIS-C2026-000001" in part.json()["custom_form_success"], part.text
    assert rest.status_code == 200, rest.text
    assert more.status_code != 200
    assert "niets te crediteren" in more.text
    assert "geen regel 9" in unknown.text
    assert [row["gross_cents"] for row in await documents()] == [18150, 3025, 15125]
    assert (await documents())[0]["open_cents"] == 0


async def test_a_charge_waits_and_is_dropped_and_damages_are_claimed_at_once(world: World, finance: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        bakery = await db.fetch_one("SELECT number FROM customer WHERE id = $1", world.noord.customers["bakery"])
    assert bakery
    whose = {"partner": "nrd", "customer": bakery["number"]}

    waits = await fill(finance, "charge-once", **whose, description="Monteur op locatie", quantity="1,5", price="80", key="bezoek 1")
    twice = await fill(finance, "charge-once", **whose, description="Monteur op locatie", price="80", key="bezoek 1")
    dropped = await fill(finance, "drop-a-charge", partner="nrd", key="bezoek 1", reason="Vergissing")
    claimed = await fill(finance, "claim-damages", **whose, description="Schade bruikleenapparaat", amount="150")

    assert waits.status_code == 200, waits.text
    assert "al in rekening gebracht" in twice.text
    assert dropped.status_code == 200, dropped.text
    assert "HUIS-S2026-000001" in claimed.text, claimed.text
    (note,) = await documents()
    assert (note["kind"], note["gross_cents"], note["vat_cents"]) == ("damages", 15000, 0)
    async with db.unit_of_work(STAFF_DOOR):
        charged = await db.fetch("SELECT amount_cents, dropped_because FROM billing_charge ORDER BY key")
    assert (12000, "Vergissing") in [tuple(row) for row in charged]


async def test_the_desk_may_not(world: World, staff: SignsIn) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"])
    desk = await staff(StaffRole.SERVICE_DESK)

    refused = await fill(desk, "credit-an-invoice", invoice="HUIS-F2026-000001", reason="Storing")

    assert refused.status_code == 403
    assert len(await documents()) == 1
