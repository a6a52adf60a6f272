"""A customer on its own pages: what it has, who may sign, an end in three steps, a buyout asked for, a withdrawal in two presses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from billing.service import services
from partner_portal.infra import clock, db
from tests.journeys.partner import case as case_of
from tests.journeys.partner import filed, newest
from tests.tenants import people
from tests.tenants.people import open_page, read
from tests.terminations.customer import BAKER, baker, colleague, end, ending, fields, fresh_consumer, post
from tests.world import World, make_service

OWN = "/portal/own"
DOORS = "Contract hier opzeggen Overeenkomst hier herroepen"
"""What stands below every page that customers read, for whoever gives notice without an account."""


async def cases(partner: httpx.AsyncClient) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await partner.get("/api/v1/terminations")).json()["items"]
    return found


async def test_the_first_page_shows_services_with_their_ends(world: World) -> None:
    async with baker(world) as client:
        page = read(await open_page(client, OWN))

        for said in ("Uw diensten", "Bakkerij De Korst", "Internet bakkerij", "Webshop hosting", "22-12-2026", "29-02-2028", "EUR 89,95"):
            assert said in page, said
        assert "Contract hier opzeggen" in page
        assert "Uw opzeggingen" not in page


async def test_a_service_says_how_it_can_end(world: World) -> None:
    async with baker(world) as client:
        page = read(await open_page(client, f"{OWN}/services/{world.noord.services['bound']}"))

        assert "Webshop hosting" in page
        assert "dinsdag 29 februari 2028" in page
        assert "Eerder weg is afkoop" in page
        assert "Contract hier opzeggen" in page
        assert "herroepen" not in page.removesuffix(DOORS)


async def test_an_ordinary_end_is_planned_at_once_and_everybody_is_told(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        when = read(await open_page(client, ending("/when", world.noord.services["free"])))
        assert "Wanneer moet Internet bakkerij stoppen?" in when
        check = read(await open_page(client, ending("/check", world.noord.services["free"], when="free")))
        assert "dinsdag 22 december 2026" in check
        assert "Nu opzeggen" in check

        done = await end(client, world.noord.services["free"])

        assert done.status_code == 303, done.text
        shown = await open_page(client, done.headers["location"])
        assert "Klaar: iedereen krijgt de bevestiging per mail" in read(shown)
        pdf = await client.get(f"{done.headers['location']}/confirmation.pdf")
        assert pdf.content.startswith(b"%PDF")
    (case,) = await cases(noord)
    seen = await case_of(noord, str(case["id"]))
    assert (seen["state"], seen["received_on"], [step["action"] for step in seen["steps"]]) == (
        "scheduled",
        "2026-11-22",
        ["file_by_customer"],
    )
    for reader in (BAKER, "service@nrd", "finance@kadetel"):
        assert "NRD-T-00001" in newest(world.mailbox, reader).subject
    async with db.unit_of_work(world.noord.principal()):
        [row] = await services.by_id([world.noord.services["free"]])
    assert row["ends_on"] is not None


async def test_two_presses_at_once_end_it_once(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        page = await open_page(client, ending("/check", world.noord.services["free"], when="free"))
        sent = fields(page.text, f"{OWN}/end")

        first, second = await asyncio.gather(post(client, f"{OWN}/end", sent), post(client, f"{OWN}/end", sent))
        third = await post(client, f"{OWN}/end", sent)

        places = {first.headers["location"], second.headers["location"], third.headers["location"]}
        assert len(places) == 1
        assert "al ingediend" in read(await open_page(client, places.pop()))
    assert len(await cases(noord)) == 1


async def test_costs_that_changed_meanwhile_are_shown_before_anything_ends(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as client:
        page = await open_page(client, ending("/check", world.noord.services["free"], when="free"))
        sent = fields(page.text, f"{OWN}/end")
        clock.set_to(datetime(2026, 11, 23, 11, tzinfo=UTC))

        changed = await post(client, f"{OWN}/end", sent)

        assert changed.status_code == 409
        assert "Sinds u de pagina opende" in read(changed)
        assert await cases(noord) == []
        assert (await post(client, f"{OWN}/end", fields(changed.text, f"{OWN}/end"))).status_code == 303


async def test_notice_at_midnight_counts_by_the_day_in_amsterdam(world: World, noord: httpx.AsyncClient) -> None:
    clock.set_to(datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    async with baker(world) as client:
        assert (await end(client, world.noord.services["free"])).status_code == 303
    (case,) = await cases(noord)
    assert (await case_of(noord, str(case["id"])))["received_on"] == "2026-12-01"


async def test_leaving_early_goes_to_finance_then_to_the_customer(world: World, noord: httpx.AsyncClient) -> None:
    bound = world.noord.services["bound"]
    async with baker(world) as client:
        check = read(await open_page(client, ending("/check", bound, when="date", wished_on="2027-03-31")))
        assert "Eerder weg vragen" in check

        asked = await end(client, bound, when="date", wished_on="2027-03-31")

        assert asked.status_code == 303
        page = read(await open_page(client, asked.headers["location"]))
        assert "Er eindigt niets voordat u het accepteert" in page
    assert "Verzoek om eerder weg te gaan" in newest(world.mailbox, "service@nrd").subject
    assert "/portal/own/terminations/" in newest(world.mailbox, BAKER).text
    assert "klant van Noord ICT" in newest(world.mailbox, "finance@kadetel").text
    (case,) = await cases(noord)
    assert case["state"] == "waiting_for_finance"


@pytest.mark.parametrize("wished_on", ["", "morgen", "2020-01-01", "2099-01-01", "2026-13-45"])
async def test_a_day_that_cannot_be_is_told_at_its_field(world: World, wished_on: str) -> None:
    async with baker(world) as client:
        page = await client.get(ending("/check", world.noord.services["bound"], when="date", wished_on=wished_on), headers=people.PAGE)
        assert page.status_code == 303
        back = await client.get(page.headers["location"], headers=people.PAGE)
        assert back.status_code == 422
        assert 'id="wished_on-error"' in back.text


async def test_what_a_day_costs_is_shown_beside_it(world: World) -> None:
    async with baker(world) as client:
        part = await client.get(
            ending("/when", world.noord.services["bound"], when="date", wished_on="2027-03-31"),
            headers=people.PAGE | {"hx-request": "true"},
        )
        assert part.status_code == 200
        assert "<html" not in part.text
        assert "Wat kost stoppen op 31 maart 2027?" in part.text


async def test_no_service_chosen_is_told(world: World) -> None:
    async with baker(world) as client:
        answer = await client.get(f"{OWN}/end/when", headers=people.PAGE)
        assert answer.status_code == 422
        assert "Kies minstens één dienst" in read(answer)


async def test_what_waits_for_the_customers_own_yes_is_not_said_to_end(world: World, noord: httpx.AsyncClient) -> None:
    case = await filed(noord, world.noord.services["free"])

    async with baker(world) as client:
        page = read(await open_page(client, f"{OWN}/end"))

    assert "zou eindigen op 22 december 2026" in page
    assert " eindigt op 22 december 2026" not in page
    assert f"Naar opzegging {case['number']}" in page


async def test_who_may_not_sign_sees_who_may_and_can_do_nothing(world: World, noord: httpx.AsyncClient) -> None:
    free = world.noord.services["free"]
    async with baker(world) as signer:
        page = await open_page(signer, ending("/check", free, when="free"))
        sent = fields(page.text, f"{OWN}/end")
    async with colleague(world, is_technical=True) as client:
        for path in (OWN, f"{OWN}/services/{free}", f"{OWN}/end"):
            shown = read(await open_page(client, path))
            assert "Contact van Bakkerij De Korst" in shown, path
            assert "Contract hier opzeggen" not in shown.removesuffix(DOORS)
        for path in (ending("/when", free), ending("/check", free, when="free"), f"{OWN}/services/{free}/withdrawal"):
            assert (await client.get(path, headers=people.PAGE)).status_code == 403
        own = people.csrf(await open_page(client, "/portal/account"))
        refused = await post(client, f"{OWN}/end", [(name, own if name == "csrf_token" else value) for name, value in sent])
        assert refused.status_code == 403
    assert await cases(noord) == []


async def test_a_colleague_that_may_sign_ends_it_and_the_main_user_has_it_in_writing_too(world: World, noord: httpx.AsyncClient) -> None:
    async with colleague(world, may_sign=True) as client:
        assert (await end(client, world.noord.services["free"])).status_code == 303
    for reader in ("collega@klant.example.com", BAKER):
        mail = newest(world.mailbox, reader)
        assert "NRD-T-00001" in mail.subject
        assert mail.attachments
    seen = await case_of(noord, str((await cases(noord))[0]["id"]))
    assert "Contact collega@" in seen["steps"][0]["by"]


async def test_a_contact_reaches_nothing_of_another_customer_or_partner(world: World) -> None:
    others = [*world.zuid.services.values()]
    async with db.unit_of_work(world.noord.principal()):
        others.append(await make_service(world.noord, world.noord.customers["private"], label="Van Pieter"))
    async with baker(world) as client:
        token = people.csrf(await open_page(client, "/portal/account"))
        for service in [*others, uuid4()]:
            for path in (f"{OWN}/services/{service}", f"{OWN}/services/{service}/withdrawal"):
                assert (await client.get(path, headers=people.PAGE)).status_code == 404
            for step in ("/when", "/check"):
                answer = await client.get(ending(step, service, when="free"), headers=people.PAGE)
                assert answer.status_code == 404, answer.text[:500]
            sent = {"csrf_token": token, "service": str(service), "when": "free", "promise": "x"}
            assert (await post(client, f"{OWN}/end", sent)).status_code == 404
        assert (await client.get(f"{OWN}/terminations/{uuid4()}", headers=people.PAGE)).status_code == 404


async def test_a_member_has_no_own_pages_and_a_stranger_signs_in_first(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for path in (OWN, f"{OWN}/end", f"{OWN}/services/{world.noord.services['free']}"):
        assert (await noord.get(path, headers=people.PAGE)).status_code == 403
        assert (await stranger.get(path, headers=people.PAGE)).headers["location"].startswith("/portal/sign-in?next=")


async def test_where_the_partner_bills_no_price_is_shown(world: World, zuid: httpx.AsyncClient) -> None:
    free, bound = world.zuid.services["free"], world.zuid.services["bound"]
    async with baker(world, of="zuid") as client:
        for path in (
            OWN,
            f"{OWN}/services/{bound}",
            f"{OWN}/end",
            ending("/when", free, bound),
            ending("/when", bound, when="date", wished_on="2027-03-31"),
            ending("/check", bound, when="date", wished_on="2027-03-31"),
        ):
            assert "EUR" not in read(await open_page(client, path)), path

        asked = await end(client, bound, when="date", wished_on="2027-03-31")
        assert asked.status_code == 303
        assert "EUR" not in read(await open_page(client, asked.headers["location"]))
        mail = newest(world.mailbox, BAKER)
        assert "EUR" not in mail.text
        assert (await end(client, free)).status_code == 303
    assert {case["state"] for case in await cases(zuid)} == {"waiting_for_finance", "scheduled"}


async def test_a_new_contract_is_withdrawn_from_in_two_presses(world: World, noord: httpx.AsyncClient) -> None:
    email, service = await fresh_consumer(world)
    async with people.signed_in(email) as client:
        for path in (OWN, f"{OWN}/services/{service}"):
            assert "Overeenkomst hier herroepen" in read(await open_page(client, path)), path
        page = await open_page(client, f"{OWN}/services/{service}/withdrawal")
        for said in ("Petra Bedenktijd", "Glasvezel thuis", "Herroeping bevestigen", "zondag 6 december 2026", "EUR 100,00"):
            assert said in read(page), said
        path = f"{OWN}/services/{service}/withdrawal"

        first = await post(client, path, fields(page.text, path))
        second = await post(client, path, fields(page.text, path))

        assert (first.status_code, second.status_code) == (303, 303)
        assert first.headers["location"] == second.headers["location"]
        assert "Ingepland" in read(await open_page(client, first.headers["location"]))
    (case,) = await cases(noord)
    assert case["state"] == "scheduled"
    assert (await case_of(noord, str(case["id"])))["received_on"] == "2026-11-22"
    mail = newest(world.mailbox, email)
    assert "herroeping binnen de bedenktijd" in mail.text
    assert mail.attachments


async def test_after_the_period_there_is_no_withdrawal_without_a_person(world: World) -> None:
    email, service = await fresh_consumer(world)
    path = f"{OWN}/services/{service}/withdrawal"
    async with people.signed_in(email) as client:
        page = await open_page(client, path)
        clock.set_to(datetime(2026, 11, 30, 23, 1, tzinfo=UTC))

        late = await post(client, path, fields(page.text, path))

        assert late.headers["location"] == f"{OWN}/services/{service}"
        shown = read(await open_page(client, late.headers["location"]))
        assert "bedenktijd waarin u zonder reden kon herroepen is voorbij" in shown
        assert "Overeenkomst hier herroepen" not in shown.removesuffix(DOORS)
        assert (await client.get(path, headers=people.PAGE)).status_code == 303


async def test_a_service_that_ends_already_says_how_to_withdraw_all_the_same(world: World) -> None:
    email, service = await fresh_consumer(world)
    async with people.signed_in(email) as client:
        assert (await end(client, service)).status_code == 303
        page = await open_page(client, f"{OWN}/services/{service}/withdrawal")
        assert "/withdraw-contract/NRD" in page.text
        assert "Herroeping bevestigen" not in read(page)


@pytest.mark.parametrize("field", ["when", "promise", "service", "wished_on", "early_on"])
async def test_whatever_is_sent_nothing_breaks_and_nothing_ends(world: World, noord: httpx.AsyncClient, field: str) -> None:
    async with baker(world) as client:
        page = await open_page(client, ending("/check", world.noord.services["free"], when="free"))
        usual = fields(page.text, f"{OWN}/end")
        for odd in ("", "\x00", "'; DROP TABLE termination; --", "<script>", "9" * 5000, "2026-02-30", "🦊"):
            when = {"wished_on": "date", "early_on": "early"}.get(field, "free")
            sent = [(name, odd if name == field else when if name == "when" else value) for name, value in [*usual, (field, odd)]]
            answer = await post(client, f"{OWN}/end", sent)
            assert answer.status_code in {303, 400, 404, 409, 422}, (field, odd, answer.text[:500])
    assert await cases(noord) == []
