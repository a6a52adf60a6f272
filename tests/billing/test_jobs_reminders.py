"""What debtors get in their mailbox, day by day, and what nobody could deliver."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from pypdf import PdfReader

from billing.events import InvoicePaid
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

    assert "/portal/open-items" in mail.text
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
