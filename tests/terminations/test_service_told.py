"""What each person is told is true, and the same to the cent wherever it stands: mail, page, confirmation, JSON."""

from __future__ import annotations

import io
import re
from datetime import date
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest
from pypdf import PdfReader

from partner_portal.infra import clock, db, outbox
from partner_portal.mailcatcher.mailbox import Mail
from terminations.service import buyouts, scheduling
from terminations.service.buyouts import Decision
from tests.journeys import partner
from tests.world import FINANCE, STAFF_DOOR, Partner, World, make_customer, make_service

BAKERY, PRIVATE, FINANCE_MAIL = "bakkerij@klant.example.com", "pieter@klant.example.com", "finance@kadetel.example.com"
EARLY: dict[str, Any] = {"wished_on": "2027-01-31", "early": True}
BOUND: dict[str, Any] = {
    "product": "hosting",
    "label": "Hosting",
    "fee_cents": 8995,
    "starts_on": date(2026, 3, 1),
    "minimum_months": 24,
    "renewal": "FIXED",
    "renewal_months": 12,
}


async def decide(number: str, decision: Decision, **given: Any) -> None:
    """Finance decides; everything that follows by itself has happened."""
    async with db.unit_of_work(STAFF_DOOR):
        await buyouts.decide(FINANCE, await buyouts.case_by_number(number), decision, **given)
    await outbox.drain()


async def answer_withdrawal(number: str, *, allow: bool, reason: str = "") -> None:
    """Finance answers a late withdrawal; everything that follows by itself has happened."""
    async with db.unit_of_work(STAFF_DOOR):
        await scheduling.answer_withdrawal(FINANCE, await buyouts.case_by_number(number), allow=allow, reason=reason)
    await outbox.drain()


async def new_service(of: Partner, customer: str = "bakery", **terms: Any) -> UUID:
    """A service of this customer."""
    async with db.unit_of_work(of.principal()):
        return await make_service(of, of.customers[customer], **terms)


def read(page: str) -> str:
    """The words of a page, as a person reads them."""
    body = re.sub(r"<head.*?</head>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def words_of(mail: Mail) -> str:
    """The text of a mail on one line."""
    return re.sub(r"\s+", " ", mail.text)


async def confirmation(client: httpx.AsyncClient, case: dict[str, Any]) -> str:
    """The words of the PDF."""
    answer = await client.get(f"/api/v1/terminations/{case['id']}/confirmation.pdf")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages))


def mails_to(world: World, to: str) -> list[Mail]:
    """All mails to this address, the newest first."""
    return world.mailbox.mailbox.mails(to)


async def test_what_the_customer_accepts_is_what_it_is_told_to_pay_afterwards(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    # Two at 89.95, paid until March: February comes back. 13 months x 179.90 x 75 % + 25.00 = 1779.03, finance makes it 500.00.
    service = await new_service(world.noord, **BOUND, quantity=2, buyout_rule="75 %", paid_until=date(2027, 3, 1))
    kept = await partner.quote(noord, service, **EARLY)
    lines = {line["code"]: line["amount"]["amount"] for line in kept["preview"]["customer"]["services"][0]["ending"]["lines"]}
    assert lines == {"BUYOUT": "1754.03", "HANDLING": "25.00", "CREDIT": "-179.90"}
    assert kept["preview"]["customer"]["bill"]["total"]["amount"] == "1934.95"
    case = await partner.file(noord, kept["id"])
    assert case["computed"]["amount"] == "1779.03"
    await decide(case["number"], Decision.ADJUST, amount_cents=50000, reason="Klant blijft voor de rest")

    asked = partner.newest(world.mailbox, BAKERY)
    link = partner.link_in(asked)
    page = read((await stranger.get(link)).text)
    # (500.00 - 179.90) x 1.21 = 387.32
    for said in (page, words_of(asked)):
        assert "605,00" in said
        assert "eindafrekening: EUR 387,32 incl. btw" in said
        assert "2.152,63" in said, "the computed sum, with the reason for the other one"
    code = await partner.press(stranger, link, "accept")
    typed = partner.code_in(partner.newest(world.mailbox, BAKERY))
    done = await stranger.post(link, data={**partner.form_of(code.text), "decision": "accept", "code": typed})
    await outbox.drain()

    assert "EUR 387,32 incl. btw" in read(done.text)
    for to in (BAKERY, world.noord.owner, FINANCE_MAIL):
        assert "Kosten: EUR 387,32 incl. btw" in words_of(partner.newest(world.mailbox, to))
    letter = await confirmation(noord, case)
    assert "Te betalen, inclusief btw EUR 387,32" in letter
    assert "Exclusief btw EUR 320,10" in letter
    assert "Btw EUR 67,22" in letter


async def test_a_consumer_who_leaves_for_nothing_is_told_at_once_what_comes_back(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    terms = {**BOUND, "fee_cents": 1495, "minimum_months": 12, "starts_on": date(2026, 9, 1), "paid_until": date(2027, 9, 1)}
    service = await new_service(world.noord, "private", **terms, buyout_rule="75 %")
    kept = await partner.quote(noord, service, wished_on="2026-12-05", early=True)
    assert kept["preview"]["customer"]["bill"]["total"]["amount"] == "-123.94"
    case = await partner.file(noord, kept["id"])
    await decide(case["number"], Decision.APPROVE)

    asked = partner.newest(world.mailbox, PRIVATE)
    page = read((await stranger.get(partner.link_in(asked))).text)
    for said in (page, words_of(asked)):
        assert "u krijgt EUR 123,94 incl. btw terug" in said
    await partner.press(stranger, partner.link_in(asked), "accept")

    assert "U krijgt terug, inclusief btw EUR 123,94" in await confirmation(noord, case)


async def test_fees_that_go_on_after_the_last_day_are_said_before_the_customer_agrees(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    # No price was agreed for leaving early: the fees go on to the end of the term, 15 months x 89.95 from December 2026.
    service = await new_service(world.noord, **BOUND)
    kept = await partner.quote(noord, service, **EARLY)
    assert kept["preview"]["customer"]["bill"]["total_to_pay"]["amount"] == "1632.59"
    case = await partner.file(noord, kept["id"])

    asked = partner.newest(world.mailbox, BAKERY)
    page = await stranger.get(partner.link_in(asked))
    await partner.press(stranger, partner.link_in(asked), "approve")

    for said in (words_of(asked), read(page.text), await confirmation(noord, case)):
        assert "Gewone kosten die tot dan nog te betalen zijn: EUR 1.632,59 incl. btw" in said


async def test_an_end_on_a_ground_is_not_called_a_buyout(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    service = await new_service(world.noord, "private", **{**BOUND, "product": "internet"}, buyout_rule="75 %")
    case = await partner.filed(noord, service, wished_on="2026-12-05", ground="DEATH")
    assert case["state"] == "waiting_for_finance"
    await decide(case["number"], Decision.APPROVE)

    asked = partner.newest(world.mailbox, PRIVATE)
    page = read((await stranger.get(partner.link_in(asked))).text)
    await partner.press(stranger, partner.link_in(asked), "accept")
    letter = await confirmation(noord, case)

    for said in (page, letter):
        assert "De contractant is overleden" in said
    for said in (page, letter, words_of(asked)):
        assert "loopt het contract nog" not in said
        assert "eerder stoppen met een afkoopsom" not in said


async def test_finance_that_let_a_case_lapse_is_named_and_the_customer_who_was_never_asked_hears_nothing(
    world: World, noord: httpx.AsyncClient
) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    clock.move_to(date(2027, 2, 1))

    assert await scheduling.expire() == 1
    await outbox.drain()

    assert mails_to(world, BAKERY) == []
    assert "Kadetel B.V. heeft niet op tijd geantwoord" in words_of(partner.newest(world.mailbox, world.noord.owner))


async def test_the_partner_that_let_a_proposal_lapse_is_named(world: World, zuid: httpx.AsyncClient) -> None:
    case = await partner.filed(zuid, world.zuid.services["bound"], **EARLY)
    await decide(case["number"], Decision.APPROVE)
    clock.move_to(date(2026, 12, 7))

    assert await scheduling.expire() == 1
    await outbox.drain()

    assert mails_to(world, BAKERY) == []
    assert "Zuid Telecom heeft niet op tijd geantwoord" in words_of(partner.newest(world.mailbox, FINANCE_MAIL))


async def test_who_made_a_counter_proposal_hears_that_it_was_refused(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(case["number"], Decision.APPROVE)
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "counter", offer="1.000,-")
    assert "1.000,00" in words_of(partner.newest(world.mailbox, FINANCE_MAIL))

    await decide(case["number"], Decision.REFUSE, reason="Onder de afspraak")

    for to in (BAKERY, world.noord.owner):
        told = words_of(partner.newest(world.mailbox, to))
        assert "Onder de afspraak" in told
        assert "dinsdag 29 februari 2028" in told


async def test_a_counter_proposal_that_finance_took_is_called_that_and_not_an_adjustment_without_reason(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(case["number"], Decision.APPROVE)
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "counter", offer="363")
    await decide(case["number"], Decision.APPROVE)

    asked = partner.newest(world.mailbox, BAKERY)

    for said in (words_of(asked), read((await stranger.get(partner.link_in(asked))).text)):
        assert "Volgens het contract zou het bedrag EUR 1.091,43 incl. btw zijn. Het nu gevraagde bedrag is het tegenvoorstel." in said
        assert "om deze reden" not in said


async def test_the_same_sum_as_a_counter_proposal_is_asked_again(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await decide(case["number"], Decision.ADJUST, amount_cents=30000, reason="Afspraak")

    again = await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "counter", offer="363")

    assert again.status_code == 422
    assert "Stel een ander bedrag voor" in read(again.text)
    assert (await partner.case(noord, case["id"]))["state"] == "proposed"


async def test_a_withdrawal_denied_is_told_to_who_asked(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")
    clock.move_to(date(2026, 12, 21))
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    await answer_withdrawal(case["number"], allow=False, reason="Nummer is al geporteerd")

    told = partner.newest(world.mailbox, world.noord.owner)
    assert "Niet ingetrokken" in told.subject
    assert "Nummer is al geporteerd" in told.text


async def test_a_case_half_ended_says_what_goes_on_and_what_has_ended(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"], world.noord.services["bound"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")
    clock.move_to(date(2026, 12, 23))
    await scheduling.take_effect()
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    await answer_withdrawal(case["number"], allow=True)

    told = words_of(partner.newest(world.mailbox, BAKERY))
    assert "Internet bakkerij was al beëindigd en blijft dat" in told
    assert "- Webshop hosting (NRD-S-00002)" in told
    assert "- Internet bakkerij (NRD-S-00001)" not in told
    services = (await noord.get(f"/api/v1/customers/{world.noord.customers['bakery']}/services")).json()
    assert [(service["label"], service["ends_on"]) for service in services] == [("Webshop hosting", None)]


async def test_an_end_so_near_that_it_cannot_be_withdrawn_freely_promises_nothing_else(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    clock.move_to(date(2026, 12, 4))
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE termination SET ends_on = '2026-12-06' WHERE number = $1", case["number"])
    await partner.press(stranger, link, "approve")

    assert "worden ingetrokken" not in words_of(partner.newest(world.mailbox, BAKERY))


async def test_without_a_mandate_the_proof_names_the_customers_yes_as_the_receipt(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"], mandate=False, wished_on="2026-12-31")
    clock.move_to(date(2026, 11, 25))

    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKERY)), "approve")

    assert "Ontvangen op 25 november 2026" in await confirmation(noord, case)
    assert "Ontvangen: 25 november 2026" in words_of(partner.newest(world.mailbox, BAKERY))


async def test_who_was_not_the_right_person_gets_no_proof_of_what_others_decided(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    wrong = partner.link_in(partner.newest(world.mailbox, BAKERY))
    await partner.press(stranger, wrong, "not_me")
    await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})
    await outbox.drain()
    right = partner.link_in(partner.newest(world.mailbox, BAKERY))
    await partner.press(stranger, right, "approve")

    assert (await stranger.get(f"{right}/confirmation.pdf")).status_code == 200
    assert (await stranger.get(f"{wrong}/confirmation.pdf")).status_code == 404
    page = read((await stranger.get(wrong)).text)
    assert "Ingepland" not in page
    assert "confirmation.pdf" not in page
    tries = await stranger.post(wrong, data={"decision": "approve", "text_version": "0" * 64})
    assert "U gaf aan niet de juiste persoon te zijn" in read(tries.text)


async def test_a_link_whose_case_was_withdrawn_does_not_say_that_it_is_too_late(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["free"])
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})

    page = read((await stranger.get(link)).text)

    assert "De opzegging is ingetrokken" in page
    assert "6 december" not in page


async def test_the_customer_of_a_partner_with_its_own_bills_sees_no_amount_and_is_promised_none(
    world: World, zuid: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    both = (world.zuid.services["bound"], world.zuid.services["free"])
    kept = await partner.quote(zuid, *both, **EARLY)
    assert kept["preview"]["partner"]["bill"]["total"]["amount"] == "738.10"
    assert kept["preview"]["customer"]["bill"]["total"]["amount"] == "1091.43"
    case = await partner.file(zuid, kept["id"])
    await decide(case["number"], Decision.APPROVE)
    await zuid.post(f"/api/v1/terminations/{case['id']}/buyout/acceptance", json={})
    await outbox.drain()
    link = partner.link_in(partner.newest(world.mailbox, BAKERY))
    asked = await stranger.get(link)
    answered = await partner.press(stranger, link, "approve")

    letter = await stranger.get(f"{link}/confirmation.pdf")
    printed = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(letter.content)).pages)
    seen = [mail.text for mail in mails_to(world, BAKERY)] + [read(asked.text), read(answered.text), printed]
    assert len(seen) == 5
    for said in seen:
        assert "EUR" not in said
        assert "betaalt die" not in said, "what the customer owes its own supplier is not for us to say"
    assert "spreekt u af met Zuid Telecom" in read(asked.text)


@pytest.mark.parametrize("name", ["Café 'De Kroon' & <b>Zn</b>", "🍞 Bakkerij 🥐", "شركة الاتصالات", "Z" * 180, "O'Brien\tB.V."])
async def test_any_name_goes_through_mails_page_and_proof(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, name: str
) -> None:
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, name, email="naam@klant.example.com", language="en")
        service = await make_service(world.noord, customer, label=f"Line {name}"[:200])
    case = await partner.filed(noord, service)
    asked = partner.newest(world.mailbox, "naam@klant.example.com")
    page = await stranger.get(partner.link_in(asked))
    await partner.press(stranger, partner.link_in(asked), "approve")

    assert "Is that right?" in page.text
    assert "<b>Zn</b>" not in page.text
    assert (await partner.case(noord, case["id"]))["confirmation"]
    assert partner.newest(world.mailbox, "naam@klant.example.com").attachments


async def test_a_service_renamed_meanwhile_is_called_as_it_was_when_quoted(world: World, noord: httpx.AsyncClient) -> None:
    kept = await partner.quote(noord, world.noord.services["free"])
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET label = 'Glas 1000' WHERE id = $1", world.noord.services["free"])

    await partner.file(noord, kept["id"])

    assert "Internet bakkerij" in partner.newest(world.mailbox, BAKERY).subject
