"""Nobody is waited for in vain: who cannot be asked, who answers too late, and until when a yes still keeps what was quoted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from partner_portal.infra import clock, db, outbox, settings
from terminations.service import buyouts, scheduling
from terminations.service.buyouts import Decision
from terminations.service.steps import TooLate
from terminations.workflow import IllegalStep
from tests.journeys import partner
from tests.world import FINANCE, FINANCE_TOO, STAFF_DOOR, Partner, World, make_service

BAKERY = "bakkerij@klant.example.com"
EARLY: dict[str, Any] = {"wished_on": "2027-01-31", "early": True}


async def decide(actor: object, number: str, decision: Decision, **given: object) -> bool:
    """Finance decides; everything that follows by itself has happened."""
    async with db.unit_of_work(STAFF_DOOR):
        settled = await buyouts.decide(actor, await buyouts.case_by_number(number), decision, **given)  # type: ignore[arg-type]
    await outbox.drain()
    return settled


async def new_service(of: Partner, customer: str = "bakery", **terms: Any) -> Any:
    """A service of this customer."""
    async with db.unit_of_work(of.principal()):
        return await make_service(of, of.customers[customer], **terms)


async def without_contact(of: Partner) -> None:
    """The bakery has lost its main contact."""
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE contact SET email = '' WHERE customer = $1", of.customers["bakery"])


async def test_a_case_nobody_could_confirm_is_not_filed(world: World, noord: httpx.AsyncClient) -> None:
    kept = await partner.quote(noord, world.noord.services["free"])
    await without_contact(world.noord)

    refused = await noord.post("/api/v1/terminations", json={"quote_id": kept["id"], "reason": "price", "mandate": True})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nobody-to-ask")
    assert "main contact" in refused.json()["detail"] or "hoofdcontact" in refused.json()["detail"]
    assert (await noord.get("/api/v1/terminations")).json()["items"] == []


async def test_a_link_is_not_sent_again_to_nobody(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await without_contact(world.noord)

    refused = await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})

    assert refused.json()["type"] == "/problems/nobody-to-ask"


async def test_the_partner_is_reminded_of_a_proposal_that_it_pays(world: World, zuid: httpx.AsyncClient) -> None:
    case = await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    await decide(FINANCE, case["number"], Decision.APPROVE)
    before = len(world.mailbox.mailbox.mails(world.zuid.owner))

    clock.move_to(date(2026, 11, 28))
    assert await scheduling.remind() == 1
    await outbox.drain()

    assert len(world.mailbox.mailbox.mails(world.zuid.owner)) == before + 1
    assert "738,10" in partner.newest(world.mailbox, world.zuid.owner).text


async def test_the_wrong_person_is_not_reminded_and_the_right_one_is(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "not_me")
    clock.move_to(date(2026, 11, 28))

    assert await scheduling.remind() == 0, "there is no link to remind of"

    await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})
    await outbox.drain()
    clock.move_to(date(2026, 12, 4))
    assert await scheduling.remind() == 1


async def test_a_proposal_is_not_accepted_after_its_last_day_though_it_has_not_lapsed_yet(world: World, zuid: httpx.AsyncClient) -> None:
    case = await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    await decide(FINANCE, case["number"], Decision.APPROVE)
    assert (await partner.case(zuid, case["id"]))["waits_until"] == "2026-12-06T23:00:00Z"

    clock.set_to(datetime(2026, 12, 6, 23, 1, tzinfo=UTC))
    late = await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/acceptance", json={})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/too-late")

    clock.set_to(datetime(2026, 12, 6, 22, 58, tzinfo=UTC))
    in_time = await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/acceptance", json={})
    assert in_time.json()["state"] == "accepted", "the last day counts to its end in Amsterdam"


async def test_finance_proposes_nothing_for_a_day_that_has_passed_but_may_still_refuse(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    clock.move_to(date(2027, 2, 1))

    with pytest.raises(TooLate):
        await decide(FINANCE, case["number"], Decision.APPROVE)
    assert await decide(FINANCE, case["number"], Decision.REFUSE, reason="Te laat gezien")


async def test_a_withdrawal_is_not_allowed_any_more_when_the_last_day_is_over(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")
    clock.move_to(date(2026, 12, 22))
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    clock.move_to(date(2026, 12, 23))

    with pytest.raises(IllegalStep):
        async with db.unit_of_work(STAFF_DOOR):
            await scheduling.answer_withdrawal(FINANCE, await buyouts.case_by_number(case["number"]), allow=True)
    late = await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    assert late.status_code == 409
    assert await scheduling.take_effect() == 1


async def test_without_a_mandate_a_buyout_waits_no_longer_than_the_ordinary_end_beside_it_can_be_kept(
    world: World, noord: httpx.AsyncClient
) -> None:
    both = (world.noord.services["free"], world.noord.services["bound"])
    case = await partner.filed(noord, *both, mandate=False, wished_on="2026-12-31", early=True)
    # The month's notice of the one, for 31 December, can be received until 30 November.
    assert case["waits_until"] == "2026-11-30T23:00:00Z"

    await decide(FINANCE, case["number"], Decision.APPROVE)

    assert (await partner.case(noord, case["id"]))["waits_until"] == "2026-11-30T23:00:00Z"


async def test_with_a_mandate_the_same_buyout_waits_its_usual_days(world: World, noord: httpx.AsyncClient) -> None:
    both = (world.noord.services["free"], world.noord.services["bound"])
    case = await partner.filed(noord, *both, wished_on="2026-12-31", early=True)
    await decide(FINANCE, case["number"], Decision.APPROVE)
    assert (await partner.case(noord, case["id"]))["waits_until"] == "2026-12-06T23:00:00Z"


async def test_a_notice_said_to_be_given_later_leaves_the_customer_until_then_to_answer(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    kept = await partner.quote(noord, world.noord.services["free"], notice_on="2026-11-27")
    assert kept["preview"]["customer"]["services"][0]["ending"]["ends_on"] == "2026-12-27"
    assert kept["preview"]["answer_by"] == "2026-11-27"

    case = await partner.file(noord, kept["id"], mandate=False)
    assert case["waits_until"] == "2026-11-27T23:00:00Z"
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")

    after = await partner.case(noord, case["id"])
    assert (after["received_on"], after["ends_on"]) == ("2026-11-22", "2026-12-27")


async def test_a_mandate_is_received_when_it_is_filed_even_on_a_quote_for_a_later_notice(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"], notice_on="2026-11-27")
    assert (case["received_on"], case["ends_on"]) == ("2026-11-22", "2026-12-27")


async def test_a_ground_that_a_person_decides_on_goes_to_finance(world: World, noord: httpx.AsyncClient) -> None:
    kept = await partner.quote(noord, world.noord.services["free"], ground="BANKRUPTCY")
    assert kept["preview"]["needs_finance"]
    assert (await partner.file(noord, kept["id"]))["state"] == "waiting_for_finance"


async def test_letting_go_of_a_large_sum_needs_two_people_as_well(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)

    with settings.use(four_eyes_limit_cents=90_000):
        assert not await decide(FINANCE, case["number"], Decision.ADJUST, amount_cents=0, reason="Vriend van de zaak")
        assert await decide(FINANCE_TOO, case["number"], Decision.ADJUST, amount_cents=0, reason="Akkoord")

    assert (await partner.case(noord, case["id"]))["agreed"]["amount"] == "0.00"


@pytest.mark.parametrize(
    ("instant", "received_on", "ends_on"),
    [
        (datetime(2026, 11, 29, 22, 59, tzinfo=UTC), "2026-11-29", "2026-12-29"),  # 23:59 in Amsterdam
        (datetime(2026, 11, 29, 23, 1, tzinfo=UTC), "2026-11-30", "2026-12-30"),  # 00:01 in Amsterdam, still the 29th in UTC
        (datetime(2027, 3, 28, 21, 59, tzinfo=UTC), "2027-03-28", "2027-04-28"),  # 23:59 on the day of 23 hours
        (datetime(2027, 3, 28, 22, 1, tzinfo=UTC), "2027-03-29", "2027-04-29"),
        (datetime(2027, 1, 31, 12, 0, tzinfo=UTC), "2027-01-31", "2027-02-28"),
        (datetime(2028, 1, 31, 12, 0, tzinfo=UTC), "2028-01-31", "2028-02-29"),
    ],
)
async def test_the_day_of_receipt_is_amsterdams(
    world: World, noord: httpx.AsyncClient, instant: datetime, received_on: str, ends_on: str
) -> None:
    service = await new_service(world.noord, paid_until=date(2028, 6, 1))
    clock.set_to(instant)
    await _sign_in_again(noord, world)

    case = await partner.filed(noord, service)

    assert (case["received_on"], case["ends_on"]) == (received_on, ends_on)


async def _sign_in_again(client: httpx.AsyncClient, world: World) -> None:
    from tests.conftest import sign_in  # noqa: PLC0415  # sessions may end while the clock is moved

    await sign_in(client, world.noord.owner)
