"""Offers follow an index: looked at first, done as it was seen, told ahead, and the past keeps its prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from billing.policy.indexing import indexed, percentage_of
from billing.service import indexations, offers, prices
from billing.service.indexations import IndexationDiffers, OfferIndexation
from billing.service.offers import PriceFrom
from billing.service.prices import Indexation, IndexedOtherwise
from partner_portal.infra import db, outbox
from partner_portal.kernel.errors import Invalid
from tests.billing.offering import on_offer
from tests.world import FINANCE, STAFF_DOOR, World

JANUARY = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("cents", "percentage", "step", "expected"),
    [
        (4500, "3.4", 1, 4653),
        (1250, "3.4", 1, 1293),  # 12.925 goes up
        (1250, "3.4", 5, 1295),
        (1250, "3.4", 10, 1290),
        (1250, "3.4", 50, 1300),
        (1250, "3.4", 100, 1300),
        (1250, "-10", 1, 1125),
        (0, "3.4", 1, 0),
    ],
)
def test_a_price_follows_to_the_step(cents: int, percentage: str, step: int, expected: int) -> None:
    assert indexed(cents, Decimal(percentage), step) == expected


def test_two_figures_of_an_index_are_a_percentage() -> None:
    assert percentage_of(Decimal("131.53"), Decimal("135.40")) == Decimal("2.9423")
    assert percentage_of(Decimal(100), Decimal("96.5")) == Decimal("-3.5")


def by(percentage: str | None = "3.4", **more: Any) -> OfferIndexation:
    return OfferIndexation(**{"since": JANUARY, "reason": "CPI 2026", "percentage": Decimal(percentage) if percentage else None, **more})


async def seen(wanted: OfferIndexation) -> indexations.Seen:
    async with db.unit_of_work(STAFF_DOOR):
        return await indexations.look(wanted)


async def decide(wanted: OfferIndexation, sha256: str) -> indexations.Seen:
    async with db.unit_of_work(STAFF_DOOR):
        return await indexations.decide(FINANCE, wanted, sha256)


async def fee_on(day: date) -> dict[str, int]:
    async with db.unit_of_work(STAFF_DOOR):
        return {offer.code: offer.fee_cents for offer in await offers.sold(day)}


@pytest.mark.usefixtures("world")
async def test_it_is_done_as_it_was_seen_and_the_past_keeps_its_prices() -> None:
    await on_offer()
    looked = await seen(by())
    assert [(one.code, one.before.fee_cents, one.after.fee_cents) for one in looked.changed] == [
        ("bellen", 1250, 1293),
        ("thuis-internet", 3995, 4131),
        ("zakelijk-internet", 4500, 4653),
    ]
    assert await fee_on(JANUARY) == await fee_on(date(2026, 12, 31)), "looking changes nothing"

    await decide(by(), looked.sha256)

    assert await fee_on(JANUARY) == {"bellen": 1293, "thuis-internet": 4131, "zakelijk-internet": 4653}
    assert await fee_on(date(2026, 12, 31)) == {"bellen": 1250, "thuis-internet": 3995, "zakelijk-internet": 4500}
    with pytest.raises(Invalid):  # every offer has its price from that day on
        await decide(by(), (await seen(by())).sha256)


@pytest.mark.usefixtures("world")
async def test_of_one_product_by_an_index_and_rounded() -> None:
    await on_offer()
    wanted = by(None, index_from=Decimal("131.53"), index_to=Decimal("135.40"), product="telephony", round_to_cents=5)

    looked = await seen(wanted)

    assert (looked.percentage, [(one.code, one.after.fee_cents, one.after.wholesale_cents) for one in looked.changed]) == (
        Decimal("2.9423"),
        [("bellen", 1285, 825)],
    )


@pytest.mark.usefixtures("world")
async def test_what_changed_since_it_was_seen_is_seen_again_first() -> None:
    await on_offer()
    looked = await seen(by())
    async with db.unit_of_work(STAFF_DOOR):
        await offers.price("bellen", PriceFrom(since=date(2026, 12, 1), fee_cents=1300))

    with pytest.raises(IndexationDiffers):
        await decide(by(), looked.sha256)

    async with db.unit_of_work(STAFF_DOOR):
        await offers.price("bellen", PriceFrom(since=date(2027, 2, 1), fee_cents=1400))
    assert (await seen(by())).left == ("bellen",)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (by(since=date(2026, 12, 21)), "too-soon"),
        (by("0"), "changes-nothing"),
        (by("101"), "too-much"),
        (by(None), "percentage-or-index"),
        (by("3", index_from=Decimal(1), index_to=Decimal(2)), "percentage-or-index"),
        (by(None, index_from=Decimal(0), index_to=Decimal(2)), "not-an-index"),
        (by(round_to_cents=7), "choose-one"),
    ],
    ids=["too soon", "nothing", "too much", "neither", "both", "no index", "step"],
)
@pytest.mark.usefixtures("world")
async def test_what_cannot_be_is_named(wanted: OfferIndexation, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await seen(wanted)
    assert code in [fault.code for fault in refused.value.fields]


async def test_partners_are_told_at_once_each_of_the_prices_that_are_theirs(world: World, noord: httpx.AsyncClient) -> None:
    await on_offer()
    await decide(by(), (await seen(by())).sha256)
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        mails = await db.fetch("SELECT recipient, text FROM infra_mail WHERE name = 'billing/offers_indexed' ORDER BY recipient")
    assert [row["recipient"] for row in mails] == ["service@nrd.example.com", "service@zud.example.com"]
    assert "EUR 12,50 per maand, vanaf dan EUR 12,93" in mails[0]["text"]
    assert "EUR 8,00 per maand, vanaf dan EUR 8,27" in mails[1]["text"]
    assert "12,50" not in mails[1]["text"], "customers' prices are the partner's own where it bills itself"
    (bellen,) = [offer for offer in (await noord.get("/api/v1/offers")).json() if offer["code"] == "bellen"]
    assert (bellen["monthly_fee"]["amount"], bellen["next_price"]["since"], bellen["next_price"]["monthly_fee"]["amount"]) == (
        "12.50",
        "2027-01-01",
        "12.93",
    )


async def test_of_services_the_sums_are_seen_before_and_what_changed_is_refused(world: World) -> None:
    wanted = Indexation(percentage=Decimal("3.4"), since=JANUARY, reason="CPI 2026", tenant=world.noord.id)
    async with db.unit_of_work(STAFF_DOOR):
        looked = await prices.preview(wanted)
        (sums,) = await db.fetch(
            "SELECT count(*) AS n, sum(quantity * fee_cents) AS cents FROM billing_service WHERE tenant = $1 AND ended_at IS NULL AND paid_until <= $2",
            *(world.noord.id, JANUARY),
        )
    assert (looked.changed, looked.before_cents) == (sums["n"], sums["cents"])

    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(IndexedOtherwise):
            await prices.index(FINANCE, wanted, expected="0" * 64)
        done = await prices.index(FINANCE, wanted, expected=looked.sha256)
        after = await db.fetch_one(
            "SELECT sum(s.quantity * p.fee_cents)::bigint AS cents FROM billing_price_change p JOIN billing_service s ON s.id = p.service"
        )
    assert (done.changed, done.left) == (looked.changed, looked.left)
    assert after
    assert after["cents"] == looked.after_cents
