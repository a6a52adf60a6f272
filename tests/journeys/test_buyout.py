"""Leaving before the contract is over: finance decides, whoever pays answers, the customer consents, all get the proof."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from partner_portal.infra import db, outbox, settings
from partner_portal.kernel.errors import Invalid, NotAllowed
from terminations.service import buyouts
from terminations.service.buyouts import Decision, SecondPersonNeeded
from terminations.workflow import IllegalStep
from tests.journeys import partner
from tests.world import DESK, FINANCE, FINANCE_TOO, STAFF_DOOR, World

EARLY: dict[str, Any] = {"wished_on": "2027-01-31", "early": True}
BAKERY = "bakkerij@klant.example.com"
FINANCE_MAIL = "finance@kadetel.example.com"


async def decide(actor: object, number: str, decision: Decision, **given: object) -> bool:
    """Finance decides in the admin; everything that follows by itself has happened."""
    async with db.unit_of_work(STAFF_DOOR):
        settled = await buyouts.decide(actor, await buyouts.case_by_number(number), decision, **given)  # type: ignore[arg-type]
    await outbox.drain()
    return settled


async def test_a_customer_accepts_an_adjusted_buyout(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    seen = (
        await noord.post(
            "/api/v1/terminations/preview", json={"service_ids": [str(world.noord.services["bound"])], "wished_on": "2027-01-31"}
        )
    ).json()
    # From 1 February 2027 to 1 March 2028 are 13 started months: 13 x 89.95 x 75 % = 877.01, and 25.00 for handling.
    assert seen["customer"]["services"][0]["ending"]["ends_on"] == "2028-02-29"
    assert seen["customer"]["services"][0]["early_offer"]["extra_cost"]["amount"] == "902.01"

    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    assert case["state"] == "waiting_for_finance"
    assert case["computed"]["amount"] == "902.01"
    assert "NRD-T-00001" in partner.newest(world.mailbox, FINANCE_MAIL).subject

    assert await decide(FINANCE, "NRD-T-00001", Decision.ADJUST, amount_cents=50000, reason="Klant stapt over naar ons cloudpakket")
    asked = partner.newest(world.mailbox, BAKERY)
    assert "605,00" in asked.text

    await partner.press(stranger, partner.link_in(asked), "accept")

    after = await partner.case(noord, case["id"])
    assert after["state"] == "scheduled"
    assert after["agreed"]["amount"] == "500.00"
    assert [step["action"] for step in after["steps"]] == ["file_buyout", "propose", "accept_with_consent"]
    assert all(step["text_version"] for step in after["steps"] if step["channel"] == "link")
    assert after["confirmation"]


async def test_the_partner_pays_what_it_is_billed_and_the_customer_still_consents(
    world: World, zuid: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    # Zuid bills in its own name: finance decides on 13 x 60.00 x 75 % + 25.00, not on the customer's price.
    assert case["computed"]["amount"] == "610.00"
    assert case["payer"] == "partner"

    await decide(FINANCE, case["number"], Decision.APPROVE)
    accepted = await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/acceptance", json={})
    assert accepted.json()["state"] == "accepted"
    await outbox.drain()
    asked = partner.newest(world.mailbox, BAKERY)
    assert "610" not in asked.text
    assert "738,10" not in asked.text
    await partner.press(stranger, partner.link_in(asked), "approve")

    assert (await partner.case(zuid, case["id"]))["state"] == "scheduled"
    assert partner.newest(world.mailbox, BAKERY).attachments


async def test_only_the_payer_answers_a_proposal(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(FINANCE, case["number"], Decision.APPROVE)

    for way in ("acceptance", "refusal"):
        refused = await noord.post(f"/api/v1/terminations/{case['id']}/buyout/{way}", json={})
        assert refused.status_code == 403, refused.text


async def test_a_counter_proposal_goes_back_to_finance(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(FINANCE, case["number"], Decision.APPROVE)
    await partner.press(
        stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "counter", offer="€ 363,00", reason="Meer kan niet"
    )

    assert (await partner.case(noord, case["id"]))["state"] == "countered"
    told = partner.newest(world.mailbox, FINANCE_MAIL)
    assert "363,00" in told.text

    await decide(FINANCE, case["number"], Decision.APPROVE)
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "accept")

    after = await partner.case(noord, case["id"])
    assert (after["state"], after["agreed"]["amount"]) == ("scheduled", "300.00")


async def test_finance_refuses_with_a_reason(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)

    with pytest.raises(Invalid):
        await decide(FINANCE, case["number"], Decision.REFUSE)
    await decide(FINANCE, case["number"], Decision.REFUSE, reason="Apparatuur net geleverd")

    assert (await partner.case(noord, case["id"]))["state"] == "refused"
    assert "Apparatuur net geleverd" in partner.newest(world.mailbox, world.noord.owner).text
    again = await partner.filed(noord, world.noord.services["bound"])
    assert again["state"] == "waiting_for_customer", "the service is free for another case"


async def test_above_the_limit_a_second_person_must_agree(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)

    with settings.use(four_eyes_limit_cents=50000):
        assert not await decide(FINANCE, case["number"], Decision.APPROVE)
        assert "Fien" in partner.newest(world.mailbox, FINANCE_MAIL).text
        with pytest.raises(SecondPersonNeeded):
            await decide(FINANCE, case["number"], Decision.APPROVE)
        assert (await partner.case(noord, case["id"]))["state"] == "waiting_for_finance"
        assert not await decide(FINANCE_TOO, case["number"], Decision.ADJUST, amount_cents=80000, reason="ander bedrag"), (
            "another sum needs two again"
        )
        assert await decide(FINANCE, case["number"], Decision.ADJUST, amount_cents=80000, reason="akkoord")

    assert (await partner.case(noord, case["id"]))["agreed"]["amount"] == "800.00"


async def test_a_decided_buyout_cannot_be_decided_again(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(FINANCE, case["number"], Decision.APPROVE)

    with pytest.raises(IllegalStep) as refused:
        await decide(FINANCE_TOO, case["number"], Decision.APPROVE)

    assert "accept" in refused.value.facts["legal"]


async def test_the_service_desk_does_not_decide_on_money(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)

    with pytest.raises(NotAllowed):
        await decide(DESK, case["number"], Decision.APPROVE)


async def test_a_large_sum_needs_the_code_from_a_second_mail(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(FINANCE, case["number"], Decision.APPROVE)
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))

    with settings.use(code_limit_cents=50000):
        asked = await partner.press(stranger, link, "accept")
        assert (await partner.case(noord, case["id"]))["state"] == "proposed"
        code = partner.code_in(partner.newest(world.mailbox, BAKERY))
        wrong = await stranger.post(
            link, data={**partner.form_of(asked.text), "decision": "accept", "code": "000000" if code != "000000" else "111111"}
        )
        assert (await partner.case(noord, case["id"]))["state"] == "proposed"
        right = await stranger.post(link, data={**partner.form_of(wrong.text), "decision": "accept", "code": code})

    assert right.status_code == 200
    assert (await partner.case(noord, case["id"]))["state"] == "scheduled"
