"""What is issued and paid is at the issuer's accounting package once, whatever fails or dies on the way, and what cannot go says why."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import pytest_asyncio

from billing.policy.accounting import Decision
from billing.policy.ledger import Kind, LineKind
from billing.policy.money_in import Source
from billing.policy.tax import Vat, VatCategory
from billing.service import payments
from billing.service.accounting import connections, deciding, sending
from billing.service.payments import Back, Debtor, Receipt
from partner_portal.infra import clock, db, outbox, settings
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound
from tests.billing import booked, books
from tests.billing.booked import carry, conflicts, connect, link_of, look, rows
from tests.billing.books import Books, Failure
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with booked.package(monkeypatch) as package:
        yield package


async def pay(world: World, invoice: UUID, cents: int, key: str = "a") -> UUID:
    """So much came in on the bank for the bakery's invoice, booked as the portal books."""
    async with db.unit_of_work(STAFF_DOOR):
        debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
        given = {"source": Source.STATEMENT, "source_key": key, "amount_cents": cents, "received_on": clock.today(), "invoices": (invoice,)}
        return await payments.book(SYSTEM, Receipt(debtor=debtor, **given))  # type: ignore[arg-type]


async def test_an_invoice_its_debtor_and_its_payment_are_there_once_with_the_packages_codes(world: World, there: Books) -> None:
    await connect(there, world.house)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000), line(500, kind=LineKind.USAGE)])
    await carry()
    await pay(world, invoice, 1815)
    await carry()
    await carry()

    (contact,), (document,), (payment,) = (there.kept[kind].values() for kind in ("contact", "document", "payment"))
    assert (contact["name"], contact["number"]) == ("Bakkerij De Korst", "NRD-C-00001")
    assert (document["number"], document["contact"], document["gross"]) == ("HUIS-F2026-000001", contact["id"], 1815)
    assert document["lines"] == [{"cents": 1000, "ledger": "8000", "vat": "hoog"}, {"cents": 500, "ledger": "8010", "vat": "hoog"}]
    assert (payment["document"], payment["cents"], payment["ledger"]) == (document["id"], 1815, "1100")
    assert [row["state"] for row in await rows("SELECT state FROM billing_accounting_link")] == ["sent"] * 3


async def test_a_credit_note_names_the_invoice_that_it_corrects(world: World, there: Books) -> None:
    await connect(there, world.house)
    first = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    await issue(world.noord.id, world.noord.customers["bakery"], kind=Kind.CREDIT_NOTE, refers_to=first, reason="Te veel")
    await carry()

    invoice, note = there.kept["document"].values()
    assert (note["kind"], note["corrects"], note["gross"]) == ("credit note", invoice["id"], 1210)
    assert len(there.kept["contact"]) == 1


async def test_nothing_of_an_issuer_without_a_connection_is_sent_nor_what_is_older_than_it(world: World, there: Books) -> None:
    await connect(there, world.house, starts_on="2026-11-23")
    await issue(world.noord.id, world.noord.customers["bakery"])
    await issue(world.zuid.id, world.zuid.customers["bakery"])
    await carry()

    assert there.kept["document"] == {}

    async with db.unit_of_work(STAFF_DOOR):
        connection = await connections.called("boeken")
        await connections.catch_up(FINANCE, connection.id, date(2026, 11, 1))
    await carry()

    assert [one["number"] for one in there.kept["document"].values()] == ["HUIS-F2026-000001"]


async def test_a_partner_that_bills_in_its_own_name_keeps_its_own_books(world: World, there: Books) -> None:
    await connect(there, world.zuid.id, code="zuid")
    await issue(world.noord.id, world.noord.customers["bakery"])
    await issue(world.zuid.id, world.zuid.customers["bakery"])
    await carry()

    assert [one["number"] for one in there.kept["document"].values()] == ["ZUD-F2026-000001"]


async def test_what_was_stored_before_the_answer_got_lost_is_found_and_not_made_twice(world: World, there: Books) -> None:
    await connect(there, world.house)
    await carry()
    there.failures = [Failure(method="POST", times=3, after_storing=True, status=502)]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    assert (await link_of(invoice))["state"] == "waiting"

    for _attempt in range(6):
        await carry(ahead=timedelta(hours=1))
        clock.set_to(clock.now() + timedelta(hours=1))

    assert (await link_of(invoice))["state"] == "sent"
    assert (len(there.kept["contact"]), len(there.kept["document"])) == (1, 1)


async def test_a_worker_that_is_killed_between_the_packages_books_and_ours_makes_nothing_twice(world: World, there: Books) -> None:
    await connect(there, world.house)
    await carry()
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    async with db.unit_of_work(STAFF_DOOR):
        await sending.want_document(invoice)
    (message,) = await rows("SELECT id FROM infra_outbox WHERE topic = 'AccountingWanted' AND done_at IS NULL")
    there.failures = [Failure(method="GET", times=0), Failure(method="POST", times=2, after_storing=True, seconds=30)]
    code = (
        "import asyncio, uuid\nfrom billing.service.accounting import chosen\nfrom partner_portal import wiring\n"
        "from partner_portal.infra import outbox, settings\nfrom tests.billing.books import Plain\nchosen.PACKAGES['plain'] = Plain\n"
        f"async def main():\n    async with wiring.running(settings.current()):\n        await outbox.deliver(uuid.UUID('{message['id']}'))\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env={**os.environ, **settings.environ(settings.current())})
    await asyncio.wait_for(there.stored.wait(), 60)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert (await link_of(invoice))["state"] == "waiting"

    there.failures = []
    await carry()

    assert (await link_of(invoice))["state"] == "sent"
    assert (len(there.kept["contact"]), len(there.kept["document"])) == (1, 1)


async def test_a_package_that_asks_for_patience_gets_it_for_everything_that_waits(world: World, there: Books) -> None:
    await connect(there, world.house)
    await carry()
    await issue(world.noord.id, world.noord.customers["bakery"])
    await issue(world.noord.id, world.noord.customers["private"])
    there.failures = [Failure(status=429, headers={"retry-after": "120"})]
    asked = len(there.asked)
    async with db.unit_of_work(STAFF_DOOR):
        due = await db.fetch(
            "SELECT id FROM infra_outbox WHERE topic = 'InvoiceIssued' AND handler LIKE '%accounting%' AND done_at IS NULL"
        )
    for row in due:
        await outbox.deliver(row["id"])
    (first, *_rest) = await rows("SELECT id FROM infra_outbox WHERE topic = 'AccountingWanted' AND done_at IS NULL ORDER BY id")
    await outbox.deliver(first["id"])
    waits = await rows("SELECT available_at FROM infra_outbox WHERE topic = 'AccountingWanted' AND done_at IS NULL")

    assert len(there.asked) == asked + 1
    assert len(waits) == 3  # the debtor, and both documents
    assert all(row["available_at"] >= clock.now() + timedelta(seconds=110) for row in waits)
    await carry(ahead=timedelta(minutes=3))
    assert len(there.kept["document"]) == 2


async def test_what_was_tried_twelve_times_stands_on_the_list_and_can_be_sent_again(world: World, there: Books) -> None:
    connection = await connect(there, world.house)
    await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    there.failures = [Failure(times=1000)]
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    for _attempt in range(14):
        await carry()
        clock.set_to(clock.now() + timedelta(hours=3))
    (conflict,) = await conflicts()

    assert (conflict["why"], conflict["about"], conflict["detail"]) == ("given up", "HUIS-F2026-000002", "500")
    assert (await link_of(invoice))["state"] == "stuck"

    there.failures = []
    async with db.unit_of_work(STAFF_DOOR):
        await deciding.decide(FINANCE, conflict["id"], Decision.AGAIN)
    await look(connection)

    assert (await link_of(invoice))["state"] == "sent"
    assert await conflicts() == []


async def test_what_has_no_code_is_never_sent_under_another_and_goes_when_it_has(world: World, there: Books) -> None:
    await connect(there, world.house, vat_codes={"O": "geen"})
    german = line(1000, vat=Vat(category=VatCategory.STANDARD, rate=Decimal(19), country="DE"))
    await issue(world.noord.id, world.noord.customers["bakery"], [german])
    await carry()
    (conflict,) = await conflicts()

    assert (conflict["why"], conflict["detail"]) == ("no code", "S:DE:19")
    assert there.kept["document"] == {}

    await connect(there, world.house, vat_codes={"S:DE:20": "oss-at"})
    await carry()
    assert [one["why"] for one in await conflicts()] == ["no code"]
    await connect(there, world.house, vat_codes={"S:DE:19": "oss-de"})
    await carry()

    assert [one["lines"][0]["vat"] for one in there.kept["document"].values()] == ["oss-de"]
    assert await conflicts() == []


async def test_a_debtor_that_is_refused_stands_on_the_list_and_its_documents_wait_for_it(world: World, there: Books) -> None:
    await connect(there, world.house)
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET name = 'Geweigerd' WHERE id = $1", bakery)
    invoice = await issue(world.noord.id, bakery)
    await carry()
    (conflict,) = await conflicts()
    assert (conflict["why"], conflict["detail"]) == ("refused", "this name is not allowed")
    assert (await link_of(invoice))["state"] == "waiting"

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET name = 'Bakkerij' WHERE id = $1", bakery)
        await deciding.decide(FINANCE, conflict["id"], Decision.AGAIN)
    await carry(ahead=timedelta(hours=1))

    assert (await link_of(invoice))["state"] == "sent"


async def test_a_credential_that_is_refused_pauses_the_connection_and_nothing_is_lost(world: World, there: Books) -> None:
    connection = await connect(there, world.house)
    await carry()
    connections.keep_secret("boeken", "another")
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    (row,) = await rows("SELECT state, state_because FROM billing_accounting_connection")
    assert (row["state"], row["state_because"]) == ("paused", "credential: 401")

    connections.keep_secret("boeken", books.TOKEN)
    async with db.unit_of_work(STAFF_DOOR):
        await connections.resume(FINANCE, connection.id)
    await carry()

    assert (await link_of(invoice))["state"] == "sent"


async def test_a_debtor_that_changed_here_changes_there_but_not_over_what_somebody_changed_there(world: World, there: Books) -> None:
    connection = await connect(there, world.house)
    bakery = world.noord.customers["bakery"]
    await issue(world.noord.id, bakery)
    await carry()
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET name = 'Bakkerij De Kruimel' WHERE id = $1", bakery)
    await look(connection)
    (contact,) = there.kept["contact"].values()
    assert contact["name"] == "Bakkerij De Kruimel"

    there.alter("contact", contact["id"], name="De Kruimel v.o.f.")
    await look(connection)
    (conflict,) = await conflicts()
    assert conflict["why"] == "changed"
    assert '"De Kruimel v.o.f."' in conflict["theirs"]
    async with db.unit_of_work(STAFF_DOOR):
        await deciding.decide(FINANCE, conflict["id"], Decision.AGAIN)
    await carry()

    assert there.kept["contact"][contact["id"]]["name"] == "Bakkerij De Kruimel"
    await look(connection)
    assert await conflicts() == []


async def test_an_invoice_under_our_number_with_another_sum_is_left_alone(world: World, there: Books) -> None:
    await connect(there, world.house)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    there.store("document", {"key": str(invoice), "number": "HUIS-F2026-000001", "gross": 9999})
    await carry()
    (conflict,) = await conflicts()

    assert (conflict["why"], len(there.kept["document"])) == ("differs", 1)
    assert '"EUR 99.99"' in conflict["theirs"]


async def test_a_payment_that_was_taken_back_is_taken_back_there(world: World, there: Books) -> None:
    await connect(there, world.house)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    payment = await pay(world, invoice, 1210)
    await carry()
    async with db.unit_of_work(STAFF_DOOR):
        await payments.charge_back(SYSTEM, Back(payment=payment, source=Source.STATEMENT, source_key="b", on=clock.today()))
    await carry()

    assert [one["cents"] for one in there.kept["payment"].values()] == [1210, -1210]


async def test_two_workers_at_once_send_one(world: World, there: Books) -> None:
    await connect(there, world.house)
    await carry()
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    async with db.unit_of_work(STAFF_DOOR):
        await sending.want_document(invoice)
    link = await link_of(invoice)

    async def one() -> None:
        async with db.unit_of_work(STAFF_DOOR):
            await sending.send(world.house, link["id"])

    await asyncio.gather(one(), one(), one())

    assert (len(there.kept["contact"]), len(there.kept["document"])) == (1, 1)


async def test_another_issuers_link_is_not_there_for_an_event_of_its_own(world: World, there: Books) -> None:
    connection = await connect(there, world.house)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    link = await link_of(invoice)

    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(NotFound):
            await sending.send(world.zuid.id, link["id"])
        with pytest.raises(NotFound):
            await connections.one(connection.id, world.zuid.id)
    async with db.unit_of_work(world.zuid.principal()):
        assert await db.fetch("SELECT 1 FROM billing_accounting_link") == []
