"""Finance agrees on plans, lets costs go and writes off, with what is wrong said at its field; and sees before tonight what is coming."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from billing.jobs import reminders as jobs
from billing.service import documents, holds, interest_rates, late, late_rest, late_told, plans, reminders, suspensions, write_offs
from partner_portal.infra import db, outbox, settings
from partner_portal.kernel.actor import StaffRole
from tenants.policy import Segment
from tests.admin.conftest import SignsIn
from tests.billing.money import issue, line
from tests.billing.test_service_reminders import START, at, due
from tests.world import FINANCE, STAFF_DOOR, World

PATH = "/admin/late"
NUMBER = "HUIS-F2026-000001"


async def page(client: httpx.AsyncClient, show: str, path: str = PATH) -> str:
    answer = await client.get(f"{path}?show={show}")
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, decision: str, path: str = PATH, **typed: str) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="([\w.=-]+)"', await page(client, "plans" if path == PATH else "held", path))
    assert token
    return await client.post(path, data={"csrf_token": token[1], "decision": decision, **typed})


async def test_a_plan_is_shown_and_agreed_on_and_withdrawn(world: World, finance: httpx.AsyncClient) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    first = (START + timedelta(days=10)).isoformat()

    shown = await press(finance, "show", numbers=NUMBER.lower(), count="2", first_on=first, every="month")
    wrong = await press(finance, "plan", numbers=NUMBER, schedule="2026-12-31 1,00", agreed_with="Bea Bakker", note="Verbouwing")
    right = await press(finance, "plan", numbers=NUMBER, schedule="2026-12-31 121,00", agreed_with="Bea Bakker", note="Verbouwing")

    assert "60,50" in shown.text
    assert (wrong.status_code, right.status_code) == (422, 303)
    assert 'id="schedule-error"' in wrong.text
    assert "Bea Bakker" in await page(finance, "plans")
    async with db.unit_of_work(STAFF_DOOR):
        (plan,) = await plans.everybodys()
    assert (await press(finance, "withdraw", id=str(plan.id))).status_code == 303
    assert "ingetrokken" in await page(finance, "plans")


@pytest.mark.parametrize(
    ("decision", "wrong"),
    [
        ("show", {"numbers", "count", "first_on"}),
        ("plan", {"numbers", "agreed_with", "note"}),
        ("waive", {"number", "note"}),
        ("revive", {"number", "note"}),
    ],
)
async def test_everything_that_lacks_is_said_at_once(world: World, finance: httpx.AsyncClient, decision: str, wrong: set[str]) -> None:
    answer = await press(finance, decision)

    assert answer.status_code == 422
    assert set(re.findall(r'id="([a-z_]+?)(?:-again)?-error"', answer.text)) >= wrong


async def overdue(world: World) -> UUID:
    """An invoice whose last letter ran out some days ago: the past is lived first, for sessions end when the clock moves on."""
    begin = START - timedelta(days=63)
    at(begin)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000, service=world.noord.services["bound"])])
    day = await due(invoice) + timedelta(days=21)
    for late_by in (-3, 3, 14, 21):
        at(day + timedelta(days=late_by - 21))
        await reminders.run()
    at(START)
    return invoice


async def test_who_is_charged_nothing_because_nobody_knows_whether_a_consumer_is_named(world: World, finance: httpx.AsyncClient) -> None:
    invoice = await overdue(world)
    assert "Niet in rekening gebracht" not in await page(finance, "costs")
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET segment = $2 WHERE id = $1", world.noord.customers["bakery"], Segment.UNKNOWN.value)
        number = (await documents.one(invoice)).number

    seen = await page(finance, "costs")

    assert "Niet in rekening gebracht: consument of bedrijf is niet bekend" in seen
    assert number in seen


async def test_tonight_says_what_would_be_charged_and_stop(world: World, finance: httpx.AsyncClient) -> None:
    await overdue(world)

    seen = await page(finance, "tonight", "/admin/reminders")

    assert "Bij 1 debiteur zouden rente en kosten bijkomen" in seen
    assert "EUR 40,00" in seen
    assert "1 dienst zou stoppen" in seen
    async with db.unit_of_work(STAFF_DOOR):
        assert await late_told.charged() == []
        assert await suspensions.of_services([world.noord.services["bound"]]) == {}


async def test_costs_are_seen_and_let_go_with_a_reason(world: World, finance: httpx.AsyncClient) -> None:
    await overdue(world)
    await late.run()
    assert NUMBER in await page(finance, "costs")

    wrong = await press(finance, "waive", number="NIETS", note="Vaste klant")
    nothing = await press(finance, "waive", number=NUMBER, note="")
    right = await press(finance, "waive", number=NUMBER, note="Vaste klant")
    twice = await press(finance, "waive", number=NUMBER, note="Vaste klant")

    assert [answer.status_code for answer in (wrong, nothing, right, twice)] == [422, 422, 303, 409]
    assert 'id="number-error"' in wrong.text
    assert "Vaste klant" in await page(finance, "costs")


async def test_a_large_sum_is_written_off_by_two_people_and_taken_back(world: World, finance: httpx.AsyncClient, staff: SignsIn) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    frits = await staff(StaffRole.FINANCE, name="frits")
    with settings.use(four_eyes_limit_cents=1):
        wrong = await press(finance, "write-off", number=NUMBER, reason="bankrupt", note="")
        await press(finance, "write-off", number=NUMBER, reason="bankrupt", note="Curator: geen uitkering")
        async with db.unit_of_work(STAFF_DOOR):
            (proposal,) = await write_offs.waiting()
        own = await press(finance, "agree", id=str(proposal["id"]))
        assert "Akkoord: boek af" not in await page(finance, "written-off")
        assert "Akkoord: boek af" in await page(frits, "written-off")
        agreed = await press(frits, "agree", id=str(proposal["id"]))
    seen = await page(finance, "written-off")
    again = await press(finance, "revive", number=NUMBER, note="Verkeerd nummer")

    assert (wrong.status_code, own.status_code, agreed.status_code, again.status_code) == (422, 409, 303, 303)
    assert "EUR 21,00" in seen, "the VAT that can be had back"
    async with db.unit_of_work(STAFF_DOOR):
        assert (await documents.standing(invoice)).open.cents == 12_100


async def test_all_that_a_customer_owes_is_held_by_its_number(world: World, finance: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT number FROM customer WHERE id = $1", world.noord.customers["bakery"])
    assert row

    answer = await press(finance, "hold", "/admin/reminders", number=row["number"], reason="bankrupt", note="Curator", until="")

    assert answer.status_code == 303
    async with db.unit_of_work(STAFF_DOOR):
        (hold,) = await holds.standing()
    assert (hold["customer"], hold["invoice"]) == (world.noord.customers["bakery"], None)


async def test_a_mail_that_came_back_stops_reminders_and_is_work_for_finance_and_partner(
    world: World, finance: httpx.AsyncClient, noord: httpx.AsyncClient
) -> None:
    at(START - timedelta(days=60))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE infra_mail SET sent_at = NULL WHERE about = $1", invoice)
        await db.execute("UPDATE infra_outbox SET done_at = NULL, dead_at = now() WHERE topic = 'MailQueued' AND payload ->> 'mail_id' IN"
                         " (SELECT id::text FROM infra_mail WHERE about = $1)", invoice)  # fmt: skip
    await jobs.hear_refusals()
    at(START)
    await reminders.run()

    async with db.unit_of_work(STAFF_DOOR):
        assert await reminders.of_invoice(invoice) == []
    assert "De mail is niet aangekomen" in await page(finance, "held", "/admin/reminders")
    home = f"/portal/open-items/customers/{world.noord.customers['bakery']}/agreements"
    assert "Een mail over deze factuur kwam terug" in (await noord.get(home)).text


async def test_only_finance_may_look_and_only_with_the_pages_token(world: World, finance: httpx.AsyncClient, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")

    assert (await desk.get(PATH)).status_code == 403
    assert (await finance.post(PATH, data={"decision": "waive", "number": NUMBER, "note": "Zomaar"})).status_code == 403
    assert (await press(finance, "burn")).status_code == 404


@pytest.mark.usefixtures("world")
async def test_a_rate_that_is_wanted_is_asked_for_and_entered_with_its_source(
    finance: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Rentepercentage nodig" not in await page(finance, "costs"), "it is early"
    monkeypatch.setattr(interest_rates, "SOON", timedelta(days=60))  # a clock that moves on ends the session
    assert "Rentepercentage nodig: bedrijven (handelsrente), vanaf 1 januari 2027" in await page(finance, "costs")

    wrong = await press(finance, "rate", kind="trade", since="2027-07-01", percentage="10,40", source="rijksoverheid.nl")
    empty = await press(finance, "rate", kind="trade", since="2027-01-01", percentage="tien", source="")
    right = await press(finance, "rate", kind="trade", since="2027-01-01", percentage="10,40", source="rijksoverheid.nl")

    assert (wrong.status_code, empty.status_code, right.status_code) == (422, 422, 303)
    assert 'id="since-error"' in wrong.text
    assert "1 januari 2027" in wrong.text
    assert {'id="percentage-error"' in empty.text, 'id="source-error"' in empty.text} == {True}
    seen = await page(finance, "costs")
    assert "Rentepercentage nodig: bedrijven" not in seen
    assert "Rentepercentage nodig: consumenten, vanaf 1 januari 2027" in seen
    assert "10,4 % vanaf 01-01-2027" in seen.replace("10,40", "10,4")
    assert "rijksoverheid.nl" in seen


async def test_the_rest_of_the_interest_is_charged_by_hand(world: World, finance: httpx.AsyncClient) -> None:
    await overdue(world)
    await late.run()

    nothing = await press(finance, "rest", number=NUMBER)
    assert nothing.status_code == 409
    assert "geen rente meer" in nothing.text

    at(START + timedelta(days=30))
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT id FROM billing_invoice WHERE number = $1", NUMBER)
        await late_rest.charge(FINANCE, rows[0]["id"])
        assert len(await late_told.charged()) == 2
