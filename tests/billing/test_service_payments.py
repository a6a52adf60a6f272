"""Money that comes in and goes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from billing.events import InvoicePaid, InvoiceReopened, PaymentBooked
from billing.policy.ledger import Kind, Layer
from billing.policy.money_in import Source
from billing.policy.settling import MoreThanLeft, MoreThanOpen, Share
from billing.service import payments
from billing.service.payments import Back, Debtor, NotADebtorsPayment, Receipt
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import NotFound
from partner_portal.kernel.events import Event
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World


async def heard(_event: Event) -> None:
    """Listens, so that there is something to be told."""


@pytest_asyncio.fixture(loop_scope="session")
async def told(world: World) -> AsyncIterator[Any]:
    """What others hear, in order."""
    outbox.register([(event, [heard]) for event in (PaymentBooked, InvoicePaid, InvoiceReopened)])

    async def read() -> list[str]:
        async with db.unit_of_work(STAFF_DOOR):
            rows = await db.fetch("SELECT topic FROM infra_outbox WHERE handler LIKE '%test_service_payments%' ORDER BY id")
        return [row["topic"] for row in rows]

    yield read
    name = f"{heard.__module__}.{heard.__qualname__}"
    outbox._routes.pop(name, None)
    for names in outbox._topics.values():
        if name in names:
            names.remove(name)


@pytest_asyncio.fixture(loop_scope="session")
async def debtor(world: World) -> Debtor:
    return Debtor(world.noord.id, world.noord.customers["bakery"], world.house)


def receipt(debtor: Debtor, cents: int, invoices: tuple[UUID, ...] | None = None, key: str = "") -> Receipt:
    return Receipt(
        debtor=debtor,
        source=Source.MANUAL,
        source_key=key or str(uuid4()),
        amount_cents=cents,
        received_on=clock.today(),
        invoices=invoices,
    )


async def book(debtor: Debtor, cents: int, invoices: tuple[UUID, ...] | None = None, key: str = "") -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        return await payments.book(FINANCE, receipt(debtor, cents, invoices, key))


async def open_cents(*invoices: UUID) -> list[int]:
    async with db.unit_of_work(STAFF_DOOR):
        rows = {row["invoice"]: row["open_cents"] for row in await db.fetch("SELECT invoice, open_cents FROM billing_standing")}
    return [rows[invoice] for invoice in invoices]


async def left(payment: UUID) -> int:
    async with db.unit_of_work(STAFF_DOOR):
        cents: int = (await payments.one(payment))["left_cents"]
    return cents


async def test_what_comes_in_settles_the_oldest_and_the_rest_stays_on_account(debtor: Debtor, told: Any) -> None:
    first = await issue(debtor.tenant, debtor.customer)
    second = await issue(debtor.tenant, debtor.customer)

    part = await book(debtor, 1500)
    over = await book(debtor, 1000)

    assert await open_cents(first, second) == [0, 0]
    assert [await left(part), await left(over)] == [0, 80]
    assert await told() == ["PaymentBooked", "InvoicePaid", "PaymentBooked", "InvoicePaid"]
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT payment, left_cents FROM billing_on_account WHERE customer = $1", debtor.customer)
    assert [(row["payment"], row["left_cents"]) for row in rows] == [(over, 80)]


async def test_what_the_debtor_indicates_is_settled_and_nothing_else(debtor: Debtor) -> None:
    first = await issue(debtor.tenant, debtor.customer)
    second = await issue(debtor.tenant, debtor.customer)

    payment = await book(debtor, 2000, (second,))

    assert await open_cents(first, second) == [1210, 0]
    assert await left(payment) == 790


async def test_the_same_payment_is_booked_once_also_when_many_bring_it_at_the_same_time(debtor: Debtor, told: Any) -> None:
    invoice = await issue(debtor.tenant, debtor.customer)

    found = await asyncio.gather(*(book(debtor, 700, (invoice,), "bank 7") for _ in range(8)))

    assert len(set(found)) == 1
    assert await open_cents(invoice) == [510]
    assert await told() == ["PaymentBooked"]


async def test_many_payments_at_once_never_settle_more_than_is_open(debtor: Debtor) -> None:
    first = await issue(debtor.tenant, debtor.customer)
    second = await issue(debtor.tenant, debtor.customer)

    made = await asyncio.gather(*(book(debtor, 700, order) for order in [(first, second), (second, first), None] * 4))

    assert await open_cents(first, second) == [0, 0]
    assert sum([await left(payment) for payment in made]) == 12 * 700 - 2 * 1210


async def test_money_on_account_is_divided_once_however_many_try(debtor: Debtor) -> None:
    invoices = [await issue(debtor.tenant, debtor.customer) for _ in range(4)]
    payment = await book(debtor, 1210, ())

    async def use(invoice: UUID) -> bool:
        try:
            async with db.unit_of_work(STAFF_DOOR):
                await payments.allocate(FINANCE, payment, [Share(invoice, 1210)])
        except MoreThanLeft:
            return False
        return True

    assert sorted(await asyncio.gather(*map(use, invoices))) == [False, False, False, True]
    assert (await left(payment), sorted(await open_cents(*invoices))) == (0, [0, 1210, 1210, 1210])


async def test_what_was_settled_wrongly_is_released_and_used_elsewhere(debtor: Debtor, told: Any) -> None:
    wrong = await issue(debtor.tenant, debtor.customer)
    right = await issue(debtor.tenant, debtor.customer)
    payment = await book(debtor, 1210, (wrong,))

    async with db.unit_of_work(STAFF_DOOR):
        assert (await payments.release(FINANCE, payment, wrong))[1] == 1210
        await payments.allocate(FINANCE, payment, [Share(right, 1210)])

    assert await open_cents(wrong, right) == [1210, 0]
    assert await told() == ["PaymentBooked", "InvoicePaid", "InvoiceReopened", "InvoicePaid"]
    with pytest.raises(MoreThanLeft):
        async with db.unit_of_work(STAFF_DOOR):
            await payments.release(FINANCE, payment, wrong)


async def test_a_charged_back_payment_leaves_the_invoice_open_again_once(debtor: Debtor, told: Any) -> None:
    invoice = await issue(debtor.tenant, debtor.customer)
    payment = await book(debtor, 1300, (invoice,))
    back = Back(payment=payment, source=Source.GATEWAY, source_key="chb_1", on=clock.today())

    async def charge_back() -> UUID:
        async with db.unit_of_work(STAFF_DOOR):
            return await payments.charge_back(FINANCE, back)

    made = await asyncio.gather(*(charge_back() for _ in range(5)))

    assert len(set(made)) == 1
    assert (await open_cents(invoice), await left(payment)) == ([1210], 0)
    assert await told() == ["PaymentBooked", "InvoicePaid", "InvoiceReopened", "PaymentBooked"]
    with pytest.raises(MoreThanLeft):
        async with db.unit_of_work(STAFF_DOOR):
            await payments.charge_back(FINANCE, Back(payment=payment, source=Source.GATEWAY, source_key="chb_2", on=clock.today()))


async def test_only_what_is_on_account_is_refunded(debtor: Debtor) -> None:
    invoice = await issue(debtor.tenant, debtor.customer)
    payment = await book(debtor, 1300, (invoice,))

    with pytest.raises(MoreThanLeft):
        async with db.unit_of_work(STAFF_DOOR):
            await payments.refund(FINANCE, Back(payment=payment, source=Source.MANUAL, source_key="r1", on=clock.today(), amount_cents=91))
    async with db.unit_of_work(STAFF_DOOR):
        await payments.refund(FINANCE, Back(payment=payment, source=Source.MANUAL, source_key="r1", on=clock.today()))

    assert (await open_cents(invoice), await left(payment)) == ([0], 0)


async def test_a_credit_note_settles_what_it_refers_to_and_then_the_oldest(debtor: Debtor) -> None:
    older = await issue(debtor.tenant, debtor.customer)
    billed = await issue(debtor.tenant, debtor.customer)
    await book(debtor, 1000, (billed,))
    credit = await issue(debtor.tenant, debtor.customer, kind=Kind.CREDIT_NOTE, refers_to=billed, reason="Dubbel")

    async with db.unit_of_work(STAFF_DOOR):
        assert await payments.apply_credit(FINANCE, credit) == 1210

    assert await open_cents(billed, older, credit) == [0, 210, 0]


async def test_an_invoice_below_zero_settles_others_and_no_more_than_it_gives(debtor: Debtor) -> None:
    invoice = await issue(debtor.tenant, debtor.customer, [line(10000)])
    favour = await issue(debtor.tenant, debtor.customer, [line(-1000)])

    with pytest.raises(MoreThanLeft):
        async with db.unit_of_work(STAFF_DOOR):
            await payments.apply_credit(FINANCE, favour, [Share(invoice, 1211)])
    async with db.unit_of_work(STAFF_DOOR):
        await payments.apply_credit(FINANCE, favour, [Share(invoice, 1210)])

    assert await open_cents(invoice, favour) == [12100 - 1210, 0]


async def test_a_credit_note_is_used_once_however_many_try(debtor: Debtor) -> None:
    invoices = [await issue(debtor.tenant, debtor.customer) for _ in range(3)]
    credit = await issue(debtor.tenant, debtor.customer, kind=Kind.CREDIT_NOTE, refers_to=invoices[0], reason="Dubbel")

    async def use(invoice: UUID) -> bool:
        try:
            async with db.unit_of_work(STAFF_DOOR):
                await payments.apply_credit(FINANCE, credit, [Share(invoice, 1210)])
        except MoreThanLeft:
            return False
        return True

    assert sorted(await asyncio.gather(*map(use, invoices))) == [False, False, True]
    assert await open_cents(credit) == [0]


async def test_money_of_one_debtor_never_settles_anothers(world: World, debtor: Debtor) -> None:
    own = await issue(debtor.tenant, debtor.customer)
    private = await issue(world.noord.id, world.noord.customers["private"])
    zuid = await issue(world.zuid.id, world.zuid.customers["bakery"])
    wholesale = await issue(world.zuid.id, None, layer=Layer.PARTNER)
    payment = await book(debtor, 500, ())

    for other in (private, zuid, wholesale):
        with pytest.raises(NotADebtorsPayment):
            await book(debtor, 500, (own, other))
        with pytest.raises(NotADebtorsPayment):
            async with db.unit_of_work(STAFF_DOOR):
                await payments.allocate(FINANCE, payment, [Share(other, 100)])
    with pytest.raises(NotFound):
        await book(debtor, 500, (uuid4(),))
    await book(debtor, 10_000)

    assert await open_cents(own, private, zuid, wholesale) == [0, 1210, 1210, 1210]


async def test_a_credit_note_is_no_claim(debtor: Debtor) -> None:
    invoice = await issue(debtor.tenant, debtor.customer)
    credit = await issue(debtor.tenant, debtor.customer, kind=Kind.CREDIT_NOTE, refers_to=invoice, reason="Dubbel")

    payment = await book(debtor, 5000, (credit,))

    assert (await left(payment), await open_cents(credit)) == (5000, [1210])
    with pytest.raises(MoreThanOpen):
        async with db.unit_of_work(STAFF_DOOR):
            await payments.allocate(FINANCE, payment, [Share(credit, 10)])


async def test_a_partner_cannot_book_at_its_own_door(world: World, debtor: Debtor) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.unit_of_work(world.noord.principal()):
            await payments.book(FINANCE, receipt(debtor, 100, ()))
