"""What else can become of a case: refused, withdrawn, forgotten, sent to the wrong person, overtaken by the facts."""

from __future__ import annotations

from datetime import date

import httpx

from partner_portal.infra import clock, db, outbox
from terminations.service import buyouts, scheduling
from tests.journeys import partner
from tests.world import FINANCE, STAFF_DOOR, World

BAKERY = "bakkerij@klant.example.com"


async def test_the_customer_refuses_and_nothing_ends(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))

    await partner.press(stranger, link, "refuse", reason="Dit klopt niet")

    after = await partner.case(noord, case["id"])
    assert after["state"] == "refused"
    assert "Dit klopt niet" in partner.newest(world.mailbox, world.noord.owner).text
    again = await stranger.get(link)
    assert "22-11-2026" in again.text or "22 november 2026" in again.text, "the page says what was decided and when"


async def test_withdrawn_in_time_needs_nobody(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")

    answer = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={"note": "Klant blijft"})
    await outbox.drain()

    assert (answer.status_code, answer.json()["state"]) == (201, "withdrawn")
    services = (await noord.get(f"/api/v1/customers/{world.noord.customers['bakery']}/services")).json()
    assert all(service["ends_on"] is None for service in services)
    assert "NRD-T-00001" in partner.newest(world.mailbox, BAKERY).text, "the customer is always told"


async def test_withdrawn_late_needs_finance(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")
    clock.move_to(date(2026, 12, 21))

    answer = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    await outbox.drain()
    assert (answer.status_code, answer.json()["state"]) == (202, "scheduled")
    assert "NRD-T-00001" in partner.newest(world.mailbox, "finance@kadetel.example.com").subject

    async with db.unit_of_work(STAFF_DOOR):
        await scheduling.answer_withdrawal(FINANCE, await buyouts.case_by_number("NRD-T-00001"), allow=True, reason="Akkoord")
    await outbox.drain()
    assert (await partner.case(noord, case["id"]))["state"] == "withdrawn"


async def test_a_customer_who_does_not_answer_is_reminded_once_and_then_the_case_expires(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    clock.move_to(date(2026, 11, 28))

    assert (await scheduling.remind(), await scheduling.remind()) == (1, 0)
    await outbox.drain()
    assert len(world.mailbox.mailbox.mails(BAKERY)) == 2
    clock.move_to(date(2026, 12, 7))
    assert await scheduling.expire() == 1
    await outbox.drain()

    assert (await partner.case(noord, case["id"]))["state"] == "expired"
    again = await partner.filed(noord, world.noord.services["free"])
    assert again["state"] == "waiting_for_customer"


async def test_the_wrong_person_decides_nothing_and_the_right_one_gets_a_new_link(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    old = partner.link_in(partner.newest(world.mailbox, BAKERY))
    await partner.press(stranger, old, "not_me")
    assert (await partner.case(noord, case["id"]))["state"] == "waiting_for_customer"
    customer = f"/api/v1/customers/{world.noord.customers['bakery']}"
    tag = (await noord.get(customer)).headers["etag"]
    change = {"main_contact": {"name": "Bea Baas", "email": "bea@klant.example.com"}}
    assert (await noord.patch(customer, json=change, headers={"if-match": tag})).status_code == 200

    await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})
    await outbox.drain()
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, "bea@klant.example.com")), "approve")

    assert (await partner.case(noord, case["id"]))["state"] == "scheduled"


async def test_without_a_mandate_the_notice_counts_from_the_customers_yes(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"], mandate=False, wished_on="2026-12-31")
    # One month's notice for 31 December can be given until 30 November (30 November + 1 month = 30 December).
    assert case["waits_until"].startswith("2026-11-30T23:00")
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))
    clock.move_to(date(2026, 11, 25))

    await partner.press(stranger, link, "approve")

    assert (await partner.case(noord, case["id"]))["received_on"] == "2026-11-25"


async def test_an_outdated_quote_says_what_changed(world: World, noord: httpx.AsyncClient) -> None:
    kept = await partner.quote(noord, world.noord.services["free"])
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = '2027-01-01' WHERE id = $1", world.noord.services["free"])

    refused = await noord.post("/api/v1/terminations", json={"quote_id": kept["id"], "reason": "price", "mandate": True})

    assert refused.status_code == 409
    assert [change["input"].rpartition(".")[2] for change in refused.json()["facts"]["changed"]] == ["paid_until"]


async def test_a_quote_is_used_once_and_expires(world: World, noord: httpx.AsyncClient) -> None:
    kept = await partner.quote(noord, world.noord.services["free"], wished_on="2027-06-30")
    clock.move_to(date(2026, 12, 7))
    expired = await noord.post("/api/v1/terminations", json={"quote_id": kept["id"], "reason": "price", "mandate": True})
    assert expired.json()["type"] == "/problems/quote-expired"
    clock.move_to(date(2026, 12, 1))
    await partner.file(noord, kept["id"])
    twice = await noord.post("/api/v1/terminations", json={"quote_id": kept["id"], "reason": "price", "mandate": True})
    assert twice.status_code == 409


async def test_an_illegal_step_names_the_legal_ones(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    twice = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    assert twice.status_code == 409
    assert twice.json()["facts"]["legal"] == []


async def test_two_services_end_in_one_case_each_on_its_own_day(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"], world.noord.services["bound"])
    assert [line["ends_on"] for line in case["lines"]] == ["2026-12-22", "2028-02-29"]
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")

    clock.move_to(date(2026, 12, 23))
    await scheduling.take_effect()
    halfway = await partner.case(noord, case["id"])
    assert (halfway["state"], halfway["lines"][0]["ended_at"] is not None) == ("scheduled", True)
    clock.move_to(date(2028, 3, 1))
    await scheduling.take_effect()

    assert (await partner.case(noord, case["id"]))["state"] == "ended"
