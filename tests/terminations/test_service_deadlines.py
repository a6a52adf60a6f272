"""The list of deadlines: what is due when, what it costs to miss it, filters, pages, and what others never see."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from partner_portal.infra import clock, db, settings
from partner_portal.infra.ids import new_id
from partner_portal.infra.search import Sought
from terminations.service import deadline_keeping, deadlines
from terminations.service.deadlines import Filter, Watched, Within
from tests.journeys import partner
from tests.world import Partner, World, make_customer, make_service

YEARLY: dict[str, Any] = {"product": "hosting", "minimum_months": 12, "renewal": "FIXED", "renewal_months": 12}


async def yearly(whose: Partner, customer: str, ends_on: date, **terms: object) -> UUID:
    """A service that renews by the year and whose running term ends on that day; a month's notice."""
    usual: dict[str, Any] = {
        "label": f"Tot {ends_on}",
        "starts_on": date(2025, 1, 1),
        "explicit_end": ends_on,
        "paid_until": date(2026, 12, 1),
    }
    async with db.unit_of_work(whose.principal()):
        return await make_service(whose, whose.customers[customer], **{**YEARLY, **usual, **terms})


@pytest_asyncio.fixture(loop_scope="session")
async def watch(world: World) -> dict[str, UUID]:
    """Noord's services with a deadline, by the day: today is 22 November 2026."""
    async with db.unit_of_work(world.noord.principal()):
        world.noord.customers["shop"] = await make_customer(world.noord, "Winkel Ünlü")
    return {
        "missed": await yearly(world.noord, "shop", date(2026, 12, 15)),
        "today": await yearly(world.noord, "shop", date(2026, 12, 22), label="Laatste kans", fee_cents=12000),
        "january": await yearly(world.noord, "bakery", date(2027, 2, 20), quantity=3, fee_cents=2500),
        "spring": await yearly(world.noord, "shop", date(2027, 5, 31), product="cloud"),
    }


async def seen(whose: Partner, limit: int = 50, **wanted: object) -> list[Watched]:
    """What the list shows."""
    chosen = Filter(**wanted)  # type: ignore[arg-type]
    async with db.unit_of_work(whose.principal()):
        window = deadlines.listing(chosen).window(limit=limit)
        return list(window.page((await deadlines.page(window, chosen)).rows).rows)


async def test_what_is_due_soonest_comes_first_with_the_price_of_missing_it(world: World, watch: dict[str, UUID]) -> None:
    today, january = await seen(world.noord)

    assert (today.service, today.notice_by, today.ends_on, today.days_left) == (watch["today"], date(2026, 11, 22), date(2026, 12, 22), 0)
    assert (today.customer_name, today.label, today.product_en) == ("Winkel Ünlü", "Laatste kans", "Hosting")
    assert (today.renewal_months, today.renewal_cents, today.held) == (12, 144000, None)
    assert (january.service, january.fee_cents, january.renewal_cents, january.days_left) == (watch["january"], 7500, 90000, 59)


async def test_a_day_that_passed_stands_apart_with_what_it_has_bound_for(world: World, watch: dict[str, UUID]) -> None:
    (missed,) = await seen(world.noord, window=Within.OVERDUE)

    assert (missed.service, missed.notice_by, missed.ends_on) == (watch["missed"], date(2026, 11, 15), date(2026, 12, 15))
    assert (missed.free_end_on, missed.renewal_months, missed.days_left) == (date(2027, 12, 15), 12, -7)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"window": Within.DAYS_30}, ["today"]),
        ({"window": Within.DAYS_60}, ["today", "january"]),
        ({"window": Within.YEAR}, ["today", "january", "spring", "missed"]),  # a missed one has its next day, too
        ({"window": Within.YEAR, "product": "cloud"}, ["spring"]),
        ({"window": Within.YEAR, "fee_from": 75}, ["today", "january"]),
        ({"window": Within.YEAR, "fee_from": 76}, ["today"]),
        ({"q": "unlu"}, ["today"]),
        ({"q": "lattste"}, ["today"]),  # a mistake is forgiven
        ({"q": "korst"}, ["january"]),
        ({"q": "winkel bakkerij"}, []),
        ({"q": "%"}, []),
        ({"q": "'; DROP TABLE customer --"}, []),
        ({"product": "no-such"}, []),
        ({"customer": new_id()}, []),
        ({"state": "ending"}, []),
    ],
)  # fmt: skip
async def test_each_filter_shows_what_it_says(world: World, watch: dict[str, UUID], wanted: dict[str, Any], found: list[str]) -> None:
    assert [row.service for row in await seen(world.noord, **wanted)] == [watch[name] for name in found]


async def test_what_merely_runs_on_is_left_out_where_only_renewals_count(world: World, watch: dict[str, UUID]) -> None:
    monthly = await yearly(world.noord, "shop", date(2027, 1, 10), renewal="INDEF", renewal_months=0)

    assert monthly in [row.service for row in await seen(world.noord)]
    assert monthly not in [row.service for row in await seen(world.noord, renews="yes")]


async def test_one_customer(world: World, watch: dict[str, UUID]) -> None:
    assert [row.service for row in await seen(world.noord, customer=world.noord.customers["bakery"])] == [watch["january"]]


async def test_what_an_open_case_holds_is_no_longer_to_decide(world: World, noord: httpx.AsyncClient, watch: dict[str, UUID]) -> None:
    case = await partner.filed(noord, watch["today"])

    assert [row.service for row in await seen(world.noord)] == [watch["january"]]
    (ending,) = await seen(world.noord, state="ending")
    assert ending.held is not None
    assert (ending.held.number, ending.held.state, ending.held.ends_on) == (case["number"], "waiting_for_customer", date(2026, 12, 22))


async def test_pages_follow_each_other_without_a_gap_or_a_double_though_days_are_the_same(world: World) -> None:
    services = {await yearly(world.noord, "bakery", date(2027, 1, 31 - nth // 4)) for nth in range(9)}
    wanted, after, found = Filter(), None, []

    for _ in range(5):
        async with db.unit_of_work(world.noord.principal()):
            window = deadlines.listing(wanted).window(limit=2, after=after)
            page = window.page((await deadlines.page(window, wanted)).rows)
        found += [row.service for row in page.rows]
        after = page.next

    assert after is None
    assert (len(found), set(found)) == (9, services)


async def test_another_partner_sees_its_own_only(world: World, watch: dict[str, UUID]) -> None:
    own = await yearly(world.zuid, "bakery", date(2027, 1, 15))

    assert [row.service for row in await seen(world.zuid, window=Within.YEAR)] == [own]
    assert await seen(world.zuid, customer=world.noord.customers["bakery"]) == []
    assert await seen(world.zuid, q="Laatste kans") == []


async def test_a_service_entered_a_moment_ago_is_in_the_list(world: World) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 15))

    assert [row.service for row in await seen(world.noord)] == [service]


async def test_of_many_that_changed_a_list_computes_only_some_and_the_round_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "HEALED_AT_ONCE", 2)
    await deadline_keeping.refresh_all()
    services = {await yearly(world.noord, "bakery", date(2027, 1, 15 + nth)) for nth in range(5)}

    assert len(await seen(world.noord)) == 2
    await deadline_keeping.refresh_all()
    assert {row.service for row in await seen(world.noord)} == services


async def test_a_list_of_which_nothing_changed_only_reads(world: World, watch: dict[str, UUID]) -> None:
    shown = await seen(world.noord)

    async with db.unit_of_work(world.noord.principal()):
        wanted = Filter()
        again = await deadlines.page(deadlines.listing(wanted).window(limit=50), wanted)
        written = await db.fetch_one("SELECT pg_current_xact_id_if_assigned() AS transaction")

    assert again.rows == shown
    assert written is not None
    assert written["transaction"] is None, "no row was written or locked"


async def test_the_day_after_it_is_missed_without_any_job(world: World, watch: dict[str, UUID]) -> None:
    clock.move_to(date(2026, 11, 23))

    assert [row.service for row in await seen(world.noord, window=Within.OVERDUE)] == [watch["missed"], watch["today"]]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), "termination_deadline_coming"),
        (Filter(window=Within.YEAR, fee_from=1000, renews="yes"), "termination_deadline_coming"),
        (Filter(state="ending"), "termination_deadline_coming"),
        (Filter(window=Within.OVERDUE), "termination_deadline_missed"),
    ],
)
async def test_the_list_is_read_along_its_index_behind_the_wall(world: World, watch: dict[str, UUID], wanted: Filter, index: str) -> None:
    """Small tables are read whole whatever indexes there are: that aside, the wall must not keep PostgreSQL from using them."""
    values: list[object] = []
    window = deadlines.listing(wanted).window()
    conditions = " AND ".join(deadlines._conditions(wanted, Sought(), values))
    found = deadlines._LIST.format(conditions=conditions, order=window.order, day=window.column.sql)

    # What PostgreSQL knows of a table that was emptied and filled a moment ago is chance: it is told.
    owner = await asyncpg.connect(settings.current().database_url)
    await owner.execute("VACUUM (ANALYZE) termination_deadline")
    await owner.close()

    async with db.unit_of_work(world.noord.principal()):
        await db.execute("SET LOCAL enable_seqscan = off")
        await db.execute("SET LOCAL enable_bitmapscan = off")
        plan = [row[0] for row in await db.fetch(f"EXPLAIN {found}", *values)]

    (place,) = (nth for nth, line in enumerate(plan) if f"using {index} " in line)
    assert "Index Only Scan" in plan[place]
    assert "tenant = " in plan[place + 1]
    assert not any("Sort Key: d" in line for line in plan)
