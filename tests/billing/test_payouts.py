"""What the gateway paid out is booked payout by payout, in euros alone, and nothing is open in the database while it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from billing.service import pay_links, paying, payouts, what_waits
from billing.service.payouts import Odd
from partner_portal.infra import db, outbox, remote, settings
from partner_portal.infra.db import DB
from partner_portal.infra.settings import GatewayName
from tests.billing import mollie
from tests.billing.money import issue, line
from tests.billing.test_statements import rows
from tests.world import FINANCE, STAFF_DOOR, World

AT = "2026-11-22T06:00:00+00:00"


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World) -> AsyncIterator[mollie.Mollie]:  # its database
    async with mollie.serving() as server:
        with settings.use(
            gateway=GatewayName.MOLLIE, mollie_api_key=mollie.KEY, mollie_api_url=server.url, mollie_access_token=mollie.TOKEN
        ):
            yield server


async def shown() -> list[payouts.Shown]:
    async with db.unit_of_work(STAFF_DOOR):
        return await payouts.listed()


async def waiting() -> int:
    async with db.unit_of_work(STAFF_DOOR):
        return next((one.count for one in await what_waits.waiting() if one.work == what_waits.Work.PAYOUTS), 0)


async def test_money_that_is_no_euros_is_not_booked_as_euros_and_waits_for_finance(there: mollie.Mollie) -> None:
    there.settle("stl_1", "REF1", AT, payments={"tr_1": "121.00", "tr_2": "60.50"}, fee="0.29")
    there.parts["stl_1", "payments"][1]["amount"]["currency"] = "USD"

    assert await payouts.fetch() == 1

    (one,) = await shown()
    assert [(part["gateway_id"], part["amount_cents"]) for part in one.parts] == [("tr_1", 12100)]
    assert (one.row["gross_cents"], one.row["foreign_money"]) == (12100, "tr_2 60.50 USD")
    assert Odd.CURRENCY in one.odd
    assert await waiting() == 1
    async with db.unit_of_work(STAFF_DOOR):
        await payouts.look_at(FINANCE, one.row["id"], "Van een ander profiel; bij de betaaldienst nagevraagd")
    assert await waiting() == 0
    assert await payouts.fetch() == 0, "what was looked at stays so"


async def test_a_payout_that_cannot_be_read_leaves_the_others_booked_is_seen_and_is_read_later(there: mollie.Mollie) -> None:
    for nth in (1, 2, 3):
        there.settle(f"stl_{nth}", f"REF{nth}", AT, payments={f"tr_{nth}": "10.00"})
    there.broken.add("stl_2")

    assert await payouts.fetch() == 2
    assert await payouts.fetch() == 0

    found = {one.row["gateway_id"]: one for one in await shown()}
    assert (found["stl_2"].odd, len(found["stl_2"].parts)) == ((Odd.UNREAD,), 0)
    assert "503" in found["stl_2"].row["unread"]
    assert [found[one].row["paid_cents"] for one in ("stl_1", "stl_3")] == [1000, 1000]
    async with db.unit_of_work(STAFF_DOOR):
        await payouts.look_at(FINANCE, found["stl_2"].row["id"], "Storing bij de betaaldienst")

    there.broken.clear()
    assert await payouts.fetch() == 1
    assert await payouts.fetch() == 0
    found = {one.row["gateway_id"]: one for one in await shown()}
    assert (found["stl_2"].row["unread"], found["stl_2"].row["reference"], len(found["stl_2"].parts)) == (None, "REF2", 1)
    assert found["stl_2"].waits, "what was said when it could not be read says nothing of what is in it"


async def test_a_payout_that_the_books_refuse_leaves_the_others_booked_and_is_seen(there: mollie.Mollie) -> None:
    for nth in (1, 2, 3):
        there.settle(f"stl_{nth}", f"REF{nth}", AT, payments={f"tr_{nth}": "10.00"})
    owner = await asyncpg.connect(settings.current().database_url)
    await owner.execute("ALTER TABLE billing_payout_part ADD CONSTRAINT for_this_test CHECK (gateway_id <> 'tr_2')")
    try:
        assert await payouts.fetch() == 2
    finally:
        await owner.execute("ALTER TABLE billing_payout_part DROP CONSTRAINT for_this_test")
        await owner.close()

    odd = {one.row["gateway_id"]: one for one in await shown()}
    assert odd["stl_2"].odd == (Odd.UNREAD,)
    assert "CheckViolation" in odd["stl_2"].row["unread"]
    assert await payouts.fetch() == 1


async def test_nothing_is_open_in_the_database_while_the_gateway_is_asked(there: mollie.Mollie, monkeypatch: pytest.MonkeyPatch) -> None:
    there.settle("stl_1", "REF1", AT, payments={"tr_1": "10.00"})
    asked, open_then = remote.ask, []

    async def asks(*args: object, **named: object) -> object:
        open_then.append(DB.current_transaction.get())
        return await asked(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(remote, "ask", asks)
    await payouts.fetch()

    assert open_then == [None] * len(open_then)
    assert len(open_then) >= 5  # the list, the payout, and its parts of three kinds


async def test_fetched_twice_at_once_it_is_booked_once(there: mollie.Mollie) -> None:
    there.settle("stl_1", "REF1", AT, payments={"tr_1": "10.00"})

    assert sum(await asyncio.gather(payouts.fetch(), payouts.fetch())) == 1

    assert [(row["paid_cents"]) for row in await rows("SELECT paid_cents FROM billing_payout")] == [1000]
    assert len(await rows("SELECT 1 FROM billing_payout_part")) == 1


async def _paid(world: World, there: mollie.Mollie) -> tuple[UUID, str]:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    async with db.unit_of_work(world.noord.principal()):
        await paying.want(await pay_links.make(world.noord.actor, [invoice]))
    await outbox.drain()
    intent = (await rows("SELECT id, gateway_id FROM billing_intent"))[0]
    there.paid(intent["gateway_id"])
    return invoice, intent["gateway_id"]


@pytest.mark.parametrize("what", ["payment", "refund", "chargeback"])
async def test_news_of_another_currency_book_nothing_and_wait_for_somebody_at_once(world: World, there: mollie.Mollie, what: str) -> None:
    invoice, number = await _paid(world, there)
    if what == "payment":
        there.payments[number]["amount"] = {"currency": "USD", "value": "121.00"}
    else:
        back = {"id": "back_1", "amount": {"currency": "USD", "value": "121.00"}, "createdAt": AT, "status": "refunded"}
        {"refund": there.refunds, "chargeback": there.chargebacks}[what][number] = [back]

    await paying.called(number)
    await outbox.drain()

    assert await rows("SELECT 1 FROM billing_payment") == []
    assert [row["open_cents"] for row in await rows("SELECT open_cents FROM billing_standing")] == [12100]
    async with db.unit_of_work(STAFF_DOOR):
        (left,) = await outbox.dead()
    assert "foreign-money" in left["last_error"]
    assert "121.00 USD" in left["last_error"]
    there.payments[number]["amount"]["currency"] = "EUR"
    there.refunds.clear()
    there.chargebacks.clear()
    async with db.unit_of_work(STAFF_DOOR):
        assert await outbox.run_again(left["id"])
    await outbox.drain()
    assert [row["open_cents"] for row in await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice)] == [0]
