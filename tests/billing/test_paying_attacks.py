"""Paying online while everything else happens to the same invoice, and a gateway that takes back more than there was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing.policy.late import Uncollectable
from billing.policy.money_in import Source
from billing.service import credit_notes, paying, payments, refunds, write_offs
from billing.service.credit_notes import Wanted
from billing.service.gateways import sandbox
from billing.service.gateways.port import BackKind, BackState, GoneBack, Remote
from billing.service.paying import GatewayDisagrees
from billing.service.payments import Receipt
from billing.service.write_offs import WriteOffWanted
from partner_portal import invariants
from partner_portal.infra import clock, db, outbox
from tests.billing.test_paying import begin, invoice, link_of, press, standing, wire  # noqa: F401  # fixtures
from tests.world import FINANCE, STAFF_DOOR, World

pytestmark = pytest.mark.usefixtures("wire")


async def on_account() -> int:
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []
        (row,) = await db.fetch("SELECT coalesce(sum(left_cents), 0)::bigint AS cents FROM billing_on_account")
    cents: int = row["cents"]
    return cents


async def by_transfer(of: UUID) -> None:
    row = await db.fetch_one("SELECT tenant, customer, issuer FROM billing_invoice WHERE id = $1", of)
    assert row
    debtor = payments.Debtor(row["tenant"], row["customer"], row["issuer"])
    await payments.book(
        FINANCE,
        Receipt(debtor=debtor, source=Source.MANUAL, source_key="k", amount_cents=12100, received_on=clock.today(), invoices=(of,)),
    )


async def credited(of: UUID) -> None:
    await credit_notes.give_back(FINANCE, of, Wanted(reason="Storing"))


async def given_up(of: UUID) -> None:
    await write_offs.write_off(FINANCE, of, WriteOffWanted(reason=Uncollectable.BANKRUPT, note="failliet"))


@pytest.mark.parametrize(("meanwhile", "left"), [(by_transfer, 12100), (credited, 12100), (given_up, 0)])
async def test_what_was_settled_while_the_payer_was_at_the_gateway_takes_the_money_all_the_same(
    world: World,
    stranger: httpx.AsyncClient,
    invoice: UUID,  # noqa: F811
    meanwhile: Callable[[UUID], Any],
    left: int,
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    async with db.unit_of_work(STAFF_DOOR):
        await meanwhile(invoice)
    await outbox.drain()

    await press(stranger, page, "paid")

    assert (await standing(invoice))[0] == 0
    assert await on_account() == left, "what was written off is paid after all; everything else stays the debtor's"


async def test_news_the_payer_and_the_daily_look_at_the_same_moment_book_once(
    world: World,
    stranger: httpx.AsyncClient,
    invoice: UUID,  # noqa: F811
) -> None:
    link = await link_of(world, invoice)
    page = await begin(stranger, link)
    await stranger.post(page, data={"state": "paid"})
    clock.move_to(clock.today() + timedelta(days=1))
    number = page.rsplit("/", 1)[1]

    await asyncio.gather(
        *(stranger.post("/gateway/news", data={"id": number}) for _ in range(4)),
        *(stranger.get(f"{link}?back=1") for _ in range(2)),
        *(stranger.post(link) for _ in range(2)),
        paying.poll(),
        return_exceptions=False,
    )
    await asyncio.gather(outbox.drain(), outbox.drain(), outbox.drain())
    await outbox.drain()

    assert await standing(invoice) == (0, 12100)
    assert await on_account() == 0


async def test_two_payers_with_two_links_pay_once_what_is_owed_and_the_other_money_stays_on_account(
    world: World,
    stranger: httpx.AsyncClient,
    invoice: UUID,  # noqa: F811
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_intent SET state = 'expired'")  # as where somebody else began before, on another device
    other = await begin(stranger, await link_of(world, invoice))

    await asyncio.gather(stranger.post(page, data={"state": "paid"}), stranger.post(other, data={"state": "paid"}))
    await asyncio.gather(outbox.drain(), outbox.drain())
    await outbox.drain()

    assert page != other
    assert await standing(invoice) == (0, 24200)
    assert await on_account() == 12100


def told(monkeypatch: pytest.MonkeyPatch, *backs: GoneBack) -> None:
    true = sandbox._remote

    def with_backs(row: Any) -> Remote:
        seen = true(row)
        return Remote(**{name: getattr(seen, name) for name in Remote.__struct_fields__} | {"backs": (*seen.backs, *backs)})

    monkeypatch.setattr(sandbox, "_remote", with_backs)


async def test_a_chargeback_after_a_refund_is_left_to_a_person_and_the_refund_is_heard(
    world: World,
    stranger: httpx.AsyncClient,
    invoice: UUID,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    await press(stranger, page, "paid")
    async with db.unit_of_work(STAFF_DOOR):
        (money,) = await db.fetch("SELECT id FROM billing_payment")
        (intent,) = await db.fetch("SELECT id FROM billing_intent")
        await payments.release(FINANCE, money["id"], invoice)
        await refunds.order(FINANCE, money["id"])
    await outbox.drain()
    told(monkeypatch, GoneBack(id="chb_1", kind=BackKind.CHARGEBACK, cents=12100, on=clock.today()))

    with pytest.raises(GatewayDisagrees):  # the refund may fail yet
        async with db.unit_of_work(STAFF_DOOR):
            await paying.look_again(world.noord.id, intent["id"])
    await sandbox.end_refunds(page.rsplit("/", 1)[1], BackState.DONE)
    async with db.unit_of_work(STAFF_DOOR):
        await paying.look_again(world.noord.id, intent["id"])
        assert [row["state"] for row in await db.fetch("SELECT state FROM billing_refund")] == ["done"]

    assert await standing(invoice) == (12100, 0)
    assert await on_account() == 0


async def test_what_comes_back_in_part_opens_that_part(
    world: World,
    stranger: httpx.AsyncClient,
    invoice: UUID,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    await press(stranger, page, "paid")
    told(monkeypatch, GoneBack(id="chb_1", kind=BackKind.CHARGEBACK, cents=2100, on=clock.today()))

    for _ in range(2):
        await stranger.post("/gateway/news", data={"id": page.rsplit("/", 1)[1]})
        await outbox.drain()

    assert await standing(invoice) == (2100, 10000)
