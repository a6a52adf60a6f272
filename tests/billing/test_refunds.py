"""Money goes back: by the gateway or the bank, agreed to by two people where it is much, and on account again where it does not arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from billing.policy.settling import MoreThanLeft, Share
from billing.service import account_changes, debits, paying, payments, payouts, refunds, refused_files
from billing.service.gateways import sandbox
from billing.service.payouts import Odd, PayoutLookedAt
from billing.service.refunds import RefundDecided, RefundNeedsSecondPerson
from partner_portal.infra import clock, db, outbox, remote, settings
from partner_portal.infra.settings import GatewayName
from partner_portal.kernel.errors import Invalid, NotFound
from tests.billing import mollie
from tests.billing.bank import PAYER_IBAN, Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_paying import Ourselves, begin, link_of, press, standing
from tests.billing.test_statements import open_cents, rows, take
from tests.world import FINANCE, FINANCE_TOO, STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session")
async def wire(world: World) -> AsyncIterator[Ourselves]:
    ours = Ourselves()
    with remote.through(ours):
        yield ours


class Paid:
    """An invoice that was paid at the built-in gateway, and the money that is to go back."""

    invoice: UUID
    payment: UUID
    page: str

    @property
    def number(self) -> str:
        return self.page.rsplit("/", 1)[1]


@pytest_asyncio.fixture(loop_scope="session")
async def paid(world: World, stranger: httpx.AsyncClient, wire: Ourselves) -> Paid:
    """Paid, and put on account by finance, as after a credit note."""
    made = Paid()
    made.invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    made.page = await begin(stranger, await link_of(world, made.invoice))
    await press(stranger, made.page, "paid")
    made.payment = (await rows("SELECT id FROM billing_payment"))[0]["id"]
    async with db.unit_of_work(STAFF_DOOR):
        await payments.release(FINANCE, made.payment, made.invoice)
    return made


async def order(payment: UUID, **given: Any) -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        made = await refunds.order(FINANCE, payment, **given)
    await outbox.drain()
    return made


async def refund() -> Any:
    return (await rows("SELECT * FROM billing_refund"))[0]


async def left(payment: UUID) -> int:
    async with db.unit_of_work(STAFF_DOOR):
        cents: int = (await payments.one(payment))["left_cents"]
    return cents


async def test_through_the_gateway_it_goes_where_it_came_from(stranger: httpx.AsyncClient, paid: Paid) -> None:
    await order(paid.payment, cents=2100, reason="Te veel betaald")
    assert ((await refund())["state"], (await refund())["way"], await left(paid.payment)) == ("sent", "gateway", 10000)

    assert "Laat de terugbetaling aankomen" in (await stranger.get(paid.page)).text
    await press(stranger, paid.page, "refund-done")

    assert (await refund())["state"] == "done"
    assert (await standing(paid.invoice))[1] == 10000


async def test_one_that_the_gateway_took_on_and_then_failed_is_on_account_again_and_asks_for_attention(
    stranger: httpx.AsyncClient, paid: Paid
) -> None:
    await order(paid.payment, cents=2100)
    await press(stranger, paid.page, "refund-failed")
    await stranger.post("/gateway/news", data={"id": paid.number})
    await outbox.drain()

    found = await refund()
    assert (found["state"], found["undone"] is not None, await left(paid.payment)) == ("failed", True, 12100)
    assert [row["amount_cents"] for row in await rows("SELECT amount_cents FROM billing_payment ORDER BY id")] == [12100, -2100, 2100]
    async with db.unit_of_work(STAFF_DOOR):
        assert (await refunds.listed())[0]["id"] == found["id"]
        await refunds.take_up(FINANCE, found["id"])
        with pytest.raises(RefundDecided):
            await refunds.take_up(FINANCE, found["id"])
        assert len(await refunds.to_give_back()) == 1, "the payment itself, and not the one that says so"

    await order(paid.payment, cents=12100)
    await press(stranger, paid.page, "refund-done")
    assert await left(paid.payment) == 0


async def test_a_gateway_that_says_no_leaves_it_on_account(paid: Paid, stranger: httpx.AsyncClient) -> None:
    await sandbox.charge_back(paid.number)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("DELETE FROM infra_outbox WHERE topic = 'SandboxMoved'")  # nobody has told us yet

    await order(paid.payment, cents=2100)

    assert ((await refund())["state"], (await refund())["failed_because"]) == ("failed", "more than was paid")
    assert await left(paid.payment) == 12100


async def test_a_large_sum_needs_somebody_else_and_is_reserved_meanwhile(paid: Paid) -> None:
    with settings.use(four_eyes_limit_cents=2000):
        await order(paid.payment, cents=2000)
        found = await refund()
        assert (found["state"], await left(paid.payment)) == ("wanted", 10100)
        with pytest.raises(MoreThanLeft):
            await order(paid.payment, cents=10101)
        async with db.unit_of_work(STAFF_DOOR):
            with pytest.raises(RefundNeedsSecondPerson):
                await refunds.agree(FINANCE, found["id"])

        async def once() -> bool:
            try:
                async with db.unit_of_work(STAFF_DOOR):
                    await refunds.agree(FINANCE_TOO, found["id"])
            except RefundDecided:
                return False
            return True

        assert sorted(await asyncio.gather(once(), once(), once())) == [False, False, True]
        await outbox.drain()

    assert (await refund())["state"] == "sent"


async def test_one_that_is_refused_is_on_account_again(paid: Paid) -> None:
    with settings.use(four_eyes_limit_cents=2000):
        await order(paid.payment, cents=2000)
    found = await refund()
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(Invalid):
            await refunds.refuse(FINANCE_TOO, found["id"], ".")
        await refunds.refuse(FINANCE_TOO, found["id"], "Hoort bij een andere factuur")
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(RefundDecided):
            await refunds.agree(FINANCE_TOO, found["id"])

    assert ((await refund())["state"], await left(paid.payment)) == ("refused", 12100)


async def test_another_tenants_refund_is_not_sent(world: World, paid: Paid) -> None:
    made = await order(paid.payment, cents=100)
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(NotFound):
            await refunds.send(world.zuid.id, made)


async def test_a_transfer_that_comes_back_has_failed(paid: Paid, world: World) -> None:
    await order(paid.payment, cents=2100, iban=PAYER_IBAN, holder="De Korst")
    clock.move(account_changes.RESTS_FOR)  # nobody has paid from this account before
    async with db.unit_of_work(STAFF_DOOR):
        await refunds.pay_out(FINANCE, world.house)
    sent = await refund()
    await take(camt([Booking(cents=-2100, end_to_end=sent["end_to_end"])]))
    assert (await refund())["state"] == "done"

    await take(camt([Booking(cents=2100, end_to_end=sent["end_to_end"], reason="AC04", reversal=True)], number="S2"))

    assert ((await refund())["state"], (await refund())["failed_because"], await left(paid.payment)) == ("failed", "AC04", 12100)
    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry ORDER BY id")] == ["settled", "booked"]


async def test_a_transfer_that_came_back_before_it_was_seen_leaving_has_failed_and_left(paid: Paid, world: World) -> None:
    await order(paid.payment, cents=2100, iban=PAYER_IBAN, holder="De Korst")
    clock.move(account_changes.RESTS_FOR)
    async with db.unit_of_work(STAFF_DOOR):
        await refunds.pay_out(FINANCE, world.house)
    sent = await refund()

    await take(camt([Booking(cents=2100, end_to_end=sent["end_to_end"], reason="AC04", reversal=True)], number="S2"))
    await take(camt([Booking(cents=-2100, end_to_end=sent["end_to_end"])], number="S1"))

    assert ((await refund())["state"], await left(paid.payment)) == ("failed", 12100)
    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry ORDER BY id")] == ["booked", "settled"]


async def test_a_transfer_that_the_bank_refused_leaves_with_another_file_or_is_on_account_again(paid: Paid, world: World) -> None:
    await order(paid.payment, cents=2100, iban=PAYER_IBAN, holder="De Korst")
    clock.move(account_changes.RESTS_FOR)
    async with db.unit_of_work(STAFF_DOOR):
        await refused_files.whole(FINANCE, await refunds.pay_out(FINANCE, world.house), "file not signed")
    assert ((await refund())["state"], (await refund())["batch"], await left(paid.payment)) == ("agreed", None, 10000)
    end_to_end = (await refund())["end_to_end"]
    async with db.unit_of_work(STAFF_DOOR):
        await refused_files.some(FINANCE, await refunds.pay_out(FINANCE, world.house), [end_to_end], "AC01")

    assert ((await refund())["state"], (await refund())["failed_because"], await left(paid.payment)) == ("failed", "AC01", 12100)
    await take(camt([Booking(cents=-2100, end_to_end=end_to_end)]))
    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry")] == ["waiting"], "it left all the same"


async def test_a_transfer_without_a_holder_is_in_the_name_of_who_paid_and_in_its_language(paid: Paid, world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE customer SET language = 'en' WHERE id = $1", world.noord.customers["bakery"])
    await order(paid.payment, cents=2100, iban=PAYER_IBAN)
    clock.move(account_changes.RESTS_FOR)
    async with db.unit_of_work(STAFF_DOOR):
        _, xml = await debits.file(await refunds.pay_out(FINANCE, world.house))

    name = (await rows("SELECT name FROM customer WHERE id = $1", world.noord.customers["bakery"]))[0]["name"]
    assert f"<Nm>{name}</Nm>" in xml
    assert "<Ustrd>Refund</Ustrd>" in xml


async def test_a_chargeback_that_the_bank_took_back_settles_the_invoice_again(
    world: World, stranger: httpx.AsyncClient, wire: Ourselves
) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    page = await begin(stranger, await link_of(world, invoice))
    await press(stranger, page, "paid")
    await press(stranger, page, "chargeback")
    assert await open_cents(invoice) == 12100
    intent = (await rows("SELECT id FROM billing_intent"))[0]["id"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_sandbox_payment SET backs = replace(backs::text, '\"done\"', '\"failed\"')::jsonb")
    for _ in range(2):
        async with db.unit_of_work(STAFF_DOOR):
            await paying.look_again(world.noord.id, intent)

    assert await open_cents(invoice) == 0
    assert len(await rows("SELECT 1 FROM billing_payment")) == 3


async def test_what_undoes_a_refund_settles_nothing_by_itself(paid: Paid, stranger: httpx.AsyncClient) -> None:
    await order(paid.payment, cents=2100)
    await press(stranger, paid.page, "refund-failed")
    undone = (await refund())["undone"]

    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(MoreThanLeft):
            await payments.allocate(FINANCE, undone, [Share(paid.invoice, 100)])


async def test_at_mollie_a_refund_that_fails_after_it_was_taken_on_is_heard_of(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    async with mollie.serving() as there:
        with settings.use(
            gateway=GatewayName.MOLLIE, mollie_api_key=mollie.KEY, mollie_api_url=there.url, mollie_access_token=mollie.TOKEN
        ):
            async with db.unit_of_work(world.noord.principal()):
                from billing.service import pay_links  # noqa: PLC0415  # beside its use

                link = await pay_links.make(world.noord.actor, [invoice])
                await paying.want(link)
            await outbox.drain()
            intent = (await rows("SELECT id, gateway_id FROM billing_intent"))[0]
            there.paid(intent["gateway_id"])
            await look(world, intent["id"])
            payment = (await rows("SELECT id FROM billing_payment"))[0]["id"]
            async with db.unit_of_work(STAFF_DOOR):
                await payments.release(FINANCE, payment, invoice)
            await order(payment, cents=2100)
            assert (await refund())["state"] == "sent"
            there.refunds[intent["gateway_id"]][0]["status"] = "failed"
            await look(world, intent["id"])
            await look(world, intent["id"])
            there.settle("stl_1", "1234567.2611.01", "2026-11-22T06:00:00+00:00", payments={intent["gateway_id"]: "121.00"}, fee="0.29")
            assert await payouts.fetch() == 1
            assert await payouts.fetch() == 0

    assert ((await refund())["state"], await left(payment)) == ("failed", 12100)
    async with db.unit_of_work(STAFF_DOOR):
        (shown,) = await payouts.listed()
    assert (shown.row["gross_cents"], shown.row["fee_cents"], shown.row["paid_cents"], shown.odd) == (12100, 29, 12071, ())
    await take(camt([Booking(cents=12071, text="MOLLIE PAYMENTS 1234567.2611.01 settlement", name="Mollie")]))
    async with db.unit_of_work(STAFF_DOOR):
        (shown,) = await payouts.listed()
    assert (shown.row["bank_cents"], shown.odd) == (12071, ())


async def look(world: World, intent: UUID) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await paying.look_again(world.noord.id, intent)


async def test_what_the_built_in_gateway_pays_out_is_found_on_the_statement(paid: Paid, stranger: httpx.AsyncClient) -> None:
    await order(paid.payment, cents=2100)
    clock.move(clock.today().resolution)
    number = await sandbox.close_day()
    await outbox.drain()
    assert (await refund())["state"] == "done"
    assert await payouts.fetch() == 1

    async with db.unit_of_work(STAFF_DOOR):
        (shown,) = await payouts.listed()
    assert number is not None
    assert (shown.row["gross_cents"], shown.row["paid_cents"], len(shown.parts), shown.odd) == (10000, 9971, 2, ())
    await take(camt([Booking(cents=9971, text=f"uitbetaling {shown.row['reference']}", name="Oefenbank")]))

    assert [row["state"] for row in await rows("SELECT state FROM billing_statement_entry")] == ["settled"]
    assert await sandbox.close_day() is None


async def test_what_does_not_add_up_waits_until_somebody_looked(paid: Paid) -> None:
    clock.move(clock.today().resolution)
    await sandbox.close_day()
    owner = await asyncpg.connect(settings.current().database_url)
    await owner.execute("UPDATE billing_sandbox_payout SET paid_cents = 1, parts = replace(parts::text, 'tr_', 'xx_')::jsonb")
    await owner.close()
    await payouts.fetch()
    clock.move(6 * clock.today().resolution)

    async with db.unit_of_work(STAFF_DOOR):
        (shown,) = await payouts.listed()
        assert (shown.odd, shown.waits) == ((Odd.SUM, Odd.UNKNOWN, Odd.UNSEEN), True)
        with pytest.raises(Invalid):
            await payouts.look_at(FINANCE, shown.row["id"], "")
        await payouts.look_at(FINANCE, shown.row["id"], "Bij de betaaldienst nagevraagd")
        assert not (await payouts.listed())[0].waits
        with pytest.raises(PayoutLookedAt):
            await payouts.look_at(FINANCE, shown.row["id"], "nog eens")
