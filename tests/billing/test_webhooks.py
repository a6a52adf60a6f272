"""A partner's software hears what happens to what is owed: its own, once, signed, and nobody's name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from standardwebhooks import Webhook

from billing.policy.ledger import Layer
from billing.policy.money_in import Source
from billing.service import credit_notes, orders, overdue, payments, port_ins, reminders, suspensions, told
from billing.service.payments import Back, Debtor, Receipt
from billing.workflow import PortAction
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.settings import Settings
from tenants.service.webhooks import kinds
from tests.attack.intruder import PORT
from tests.billing.money import issue, line
from tests.billing.offering import on_offer, wanted
from tests.tenants import hooks
from tests.tenants.hooks import Hook, listening
from tests.world import FINANCE, STAFF_DOOR, World

KNOWN = {name for offered in told.SUBJECTS.values() for name in offered}


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def outside(world: World, running: Settings) -> AsyncIterator[None]:
    async with hooks.on_this_machine(running):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def hook(world: World) -> AsyncIterator[Hook]:
    """Noord's software listens."""
    async with listening(world.noord) as listens:
        yield listens


async def heard(hook: Hook, kind: str) -> list[Any]:
    """The facts of every message of this kind, after all that was due has left; each is verified."""
    await outbox.drain()
    messages = [Webhook(hook.secret).verify(came.body, came.headers) for came in hook.at.received]
    assert {message["type"] for message in messages} <= KNOWN
    return [message["data"] for message in messages if message["type"] == kind]


async def money_came(world: World, invoice: UUID, cents: int, key: str = "bank-1") -> UUID:
    """So much came in for the invoice."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT tenant, customer, issuer FROM billing_invoice WHERE id = $1", invoice)
        assert row
        debtor = Debtor(row["tenant"], row["customer"], row["issuer"])
        return await payments.book(
            FINANCE,
            Receipt(
                debtor=debtor, source=Source.MANUAL, source_key=key, amount_cents=cents, received_on=clock.today(), invoices=(invoice,)
            ),
        )


async def test_an_invoice_is_told_when_it_is_issued(world: World, hook: Hook) -> None:
    bakery = world.noord.customers["bakery"]
    invoice = await issue(world.noord.id, bakery, [line(1000)])

    [facts] = await heard(hook, "invoice.issued")

    assert (facts["id"], facts["kind"], facts["layer"], facts["state"]) == (str(invoice), "invoice", "customer", "unpaid")
    assert (facts["customer_id"], facts["customer_number"]) == (str(bakery), "NRD-C-00001")
    assert (facts["total"], facts["open"]) == ({"amount": "12.10", "currency": "EUR"},) * 2
    assert facts["url"].endswith(f"/api/v1/invoices/{invoice}")


async def test_money_that_came_and_went_back_is_told_with_what_it_settled_and_opened_again(world: World, hook: Hook) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    payment = await money_came(world, invoice, 1210)
    [came] = await heard(hook, "payment.booked")
    [paid] = await heard(hook, "invoice.paid")
    async with db.unit_of_work(STAFF_DOOR):
        back = await payments.charge_back(FINANCE, Back(payment=payment, source=Source.MANUAL, source_key="back-1", on=clock.today()))

    [went] = await heard(hook, "payment.returned")
    [again] = await heard(hook, "invoice.reopened")

    assert (came["id"], came["amount"]["amount"], came["returns"]) == (str(payment), "12.10", None)
    assert came["settles"] == [{"invoice_id": str(invoice), "number": paid["number"], "amount": {"amount": "12.10", "currency": "EUR"}}]
    assert (paid["id"], paid["state"], paid["open"]["amount"]) == (str(invoice), "paid", "0.00")
    assert (went["id"], went["amount"]["amount"], went["returns"], went["settles"]) == (str(back), "-12.10", str(payment), [])
    assert (again["id"], again["state"], again["open"]["amount"]) == (str(invoice), "unpaid", "12.10")


async def test_each_time_an_invoice_is_paid_it_is_told(world: World, hook: Hook) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    first = await money_came(world, invoice, 1210)
    assert len(await heard(hook, "invoice.paid")) == 1
    async with db.unit_of_work(STAFF_DOOR):
        await payments.charge_back(FINANCE, Back(payment=first, source=Source.MANUAL, source_key="back-1", on=clock.today()))
    await outbox.drain()
    await money_came(world, invoice, 1210, "bank-2")

    assert len(await heard(hook, "invoice.paid")) == 2


async def test_a_credit_note_is_told_as_what_happened_to_its_invoice_and_not_as_a_payment(world: World, hook: Hook) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    async with db.unit_of_work(STAFF_DOOR):
        note = await credit_notes.give_back(FINANCE, invoice, credit_notes.Wanted(reason="Dubbel gefactureerd"))

    [facts] = await heard(hook, "invoice.credited")

    assert (facts["id"], facts["state"], facts["open"]["amount"]) == (str(invoice), "credited", "0.00")
    assert (facts["credit_note"]["id"], facts["credit_note"]["total"]["amount"]) == (str(note), "12.10")
    assert facts["credit_note"]["url"].endswith(f"/api/v1/invoices/{note}")
    assert (len(await heard(hook, "invoice.issued")), await heard(hook, "invoice.paid")) == (1, [])


async def test_an_unpaid_invoice_is_told_to_be_overdue_once_and_its_reminder_as_well(world: World, hook: Hook) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    settled = await issue(world.noord.id, world.noord.customers["private"], [line(500)])
    await money_came(world, settled, 605)
    assert await overdue.notice() == 0, "the due date is yet to come"
    clock.move(timedelta(days=40))

    counts = [await overdue.notice() for _ in range(2)]
    await reminders.run()
    [late] = await heard(hook, "invoice.overdue")
    [letter] = await heard(hook, "reminder.sent")

    assert counts == [1, 0]
    assert (late["id"], late["state"]) == (str(invoice), "overdue")
    assert (letter["level"], letter["customer_number"], letter["open"]["amount"]) == (1, "NRD-C-00001", "12.10")
    assert [(one["invoice_id"], one["level"]) for one in letter["invoices"]] == [(str(invoice), 1)]
    assert letter["url"].endswith(f"/api/v1/open-items?customer={world.noord.customers['bakery']}")


async def test_what_is_paid_before_the_news_leaves_is_not_told_to_be_overdue(world: World, hook: Hook) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    clock.move(timedelta(days=40))
    assert await overdue.notice() == 1
    await money_came(world, invoice, 1210)

    assert await heard(hook, "invoice.overdue") == []


async def test_a_service_that_stops_and_works_again_is_told(world: World, hook: Hook) -> None:
    service = world.noord.services["free"]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000, service=service)])
    for days in (35, 15, 10, 10):
        clock.move(timedelta(days=days))
        await reminders.run()
        await suspensions.run()
    [stopped] = await heard(hook, "service.suspended")
    await money_came(world, invoice, 1210)

    [works] = await heard(hook, "service.released")

    for facts in (stopped, works):
        assert (facts["id"], facts["number"], facts["invoice_id"]) == (str(service), "NRD-S-00001", str(invoice))
    assert stopped["on"] == works["on"]


async def test_an_order_and_each_step_of_its_numbers_are_told(world: World, hook: Hook) -> None:
    await on_offer()
    async with db.unit_of_work(world.noord.principal()):
        order = await orders.place(world.noord.actor, await wanted(world.noord, "bakery", {"offer": "bellen", "port": PORT}))
        port = await db.fetch_one("SELECT id, service FROM billing_port_in")
    assert port
    [placed] = await heard(hook, "order.placed")
    async with db.unit_of_work(STAFF_DOOR):
        await port_ins.move(FINANCE, port["id"], PortAction.PLAN, planned_on=clock.today() + timedelta(days=9))

    [asked], [planned] = await heard(hook, "port_in.requested"), await heard(hook, "port_in.planned")

    assert (placed["id"], placed["number"], [one["service_id"] for one in placed["services"]]) == (
        str(order),
        "NRD-B-00001",
        [str(port["service"])],
    )
    assert [(one["id"], one["state"], one["order_id"]) for one in (asked, planned)] == [
        (str(port["id"]), "requested", str(order)),
        (str(port["id"]), "planned", str(order)),
    ]
    assert planned["planned_on"] == (clock.today() + timedelta(days=9)).isoformat()


async def test_an_endpoint_hears_only_what_it_chose_of_its_own_partner_and_nobodys_name(world: World) -> None:
    async with listening(world.noord, types=frozenset({"payment.booked"})) as noord, listening(world.zuid) as zuid:
        invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
        await money_came(world, invoice, 1210)
        own = await issue(world.zuid.id, None, [line(700)], layer=Layer.PARTNER)

        assert len(await heard(noord, "payment.booked")) == len(noord.at.received) == 1
        [facts] = await heard(zuid, "invoice.issued")
        assert (len(zuid.at.received), facts["id"], facts["layer"], facts["customer_id"]) == (1, str(own), "partner", None)
        bodies = b"".join(came.body for listens in (noord, zuid) for came in listens.at.received).decode()
    for name in ("Bakk", "Zuid Telecom", "Kadetel", "@", "IBAN", "NL05"):
        assert name not in bodies


async def test_every_kind_that_billing_tells_can_be_chosen(world: World, hook: Hook) -> None:
    assert set(kinds.offered()) >= KNOWN
    await hook.change(types=frozenset(KNOWN))

    assert set((await hook.row())["types"].split()) == KNOWN
