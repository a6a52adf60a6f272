"""Deadlines on file are what would be computed, whatever changes and whoever changes it; what went past the marks heals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.policy.ledger import Layer
from billing.policy.terms import Renewal
from billing.service import services as billing
from billing.service.services import TermsChangeWanted
from partner_portal.infra import clock, db
from partner_portal.infra.settings import Settings
from terminations.policy.deadlines import Deadline, deadline
from terminations.service import deadline_keeping, facts, scheduling
from tests.journeys import partner
from tests.world import DESK, STAFF_DOOR, Partner, World, make_service


async def kept(whose: Partner, service: UUID) -> Any:
    async with db.unit_of_work(whose.principal()):
        return await db.fetch_one("SELECT * FROM termination_deadline WHERE service = $1", service)


async def computed(whose: Partner) -> dict[UUID, Deadline]:
    """What the rules say today of each of the partner's running services, one by one."""
    today = clock.today()
    async with db.unit_of_work(whose.principal()):
        rows = await db.fetch(billing.READ + " WHERE s.ended_at IS NULL")
        return {
            row["id"]: deadline(
                facts.in_layer(row, await facts.parties(row["customer"]), Layer.CUSTOMER, today, await billing.beside([row])), today
            )
            for row in rows
        }


async def on_file(whose: Partner) -> dict[UUID, Deadline]:
    """What is kept of them."""
    async with db.unit_of_work(whose.principal()):
        rows = await db.fetch("SELECT d.* FROM termination_deadline d JOIN billing_service s ON s.id = d.service WHERE s.ended_at IS NULL")
    names = [name for name in Deadline.__struct_fields__ if name != "holds_until"]
    return {
        row["service"]: Deadline(
            **{name: row[name] for name in names}, holds_until=None if row["due_on"] is None else row["due_on"] - timedelta(days=1)
        )
        for row in rows
    }


async def test_a_new_service_has_its_deadline_after_the_next_round(world: World) -> None:
    assert await deadline_keeping.refresh_all() == 4

    bound = await kept(world.noord, world.noord.services["bound"])
    assert (bound["last_notice_on"], bound["free_end_on"], bound["renewal_months"]) == (date(2028, 1, 31), date(2028, 2, 29), 12)
    assert (bound["fee_cents"], bound["due_on"], bound["is_held"]) == (8995, date(2028, 2, 1), False)
    free = await kept(world.noord, world.noord.services["free"])
    assert (free["last_notice_on"], free["due_on"]) == (None, None)
    assert await deadline_keeping.refresh_all() == 0


async def test_a_changed_term_counts_after_the_next_round_and_the_calendar_knows_that_it_is_news(world: World) -> None:
    service = world.noord.services["bound"]
    await deadline_keeping.refresh_all()
    before = await kept(world.noord, service)

    async with db.unit_of_work(STAFF_DOOR):
        await billing.change_terms(DESK, service, TermsChangeWanted(values={"notice_n": 3}, reason="Nieuw contract"))
    assert await deadline_keeping.refresh_all() == 1

    after = await kept(world.noord, service)
    assert after["last_notice_on"] == date(2027, 11, 30)
    assert after["sequence"] == before["sequence"] + 1
    assert after["changed_at"] > before["changed_at"]


async def test_another_segment_of_the_customer_changes_the_deadlines_of_all_its_services(world: World) -> None:
    await deadline_keeping.refresh_all()

    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE customer SET segment = 'CONSUMER', version = version + 1 WHERE id = $1", world.noord.customers["bakery"])
    assert await deadline_keeping.refresh_all() == 2

    assert (await kept(world.noord, world.noord.services["bound"]))["free_end_on"] == date(2027, 2, 28)  # P2: a year at most


async def test_who_joins_a_bundle_changes_its_mates(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    terms: dict[str, Any] = {"minimum_months": 24, "renewal": "FIXED", "renewal_months": 12, "bundle": "kantoor"}
    async with db.unit_of_work(world.noord.principal()):
        long = await make_service(world.noord, bakery, starts_on=date(2026, 6, 1), **terms)
    await deadline_keeping.refresh_all()
    assert (await kept(world.noord, long))["free_end_on"] == date(2028, 5, 31)

    async with db.unit_of_work(world.noord.principal()):
        await make_service(world.noord, bakery, starts_on=date(2025, 6, 1), **terms)
    assert await deadline_keeping.refresh_all() == 2

    assert (await kept(world.noord, long))["free_end_on"] == date(2027, 5, 31)
    assert await on_file(world.noord) == await computed(world.noord)


async def test_a_service_is_held_from_filing_until_the_case_is_closed(world: World, noord: httpx.AsyncClient) -> None:
    service = world.noord.services["bound"]
    await deadline_keeping.refresh_all()

    case = await partner.filed(noord, service)
    assert (await kept(world.noord, service))["is_held"]

    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    assert not (await kept(world.noord, service))["is_held"]


async def test_an_ended_service_has_no_deadline_left(world: World, noord: httpx.AsyncClient) -> None:
    terms: dict[str, Any] = {
        "product": "hosting",
        "minimum_months": 24,
        "renewal": "FIXED",
        "renewal_months": 12,
        "paid_until": date(2027, 1, 1),
    }
    async with db.unit_of_work(world.noord.principal()):
        service = await make_service(world.noord, world.noord.customers["bakery"], starts_on=date(2025, 1, 1), **terms)
    await deadline_keeping.refresh_all()
    assert (await kept(world.noord, service))["last_notice_on"] == date(2026, 11, 30)

    case = await partner.filed(noord, service)
    await partner.press(noord, partner.link_in(partner.newest(world.mailbox, "bakkerij@klant.example.com")), "approve")
    assert case["ends_on"] == "2026-12-31"
    clock.move_to(date(2027, 1, 1))
    await scheduling.take_effect()
    await deadline_keeping.refresh_all()

    row = await kept(world.noord, service)
    assert (row["last_notice_on"], row["missed_on"], row["due_on"], row["is_held"]) == (None, None, None, False)


async def test_what_passed_overnight_is_missed_in_the_morning_and_renewed_when_the_term_is_over(world: World) -> None:
    service = world.noord.services["bound"]
    await deadline_keeping.refresh_all()

    clock.move_to(date(2028, 1, 31))
    assert await deadline_keeping.refresh_all() == 0

    clock.move_to(date(2028, 2, 1))
    assert await deadline_keeping.refresh_all() == 2  # Zuid's too
    missed = await kept(world.noord, service)
    assert (missed["missed_on"], missed["missed_end_on"], missed["last_notice_on"]) == (
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2029, 1, 31),
    )

    clock.move_to(date(2028, 3, 10))  # a job that did not run for days heals
    await deadline_keeping.refresh_all()
    renewed = await kept(world.noord, service)
    assert (renewed["missed_on"], renewed["committed_until"]) == (None, date(2029, 3, 1))


async def past_the_marks(running: Settings, *statements: tuple[str, UUID]) -> None:
    """As a bulk load does: no trigger runs."""
    owner = await asyncpg.connect(running.database_url)
    try:
        await owner.execute("ALTER TABLE billing_service DISABLE TRIGGER billing_service_deadline")
        for statement, value in statements:
            await owner.execute(statement, value)
        await owner.execute("ALTER TABLE billing_service ENABLE TRIGGER billing_service_deadline")
    finally:
        await owner.close()


async def test_what_went_past_the_marks_heals_within_a_day(world: World, running: Settings) -> None:
    await deadline_keeping.refresh_all()
    await past_the_marks(
        running,
        ("DELETE FROM termination_deadline WHERE service = $1", world.noord.services["free"]),
        ("UPDATE billing_service SET notice_n = 2, version = version + 1 WHERE id = $1", world.noord.services["bound"]),
        ("UPDATE termination_deadline SET is_held = true WHERE service = $1", world.zuid.services["bound"]),
    )
    assert await deadline_keeping.refresh_all() == 0, "nothing is marked, and today was looked at"

    clock.move(timedelta(days=1))
    assert await deadline_keeping.refresh_all() == 2

    for whose in (world.noord, world.zuid):
        assert await on_file(whose) == await computed(whose)
    assert not (await kept(world.zuid, world.zuid.services["bound"]))["is_held"]


async def test_another_tenants_deadlines_are_not_touched_by_ones_own_round(world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        assert await deadline_keeping.refresh() == 2

    assert (await kept(world.zuid, world.zuid.services["bound"]))["last_notice_on"] is None
    assert await kept(world.noord, world.zuid.services["bound"]) is None


async def test_a_change_while_a_round_is_at_it_is_not_lost(world: World) -> None:
    service = world.noord.services["bound"]
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE billing_service SET notice_n = 3, version = version + 1 WHERE id = $1", service)
        # Another process looks meanwhile: it leaves what is being changed alone, and does not wait.
        async with db.apart(world.noord.principal()):
            assert await deadline_keeping.refresh() == 1
    assert (await kept(world.noord, service))["computed_from"] is None

    assert await deadline_keeping.refresh_all() == 3
    assert (await kept(world.noord, service))["last_notice_on"] == date(2027, 11, 30)


CONTRACTS = st.fixed_dictionaries(
    {
        "starts_on": st.dates(date(2023, 1, 1), date(2027, 6, 30)),
        "minimum_months": st.sampled_from([1, 12, 24]),
        "renewal": st.sampled_from(Renewal),
        "renewal_months": st.sampled_from([1, 12]),
        "notice_n": st.integers(0, 3),
        "notice_unit": st.sampled_from(["M", "W", "WD"]),
        "align": st.sampled_from(["NONE", "EOM"]),
        "product": st.sampled_from(["internet", "hosting", "cloud"]),
        "bundle": st.none() | st.just("samen"),
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contracts=st.lists(CONTRACTS, min_size=1, max_size=8), moves=st.lists(st.integers(0, 120), max_size=4))
async def test_kept_is_computed_on_any_day_whatever_the_contracts(world: World, contracts: list[dict[str, Any]], moves: list[int]) -> None:
    clock.move_to(date(2026, 11, 22))
    async with db.unit_of_work(world.noord.principal()):
        # The world is the same for every example: what the last one left has ended.
        await db.execute(
            "UPDATE billing_service SET ended_at = now(), ends_on = '2026-11-21', billing_ends_on = '2026-11-21' WHERE ended_at IS NULL"
        )
        for nth, contract in enumerate(contracts):
            customer = world.noord.customers["bakery" if nth % 2 else "private"]
            await make_service(world.noord, customer, paid_until=contract["starts_on"], **contract)

    for days in [0, *moves]:
        clock.move(timedelta(days=days))
        await deadline_keeping.refresh_all()
        assert await on_file(world.noord) == await computed(world.noord)
