"""Finance's own page: what waits, why it costs what it costs, and deciding on the spot."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from billing.policy.interest import RateKind
from billing.service import interest_rates
from billing.service.interest_rates import RateWanted
from partner_portal.infra import clock, db, outbox, settings
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.admin.test_forms import state
from tests.journeys import partner
from tests.world import FINANCE, STAFF_DOOR, World

EARLY: dict[str, Any] = {"wished_on": "2027-01-31", "early": True}


async def page(client: httpx.AsyncClient) -> str:
    """The work list as it reads now, its spaces as single ones."""
    answer = await client.get("/admin/work-list")
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, number: str, decision: str, **typed: str) -> httpx.Response:
    """A button of the page pressed, after everything that follows by itself."""
    [token] = set(re.findall(r'name="csrf_token" value="(\w+)"', await page(client)))
    answer = await client.post("/admin/work-list", data={"csrf_token": token, "id": number, "decision": decision, **typed})
    await outbox.drain()
    return answer


async def test_sums_stand_side_by_side_with_their_making(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    assert "Er wacht niets op de financiële administratie" in await page(finance)
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    seen = await page(finance)
    assert "2 zaken wachten op de financiële administratie" in seen
    for said in (
        "NRD-T-00001",
        "Bakkerij De Korst",
        "Noord ICT",
        "EUR 902,01",
        "EUR 1.091,43 inclusief btw",
        "EUR 2.500,00",
        "13 mnd x EUR 89,95 x 75 %",
    ):
        assert said in seen, said
    # Zuid bills in its own name: finance sees what Zuid pays.
    assert "EUR 610,00" in seen


async def test_a_counter_proposal_stands_beside_the_computed_sum_and_can_be_approved(
    world: World, zuid: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    case = await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    await press(finance, "ZUD-T-00001", "approve")
    offer = {"amount": {"amount": "400.00", "currency": "EUR"}, "note": "Klant blijft bij ons"}
    countered = await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/counter", json=offer)
    assert countered.status_code < 300, countered.text
    seen = await page(finance)
    for said in ("Tegenvoorstel", "EUR 610,00", "EUR 400,00 goedkeuren", "Klant blijft bij ons"):
        assert said in seen, said
    assert (await press(finance, "ZUD-T-00001", "approve")).status_code == 303
    assert (await partner.case(zuid, case["id"]))["agreed"]["amount"] == "400.00"


async def test_approving_leads_back_to_the_list_and_says_so(world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    done = await press(finance, "NRD-T-00001", "approve")
    assert done.status_code == 303
    assert "NRD-T-00001 is goedgekeurd" in (await finance.get(done.headers["location"])).text
    assert await state("NRD-T-00001") == "proposed"


async def test_what_cannot_be_is_said_beside_the_case_and_what_was_typed_stays(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    refused = await press(finance, "NRD-T-00001", "adjust", amount="450", reason="")
    assert refused.status_code == 422
    assert "Reden: Geef een reden" in refused.text
    assert 'value="450"' in refused.text
    assert await state("NRD-T-00001") == "waiting_for_finance"
    done = await press(finance, "NRD-T-00001", "adjust", amount="450", reason="Net verlengd")
    assert done.status_code == 303


async def test_who_agreed_first_is_named_and_cannot_agree_twice(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient, staff: SignsIn
) -> None:
    frits = await staff(StaffRole.FINANCE, name="frits")
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    with settings.use(four_eyes_limit_cents=50000):
        await press(finance, "NRD-T-00001", "approve")
        assert "U ging akkoord met EUR 902,01; iemand anders" in await page(finance)
        assert "Akkoord van Fien van Kadetel" in await page(frits)
        alone = await press(finance, "NRD-T-00001", "approve")
        assert alone.status_code == 409
        assert "tweede persoon" in alone.text
        await press(frits, "NRD-T-00001", "approve")
    assert await state("NRD-T-00001") == "proposed"


@pytest.mark.parametrize(("decision", "after"), [("allow", "withdrawn"), ("deny", "scheduled")])
async def test_a_late_withdrawal_is_answered(
    decision: str, after: str, world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, "bakkerij@klant.example.com")), "approve")
    scheduled = await partner.case(noord, case["id"])
    clock.move_to(date.fromisoformat(scheduled["ends_on"]))
    await noord.delete("/api/v1/session")
    from tests.conftest import sign_in as signs_in  # noqa: PLC0415

    await signs_in(noord, world.noord.owner)
    asked = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={"note": "Toch niet"})
    assert asked.status_code < 300, asked.text
    late = await staff_of_today(finance)
    assert "Intrekking gevraagd" in await page(late)
    done = await press(late, "NRD-T-00001", decision, reason="Volgens afspraak")
    assert done.status_code == 303, done.text
    assert await state("NRD-T-00001") == after
    assert "Intrekking gevraagd" not in await page(late)


async def staff_of_today(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same person, signed in anew: time has passed."""
    from tests.admin.conftest import sign_in  # noqa: PLC0415

    client.cookies.clear()
    assert (await sign_in(client, "fien")).status_code == 200
    return client


@pytest.mark.usefixtures("world")
async def test_a_rate_of_interest_is_asked_for_before_its_half_year_and_more_urgently_after(finance: httpx.AsyncClient) -> None:
    clock.set_to(datetime(2026, 12, 17, 11, tzinfo=UTC))
    assert "Er wacht niets op de financiële administratie" in await page(await staff_of_today(finance))

    clock.set_to(datetime(2026, 12, 18, 11, tzinfo=UTC))
    early = await page(await staff_of_today(finance))
    assert "2 percentages wachten op de financiële administratie" in early
    assert "Rentepercentage nodig: bedrijven (handelsrente), vanaf 1 januari 2027" in early
    assert "binnenkort invoeren" in early

    clock.set_to(datetime(2027, 1, 1, 11, tzinfo=UTC))
    begun = await page(await staff_of_today(finance))
    assert "binnenkort invoeren" not in begun
    assert begun.count(">ontbreekt</span>") == 2

    async with db.unit_of_work(STAFF_DOOR):
        for kind in RateKind:
            wanted = RateWanted(kind=kind, since=date(2027, 1, 1), percentage=Decimal(5), source="Staatscourant")
            await interest_rates.enter(FINANCE, wanted)
    assert "Er wacht niets op de financiële administratie" in await page(finance)


async def test_a_form_of_another_site_decides_nothing(world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    for token in ("", "0" * 64):
        answer = await finance.post("/admin/work-list", data={"csrf_token": token, "number": "NRD-T-00001", "decision": "approve"})
        assert answer.status_code == 403
    assert await state("NRD-T-00001") == "waiting_for_finance"


async def test_the_page_is_finances(staff: SignsIn, stranger: httpx.AsyncClient, noord: httpx.AsyncClient) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    assert (await desk.get("/admin/work-list")).status_code == 403
    assert "/admin/work-list" not in (await desk.get("/admin/api/links/")).json().values()
    for client in (stranger, noord):
        answer = await client.get("/admin/work-list")
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")


FINANCES_PAGES = {
    "Accounting link": "/admin/accounting",
    "Bank statements and direct debit": "/admin/statements",
    "How partners are billed": "/admin/partner-billing",
    "Mandates": "/admin/mandates",
    "Payments and what they settled": "/admin/payments",
    "Plans, costs and write-offs": "/admin/late",
    "Refunds and payouts": "/admin/refunds",
    "What waits for you": "/admin/waiting",
    "Work list of finance": "/admin/work-list",
    "Invoices as they were sent": "/admin/invoices",
    "What a customer would be billed": "/admin/pro-forma",
    "Credit notes for two people": "/admin/credit-notes",
    "Indexation": "/admin/indexation",
    "Reminders": "/admin/reminders",
}


async def test_the_page_speaks_english_too(world: World, noord: httpx.AsyncClient, staff: SignsIn) -> None:
    client = await staff(StaffRole.FINANCE, language="en-GB")
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    seen = await page(client)
    for said in ('<html lang="en">', "1 case waits for finance", "Approve EUR 902.01", "13 months x EUR 89.95 x 75 %"):
        assert said in seen, said
    assert (await client.get("/admin/api/links/")).json() == FINANCES_PAGES


async def test_mails_to_finance_lead_to_the_list(world: World, noord: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    assert "http://portal.test/admin/work-list" in partner.newest(world.mailbox, "finance@kadetel.example.com").text
