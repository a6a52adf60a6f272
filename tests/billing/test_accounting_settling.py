"""What credit notes settle here is settled at the package once, in whatever order things come there, and what was taken back is taken back there."""

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
from billing.policy.money_in import Source
from billing.service import credit_notes, payments
from billing.service.accounting import connections, deciding, sending
from billing.service.credit_notes import Wanted
from billing.service.payments import Back, Debtor, Receipt
from partner_portal.infra import clock, db, settings
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound
from tests.billing import at_books, booked
from tests.billing.at_books import Side
from tests.billing.booked import carry, conflicts, link_of, look, rows
from tests.billing.books import Books, Failure
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with booked.package(monkeypatch) as package:
        yield package


@pytest_asyncio.fixture(loop_scope="session", params=["moneybird", "xero"])
async def real(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with at_books.running(request.param) as side:
        yield side


async def credit(invoice: UUID, reason: str = "Te veel") -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        return await credit_notes.give_back(SYSTEM, invoice, Wanted(reason=reason))


async def pay(world: World, invoice: UUID, cents: int, key: str = "a") -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
        given = {"source": Source.STATEMENT, "source_key": key, "amount_cents": cents, "received_on": clock.today(), "invoices": (invoice,)}
        return await payments.book(SYSTEM, Receipt(debtor=debtor, **given))  # type: ignore[arg-type]


async def take_back(payment: UUID, cents: int | None = None, key: str = "b") -> None:
    async with db.unit_of_work(STAFF_DOOR):
        back = Back(payment=payment, source=Source.STATEMENT, source_key=key, on=clock.today(), amount_cents=cents)
        await payments.charge_back(SYSTEM, back)


async def settlements() -> list[dict[str, object]]:
    return await rows("SELECT state, remote_id, last_error FROM billing_accounting_link WHERE what = 'settlement'")


async def test_a_credit_note_settles_its_invoice_there_as_it_does_here(world: World, there: Books) -> None:
    await booked.connect(there, world.house)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    await credit(invoice)
    await carry()
    await carry()

    first, note = there.kept["document"].values()
    (settled,) = there.kept["settlement"].values()
    assert (settled["document"], settled["credit"], settled["cents"]) == (first["id"], note["id"], 1210)
    assert [one["state"] for one in await settlements()] == ["sent"]


@pytest.mark.parametrize("paid", [0, 1000, 1210])
async def test_both_books_leave_the_same_open(world: World, real: Side, paid: int) -> None:
    connection = await at_books.connect(real, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    if paid:
        await pay(world, invoice, paid)
    note = await credit(invoice)
    await carry()
    await carry()
    await look(connection)

    left = {row["invoice"]: row["open_cents"] for row in await rows("SELECT invoice, open_cents FROM billing_standing")}
    assert left == {invoice: 0, note: paid}
    assert [at_books.left(real, (await link_of(one))["remote_id"]) for one in (invoice, note)] == [Decimal(0), Decimal(paid) / 100]
    assert await conflicts() == []
    assert all(row["state"] == "sent" for row in await rows("SELECT state FROM billing_accounting_link"))
    assert await rows("SELECT 1 FROM billing_payment WHERE source = 'accounting'") == []


async def test_what_was_taken_back_is_open_again_there_in_part_and_wholly_and_paid_again(world: World, real: Side) -> None:
    connection = await at_books.connect(real, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    payment = await pay(world, invoice, 1210)
    await carry()
    remote = (await link_of(invoice))["remote_id"]
    for cents, open_cents in ((210, 210), (None, 1210)):
        await take_back(payment, cents, key=f"back {cents}")
        await carry()
        await look(connection)
        assert at_books.left(real, remote) == Decimal(open_cents) / 100
    await pay(world, invoice, 1000, key="again")
    await carry()
    await look(connection)
    await look(connection)

    assert at_books.left(real, remote) == Decimal("2.10")
    assert (await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice))[0]["open_cents"] == 210
    assert await conflicts() == []
    assert all(row["state"] == "sent" for row in await rows("SELECT state FROM billing_accounting_link"))


async def test_answers_that_get_lost_settle_nothing_twice(world: World, real: Side) -> None:
    await at_books.connect(real, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    note = await credit(invoice)
    payment = await pay(world, await issue(world.noord.id, world.noord.customers["bakery"]), 1210)
    await take_back(payment)
    real.lost = 4
    with settings.use(accounting_seconds=1):
        for _attempt in range(9):
            await carry(ahead=timedelta(hours=1))
            clock.set_to(clock.now() + timedelta(hours=1))

    assert (real.lost, await conflicts()) == (0, [])
    assert all(row["state"] == "sent" for row in await rows("SELECT state FROM billing_accounting_link"))
    assert [at_books.left(real, (await link_of(one))["remote_id"]) for one in (invoice, note)] == [Decimal(0), Decimal(0)]


async def test_a_worker_that_is_killed_between_their_settlement_and_our_books_settles_once(world: World, there: Books) -> None:
    await booked.connect(there, world.house)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    note = await credit(invoice)
    async with db.unit_of_work(STAFF_DOOR):
        for document in (invoice, note):
            await sending.want_document(document)
        await sending.want_settlements(world.noord.id, note)
    (last,) = await rows("SELECT l.id FROM billing_accounting_link l WHERE what = 'settlement'")
    due = await rows(
        "SELECT id, payload ->> 'link_id' AS link FROM infra_outbox WHERE topic = 'AccountingWanted' AND done_at IS NULL ORDER BY id"
    )
    ids = [f"uuid.UUID('{row['id']}')" for row in due]
    assert due[-1]["link"] == str(last["id"]), "the documents come first"
    code = (
        "import asyncio, uuid\nfrom billing.service.accounting import chosen\nfrom partner_portal import wiring\n"
        "from partner_portal.infra import outbox, settings\nfrom tests.billing.books import Plain\nchosen.PACKAGES['plain'] = Plain\n"
        "async def main():\n    async with wiring.running(settings.current()):\n"
        f"        for message in [{', '.join(ids)}]:\n            await outbox.deliver(message)\nasyncio.run(main())\n"
    )
    there.failures = [Failure(method="POST", path="/settlement", after_storing=True, seconds=30)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env={**os.environ, **settings.environ(settings.current())})
    async with asyncio.timeout(60):
        while not there.kept["settlement"]:
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert [one["state"] for one in await settlements()] == ["waiting"]

    there.failures = []
    await carry()

    assert [one["state"] for one in await settlements()] == ["sent"]
    assert len(there.kept["settlement"]) == 1


async def test_a_note_that_settles_another_invoice_later_does_so_there_by_the_sweep(world: World, there: Books) -> None:
    connection = await booked.connect(there, world.house)
    first = await issue(world.noord.id, world.noord.customers["bakery"])
    await pay(world, first, 1210)
    note = await credit(first)
    second = await issue(world.noord.id, world.noord.customers["bakery"], [line(3000)])
    await carry()
    assert there.kept["settlement"] == {}

    async with db.unit_of_work(STAFF_DOOR):
        await payments.apply_credit(SYSTEM, note)
    await look(connection)

    (settled,) = there.kept["settlement"].values()
    assert (settled["document"], settled["cents"]) == ((await link_of(second))["remote_id"], 1210)


async def test_what_a_note_settles_of_an_invoice_that_was_never_sent_is_not_sent_either(world: World, there: Books) -> None:
    old = await issue(world.noord.id, world.noord.customers["bakery"])
    clock.set_to(clock.now() + timedelta(days=2))
    connection = await booked.connect(there, world.house, starts_on=clock.today())
    await credit(old)
    await carry()
    await look(connection)
    assert (len(there.kept["document"]), await settlements()) == (1, [])

    async with db.unit_of_work(STAFF_DOOR):
        await connections.catch_up(FINANCE, connection.id, date(2026, 11, 1))
    await carry()
    await look(connection)

    assert (len(there.kept["document"]), len(there.kept["settlement"])) == (2, 1)


async def test_where_payments_do_not_go_nothing_is_settled(world: World, there: Books) -> None:
    connection = await booked.connect(there, world.house, sends_payments=False)
    await credit(await issue(world.noord.id, world.noord.customers["bakery"]))
    await carry()
    await look(connection)

    assert (len(there.kept["document"]), there.kept["settlement"]) == (2, {})


async def test_a_settlement_that_is_refused_stands_on_the_list_with_both_numbers(world: World, real: Side) -> None:
    await at_books.connect(real, world)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    remote = (await link_of(invoice))["remote_id"]
    at_books.pay(real, remote, "12.10")
    await credit(invoice)
    await carry()

    (conflict,) = await conflicts()
    assert (conflict["why"], conflict["about"]) == ("refused", "HUIS-C2026-000001 · HUIS-F2026-000001")
    assert [one["state"] for one in await settlements()] == ["stuck"]
    async with db.unit_of_work(STAFF_DOOR):
        await deciding.decide(FINANCE, conflict["id"], Decision.LEAVE, "Daar al verrekend")
    assert [one["state"] for one in await settlements()] == ["left"]


async def test_another_tenants_event_settles_nothing(world: World, there: Books) -> None:
    await booked.connect(there, world.house)
    note = await credit(await issue(world.noord.id, world.noord.customers["bakery"]))
    async with db.unit_of_work(STAFF_DOOR):
        await sending.want_settlements(world.zuid.id, note)
        await sending.want_settlements(world.noord.id, note)
    (link,) = await rows("SELECT id FROM billing_accounting_link WHERE what = 'settlement'")
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(NotFound):
            await sending.send(world.zuid.id, link["id"])
