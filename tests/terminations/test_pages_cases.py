"""The page of a termination: how it stands, what this reader can do about it, and what happens when two people do it at once."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.mailcatcher.mailbox import Mail
from partner_portal.mailcatcher.receiving import Failure
from terminations.service import buyouts, scheduling
from terminations.service.buyouts import Decision
from tests.conftest import browser, sign_in
from tests.journeys import partner as people
from tests.world import FINANCE, FINANCE_TOO, STAFF_DOOR, World, make_service

BAKERY = "bakkerij@"
EARLY: dict[str, Any] = {"early": True, "wished_on": "2027-01-31"}


@pytest_asyncio.fixture(loop_scope="session")
async def reader(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Noord's member who may only read."""
    async with browser() as client:
        await sign_in(client, world.noord.reader)
        yield client


def page_of(case: dict[str, Any], way: str = "") -> str:
    return f"/portal/terminations/{case['id']}{way}"


async def seen(client: httpx.AsyncClient, case: dict[str, Any], way: str = "") -> httpx.Response:
    """The page, as a browser asks for it."""
    answer = await client.get(page_of(case, way), headers={"accept": "text/html"})
    assert answer.status_code == 200, (answer.status_code, answer.text[:2000])
    return answer


async def send(client: httpx.AsyncClient, case: dict[str, Any], way: str, **typed: str) -> httpx.Response:
    """A form of the page is sent; everything that follows by itself has happened."""
    token = {"csrf_token": client.headers.get("x-csrf-token", "")}
    answer = await client.post(page_of(case, way), data=token | typed, headers={"accept": "text/html"})
    await outbox.drain()
    return answer


def words(answer: httpx.Response) -> str:
    """What a person reads of the page itself, on one line."""
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def ways(answer: httpx.Response) -> set[str]:
    """Where the buttons and links of the page lead that do something to the case."""
    found = re.findall(r'(?:action|href)="/portal/terminations/[0-9a-f-]{36}/([a-z/]+)"', answer.text)
    return {way for way in found if way != "confirmation"}


async def decide(case: dict[str, Any], decision: Decision, actor: Any = FINANCE, **given: Any) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await buyouts.decide(actor, await buyouts.case_by_number(case["number"]), decision, **given)
    await outbox.drain()


async def proposed(world: World, client: httpx.AsyncClient, partner: Any) -> dict[str, Any]:
    case = await people.filed(client, partner.services["bound"], **EARLY)
    await decide(case, Decision.APPROVE)
    return case


async def test_who_is_waited_for_until_when_stands_on_top_with_what_can_be_done(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    page = await seen(noord, case)

    assert (
        "Wacht op akkoord van Contact van Bakkerij De Korst (ba***@klant.example.com)."
        " Zonder antwoord verloopt de opzegging na zondag 6 december 2026; dan stopt er niets." in words(page)
    )
    assert ways(page) == {"reminder", "withdrawal"}
    assert "krijgt een nieuwe link; eerdere links werken niet meer" in words(page)
    assert "Herinnering 27 november 2026 De klant antwoordt verwacht, uiterlijk op 6 december 2026" in words(page)


async def test_whoever_only_reads_sees_the_same_and_no_button(world: World, noord: httpx.AsyncClient, reader: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    page = await seen(reader, case)

    assert "Wacht op akkoord van" in words(page)
    assert ways(page) == set()
    for way in ("/withdrawal", "/reminder", "/buyout/acceptance", "/buyout/refusal", "/buyout/counter", "/mails"):
        assert (await send(reader, case, way)).status_code == 403
    assert (await people.case(noord, case["id"]))["state"] == "waiting_for_customer"


async def test_each_state_offers_what_the_workflow_allows_this_reader(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    found = {}
    at_zuid = await people.filed(zuid, world.zuid.services["bound"], **EARLY)
    found["waiting_for_finance"] = ways(await seen(zuid, at_zuid))
    await decide(at_zuid, Decision.APPROVE)
    found["proposed, partner pays"] = ways(await seen(zuid, at_zuid))
    case = await proposed(world, noord, world.noord)
    found["proposed, customer pays"] = ways(await seen(noord, case))
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "counter", offer="300,00")
    found["countered"] = ways(await seen(noord, case))
    other = await people.filed(noord, world.noord.services["free"])
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "approve")
    found["scheduled"] = ways(await seen(noord, other))
    await send(noord, other, "/withdrawal")
    found["withdrawn"] = ways(await seen(noord, other)) - {"mails"}

    assert found == {
        "waiting_for_finance": {"withdrawal"},
        "proposed, partner pays": {"buyout/acceptance", "buyout/refusal", "buyout/counter", "withdrawal"},
        "proposed, customer pays": {"reminder", "withdrawal"},
        "countered": {"withdrawal"},
        "scheduled": {"withdrawal", "mails"},
        "withdrawn": set(),
    }


async def test_withdrawing_says_first_what_follows_and_then_what_holds(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "approve")

    sure = await seen(noord, case, "/withdrawal")
    assert "De dienst loopt door, op dezelfde voorwaarden." in words(sure)
    assert "De verstuurde bevestiging geldt dan niet meer." in words(sure)
    assert (await people.case(noord, case["id"]))["state"] == "scheduled", "asking decides nothing"

    done = await send(noord, case, "/withdrawal", note="Klant blijft toch")
    page = await noord.get(done.headers["location"])

    assert (done.status_code, done.headers["location"]) == (303, page_of(case))
    assert "De opzegging is ingetrokken. Iedereen krijgt bericht" in words(page)
    assert "Ingetrokken door Owner of Noord ICT op 22 november 2026" in words(page)
    assert "Klant blijft toch" in words(page)
    assert "Wat het gekost zou hebben" in words(page)
    assert "Samen, inclusief btw" in words(page)
    assert "Te betalen" not in words(page), "nobody pays it any more"
    assert "Wat er daarna gebeurt" not in words(page), "nothing ends, so that nothing is erased"
    again = await noord.get(page_of(case, "/withdrawal"))
    assert (again.status_code, again.headers["location"]) == (303, page_of(case)), "there is nothing to withdraw any more"


async def test_close_to_the_end_withdrawing_is_asking_and_the_page_says_so(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "approve")
    clock.move(timedelta(days=29))
    await sign_in(noord, world.noord.owner)

    sure = await seen(noord, case, "/withdrawal")
    done = await send(noord, case, "/withdrawal")
    page = await seen(noord, case)

    assert "De financiële administratie van de aanbieder beslist. Zolang die niet akkoord gaat, blijft het einde staan" in words(sure)
    assert done.status_code == 303
    assert "is om intrekking gevraagd; de financiële administratie van de aanbieder beslist" in words(page)
    assert "withdrawal" not in ways(page), "what is asked is not asked twice"
    async with db.unit_of_work(STAFF_DOOR):
        await scheduling.answer_withdrawal(FINANCE, await buyouts.case_by_number(case["number"]), allow=False, reason="Al afgesloten")
    assert "withdrawal" in ways(await seen(noord, case))


async def test_of_two_who_press_at_once_one_wins_and_the_other_reads_who_was_first(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    async with browser() as clerk:
        await sign_in(clerk, world.noord.clerk)
        answers = await asyncio.gather(*(send(client, case, "/withdrawal", note="weg") for client in (noord, clerk)))

    lost = next(answer for answer in answers if answer.status_code != 303)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert re.search(
        r"Er is niets veranderd: de opzegging is intussen verder\. Laatste stap: Trok de opzegging in \((Owner|Clerk) of Noord ICT, 22 november 2026",
        words(lost),
    )
    assert "Ingetrokken door" in words(lost), "it is the page of the case as it is now"
    assert [step["action"] for step in (await people.case(noord, case["id"]))["steps"]] == ["file", "withdraw"]


async def test_sending_again_goes_to_the_main_contact_of_now_or_says_that_there_is_none(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    first = people.link_in(people.newest(world.mailbox, BAKERY))

    done = await send(noord, case, "/reminder")
    assert done.status_code == 303
    assert people.link_in(people.newest(world.mailbox, BAKERY)) != first

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE contact SET email = '' WHERE customer = $1", world.noord.customers["bakery"])
    refused = await send(noord, case, "/reminder")
    assert refused.status_code == 409
    assert "geen hoofdcontact met een e-mailadres" in words(refused)
    assert f"/portal/customers/{world.noord.customers['bakery']}/contacts" in refused.text


async def test_after_the_time_to_answer_only_closing_is_left(world: World, zuid: httpx.AsyncClient) -> None:
    case = await proposed(world, zuid, world.zuid)
    clock.move(timedelta(days=30))
    await sign_in(zuid, world.zuid.owner)

    page = await seen(zuid, case)
    late = await send(zuid, case, "/buyout/refusal", seen="61000")

    assert ways(page) == {"withdrawal"}
    assert "De tijd om te antwoorden is voorbij" in words(page)
    assert late.status_code == 409
    assert "opnieuw worden ingediend" in words(late)


async def test_the_partner_who_pays_answers_on_the_page_and_the_customer_is_asked_afterwards(world: World, zuid: httpx.AsyncClient) -> None:
    case = await proposed(world, zuid, world.zuid)
    page = await seen(zuid, case)
    # 13 x 60.00 x 75 % + 25.00 = 610.00, with VAT 738.10
    assert "Aan u gevraagd: EUR 738,10 incl. btw" in words(page)
    assert "EUR 738,10 incl. btw accepteren Dat is EUR 610,00 excl. btw." in words(page)

    wrong = await send(zuid, case, "/buyout/counter", seen="61000", amount="heel weinig", note="Te duur & laat")
    assert wrong.status_code == 422
    assert '<a href="#amount">' in wrong.text
    assert 'value="heel weinig"' in wrong.text
    assert "Te duur &amp; laat</textarea>" in wrong.text

    same = await send(zuid, case, "/buyout/counter", seen="61000", amount="610,00")
    assert same.status_code == 422
    assert "Stel een ander bedrag voor" in words(same)

    done = await send(zuid, case, "/buyout/counter", seen="61000", amount="€ 300", note="Meer past niet")
    assert done.status_code == 303
    assert "Het tegenvoorstel ligt bij de financiële administratie" in words(await seen(zuid, case))
    await decide(case, Decision.APPROVE)

    accepted = await send(zuid, case, "/buyout/acceptance", seen="30000")
    assert accepted.status_code == 303
    after = await seen(zuid, case)
    assert "Wacht op akkoord van Contact van Bakkerij De Korst" in words(after)
    talk = words(after).partition("De afkoop")[2].partition("Wat het kost")[0]
    said = (
        "Berekend uit het contract: EUR 738,10",
        "Voorgesteld: EUR 738,10",
        "Stelde in plaats daarvan voor: EUR 363,00",
        "Meer past niet",
    )
    assert [sum_ for sum_ in said if sum_ not in talk] == []
    assert talk.index("738,10") < talk.index("363,00") < talk.index("Geaccepteerd")


async def test_an_answer_is_to_the_sum_that_was_read(world: World, zuid: httpx.AsyncClient) -> None:
    case = await proposed(world, zuid, world.zuid)
    await send(zuid, case, "/buyout/counter", seen="61000", amount="300")
    await decide(case, Decision.ADJUST, amount_cents=45000, reason="Halverwege")

    for way in ("/buyout/acceptance", "/buyout/refusal", "/buyout/counter"):
        stale = await send(zuid, case, way, seen="61000", amount="200")
        assert stale.status_code == 409, way
        assert "Het bedrag is niet meer het bedrag dat u las" in words(stale)
    assert (await people.case(zuid, case["id"]))["state"] == "proposed"


async def test_only_the_payer_answers(world: World, noord: httpx.AsyncClient) -> None:
    case = await proposed(world, noord, world.noord)

    for way in ("/buyout/acceptance", "/buyout/refusal", "/buyout/counter"):
        seen_cents = (await people.case(noord, case["id"]))["agreed"]["amount"].replace(".", "")
        assert (await send(noord, case, way, seen=seen_cents, amount="1")).status_code == 403
    assert (await people.case(noord, case["id"]))["state"] == "proposed"


async def test_what_one_of_two_agreed_to_is_no_proposal_yet(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["bound"], **EARLY)
    with settings.use(four_eyes_limit_cents=100):
        await decide(case, Decision.ADJUST, amount_cents=12345, reason="Voor ons onder elkaar")
        page = await seen(noord, case)
        assert "Eén persoon van de financiële administratie van de aanbieder is akkoord; een tweede moet ook akkoord gaan." in words(page)
        talk = words(page).partition("De afkoop")[2].partition("Wat het kost")[0]
        assert "149,37" not in talk
        assert "Voor ons onder elkaar" not in talk
        await decide(case, Decision.ADJUST, FINANCE_TOO, amount_cents=12345, reason="Akkoord met de klant")

    talk = words(await seen(noord, case)).partition("De afkoop")[2].partition("Wat het kost")[0]
    assert "Voorgesteld: EUR 149,37 incl. btw Berekend was EUR 1.091,43 incl. btw. Akkoord met de klant" in talk


async def test_the_sheet_says_why_and_the_customer_of_a_partner_has_its_own(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient
) -> None:
    case = await proposed(world, noord, world.noord)
    own_name = await proposed(world, zuid, world.zuid)

    direct, billed = words(await seen(noord, case)), words(await seen(zuid, own_name))

    assert "13 mnd x EUR 89,95 x 75 %" in direct
    assert "Voor rekening van Bakkerij De Korst" in direct
    assert "U, in rekening gebracht door de aanbieder" in billed
    assert "Uw klant, volgens het contract" in billed
    assert "13 mnd x EUR 60,00 x 75 %" in billed
    assert "13 mnd x EUR 89,95 x 75 %" in billed


async def test_the_confirmation_is_the_one_that_everybody_got(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    assert (await noord.get(page_of(case, "/confirmation.pdf"))).status_code == 404
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "approve")

    answer = await noord.get(page_of(case, "/confirmation.pdf"))

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == (await noord.get(f"/api/v1/terminations/{case['id']}/confirmation.pdf")).content
    assert page_of(case, "/confirmation.pdf") in (await seen(noord, case)).text


def mails_in(page: httpx.Response) -> list[str]:
    """The mails as the page lists them, each on one line."""
    listed = page.text.partition('<ul class="mails">')[2].partition("</ul>")[0]
    return [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", one))).strip() for one in listed.split("<li>")[1:]]


def repeatable(page: httpx.Response) -> list[str]:
    return re.findall(r'name="mail" value="([0-9a-f-]{36})"', page.text)


async def test_mails_are_listed_with_what_became_of_them_and_without_those_of_finance(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(noord, world.noord.services["bound"], **EARLY)
    assert mails_in(await seen(noord, case)) == [], "the alert to finance is finance's own"
    world.mailbox.receiver.fail(Failure.REFUSE_FOR_GOOD)
    await decide(case, Decision.APPROVE)

    (lost,) = mails_in(await seen(noord, case))
    assert "aan ba***@klant.example.com" in lost
    assert "niet bezorgd: het adres neemt hem niet aan" in lost
    await send(noord, case, "/reminder")
    newest, _lost = mails_in(await seen(noord, case))
    assert "verstuurd op 22 november 2026" in newest
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "accept")

    listed = mails_in(await seen(noord, case))
    assert [one.partition(" aan ")[2][:6] for one in listed if one.startswith("Bevestigd")] == ["ow***@", "ba***@"]
    assert not any("finance@" in one or "fi***@" in one for one in listed)


async def test_a_mail_is_sent_again_as_it_was_and_one_that_asks_only_with_a_new_link(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    assert repeatable(await seen(noord, case)) == []
    await people.press(stranger, people.link_in(people.newest(world.mailbox, BAKERY)), "approve")
    page = await seen(noord, case)
    before = world.mailbox.mailbox.mails(BAKERY)
    async with db.unit_of_work(world.noord.principal()):
        asking = await db.fetch_one("SELECT id FROM infra_mail WHERE name = 'terminations/approval_requested'")
        theirs = await db.fetch_one("SELECT id FROM infra_mail WHERE recipient = 'finance@kadetel.example.com'")
    assert asking is not None
    assert theirs is not None

    to_partner, to_customer = repeatable(page)
    done = await send(noord, case, "/mails", mail=to_customer)
    for not_these in (str(asking["id"]), str(theirs["id"]), str(UUID(int=1)), "x", ""):
        assert (await send(noord, case, "/mails", mail=not_these)).status_code == 404

    after = world.mailbox.mailbox.mails(BAKERY)
    assert done.status_code == 303
    assert len(after) == len(before) + 1
    assert (after[0].subject, after[0].text, [file.sha256 for file in after[0].attachments]) == (
        before[0].subject,
        before[0].text,
        [file.sha256 for file in before[0].attachments],
    )
    assert "opnieuw verstuurd" in " ".join(mails_in(await seen(noord, case)))
    assert to_partner != to_customer


def face(mail: Mail) -> str:
    """In whose name a mail comes."""
    return mail.sender.partition(" <")[0].strip('"')


async def test_mails_come_in_the_right_face_are_answered_at_a_desk_and_lead_to_where_the_reader_works(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(noord, world.noord.services["bound"], **EARLY)
    to_finance = people.newest(world.mailbox, "finance@")
    await decide(case, Decision.REFUSE, reason="Het contract loopt nog")
    to_partner = people.newest(world.mailbox, world.noord.owner)
    other = await people.filed(noord, world.noord.services["free"])
    asking = people.newest(world.mailbox, BAKERY)
    await people.press(stranger, people.link_in(asking), "approve")
    confirmed = people.newest(world.mailbox, BAKERY)

    assert (face(to_finance), to_finance.reply_to) == ("Kadetel B.V.", world.noord.owner)
    assert "http://portal.test/admin/work-list" in to_finance.text
    assert (face(to_partner), to_partner.reply_to) == ("Kadetel B.V.", "finance@kadetel.example.com")
    assert f"http://portal.test{page_of(case)}" in to_partner.text
    assert (face(asking), asking.reply_to) == ("Noord ICT via Kadetel B.V.", "service@nrd.example.com")
    assert people.link_in(confirmed) == people.link_in(asking), "the confirmed customer finds its answer where it gave it"
    assert (await people.case(noord, other["id"]))["state"] == "scheduled"
    assert not any("no-reply" in (mail.reply_to or "") or not mail.reply_to for mail in world.mailbox.mailbox.mails())


async def test_a_case_with_several_services_tells_each_last_day(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        korst = world.noord.customers["bakery"]
        others = [
            await make_service(world.noord, korst, label=f"Lijn {nth}", notice_n=nth + 1, starts_on=date(2024, 1, 1)) for nth in range(4)
        ]
    case = await people.filed(noord, *others)

    page = words(await seen(noord, case))

    assert "Lijn 0, Lijn 1 en nog 2 diensten" in page
    for day in ("dinsdag 22 december 2026", "vrijdag 22 januari 2027", "maandag 22 februari 2027", "maandag 22 maart 2027"):
        assert day in page


async def test_of_another_tenants_case_there_is_no_page(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    for way in ("", "/withdrawal", "/confirmation.pdf"):
        assert (await zuid.get(page_of(case, way))).status_code == 404
    for way in ("/withdrawal", "/reminder", "/buyout/acceptance", "/buyout/refusal", "/buyout/counter", "/mails"):
        assert (await send(zuid, case, way, mail=str(UUID(int=1)), seen="1", amount="1")).status_code == 404
    assert (await people.case(noord, case["id"]))["state"] == "waiting_for_customer"


@pytest.mark.parametrize("note", ["<script>alert(1)</script>", "x" * 5000, "\x00", "\u202eomgekeerd", "'; DROP TABLE termination; --"])
async def test_whatever_is_typed_beside_a_step_is_words(world: World, noord: httpx.AsyncClient, note: str) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    done = await send(noord, case, "/withdrawal", note=note)
    page = await seen(noord, case)

    assert done.status_code in {303, 422}
    assert "<script>alert" not in page.text
    if done.status_code == 303:
        [kept] = [step["note"] for step in (await people.case(noord, case["id"]))["steps"] if step["action"] == "withdraw"]
        assert kept == note[:2000]
