"""Ending many services in one go: what is shown is what is filed, each customer's case for itself, once."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import httpx
import pytest

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import Invalid, NotFound
from terminations.service import bulk
from terminations.service.bulk import Item, Skip
from terminations.service.cases import Filing, Reason
from tests.conftest import work
from tests.journeys import partner
from tests.terminations.test_service_deadlines import yearly
from tests.world import Partner, World, make_customer, make_service

WHY = Filing(reason=Reason.SWITCHES, has_mandate=True)


async def begun(whose: Partner, *chosen: UUID, wished_on: date | None = None) -> UUID:
    async with db.unit_of_work(whose.principal()):
        made = await bulk.begin(whose.actor, list(chosen))
        if wished_on is not None:
            await bulk.wish(made, wished_on)
    return made


async def items(whose: Partner, made: UUID) -> dict[UUID, Item]:
    async with db.unit_of_work(whose.principal()):
        return {item.service: item for item in await bulk.items(made)}


async def confirmed(whose: Partner, made: UUID, filing: Filing = WHY) -> bool:
    async with db.unit_of_work(whose.principal()):
        return await bulk.confirm(whose.actor, made, filing)


async def test_each_service_ends_on_its_first_free_date_and_nothing_is_filed_before_it_is_confirmed(world: World) -> None:
    one, two = await yearly(world.noord, "bakery", date(2027, 1, 31)), await yearly(world.noord, "private", date(2027, 2, 20))

    made = await begun(world.noord, one, two, world.noord.services["free"])

    shown = await items(world.noord, made)
    assert [shown[service].verdict.ends_on for service in (one, two, world.noord.services["free"])] == [
        date(2027, 1, 31),
        date(2026, 12, 22),  # a consumer leaves hosting after a year
        date(2026, 12, 22),
    ]
    assert shown[one].verdict.cost_cents == 10000, "December and January, paid until 1 December"
    assert {item.case_id for item in shown.values()} == {None}


async def test_the_services_of_one_customer_end_by_one_case_and_the_numbers_add_up(world: World) -> None:
    one, two = await yearly(world.noord, "bakery", date(2027, 1, 31)), await yearly(world.noord, "bakery", date(2027, 2, 20))
    three = await yearly(world.noord, "private", date(2027, 2, 20))
    made = await begun(world.noord, one, two, three)

    assert await confirmed(world.noord, made)

    filed = await items(world.noord, made)
    assert filed[one].case_id == filed[two].case_id != filed[three].case_id
    assert bulk.counted(filed.values()) == {"filed": 3, "cases": 2, "skipped": 0, "waiting": 0}
    async with db.unit_of_work(world.noord.principal()):
        cases = await db.fetch("SELECT state, reason, has_mandate, filed_by FROM termination ORDER BY number")
        assert (await bulk.one(made)).done_at is not None
    assert [(row["state"], row["reason"], row["has_mandate"]) for row in cases] == [("waiting_for_customer", "switches", True)] * 2


async def test_confirming_twice_files_once(world: World) -> None:
    made = await begun(world.noord, await yearly(world.noord, "bakery", date(2027, 1, 31)))

    assert await confirmed(world.noord, made)
    assert await confirmed(world.noord, made)

    async with db.unit_of_work(world.noord.principal()):
        assert len(await db.fetch("SELECT 1 FROM termination")) == 1


async def test_what_cannot_be_filed_is_skipped_with_its_reason_and_the_others_not_for_that(world: World, noord: httpx.AsyncClient) -> None:
    held = await yearly(world.noord, "bakery", date(2027, 1, 31))
    case = await partner.filed(noord, held)
    by_itself = await yearly(world.noord, "bakery", date(2027, 1, 31), renewal="NONE", renewal_months=0)
    async with db.unit_of_work(world.noord.principal()):
        silent = new_id()
        await db.execute("INSERT INTO customer (id, tenant, number, name) VALUES ($1, $2, 'C-9', 'Stille Klant')", silent, world.noord.id)
        nobody = await make_service(world.noord, silent, product="hosting")
        ended = await make_service(world.noord, world.noord.customers["bakery"])
        await db.execute(
            "UPDATE billing_service SET ended_at = now(), ends_on = '2026-11-01', billing_ends_on = '2026-11-01' WHERE id = $1", ended
        )
    good = await yearly(world.noord, "bakery", date(2027, 2, 20))
    made = await begun(world.noord, held, by_itself, nobody, ended, good)

    shown = await items(world.noord, made)
    assert {service: shown[service].verdict.skipped for service in (held, by_itself, nobody, ended, good)} == {
        held: Skip.ENDING,
        by_itself: Skip.ENDS_BY_ITSELF,
        nobody: Skip.NOBODY,
        ended: Skip.ENDED,
        good: None,
    }
    assert (shown[held].verdict.case, shown[held].verdict.ends_on) == (case["number"], date(2027, 1, 31))

    await confirmed(world.noord, made)
    assert bulk.counted((await items(world.noord, made)).values()) == {"filed": 1, "cases": 1, "skipped": 4, "waiting": 0}


async def test_for_a_wished_day_what_is_bound_longer_needs_a_buyout_and_what_has_too_long_a_notice_comes_too_late(world: World) -> None:
    late = await yearly(world.noord, "bakery", date(2027, 3, 31), renewal="INDEF", renewal_months=0, starts_on=date(2024, 1, 1), explicit_end=None,
                        minimum_months=0, notice_n=3, product="hosting")  # fmt: skip
    made = await begun(world.noord, world.noord.services["bound"], late, world.noord.services["free"], wished_on=date(2026, 12, 31))

    shown = await items(world.noord, made)

    bound, slow, free = (shown[service].verdict for service in (world.noord.services["bound"], late, world.noord.services["free"]))
    assert (bound.skipped, bound.first_possible_end) == (Skip.NEEDS_BUYOUT, date(2028, 2, 29))
    assert (slow.skipped, slow.first_possible_end) == (Skip.TOO_LATE, date(2027, 2, 22))
    assert (free.skipped, free.ends_on) == (None, date(2026, 12, 31))


async def test_without_a_wholesale_price_nothing_is_filed_where_the_partner_bills(world: World) -> None:
    unpriced = await yearly(world.zuid, "bakery", date(2027, 1, 31))
    priced = await yearly(world.zuid, "bakery", date(2027, 1, 31), wholesale_cents=4000)
    made = await begun(world.zuid, unpriced, priced)

    await confirmed(world.zuid, made)

    shown = await items(world.zuid, made)
    assert (shown[unpriced].verdict.skipped, shown[priced].case_id is not None) == (Skip.NO_PRICE, True)


async def test_what_changed_between_looking_and_confirming_is_left_alone_and_the_rest_of_the_customer_is_filed(
    world: World, noord: httpx.AsyncClient
) -> None:
    dearer, taken, same = [await yearly(world.noord, "bakery", date(2027, 1, 31)) for _ in range(3)]
    made = await begun(world.noord, dearer, taken, same)
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE billing_service SET fee_cents = 9900, version = version + 1 WHERE id = $1", dearer)
    await partner.filed(noord, taken)

    await confirmed(world.noord, made)

    after = await items(world.noord, made)
    assert (after[dearer].verdict.skipped, after[taken].verdict.skipped) == (Skip.CHANGED, Skip.ENDING)
    assert after[same].case_id is not None


async def test_a_round_looked_at_yesterday_is_shown_anew_before_it_is_filed(world: World) -> None:
    free = world.noord.services["free"]
    made = await begun(world.noord, free)
    clock.move_to(date(2026, 11, 23))

    assert not await confirmed(world.noord, made)
    assert (await items(world.noord, made))[free].verdict.ends_on == date(2026, 12, 23)
    assert await confirmed(world.noord, made)
    assert (await items(world.noord, made))[free].case_id is not None


async def test_many_customers_are_filed_in_parts_each_once(world: World) -> None:
    chosen = []
    async with db.unit_of_work(world.noord.principal()):
        for nth in range(2 * bulk.AT_ONCE + 3):
            customer = await make_customer(world.noord, f"Klant{nth} BV")
            chosen.append(await make_service(world.noord, customer))
    made = await begun(world.noord, *chosen)

    await confirmed(world.noord, made)
    assert bulk.counted((await items(world.noord, made)).values())["waiting"] == bulk.AT_ONCE + 3
    await work()

    counts = bulk.counted((await items(world.noord, made)).values())
    assert counts == {"filed": 43, "cases": 43, "skipped": 0, "waiting": 0}
    async with db.unit_of_work(world.noord.principal()):
        assert (await bulk.one(made)).done_at is not None
        filed = await db.fetch("SELECT DISTINCT filed_by FROM termination")
    assert [row["filed_by"].partition(":")[0] for row in filed] == ["member"]


async def test_anothers_service_round_and_items_do_not_exist(world: World) -> None:
    made = await begun(world.noord, world.noord.services["free"])

    with pytest.raises(NotFound):
        await begun(world.zuid, world.noord.services["free"])
    with pytest.raises(NotFound):
        await confirmed(world.zuid, made)
    assert await items(world.zuid, made) == {}


async def test_none_too_many_and_a_day_that_has_passed_are_refused(world: World) -> None:
    with pytest.raises(Invalid):
        await begun(world.noord)
    with pytest.raises(Invalid):
        await begun(world.noord, *[world.noord.services["free"]] * (bulk.MOST + 1))
    with pytest.raises(Invalid):
        await begun(world.noord, world.noord.services["free"], wished_on=date(2026, 11, 21))


async def test_a_round_that_nobody_confirmed_is_forgotten_after_a_week(world: World) -> None:
    old = await begun(world.noord, world.noord.services["free"])
    done = await begun(world.noord, world.noord.services["bound"])
    await confirmed(world.noord, done)
    clock.move_to(date(2026, 12, 1))

    await begun(world.noord, world.noord.services["free"])

    assert await items(world.noord, old) == {}
    assert len(await items(world.noord, done)) == 1
