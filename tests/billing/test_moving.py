"""Money that was booked on the wrong customer stands on the right one's account: moved once, whole or in part, and never across partners."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID, uuid4

import pytest

from billing.policy.money_in import Source
from billing.policy.settling import MoreThanLeft, Share
from billing.service import account_changes, moving, open_items, payments, refunds, setting_off, taking_off
from billing.service.moving import Move, NotAsSeen, NotMovable
from billing.service.payments import Debtor, Receipt
from partner_portal import invariants
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Invalid, NotFound
from tests.billing.bank import PAYER_IBAN, Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_service_payments import left, open_cents
from tests.billing.test_statements import rows, take
from tests.world import FINANCE, STAFF_DOOR, Partner, World

WHY = "Was van de buurman"


async def customer(partner: Partner, who: str) -> tuple[UUID, str]:
    """A customer of the partner with its number."""
    found = partner.customers[who]
    return found, (await rows("SELECT number FROM customer WHERE id = $1", found))[0]["number"]


async def on_account(
    world: World, who: str = "bakery", *, cents: int = 12_100, source: Source = Source.MANUAL, day: date | None = None
) -> UUID:
    """Money that stands on the account of this customer."""
    receipt = Receipt(
        debtor=Debtor(world.noord.id, world.noord.customers[who], world.house),
        source=source,
        source_key=str(uuid4()),
        amount_cents=cents,
        received_on=day or clock.today(),
        invoices=(),
    )
    async with db.unit_of_work(STAFF_DOOR):
        return await payments.book(FINANCE, receipt)


async def move(payment: UUID, to: str, *, seen: int = 12_100, cents: int | None = None) -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        made = await moving.move(FINANCE, payment, Move(to=to, left=seen, reason=WHY), cents=cents)
    await outbox.drain()
    return made


async def balance(world: World, who: str) -> tuple[int, int]:
    """What the customer owes and what it has coming, as its statement of account says."""
    async with db.unit_of_work(world.noord.principal()):
        told = await open_items.statement(world.noord.id, world.noord.customers[who])
    return told.ageing.cents, told.in_favour_cents


async def in_order() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []


async def test_it_leaves_the_one_account_and_stands_on_the_other_as_of_the_day_it_came_in(world: World) -> None:
    other, number = await customer(world.noord, "private")
    invoice = await issue(world.noord.id, other, [line(10_000)])
    day = clock.today() - 3 * clock.today().resolution
    payment = await on_account(world, cents=20_000, day=day)

    made = await move(payment, number, seen=20_000)

    assert (await left(payment), await left(made)) == (0, 20_000)
    assert (await balance(world, "bakery"), await balance(world, "private")) == ((0, 0), (12_100, 20_000))
    gone, came = await rows("SELECT * FROM billing_payment WHERE id <> $1 ORDER BY amount_cents", payment)
    assert (gone["reverses"], gone["amount_cents"], gone["received_on"], gone["method"], gone["note"]) == (
        payment,
        -20_000,
        day,
        "moved",
        WHY,
    )
    assert (came["id"], came["customer"], came["received_on"], came["method"], came["booked_by"]) == (
        made,
        other,
        day,
        "transfer",
        FINANCE.trail,
    )
    assert came["source_key"] == gone["source_key"].replace(":out", ":in")
    posted = await rows(
        "SELECT day, sum(debit_cents - credit_cents)::bigint AS cents FROM billing_posting WHERE account = 'bank' GROUP BY day"
    )
    assert [(row["day"], row["cents"]) for row in posted] == [(day, 20_000)]
    async with db.unit_of_work(STAFF_DOOR):
        assert await setting_off.settle_open(FINANCE, made) == 12_100
        told = await moving.trail(payment), await moving.trail(made)
    assert await open_cents(invoice) == [0]
    assert [(one["id"], one["number"]) for one in told[0].went] == [(made, number)]
    assert told[1].came["id"] == payment
    await in_order()


async def test_what_was_taken_off_an_invoice_is_moved_and_the_invoice_stays_open(world: World) -> None:
    _other, number = await customer(world.noord, "private")
    wrong = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    payment = await on_account(world)
    async with db.unit_of_work(STAFF_DOOR):
        await payments.allocate(FINANCE, payment, [Share(wrong, 12_100)])
    with pytest.raises(NotMovable):  # what is in use is not free
        await move(payment, number, seen=0)
    async with db.unit_of_work(STAFF_DOOR):
        await taking_off.take_off(FINANCE, payment, wrong, taking_off.Why(reason=WHY))

    await move(payment, number)

    assert (await balance(world, "bakery"), await balance(world, "private")) == ((12_100, 0), (0, 12_100))
    await in_order()


async def test_a_part_is_moved_and_moved_on_and_back(world: World) -> None:
    _bakery, home = await customer(world.noord, "bakery")
    _other, number = await customer(world.noord, "private")
    payment = await on_account(world)

    made = await move(payment, number, cents=2_100)
    back = await move(made, home, seen=2_100)

    assert (await left(payment), await left(made), await left(back)) == (10_000, 0, 2_100)
    assert (await balance(world, "bakery"), await balance(world, "private")) == ((0, 12_100), (0, 0))
    await in_order()


@pytest.mark.parametrize("cents", [0, -1, 12_101])
async def test_no_more_is_moved_than_there_is(world: World, cents: int) -> None:
    _other, number = await customer(world.noord, "private")
    payment = await on_account(world)

    with pytest.raises(MoreThanLeft):
        await move(payment, number, cents=cents)

    assert await left(payment) == 12_100


async def test_it_never_goes_to_another_partner_nor_to_where_it_stands(world: World) -> None:
    _bakery, home = await customer(world.noord, "bakery")
    payment = await on_account(world)
    ours = {row["number"] for row in await rows("SELECT number FROM customer WHERE tenant = $1", world.noord.id)}
    theirs = [row["number"] for row in await rows("SELECT number FROM customer WHERE tenant = $1", world.zuid.id)]
    strange = next(number for number in theirs if number not in ours)

    refused = []
    for number in (strange, home, "X-1", "%"):
        with pytest.raises(Invalid) as problem:
            await move(payment, number)
        refused.append(problem.value.fields[0].code)
    with pytest.raises(NotFound):
        await move(UUID(int=7), home)

    assert refused == ["unknown-customer", "is-there-already", "unknown-customer", "unknown-customer"]
    assert await rows("SELECT 1 FROM billing_payment") == await rows("SELECT 1 FROM billing_payment WHERE id = $1", payment)


@pytest.mark.parametrize("source", [Source.GATEWAY, Source.DEBIT, Source.ACCOUNTING])
async def test_what_can_be_taken_back_where_it_came_from_stays_with_who_paid_it(world: World, source: Source) -> None:
    _other, number = await customer(world.noord, "private")
    payment = await on_account(world, source=source)

    with pytest.raises(NotMovable):
        await move(payment, number)


async def test_what_a_partner_paid_itself_is_no_customers(world: World) -> None:
    _other, number = await customer(world.noord, "private")
    receipt = Receipt(
        debtor=Debtor(world.noord.id, None, world.house),
        source=Source.MANUAL,
        source_key="k",
        amount_cents=100,
        received_on=clock.today(),
        invoices=(),
    )
    async with db.unit_of_work(STAFF_DOOR):
        payment = await payments.book(FINANCE, receipt)

    with pytest.raises(NotMovable):
        await move(payment, number, seen=100)


async def test_pressed_twice_at_once_also_of_a_part_it_is_moved_once(world: World) -> None:
    _other, number = await customer(world.noord, "private")
    payment = await on_account(world)

    async def press() -> str:
        try:
            await move(payment, number, cents=2_100)
        except NotAsSeen:
            return "seen"
        return "moved"

    assert sorted(await asyncio.gather(press(), press(), press())) == ["moved", "seen", "seen"]
    assert (await left(payment), await balance(world, "private")) == (10_000, (0, 2_100))


@pytest.mark.parametrize("meanwhile", ["refund", "allocation"])
async def test_what_is_given_back_or_used_at_the_same_moment_is_not_moved_as_well(world: World, meanwhile: str) -> None:
    _other, number = await customer(world.noord, "private")
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1_000)])
    payment = await on_account(world)

    async def other() -> str:
        try:
            async with db.unit_of_work(STAFF_DOOR):
                if meanwhile == "refund":
                    await refunds.order(FINANCE, payment, cents=1_210, iban=PAYER_IBAN, holder="B. Korst", reason="Dubbel")
                else:
                    await payments.allocate(FINANCE, payment, [Share(invoice, 1_210)])
        except MoreThanLeft:
            return "nothing left"
        return "used"

    async def press() -> str:
        try:
            await move(payment, number)
        except NotAsSeen:
            return "not as seen"
        return "moved"

    done = await asyncio.gather(press(), other())

    assert tuple(done) in {("moved", "nothing left"), ("not as seen", "used")}
    assert (await balance(world, "private"))[1] == (12_100 if done[0] == "moved" else 0)
    await in_order()


async def test_who_is_no_longer_who_paid_is_not_known_by_that_account(world: World) -> None:
    bakery, _home = await customer(world.noord, "bakery")
    _other, number = await customer(world.noord, "private")
    invoice = await issue(world.noord.id, bakery, [line(10_000)])
    reference = (await rows("SELECT reference FROM billing_invoice WHERE id = $1", invoice))[0]["reference"]
    await take(camt([Booking(cents=12_100, reference=reference)]))
    (found,) = await rows("SELECT id FROM billing_payment")
    async with db.unit_of_work(STAFF_DOOR):
        assert await db.fetch(account_changes._PAID_FROM, world.noord.id, bakery, world.house, PAYER_IBAN)
        await taking_off.take_off(FINANCE, found["id"], invoice, taking_off.Why(reason=WHY))

    await move(found["id"], number)

    async with db.unit_of_work(STAFF_DOOR):
        assert not await db.fetch(account_changes._PAID_FROM, world.noord.id, bakery, world.house, PAYER_IBAN)
    await take(camt([Booking(cents=5_000, text="zonder kenmerk")]))
    assert len(await rows("SELECT 1 FROM billing_statement_entry WHERE state = 'waiting'")) == 1
    await in_order()
