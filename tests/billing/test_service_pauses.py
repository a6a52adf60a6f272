"""A pause from agreement to bill: its days cost nothing, its term moves, and it is taken back only before it begins."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing.service import pauses, runs
from billing.service.pauses import PauseUnderWay, PauseWanted
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Invalid, NotFound
from tests.journeys.partner import newest
from tests.tenants.people import open_page, read, send, signed_in
from tests.terminations.customer import baker
from tests.world import FINANCE, STAFF_DOOR, World, make_service

FEBRUARY = PauseWanted(pauses_from=date(2027, 2, 1), resumes_on=date(2027, 3, 1), reason="Verbouwing")


async def pausable(world: World, *, months: int = 3, extends: bool = True, **terms: Any) -> UUID:
    usual: dict[str, Any] = {"starts_on": "2027-01-01", "paid_until": "2027-01-01", "minimum_months": 12, "fee_cents": 3100, "cycle_day": 1}
    async with db.unit_of_work(world.noord.principal()):
        service = await make_service(world.noord, world.noord.customers["bakery"], label="Seizoenslijn", **{**usual, **terms})
        await pauses.allow(service, months, extends=extends)
    return service


async def pause(world: World, service: UUID, wanted: PauseWanted = FEBRUARY, *, by_staff: bool = False) -> UUID:
    async with db.unit_of_work(STAFF_DOOR if by_staff else world.noord.principal()):
        return await pauses.pause(FINANCE if by_staff else world.noord.actor, service, wanted)


async def row_of(service: UUID) -> Any:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch_one("SELECT * FROM billing_service WHERE id = $1", service)


async def lines(service: UUID) -> list[tuple[date, date, int]]:
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch(
            "SELECT period_from, period_until, amount_cents FROM billing_line WHERE service = $1 ORDER BY period_from", service
        )
    return [tuple(row) for row in rows]


async def bill_until(*days: date) -> None:
    for day in days:
        clock.move_to(day)
        await runs.bill(day)


async def test_paused_days_are_not_billed_and_the_rest_is(world: World) -> None:
    service = await pausable(world)
    await pause(world, service, PauseWanted(pauses_from=date(2027, 1, 11), resumes_on=date(2027, 2, 15), reason="Verbouwing"))

    await bill_until(date(2027, 1, 1), date(2027, 2, 1), date(2027, 2, 15), date(2027, 3, 1))

    assert await lines(service) == [
        (date(2027, 1, 1), date(2027, 1, 11), 1000),  # 10 of 31 days of EUR 31
        (date(2027, 2, 15), date(2027, 3, 1), 1550),  # 14 of 28
        (date(2027, 3, 1), date(2027, 4, 1), 3100),
    ]
    assert (await row_of(service))["paid_until"] == date(2027, 4, 1)


async def test_a_run_that_comes_late_bills_both_sides_and_what_is_paid_ahead_begins_after_the_pause(world: World) -> None:
    service = await pausable(world)
    await pause(world, service)

    await bill_until(date(2027, 3, 2))

    assert [line[:2] for line in await lines(service)] == [(date(2027, 1, 1), date(2027, 2, 1)), (date(2027, 3, 1), date(2027, 4, 1))]
    row = await row_of(service)
    assert (row["billed_from"], row["paid_until"]) == (date(2027, 3, 1), date(2027, 4, 1))


@pytest.mark.parametrize(("extends", "end"), [(True, date(2028, 1, 28)), (False, None)])
async def test_the_minimum_term_moves_by_the_offers_rule(world: World, *, extends: bool, end: date | None) -> None:
    service = await pausable(world, extends=extends)

    made = await pause(world, service)
    assert (await row_of(service))["explicit_end"] == end
    async with db.unit_of_work(world.noord.principal()):
        await pauses.take_back(world.noord.actor, made)

    assert (await row_of(service))["explicit_end"] is None
    async with db.unit_of_work(STAFF_DOOR):
        assert await pauses.of_service(service) == []


async def test_a_term_that_is_over_does_not_begin_again(world: World) -> None:
    service = await pausable(world, starts_on="2025-01-01")

    await pause(world, service)

    assert (await row_of(service))["explicit_end"] is None


async def test_partners_pause_as_the_offer_allows_and_staff_beyond(world: World) -> None:
    service = await pausable(world, months=0)
    with pytest.raises(Invalid) as refused:
        await pause(world, service)
    assert [fault.code for fault in refused.value.fields] == ["paused-too-long"]

    await pause(world, service, by_staff=True)
    with pytest.raises(NotFound):
        async with db.unit_of_work(world.zuid.principal()):
            await pauses.pause(world.zuid.actor, service, FEBRUARY)


async def test_a_pause_that_began_is_not_taken_back(world: World) -> None:
    service = await pausable(world)
    made = await pause(world, service)
    await bill_until(date(2027, 1, 1), date(2027, 2, 1))

    with pytest.raises(PauseUnderWay):
        async with db.unit_of_work(world.noord.principal()):
            await pauses.take_back(world.noord.actor, made)


async def test_what_ends_within_a_pause_is_billed_to_the_end_without_it(world: World) -> None:
    service = await pausable(world)
    await pause(world, service)
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE billing_service SET ends_on = '2027-02-10', billing_ends_on = '2027-02-10' WHERE id = $1", service)

    await bill_until(date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1))

    assert [line[:2] for line in await lines(service)] == [(date(2027, 1, 1), date(2027, 2, 1))]
    assert (await row_of(service))["paid_until"] == date(2027, 2, 11)


async def test_by_the_api_and_by_the_page(world: World, noord: httpx.AsyncClient) -> None:
    service = await pausable(world)
    made = await noord.post(
        f"/api/v1/services/{service}/pauses", json={"pauses_from": "2027-02-01", "resumes_on": "2027-03-01", "reason": "Dicht"}
    )
    assert made.status_code == 201, made.text
    (one,) = made.json()
    assert (await noord.get(f"/api/v1/services/{service}/pauses")).json() == [one]
    assert (await noord.post(f"/api/v1/pauses/{one['id']}/withdrawal")).status_code == 204

    async with signed_in(world.noord.clerk) as clerk:
        assert "Pauzeer deze dienst" in read(await open_page(clerk, f"/portal/services/{service}"))
        path = f"/portal/services/{service}/pause"
        wrong = await send(clerk, path, pauses_from="2027-02-01", resumes_on="2027-09-01", reason="Dicht")
        assert wrong.status_code == 422
        assert 'value="2027-09-01"' in wrong.text
        assert (await send(clerk, path, pauses_from="2027-02-01", resumes_on="2027-03-01", reason="Dicht")).status_code == 303
        assert "1 maart 2027" in read(await open_page(clerk, path))
    async with baker(world) as client:
        assert "1 maart 2027" in read(await open_page(client, f"/portal/own/services/{service}"))


async def test_the_customer_hears_of_the_pause_and_that_it_does_not_come(world: World) -> None:
    service = await pausable(world)
    made = await pause(world, service)
    await outbox.drain()

    told = newest(world.mailbox, "bakkerij@")
    assert told.subject == "Op pauze van 1 februari 2027 t/m 28 februari 2027: Seizoenslijn"
    for said in ("maandag 1 maart 2027", "Verbouwing", "vrijdag 28 januari 2028", f"/portal/own/services/{service}"):
        assert said in told.text
    async with db.unit_of_work(world.noord.principal()):
        await pauses.take_back(world.noord.actor, made)
    await outbox.drain()
    assert newest(world.mailbox, "bakkerij@").subject == "Toch geen pauze: Seizoenslijn"
    assert len([mail for mail in world.mailbox.mailbox.mails("bakkerij@") if "Seizoenslijn" in mail.subject]) == 2


async def test_a_pause_that_cannot_be_is_told_nobody(world: World) -> None:
    service = await pausable(world, months=0)
    with pytest.raises(Invalid):
        await pause(world, service)
    await outbox.drain()

    assert world.mailbox.mailbox.mails("bakkerij@") == []
