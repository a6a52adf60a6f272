"""The link as a whole with the packages' real adapters: what is issued and paid goes there once, what happens there comes home, another cent is a conflict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from billing.policy.ledger import Kind
from billing.service.accounting import smoke
from partner_portal.infra import clock, db, outbox, settings
from tests.billing import at_books, moneybird
from tests.billing.at_books import Side, connect
from tests.billing.booked import carry, conflicts, link_of, look, rows
from tests.billing.money import issue, line, pay
from tests.world import STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session", params=["moneybird", "xero"])
async def there(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with at_books.running(request.param) as side:
        yield side


async def print_originals() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        waiting = await db.fetch("SELECT id FROM infra_outbox WHERE handler = 'billing.jobs.documents.send' AND done_at IS NULL")
    for row in waiting:
        await outbox.deliver(row["id"])


def documents(there: Side) -> list[dict[str, Any]]:
    if isinstance(there, moneybird.Moneybird):
        return list(there.invoices.values())
    return [there.stored(f"{place}/{guid}") for place in ("Invoices", "CreditNotes") for guid in there.things[place]]


def said(document: dict[str, Any]) -> tuple[str, Decimal, int]:
    """Number, total and how many payments."""
    number = document.get("reference") or document.get("InvoiceNumber") or document["CreditNoteNumber"]
    total = document["total_price_incl_tax"] if "reference" in document else document["Total"]
    return number, Decimal(total), len(document["payments" if "reference" in document else "Payments"])


async def test_an_invoice_its_debtor_its_credit_note_and_a_payment_are_there_once(world: World, there: Side) -> None:
    await connect(there, world)
    bakery = world.noord.customers["bakery"]
    first = await issue(world.noord.id, bakery, [line(1005), line(1005), line(1005)])
    await print_originals()
    await carry()
    await issue(world.noord.id, bakery, [line(500)], kind=Kind.CREDIT_NOTE, refers_to=first, reason="Te veel")
    await pay(first, 1000)
    await carry()
    await carry()

    sign = -1 if isinstance(there, moneybird.Moneybird) else 1
    assert [said(one) for one in documents(there)] == [
        ("HUIS-F2026-000001", Decimal("36.48"), 0),
        ("HUIS-C2026-000001", sign * Decimal("6.05"), 0),
    ]
    assert [row["state"] for row in await rows("SELECT state FROM billing_accounting_link")] == ["sent"] * 3
    assert {name: content[:5] for name, content in there.files.items()} == {
        "HUIS-F2026-000001.pdf": b"%PDF-",
        "HUIS-F2026-000001.xml": b"<?xml",
        "HUIS-C2026-000001.xml": b"<?xml",
    }
    assert await conflicts() == []


async def test_what_was_stored_before_the_answer_got_lost_is_not_made_twice(world: World, there: Side) -> None:
    await connect(there, world)
    await carry()
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    there.lost = 2
    with settings.use(accounting_seconds=1):
        for _attempt in range(5):
            await carry(ahead=timedelta(hours=1))
            clock.set_to(clock.now() + timedelta(hours=1))

    assert (await link_of(invoice))["state"] == "sent"
    assert (there.lost, len(documents(there)), await conflicts()) == (0, 1, [])


async def test_a_payment_that_was_booked_there_comes_home_once_and_ours_do_not_come_back(world: World, there: Side) -> None:
    connection = await connect(there, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    await look(connection)
    remote = (await link_of(invoice))["remote_id"]
    there.later(120)
    at_books.pay(there, remote, "10.05")
    await look(connection)
    await look(connection)

    paid = await rows("SELECT amount_cents, source FROM billing_payment")
    assert paid == [{"amount_cents": 1005, "source": "accounting"}]
    assert (await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice))[0]["open_cents"] == 1210 - 1005
    assert (said(documents(there)[0])[2], await conflicts()) == (1, [])


@pytest.mark.parametrize(("whose", "why"), [("theirs", "payment gone"), ("ours", "gone")])
async def test_a_payment_that_is_removed_there_is_on_the_list_once(world: World, there: Side, whose: str, why: str) -> None:
    connection = await connect(there, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    if whose == "ours":
        await pay(invoice, 1210)
    await carry()
    await look(connection)
    remote = (await link_of(invoice))["remote_id"]
    there.later(120)
    if whose == "theirs":
        at_books.pay(there, remote, "12.10")
        await look(connection)
        assert await conflicts() == []

    there.later(120)
    at_books.unpay(there, remote)
    await look(connection)
    await look(connection)

    assert [one["why"] for one in await conflicts()] == [why]
    assert len(await rows("SELECT 1 FROM billing_payment")) == 1, "a person says whether the money is back"


async def test_another_cent_there_is_on_the_list_and_nothing_is_called_sent(world: World, there: Side) -> None:
    await connect(there, world)
    if isinstance(there, moneybird.Moneybird):
        there.tax_off_by = Decimal("0.01")
    else:
        there.own_vat = True
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(2) for _line in range(10)])
    await carry()

    (conflict,) = await conflicts()
    assert (conflict["why"], (await link_of(invoice))["state"]) == ("differs", "stuck")
    theirs = msgspec.json.decode(conflict["theirs"])["total"]
    assert theirs == ("EUR 0.25" if isinstance(there, moneybird.Moneybird) else "EUR 0.20")


async def test_what_somebody_changes_there_is_noticed_and_being_paid_is_no_change(world: World, there: Side) -> None:
    connection = await connect(there, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await pay(invoice, 1210)
    await carry()
    await look(connection)
    assert await conflicts() == []

    there.later(120)
    change = {"due_date": "2030-01-01"} if isinstance(there, moneybird.Moneybird) else {"DueDate": "/Date(1893456000000+0000)/"}
    there.edit((await link_of(invoice))["remote_id"], lambda stored: stored.update(change))
    await look(connection)

    (conflict,) = await conflicts()
    assert (conflict["why"], conflict["about"]) == ("changed", "HUIS-F2026-000001")


async def test_the_smoke_test_asks_everything_and_writes_one_debtor_only_when_wanted(world: World, there: Side) -> None:
    connection = await connect(there, world)
    await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    async with db.unit_of_work(STAFF_DOOR):
        looked = await smoke.run(connection, writes=False)
        before = len(there.done("POST", "ontacts")) + len(there.done("PUT", "ontacts"))
        written = await smoke.run(connection, writes=True)
        again = await smoke.run(connection, writes=True)

    assert all(report.is_good for report in (looked, written, again)), [step.said for step in (*looked.steps, *written.steps, *again.steps)]
    assert "Voorbeeld Hosting B.V." in looked.steps[0].said
    assert len(there.done("POST", "ontacts")) + len(there.done("PUT", "ontacts")) == before + 1
