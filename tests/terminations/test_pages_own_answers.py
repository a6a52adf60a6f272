"""A customer answers its terminations on its own pages: yes, no, a buyout accepted, refused or countered; once, in time, and only who may sign."""

from __future__ import annotations

import asyncio
from datetime import date

import httpx
import pytest

from partner_portal.infra import clock, db
from terminations.policy.notices import NoticeState
from terminations.service import buyouts, scheduling
from terminations.service.buyouts import Decision
from tests.conftest import work
from tests.journeys import partner as journey
from tests.journeys.partner import case as case_of
from tests.journeys.partner import newest
from tests.tenants import people
from tests.tenants.people import open_page, read
from tests.terminations.customer import BAKER, answer, baker, colleague, end, post
from tests.terminations.test_service_notices import give, now_of
from tests.world import FINANCE, STAFF_DOOR, World, make_service

OWN = "/portal/own"
LEAVING = {"when": "date", "wished_on": "2027-03-31"}


async def state_of(partner: httpx.AsyncClient, case: str) -> str:
    return str((await case_of(partner, case))["state"])


async def only_case(partner: httpx.AsyncClient) -> str:
    (case,) = (await partner.get("/api/v1/terminations")).json()["items"]
    return str(case["id"])


async def finance_decides(case: str, decision: Decision = Decision.APPROVE, **said: object) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT number FROM termination WHERE id = $1::uuid", case)
        assert row
        one = await buyouts.case_by_number(row["number"])
        await buyouts.decide(FINANCE, one, decision, **said)  # type: ignore[arg-type]
    await work()


async def proposed(world: World, client: httpx.AsyncClient, partner: httpx.AsyncClient) -> str:
    """The customer asked to leave early, and finance proposes the sum."""
    assert (await end(client, world.noord.services["bound"], **LEAVING)).status_code == 303
    case = await only_case(partner)
    await finance_decides(case)
    return case


async def test_what_waits_stands_on_the_first_page_and_yes_plans_the_end(world: World, noord: httpx.AsyncClient) -> None:
    case = await journey.filed(noord, world.noord.services["free"], mandate=False)
    async with baker(world) as client:
        home = read(await open_page(client, OWN))
        assert "Wacht op uw antwoord" in home
        assert "Bekijken en antwoorden" in home

        done = await answer(client, case["id"], "approval")

        assert done.headers["location"] == f"{OWN}/terminations/{case['id']}"
        assert "U bent akkoord" in read(await open_page(client, done.headers["location"]))
        assert "Wacht op uw antwoord" not in read(await open_page(client, OWN))
    seen = await case_of(noord, case["id"])
    assert (seen["state"], seen["steps"][-1]["by"]) == ("scheduled", "Contact van Bakkerij De Korst")
    for reader in (BAKER, "owner@noord", "finance@"):
        assert newest(world.mailbox, reader).subject.startswith("Bevestigd")


async def test_no_keeps_everything_and_the_partner_reads_why(world: World, noord: httpx.AsyncClient) -> None:
    case = await journey.filed(noord, world.noord.services["free"], mandate=False)
    async with baker(world) as client:
        asked = read(await open_page(client, f"{OWN}/terminations/{case['id']}"))
        assert "Wacht op uw antwoord" in asked
        assert "Wacht op klant" not in asked, "whoever reads it is the customer"
        await answer(client, case["id"], "refusal", note="Wij blijven <b>graag</b>.")
        kept = read(await open_page(client, f"{OWN}/terminations/{case['id']}"))
        assert "Alles blijft zoals het is" in kept
        assert "Wat het gekost zou hebben" in kept
        assert "Samen, inclusief btw" in kept
        assert "Te betalen" not in kept, "nobody pays it any more"
        assert "Wat er daarna gebeurt" not in kept
    assert await state_of(noord, case["id"]) == "refused"
    assert "Wij blijven <b>graag</b>." in newest(world.mailbox, "owner@noord").text


async def test_a_second_answer_changes_nothing_and_says_so(world: World, noord: httpx.AsyncClient) -> None:
    case = await journey.filed(noord, world.noord.services["free"], mandate=False)
    async with baker(world) as client:
        page = await open_page(client, f"{OWN}/terminations/{case['id']}")
        sent = {"csrf_token": people.csrf(page)}
        path = f"{OWN}/terminations/{case['id']}"

        answers = await asyncio.gather(post(client, f"{path}/approval", sent), post(client, f"{path}/refusal", sent))

        assert sorted(one.status_code for one in answers) == [303, 409]
        assert "Er is niets gedaan" in read(next(one for one in answers if one.status_code == 409))
    steps = (await case_of(noord, case["id"]))["steps"]
    assert len(steps) == 2


async def test_the_link_in_the_mail_and_the_page_are_one_question(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await journey.filed(noord, world.noord.services["free"], mandate=False)
    link = journey.link_in(newest(world.mailbox, BAKER))
    async with baker(world) as client:
        await answer(client, case["id"], "approval")
    assert "Er is niets meer te beantwoorden" in read(await stranger.get(link))


async def test_a_proposed_buyout_is_accepted_by_who_asked_for_it(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        case = await proposed(world, client, noord)
        page = read(await open_page(client, f"{OWN}/terminations/{case}"))
        assert "Gaat u akkoord?" in page
        assert "EUR 928,18" in page

        await answer(client, case, "buyout/acceptance")

        assert await state_of(noord, case) == "scheduled"
        assert "Ingepland" in read(await open_page(client, f"{OWN}/terminations/{case}"))


async def test_a_colleague_that_asked_is_the_one_who_is_asked(world: World, noord: httpx.AsyncClient) -> None:
    async with colleague(world, may_sign=True) as client:
        await proposed(world, client, noord)
    asked = newest(world.mailbox, "collega@klant.example.com")
    assert journey.link_in(asked)


async def test_another_sum_is_proposed_and_a_sum_that_is_none_is_told_at_its_field(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        case = await proposed(world, client, noord)
        for odd in ("", "veel", "-5", "1e9"):
            wrong = await answer(client, case, "buyout/counter", amount=odd, note="Te duur.")
            assert wrong.status_code == 422, odd
            assert 'id="amount-error"' in wrong.text
            assert "Te duur." in wrong.text

        done = await answer(client, case, "buyout/counter", amount="350,00", note="Te duur.")

        assert done.status_code == 303
        assert "Te duur." in read(await open_page(client, f"{OWN}/terminations/{case}"))
    assert await state_of(noord, case) == "countered"
    assert "350,00" in newest(world.mailbox, "finance@").text


async def test_a_sum_that_changed_meanwhile_is_not_accepted(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        case = await proposed(world, client, noord)
        page = await open_page(client, f"{OWN}/terminations/{case}")
        token = people.csrf(page)
        for seen in ("1", "", "x"):
            stale = await post(client, f"{OWN}/terminations/{case}/buyout/acceptance", {"csrf_token": token, "seen": seen})
            assert stale.status_code == 409, seen
    assert await state_of(noord, case) == "proposed"


async def test_a_refused_buyout_ends_nothing(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        case = await proposed(world, client, noord)
        await answer(client, case, "buyout/refusal")
        assert "Alles blijft zoals het is" in read(await open_page(client, f"{OWN}/terminations/{case}"))
    assert await state_of(noord, case) == "refused"


async def test_who_asked_hears_that_finance_declined(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        assert (await end(client, world.noord.services["bound"], **LEAVING)).status_code == 303
        case = await only_case(noord)
        await finance_decides(case, Decision.REFUSE, reason="Er is apparatuur op maat.")
        page = read(await open_page(client, f"{OWN}/terminations/{case}"))
    assert "Geweigerd door Kadetel" in page
    assert "Er is apparatuur op maat." in newest(world.mailbox, BAKER).text


async def test_who_asked_hears_that_nobody_decided(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        assert (await end(client, world.noord.services["bound"], **LEAVING)).status_code == 303
    clock.move_to(date(2027, 4, 1))
    assert await scheduling.expire() == 1
    await work()
    mail = newest(world.mailbox, BAKER)
    assert "NRD-T-00001" in mail.subject
    assert "Kadetel B.V. heeft niet op tijd geantwoord" in mail.text


async def test_where_the_partner_pays_its_customer_hears_what_came_of_its_wish_without_a_sum(world: World, zuid: httpx.AsyncClient) -> None:
    async with baker(world, of="zuid") as client:
        assert (await end(client, world.zuid.services["bound"], **LEAVING)).status_code == 303
        case = await only_case(zuid)
        await finance_decides(case)
        page = await open_page(client, f"{OWN}/terminations/{case}")
        assert "EUR" not in read(page)
        assert "/buyout/" not in page.text
        token = people.csrf(page)
        denied = await post(client, f"{OWN}/terminations/{case}/buyout/acceptance", {"csrf_token": token, "seen": ""})
        assert denied.status_code == 409

        answer_of_partner = await zuid.post(f"/api/v1/terminations/{case}/buyout/refusal", json={"note": "Te duur voor ons, 123,45."})

        assert answer_of_partner.status_code in {200, 201}, answer_of_partner.text
        await work()
        mail = newest(world.mailbox, BAKER)
        assert "geweigerd" in mail.subject
        assert "EUR" not in mail.text
        assert "123,45" not in mail.text
        shown = read(await open_page(client, f"{OWN}/terminations/{case}"))
        assert "123,45" not in shown


async def test_who_may_not_sign_reads_but_cannot_answer(world: World, noord: httpx.AsyncClient) -> None:
    case = await journey.filed(noord, world.noord.services["free"], mandate=False)
    async with colleague(world, is_administrative=True) as client:
        page = await open_page(client, f"{OWN}/terminations/{case['id']}")
        assert "Contact van Bakkerij De Korst" in read(page)
        assert "formaction" not in page.text
        token = people.csrf(page)
        for what in ("approval", "refusal", "buyout/acceptance", "buyout/refusal", "buyout/counter"):
            refused = await post(client, f"{OWN}/terminations/{case['id']}/{what}", {"csrf_token": token})
            assert refused.status_code == 403, what
    assert await state_of(noord, case["id"]) == "waiting_for_customer"


async def test_what_is_too_late_offers_no_answer(world: World, noord: httpx.AsyncClient) -> None:
    case = await journey.filed(noord, world.noord.services["free"], mandate=False)
    async with baker(world) as client:
        page = await open_page(client, f"{OWN}/terminations/{case['id']}")
        clock.move_to(date(2026, 12, 20))
        late = await open_page(client, f"{OWN}/terminations/{case['id']}")
        assert "formaction" not in late.text
        assert "De tijd om te antwoorden is voorbij" in read(late)
        refused = await post(client, f"{OWN}/terminations/{case['id']}/approval", {"csrf_token": people.csrf(page)})
        assert refused.status_code == 409


async def test_a_notice_of_the_public_page_is_verified_here_too(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord)
    case = await only_case(noord)
    async with baker(world) as client:
        assert "Zegde op via de openbare pagina" in read(await open_page(client, f"{OWN}/terminations/{case}"))
        await answer(client, case, "approval")
    seen = await case_of(noord, case)
    assert (seen["state"], seen["received_on"]) == ("scheduled", "2026-11-22")
    assert (await now_of(notice)).state == NoticeState.CARRIED_OUT


@pytest.mark.parametrize("what", ["", "/approval", "/refusal", "/buyout/acceptance", "/buyout/counter", "/confirmation.pdf"])
async def test_nobody_elses_case_is_there(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient, what: str) -> None:
    theirs = await journey.filed(zuid, world.zuid.services["free"], mandate=True)
    async with db.unit_of_work(world.noord.principal()):
        private = await make_service(world.noord, world.noord.customers["private"], label="Van Pieter")
    neighbours = await journey.filed(noord, private, mandate=False)
    async with baker(world) as client:
        token = people.csrf(await open_page(client, "/portal/account"))
        for case in (theirs["id"], neighbours["id"]):
            path = f"{OWN}/terminations/{case}{what}"
            is_read = what in {"", "/confirmation.pdf"}
            got = await client.get(path, headers=people.PAGE) if is_read else await post(client, path, {"csrf_token": token, "amount": "1"})
            assert got.status_code == 404, (what, got.text[:300])
    assert await state_of(noord, neighbours["id"]) == "waiting_for_customer"
