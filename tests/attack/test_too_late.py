"""What comes after its time, before the daily round has looked: it must not slip through the gap."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from partner_portal import invariants
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Refused
from terminations.service import scheduling
from terminations.service.buyouts import Decision, case_by_number, decide
from tests.attack.test_links import actions, rows
from tests.conftest import sign_in
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, World, make_service


async def in_order() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []


async def of_zuid(world: World, zuid: httpx.AsyncClient) -> dict[str, Any]:
    """A buyout that Zuid, which bills in its own name, is to accept."""
    case = await people.filed(zuid, world.zuid.services["bound"], early=True, wished_on="2027-03-31")
    async with db.unit_of_work(STAFF_DOOR):
        assert await decide(FINANCE, await case_by_number(case["number"]), Decision.APPROVE)
    await outbox.drain()
    return case


@pytest.mark.parametrize("answer", ["acceptance", "counter", "refusal"])
async def test_a_proposal_whose_time_is_over_is_not_answered(world: World, zuid: httpx.AsyncClient, answer: str) -> None:
    case = await of_zuid(world, zuid)
    clock.move(timedelta(days=15))
    await sign_in(zuid, world.zuid.owner)
    body = {"amount": {"amount": "1.00", "currency": "EUR"}} if answer == "counter" else {}

    late = await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/{answer}", json=body)

    assert late.status_code == 409, late.text
    assert await actions(case) == ["file_buyout", "propose"]
    await scheduling.expire()
    assert await actions(case) == ["file_buyout", "propose", "expire"]
    await outbox.drain()
    await in_order()


async def test_finance_cannot_agree_to_an_end_that_can_no_longer_be_kept(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["bound"], early=True, wished_on="2026-12-31")
    clock.move_to(date(2027, 1, 2))

    with pytest.raises(Refused):
        async with db.unit_of_work(STAFF_DOOR):
            await decide(FINANCE, await case_by_number(case["number"]), Decision.APPROVE)

    assert await actions(case) == ["file_buyout"]


async def test_a_link_is_not_sent_again_when_nobody_may_answer_any_more(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    clock.move(timedelta(days=15))
    await sign_in(noord, world.noord.owner)

    late = await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})

    assert late.status_code == 409, late.text
    assert await actions(case) == ["file"]


async def scheduled(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, *, both: bool) -> dict[str, Any]:
    """A scheduled case of one service, or of two that end a month apart."""
    services = [world.noord.services["free"]]
    if both:
        async with db.unit_of_work(world.noord.principal()):
            longer = {"notice_n": 3, "notice_unit": "M"}
            services.append(await make_service(world.noord, world.noord.customers["bakery"], product="hosting", label="Later", **longer))
            await db.execute("UPDATE customer SET segment = 'OTHER_BIZ' WHERE id = $1", world.noord.customers["bakery"])
    case = await people.filed(noord, *services)
    await people.press(stranger, people.link_in(people.newest(world.mailbox, "bakkerij@")), "approve")
    return case


async def test_what_has_ended_is_not_taken_back(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await scheduled(world, noord, stranger, both=False)
    clock.move_to(date(2026, 12, 23))
    await sign_in(noord, world.noord.owner)

    late = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    assert late.status_code == 409, late.text
    assert await scheduling.take_effect() == 1
    await outbox.drain()
    assert await actions(case) == ["file", "approve", "take_effect"]
    await in_order()


@pytest.mark.parametrize("daily_ran", [True, False], ids=["written down", "not yet written down"])
async def test_taking_back_the_rest_of_a_case_revives_no_service_that_has_ended(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, *, daily_ran: bool
) -> None:
    case = await scheduled(world, noord, stranger, both=True)
    first, second = await rows("SELECT service, ends_on FROM termination_line ORDER BY ends_on")
    assert first["ends_on"] < second["ends_on"], "they end apart"
    clock.move_to(first["ends_on"] + timedelta(days=1))
    if daily_ran:
        assert await scheduling.take_effect() == 1
    await sign_in(noord, world.noord.owner)

    asked = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    assert asked.status_code == 202, asked.text
    async with db.unit_of_work(STAFF_DOOR):
        await scheduling.answer_withdrawal(FINANCE, await case_by_number(case["number"]), allow=True, reason="mag")
    await outbox.drain()
    await scheduling.take_effect()

    left = {
        row["id"]: (row["ended_at"] is not None, row["ends_on"]) for row in await rows("SELECT id, ended_at, ends_on FROM billing_service")
    }
    assert left[first["service"]] == (True, first["ends_on"])
    assert left[second["service"]] == (False, None)
    await in_order()
