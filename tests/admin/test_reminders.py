"""Finance sees what tonight would send, holds and lifts, sets policies, and sees who owes how long; nobody else does."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from billing.service import holds, reminder_policies, reminders
from partner_portal.infra import db
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.billing.money import issue, line
from tests.billing.test_one_letter_a_day import four
from tests.billing.test_service_reminders import START, at, levels
from tests.world import STAFF_DOOR, World

PATH = "/admin/reminders"
DAYS = {
    "note_days": "0",
    "first_days": "5",
    "second_days": "10",
    "third_days": "15",
    "suspend_days": "9",
    "consumer_suspend_days": "30",
    "threshold": "12,50",
    "lead_days": "telephony: 14\ndomain: -",
}


@pytest_asyncio.fixture(loop_scope="session")
async def finance(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


async def page(client: httpx.AsyncClient, show: str = "tonight") -> str:
    answer = await client.get(f"{PATH}?show={show}")
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, decision: str, **typed: str) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(client, "held"))
    assert token
    return await client.post(PATH, data={"csrf_token": token[1], "decision": decision, **typed})


async def test_what_tonight_would_send_is_shown_and_not_sent(world: World, finance: httpx.AsyncClient) -> None:
    assert "zou niets uitgaan" in await page(finance)
    at(START - timedelta(days=33))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await issue(world.noord.id, world.noord.customers["private"], [line(100)])
    at(START)

    seen = await page(finance)

    assert "zou 1 brief uitgaan" in seen
    assert "Bakkerij De Korst" in seen
    assert "EUR 121,00" in seen
    assert "het bedrag is te klein" in seen
    assert await levels(invoice) == []


async def test_tonights_letter_names_the_level_of_each_of_its_invoices(world: World, staff: SignsIn) -> None:
    owed = await four(world, "bakery")
    finance = await staff(StaffRole.FINANCE, name="fien")
    last, second, first, note = owed.numbers

    seen = re.sub(r"<[^>]+>", "", await page(finance))

    assert f"{last}, {second} (tweede herinnering), {first} (eerste herinnering), {note} (vervalt binnenkort, wordt niet gevraagd)" in seen
    assert "zou 1 brief uitgaan" in seen
    assert "EUR 393,25" in seen


async def test_an_invoice_is_held_and_let_go_where_it_is_read(world: World, finance: httpx.AsyncClient) -> None:
    at(START - timedelta(days=33))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    at(START)

    answer = await press(finance, "hold", number="HUIS-F2026-000001", reason="disputed", note="Klant <b>belt</b>")
    assert answer.status_code == 303
    assert "Klant &lt;b&gt;belt&lt;/b&gt;" in await page(finance, "held")
    await reminders.run()
    assert await levels(invoice) == []
    async with db.unit_of_work(STAFF_DOOR):
        (hold,) = await holds.standing()

    assert (await press(finance, "lift", id=str(hold["id"]))).status_code == 303
    await reminders.run()
    assert len(await levels(invoice)) == 1


async def test_mail_that_came_back_is_work_until_it_is_lifted(world: World, finance: httpx.AsyncClient) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])

    await press(finance, "hold", number="HUIS-F2026-000001", reason="mail bounced")

    assert "De mail is niet aangekomen" in await page(finance, "held")


@pytest.mark.parametrize(
    ("decision", "typed", "status"),
    [
        ("hold", {"number": "NOPE", "reason": "disputed"}, 422),
        ("hold", {"number": "HUIS-F2026-000001", "reason": "because"}, 422),
        ("hold", {"number": "HUIS-F2026-000001", "reason": "disputed", "until": "2020-01-01"}, 422),
        ("lift", {"id": "nothing"}, 404),
        ("policy", {**DAYS, "id": "nothing"}, 404),
        ("burn", {}, 404),
    ],
)
async def test_what_cannot_be_is_refused_on_the_page(
    world: World, finance: httpx.AsyncClient, decision: str, typed: dict[str, str], status: int
) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])

    assert (await press(finance, decision, **typed)).status_code == status


async def test_a_policy_is_set_for_a_partner_and_taken_back(world: World, finance: httpx.AsyncClient) -> None:
    answer = await press(finance, "policy", id=str(world.noord.id), **DAYS)
    assert answer.status_code == 303
    async with db.unit_of_work(STAFF_DOOR):
        policy = await reminder_policies.of_tenant(world.noord.id)
    assert (policy.note_days, policy.reminder_days, policy.threshold_cents) == (0, (5, 10, 15), 1250)
    assert policy.lead_days == {"telephony": 14, "domain": None}
    assert (await page(finance, "policies")).count("eigen dagen") == 2, "once more than in the sentence above all of them"

    refused = await press(finance, "policy", id=str(world.noord.id), **{**DAYS, "second_days": "5"})
    assert refused.status_code == 422

    await press(finance, "policy", id=str(world.noord.id), follows_provider="yes", **DAYS)
    assert (await page(finance, "policies")).count("eigen dagen") == 1


async def test_who_owes_how_long_is_seen_by_partner_and_debtor(world: World, finance: httpx.AsyncClient) -> None:
    assert "EUR 0,00 staat open" in await page(finance, "debtors")
    at(START - timedelta(days=75))
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await issue(world.zuid.id, world.zuid.customers["bakery"], [line(20_000)])
    at(START)

    seen = await page(finance, "debtors")

    assert "EUR 363,00 staat open, waarvan EUR 363,00 is vervallen" in seen
    assert "Noord ICT" in seen
    assert "Zuid Telecom" in seen


async def test_only_finance_may_look_and_only_with_the_pages_token(world: World, finance: httpx.AsyncClient, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")

    assert (await desk.get(PATH)).status_code == 403
    assert (await finance.post(PATH, data={"decision": "lift", "id": str(world.house)})).status_code == 403
