"""The first page of a partner: every number on it is a list one click away."""

from __future__ import annotations

import html
import re
from datetime import date

import httpx

from partner_portal.infra import db, outbox
from partner_portal.overview.pages import dashboard
from terminations.jobs.deadlines import keep_deadlines
from terminations.service.figures import BuyoutMoney, CasesWaiting, NoticesDue, Waiting
from tests.journeys import partner
from tests.world import World, make_customer, make_service

NOBODY = CasesWaiting(
    approvals=Waiting(0),
    finance=Waiting(0),
    payer_customer=Waiting(0),
    payer_partner=Waiting(0),
    withdrawals=Waiting(0),
    ending_this_week=0,
)
TILE = re.compile(r'<li(?: class="urgent")?><a href="([^"]+)"><strong>([\d.]+)</strong> <span>([^<]+)</span>')


def test_what_is_done_takes_no_room() -> None:
    assert dashboard.tiles(NOBODY, NoticesDue(overdue=0, within_30=0, within_60=0, within_90=0), 0, 0) == []


def test_what_is_missed_and_what_the_partner_itself_must_answer_stands_first() -> None:
    waiting = CasesWaiting(
        approvals=Waiting(4),
        finance=Waiting(1),
        payer_customer=Waiting(0),
        payer_partner=Waiting(2),
        withdrawals=Waiting(0),
        ending_this_week=3,
    )

    found = dashboard.tiles(waiting, NoticesDue(overdue=1, within_30=0, within_60=5, within_90=6), 7, 0)

    assert [(tile.what, tile.count, tile.urgent) for tile in found][:4] == [
        ("Notice days missed", 1, True),
        ("Notices received that need you", 7, True),
        ("Buyouts that you must answer", 2, True),
        ("Waiting for the customer's approval", 4, False),
    ]


def test_a_chart_says_in_its_table_what_its_picture_shows() -> None:
    months = [
        BuyoutMoney(month=date(2026, 12, 1), cases=2, asked_cents=120000, agreed_cents=99950),
        BuyoutMoney(month=date(2027, 1, 1), cases=0, asked_cents=0, agreed_cents=0),
    ]

    chart = dashboard.chart(dashboard.BUYOUTS, months, "nl")

    assert chart.rows == [("december 2026", "2", "EUR 1.200,00", "EUR 999,50"), ("januari 2027", "0", "EUR 0,00", "EUR 0,00")]
    assert "1.000" in chart.picture  # whole euros over the column


async def test_a_new_partner_is_told_that_nothing_waits(world: World, zuid: httpx.AsyncClient) -> None:
    page = await zuid.get("/portal", headers={"accept-language": "nl"})

    assert page.status_code == 200
    assert page.text.count("<h1>") == 1


async def test_every_number_is_the_length_of_the_list_behind_it(world: World, noord: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["free"], mandate=False)
    await partner.filed(noord, world.noord.services["bound"], wished_on="2027-03-31")
    async with db.unit_of_work(world.noord.principal()):
        office = await make_customer(world.noord, "Kantoor Kade")
        soon = {"starts_on": date(2025, 1, 1), "minimum_months": 24, "renewal": "FIXED", "renewal_months": 12}
        await make_service(world.noord, office, product="hosting", **soon)
    await outbox.drain()
    await keep_deadlines()

    tiles = TILE.findall((await noord.get("/portal")).text)

    assert tiles
    for address, count, what in tiles:
        page = (await noord.get(html.unescape(address))).text
        assert page.count("<tr data-href") == int(count), what


async def test_the_tour_is_gone_for_good_once_its_button_was_pressed(noord: httpx.AsyncClient) -> None:
    page = (await noord.get("/portal")).text
    form = page.partition('class="card card-body tour')[2].partition("</form>")[0]
    sent = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}

    answer = await noord.post("/portal/preferences", data=sent, follow_redirects=True)

    assert form
    assert answer.status_code == 200
    assert 'class="card card-body tour' not in (await noord.get("/portal")).text
