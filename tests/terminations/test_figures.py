"""What a partner sees at a glance, in a world small enough to count along: today is Sunday 22 November 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx

from partner_portal.infra import clock, db
from terminations.service import buyouts, deadline_keeping, figures, scheduling
from terminations.service.buyouts import Decision
from terminations.service.figures import CasesWaiting, NoticesDue, Waiting
from tests.conftest import sign_in, work
from tests.journeys import partner
from tests.terminations.test_service_deadlines import yearly
from tests.world import FINANCE, STAFF_DOOR, Partner, World

EARLY: dict[str, Any] = {"wished_on": "2026-12-31", "early": True}
BAKERY = "bakkerij@klant.example.com"
NOBODY = Waiting(0)
TELECOM = {"product": "internet", "starts_on": date(2025, 6, 1)}


async def counted(whose: Partner, figure: Any) -> Any:
    async with db.unit_of_work(whose.principal()):
        return await figure()


async def decide(number: str, decision: Decision = Decision.APPROVE, **how: Any) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await buyouts.decide(FINANCE, await buyouts.case_by_number(number), decision, **how)
    await work()


async def scheduled(client: httpx.AsyncClient, world: World, *services: Any, **asked: Any) -> dict[str, Any]:
    case = await partner.filed(client, *services, **asked)
    await partner.press(client, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")
    return case


async def test_an_empty_portal_counts_nothing_and_has_every_month(world: World) -> None:
    assert await counted(world.noord, figures.notices_due) == NoticesDue(overdue=0, within_30=0, within_60=0, within_90=0)
    assert await counted(world.noord, figures.cases_waiting) == CasesWaiting(
        approvals=NOBODY, finance=NOBODY, payer_customer=NOBODY, payer_partner=NOBODY, withdrawals=NOBODY, ending_this_week=0
    )
    ends = await counted(world.noord, figures.ends_per_month)
    assert [ends[0].month, ends[6].month, ends[-1].month] == [date(2026, 5, 1), date(2026, 11, 1), date(2027, 10, 1)]
    assert sum(month.ended + month.planned + month.fee_cents for month in ends) == 0
    risk = await counted(world.noord, figures.value_at_risk)
    assert (len(risk), risk[0].month, risk[-1].month) == (12, date(2026, 11, 1), date(2027, 10, 1))
    money = await counted(world.noord, figures.buyout_money)
    assert (len(money), money[0].month, money[-1].month) == (12, date(2025, 12, 1), date(2026, 11, 1))


async def test_notices_are_counted_by_their_day_until_a_case_is_filed(world: World, noord: httpx.AsyncClient) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 20))  # its day was 20 November
    today = await yearly(world.noord, "bakery", date(2026, 12, 22))
    await yearly(world.noord, "bakery", date(2027, 1, 22))  # its day: 22 December, the thirtieth from today
    await yearly(world.noord, "bakery", date(2027, 1, 23))  # a day later
    await yearly(world.noord, "private", date(2027, 3, 20), **TELECOM)  # 20 February, the ninetieth
    await yearly(world.noord, "private", date(2027, 3, 21), **TELECOM)  # a day later
    await yearly(world.zuid, "bakery", date(2026, 12, 24))
    await deadline_keeping.refresh_all()
    assert await counted(world.noord, figures.notices_due) == NoticesDue(overdue=1, within_30=2, within_60=3, within_90=4)

    await partner.filed(noord, today)

    assert await counted(world.noord, figures.notices_due) == NoticesDue(overdue=1, within_30=1, within_60=2, within_90=3)


async def test_cases_are_counted_by_whom_they_wait_for_with_the_age_of_the_oldest(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient
) -> None:
    await partner.filed(noord, world.noord.services["free"], mandate=False)
    buyout = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    waiting = await counted(world.noord, figures.cases_waiting)
    assert (waiting.approvals.count, waiting.finance.count, waiting.payer_customer.count) == (1, 1, 0)
    assert (waiting.approvals.days, waiting.finance.days) == (0, 0)

    clock.move_to(date(2026, 11, 25))
    await sign_in(noord, world.noord.owner)
    await decide(buyout["number"])

    waiting = await counted(world.noord, figures.cases_waiting)
    assert (waiting.approvals.days, waiting.finance, waiting.payer_customer.count, waiting.payer_customer.days) == (3, NOBODY, 1, 0)
    theirs = await counted(world.zuid, figures.cases_waiting)
    assert (theirs.approvals, theirs.payer_customer) == (NOBODY, NOBODY)


async def test_a_proposal_that_the_partner_pays_is_counted_as_its_own(world: World, zuid: httpx.AsyncClient) -> None:
    case = await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    await decide(case["number"])
    waiting = await counted(world.zuid, figures.cases_waiting)
    assert (waiting.payer_partner.count, waiting.payer_customer.count) == (1, 0)

    await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/acceptance", json={})

    waiting = await counted(world.zuid, figures.cases_waiting)
    assert (waiting.payer_partner.count, waiting.approvals.count) == (0, 1)  # the customer's consent is what is left


async def test_a_case_waits_since_it_came_there_last(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    clock.move_to(date(2026, 11, 24))
    await decide(case["number"])
    clock.move_to(date(2026, 11, 26))
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))
    await partner.press(stranger, link, "counter", offer="100,00")
    clock.move_to(date(2026, 11, 29))

    waiting = await counted(world.noord, figures.cases_waiting)

    assert (waiting.finance.count, waiting.finance.days) == (1, 3)


async def test_what_ends_this_week_ends_from_today_to_sunday(world: World, noord: httpx.AsyncClient) -> None:
    case = await scheduled(noord, world, world.noord.services["free"])
    assert case["ends_on"] == "2026-12-22"  # a Tuesday

    counts = {}
    for day in (date(2026, 12, 20), date(2026, 12, 21), date(2026, 12, 22), date(2026, 12, 23)):
        clock.move_to(day)
        counts[day.isoformat()] = (await counted(world.noord, figures.cases_waiting)).ending_this_week

    assert counts == {"2026-12-20": 0, "2026-12-21": 1, "2026-12-22": 1, "2026-12-23": 0}


async def test_a_late_withdrawal_waits_for_finance(world: World, noord: httpx.AsyncClient) -> None:
    case = await scheduled(noord, world, world.noord.services["free"])
    clock.move_to(date(2026, 12, 20))
    await sign_in(noord, world.noord.owner)
    answer = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    assert answer.status_code == 202, answer.text
    clock.move_to(date(2026, 12, 21))

    waiting = await counted(world.noord, figures.cases_waiting)

    assert (waiting.withdrawals.count, waiting.withdrawals.days) == (1, 1)


async def test_ends_stand_in_their_month_planned_before_and_ended_afterwards(world: World, noord: httpx.AsyncClient) -> None:
    both = (world.noord.services["free"], await yearly(world.noord, "bakery", date(2027, 1, 31), quantity=2, fee_cents=1000))
    await scheduled(noord, world, *both)
    ends = {month.month: month for month in await counted(world.noord, figures.ends_per_month)}
    december, january = ends[date(2026, 12, 1)], ends[date(2027, 1, 1)]
    assert (december.planned, december.ended, december.fee_cents) == (1, 0, 5000)
    assert (january.planned, january.ended, january.fee_cents) == (1, 0, 2000)

    clock.move_to(date(2026, 12, 23))
    await scheduling.take_effect()

    ends = {month.month: month for month in await counted(world.noord, figures.ends_per_month)}
    assert (ends[date(2026, 12, 1)].planned, ends[date(2026, 12, 1)].ended, ends[date(2027, 1, 1)].planned) == (0, 1, 1)
    assert sum(month.planned + month.ended for month in await counted(world.zuid, figures.ends_per_month)) == 0


async def test_a_case_that_waits_or_was_withdrawn_is_no_end(world: World, noord: httpx.AsyncClient) -> None:
    case = await scheduled(noord, world, world.noord.services["free"])
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    await partner.filed(noord, world.noord.services["bound"])

    assert sum(month.planned + month.ended for month in await counted(world.noord, figures.ends_per_month)) == 0


async def test_value_at_risk_is_the_fees_of_what_can_still_leave_by_the_month_of_its_last_day(
    world: World, noord: httpx.AsyncClient
) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 20))  # too late for this year: its next day lies in November 2027
    await yearly(world.noord, "bakery", date(2026, 12, 31), fee_cents=1000)  # 30 November
    held = await yearly(world.noord, "bakery", date(2027, 2, 15), fee_cents=2000)  # 15 January
    await yearly(world.noord, "bakery", date(2027, 2, 20), fee_cents=300, quantity=10)
    await yearly(world.noord, "private", date(2027, 2, 25), fee_cents=500, **TELECOM)  # runs on afterwards: nothing renews
    await partner.filed(noord, held)
    await deadline_keeping.refresh_all()

    risk = {month.month: month for month in await counted(world.noord, figures.value_at_risk)}

    november, january = risk[date(2026, 11, 1)], risk[date(2027, 1, 1)]
    assert (november.services, november.fee_cents, november.renewal_cents) == (1, 1000, 12000)
    assert (january.services, january.fee_cents, january.renewal_cents) == (2, 3500, 36000)
    assert sum(month.services for month in risk.values()) == 3


async def test_buyouts_stand_in_the_month_of_filing_in_amsterdam_with_what_was_agreed_since(world: World, noord: httpx.AsyncClient) -> None:
    clock.set_to(datetime(2026, 11, 30, 23, 30, tzinfo=UTC))  # half past midnight on 1 December in Amsterdam
    await sign_in(noord, world.noord.owner)
    case = await partner.filed(noord, world.noord.services["bound"], wished_on="2026-12-31", early=True)
    money = {month.month: month for month in await counted(world.noord, figures.buyout_money)}
    asked = money[date(2026, 12, 1)].asked_cents
    assert (money[date(2026, 11, 1)].cases, money[date(2026, 12, 1)].cases) == (0, 1)
    assert f"{asked / 100:.2f}" == case["computed"]["amount"]
    assert money[date(2026, 12, 1)].agreed_cents == 0

    await decide(case["number"], Decision.ADJUST, amount_cents=10_000, reason="Vaste klant")
    assert (await counted(world.noord, figures.buyout_money))[-1].agreed_cents == 0, "proposed is not agreed"
    await partner.press(noord, partner.link_in(partner.newest(world.mailbox, BAKERY)), "accept")

    december = (await counted(world.noord, figures.buyout_money))[-1]
    assert (december.cases, december.asked_cents, december.agreed_cents) == (1, asked, 10_000)
    assert sum(month.cases for month in await counted(world.zuid, figures.buyout_money)) == 0
