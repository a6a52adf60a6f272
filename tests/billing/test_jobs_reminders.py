"""What debtors get in their mailbox, day by day, and what nobody could deliver."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from uuid import UUID

import httpx
import pytest
from pypdf import PdfReader

from billing.events import DebtorReminded, InvoicePaid
from billing.jobs import reminders as jobs
from billing.policy.ledger import Layer
from billing.policy.reminding import Held
from billing.service import holds, reminders, suspensions
from partner_portal.infra import db, outbox
from partner_portal.mailcatcher.mailbox import Mail
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import at, due, staff, stopped
from tests.world import STAFF_DOOR, World


async def a_day(day: date) -> None:
    """Everything of this day is done, mails and all."""
    at(day)
    for work in jobs.DAILY:
        await work()
    await outbox.drain()


async def days(first: date, last: date) -> None:
    """The same day by day, only those on which something can happen."""
    day = first
    while day <= last:
        await a_day(day)
        day += timedelta(days=1)


def of(world: World, recipient: str) -> list[Mail]:
    """Reminders and what follows them in a mailbox, oldest first; the invoices themselves name their sum in the subject."""
    return [mail for mail in reversed(world.mailbox.mailbox.mails(recipient)) if ": EUR" not in mail.subject]


async def test_a_business_is_written_to_up_to_its_final_notice_which_is_also_a_letter(world: World) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000, service=service)])
    day = await due(invoice)

    for late in (-3, 3, 14, 21, 28):
        await a_day(day + timedelta(days=late))

    got = of(world, "bakkerij@")
    assert len(got) == 5
    assert "Laatste aanmaning" in got[3].subject
    found = world.mailbox.mailbox.attachment(got[3].id, 0)
    assert found
    paper = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(found[1])).pages)
    assert "EUR 121,00" in paper
    assert "Internet bakkerij" in paper
    assert "Gestopt op" in got[4].subject
    assert [mail.subject for mail in of(world, "service@nrd")] == [got[4].subject], "its partner hears of the stop"


async def test_a_consumer_gets_the_fourteen_day_letter(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    day = await due(invoice)
    for late in (3, 14, 21):
        await a_day(day + timedelta(days=late))

    last = of(world, "pieter@")[-1]

    assert "binnen vijftien dagen nadat deze brief bij u is bezorgd" in " ".join(last.text.split())
    assert "EUR 40,00" in last.text


def pay_link(mail: Mail) -> str:
    """Where the button of a mail leads, without the host."""
    found = re.search(r"https?://[^/\s]+(/pay/\S+)", mail.text)
    assert found, mail.text
    return found[1]


async def test_whoever_has_the_mail_pays_exactly_its_invoices_without_signing_in(world: World, stranger: httpx.AsyncClient) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000, service=service)])
    await issue(world.noord.id, world.noord.customers["private"], [line(30_000)])
    day = await due(invoice)
    for late in (-3, 3, 14, 21, 28):
        await a_day(day + timedelta(days=late))

    got = of(world, "bakkerij@")
    (number,) = await _numbers(invoice)
    pages = [(await stranger.get(pay_link(mail))).text.replace("\xa0", " ") for mail in got]

    assert len(got) == 5
    assert len({pay_link(mail) for mail in got}) == 1, "for the same invoices the same link"
    assert all(number in page and "EUR 121,00" in page and "EUR 363,00" not in page for page in pages)
    (partners,) = of(world, "service@nrd")
    assert "/portal/open-items" in partners.text


async def test_a_last_reminder_leads_to_all_that_it_names(world: World, stranger: httpx.AsyncClient) -> None:
    old = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    day = await due(old)
    for late in (3, 14):
        await a_day(day + timedelta(days=late))
    later = await issue(world.noord.id, world.noord.customers["bakery"], [line(20_000)])
    at(max(day, await due(later)) + timedelta(days=21))
    await reminders.run()
    await outbox.drain()

    last = of(world, "bakkerij@")[-1]
    page = (await stranger.get(pay_link(last))).text.replace("\xa0", " ")

    assert "Laatste aanmaning" in last.subject
    assert all(number in page for number in await _numbers(old, later))
    assert "EUR 363,00" in page


async def test_a_mail_that_is_written_again_leads_to_the_same_link_and_the_store_knows_no_secret(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    at(await due(invoice) + timedelta(days=3))
    await reminders.run()
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        (row,) = await db.fetch("SELECT DISTINCT tenant, letter, level FROM billing_reminder WHERE invoice = $1", invoice)
        await outbox.publish(DebtorReminded(tenant_id=row["tenant"], letter_id=row["letter"], level=row["level"]))
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        links = await db.fetch(
            "SELECT DISTINCT l.id FROM billing_pay_link l JOIN billing_pay_link_invoice i ON i.link = l.id WHERE i.invoice = $1", invoice
        )
        (kept,) = await db.fetch("SELECT text, html FROM infra_mail WHERE name = 'billing/reminder_1'")
    (mail,) = [mail for mail in of(world, "bakkerij@") if "Herinnering" in mail.subject]
    token = pay_link(mail).removeprefix("/pay/")
    assert len(links) == 1
    assert token not in kept["text"] + kept["html"]
    assert f"[[token:{links[0]['id']}:0]]" in kept["text"]


async def _numbers(*invoices: UUID) -> list[str]:
    async with db.unit_of_work(STAFF_DOOR):
        rows = {
            row["id"]: row["number"] for row in await db.fetch("SELECT id, number FROM billing_invoice WHERE id = ANY($1)", list(invoices))
        }
    return [rows[invoice] for invoice in invoices]


async def test_a_payment_brings_the_services_back_and_both_hear_it(world: World) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000, service=service)])
    day = await due(invoice)
    for late in (3, 14, 21, 28):
        await a_day(day + timedelta(days=late))
    assert await stopped(service)
    await pay(invoice, 12_100)
    async with db.unit_of_work(STAFF_DOOR):
        await outbox.publish(InvoicePaid(tenant_id=world.noord.id, invoice_id=invoice))

    await outbox.drain()
    await outbox.drain()

    assert not await stopped(service)
    assert "Werkt weer" in of(world, "bakkerij@")[-1].subject
    assert "Werkt weer" in of(world, "service@nrd")[-1].subject


async def test_a_reminder_of_what_was_paid_or_held_meanwhile_is_not_sent(world: World) -> None:
    paid = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    disputed = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    at(await due(paid) + timedelta(days=3))
    await reminders.run()
    await pay(paid, 12_100)
    await staff(holds.on_invoice, disputed, Held.DISPUTED)

    await outbox.drain()

    assert of(world, "bakkerij@") == of(world, "pieter@") == []


async def test_what_a_partner_owes_is_asked_of_the_partner_in_the_providers_name(world: World) -> None:
    invoice = await issue(world.zuid.id, None, [line(90_000)], layer=Layer.PARTNER)
    await a_day(await due(invoice) + timedelta(days=3))

    (mail,) = [mail for mail in world.mailbox.mailbox.mails() if "EUR 1.089,00" in mail.text and "Herinnering" in mail.subject]

    assert "/pay/" in mail.text
    assert "Kadetel B.V." in mail.text


async def test_an_address_that_no_server_takes_stops_the_reminders_as_work_for_staff(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    day = await due(invoice)
    await a_day(day + timedelta(days=3))
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE infra_mail SET sent_at = NULL WHERE name = 'billing/reminder_1'")
        await db.execute("UPDATE infra_outbox SET done_at = NULL, dead_at = now() WHERE topic = 'MailQueued' AND payload ->> 'mail_id' IN"
                         " (SELECT id::text FROM infra_mail WHERE name = 'billing/reminder_1')")  # fmt: skip

    await days(day + timedelta(days=14), day + timedelta(days=15))
    async with db.unit_of_work(STAFF_DOOR):
        (hold,) = await holds.standing()
        sent = [row["level"] for row in await reminders.of_invoice(invoice)]
    assert (hold["reason"], hold["number"] is not None, sent) == (Held.BOUNCED, True, [1])

    await staff(holds.lift, hold["id"])
    await a_day(day + timedelta(days=16))

    async with db.unit_of_work(STAFF_DOOR):
        assert await holds.standing() == [], "what somebody saw to stays seen to"
        assert [row["level"] for row in await reminders.of_invoice(invoice)] == [1, 2]


@pytest.mark.parametrize("times", [1, 3])
async def test_mails_are_sent_once_however_often_the_work_runs(world: World, times: int) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000, service=service)])
    day = await due(invoice)
    for late in (3, 14, 21, 28):
        for _ in range(times):
            await a_day(day + timedelta(days=late))

    assert len(of(world, "bakkerij@")) == 4
    async with db.unit_of_work(STAFF_DOOR):
        assert len(await suspensions.steps_of(service)) == 1
