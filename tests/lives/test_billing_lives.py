"""Random lives of customers over three years: orders, new prices, pauses, ends, payments, money taken back, and runs that come late.

What was invoiced is what each single day costs, what is open is what was not paid, and no rule of the books is ever broken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec
import pytest

from billing.policy.money_in import Source
from billing.service import pauses, payments, prices, runs, services
from billing.service.pauses import PauseWanted
from billing.service.payments import Back, Debtor, Receipt
from billing.service.prices import PriceChangeWanted
from partner_portal import invariants, invariants_billing
from partner_portal.infra import clock, db
from tenants.policy import Segment
from tests.world import FINANCE, STAFF_DOOR, Partner, World, make_customer, make_service

BEGIN, END = date(2026, 12, 1), date(2029, 12, 1)


class Life(msgspec.Struct):
    """A service as somebody else would remember it: from when to when it costs how much a month for all its units, in each layer."""

    id: UUID
    starts_on: date
    months: int
    in_advance: bool
    quantity: int
    prices: list[tuple[date, int, int | None]]
    ends_on: date | None = None
    pauses: list[tuple[date, date]] = []

    def is_paused(self, day: date) -> bool:
        """Whether the day costs nothing."""
        return any(first <= day < again for first, again in self.pauses)


def days_of(life: Life, until: date) -> Iterator[date]:
    """The days up to `until` that cost something."""
    for after in range((until - life.starts_on).days):
        day = life.starts_on + timedelta(days=after)
        if not life.is_paused(day):
            yield day


def month_length(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def period_of(life: Life, day: date) -> int:
    """Which billing period holds a day, counted from the first that begins on the first of a month; the broken one before is -1."""
    first = life.starts_on if life.starts_on.day == 1 else (life.starts_on.replace(day=28) + timedelta(days=4)).replace(day=1)
    return -1 if day < first else ((day.year - first.year) * 12 + day.month - first.month) // life.months


def owed(life: Life, until: date, layer: str) -> int:
    """Day by day: each costs its part of its calendar month at the price of that day; rounded once per period, price, and side of a pause."""
    sums: dict[tuple[int, int, int], Fraction] = {}
    for day in days_of(life, until):
        _, fee, wholesale = [step for step in life.prices if step[0] <= day][-1]
        price = fee if layer == "customer" else wholesale
        if price is None:
            return 0
        price_nth = max(place for place, step in enumerate(life.prices) if step[0] <= day)
        key = period_of(life, day), price_nth, sum(again <= day for _, again in life.pauses)
        sums[key] = sums.get(key, Fraction(0)) + Fraction(price * life.quantity, month_length(day))
    return sum((2 * exact.numerator + exact.denominator) // (2 * exact.denominator) for exact in sums.values())


class Play:
    """One partner with its customers, and what happens to them."""

    def __init__(self, partner: Partner, chance: random.Random, wholesale: int | None) -> None:
        self.partner, self.chance, self.wholesale = partner, chance, wholesale
        self.customers: list[UUID] = []
        self.lives: list[Life] = []
        self.paid: dict[UUID, int] = {}
        """What came in and was not taken back, by payment."""

    async def begin(self) -> None:
        async with db.unit_of_work(self.partner.principal()):
            for nth, segment in enumerate((Segment.CONSUMER, Segment.OTHER_BIZ)):
                self.customers.append(
                    await make_customer(self.partner, f"Leven {nth}", email=f"leven{nth}@klant.example.com", segment=segment)
                )

    async def go_on(self, today: date) -> None:
        for life in self.lives:
            if life.ends_on is not None and life.ends_on < today:
                async with db.unit_of_work(self.partner.principal()):
                    await services.end(life.id)
        what = self.chance.random()
        if what < 0.25 or not self.lives:
            await self.order(today)
        elif what < 0.5:
            await self.change_price(today)
        elif what < 0.6:
            await self.end(today)
        elif what < 0.75:
            await self.pause(today)
        elif what < 0.95:
            await self.pay(today)
        else:
            await self.take_money_back(today)

    def running(self, today: date) -> list[Life]:
        """The services whose last day is not over."""
        return [life for life in self.lives if life.ends_on is None or life.ends_on >= today]

    async def order(self, today: date) -> None:
        starts_on = today + timedelta(days=self.chance.randint(0, 20))
        fee, months, quantity = self.chance.randint(1, 20_000), self.chance.choice([1, 1, 3, 12]), self.chance.choice([1, 1, 3])
        in_advance = self.chance.random() < 0.7
        async with db.unit_of_work(self.partner.principal()):
            made = await make_service(
                self.partner, self.chance.choice(self.customers), fee_cents=fee, wholesale_cents=self.wholesale, starts_on=starts_on,
                paid_until=starts_on, billing_months=months, quantity=quantity, cycle_day=1, in_advance=in_advance,
            )  # fmt: skip
        self.lives.append(Life(made, starts_on, months, in_advance, quantity, [(starts_on, fee, self.wholesale)]))

    async def change_price(self, today: date) -> None:
        if not (lives := self.running(today)):
            return
        life = self.chance.choice(lives)
        since = max(await paid_until(life), today, life.prices[-1][0], life.starts_on) + timedelta(days=self.chance.randint(1, 45))
        fee = self.chance.randint(1, 20_000)
        wholesale = None if self.wholesale is None else self.chance.randint(1, 9000)
        async with db.unit_of_work(STAFF_DOOR):
            await prices.change(
                FINANCE, life.id, PriceChangeWanted(since=since, fee_cents=fee, wholesale_cents=wholesale, reason="Nieuw tarief")
            )
        life.prices.append((since, fee, wholesale))

    async def end(self, today: date) -> None:
        running = [life for life in self.lives if life.ends_on is None]
        if not running:
            return
        life = self.chance.choice(running)
        life.ends_on = max(await paid_until(life), today, life.starts_on) + timedelta(days=self.chance.randint(0, 70))
        async with db.unit_of_work(self.partner.principal()):
            await services.plan_end(life.id, ends_on=life.ends_on, billing_ends_on=life.ends_on)

    async def pause(self, today: date) -> None:
        if not (lives := self.running(today)):
            return
        life = self.chance.choice(lives)
        first = max(await paid_until(life), today, life.starts_on, *(again for _, again in life.pauses)) + timedelta(
            days=self.chance.randint(0, 40)
        )
        again = first + timedelta(days=self.chance.choice([1, 10, 31, 75]))
        if life.ends_on is not None and again > life.ends_on + timedelta(days=1):
            return
        async with db.unit_of_work(STAFF_DOOR):
            await pauses.pause(FINANCE, life.id, PauseWanted(pauses_from=first, resumes_on=again, reason="Verbouwing"))
        life.pauses.append((first, again))

    async def pay(self, today: date) -> None:
        """One of the customers pays: what is open, a part of it, too much, or without saying for what."""
        customer = self.chance.choice(self.customers)
        async with db.unit_of_work(STAFF_DOOR):
            owing = await db.fetch(
                "SELECT i.id, i.issuer, s.open_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id"
                " WHERE i.customer = $1 AND s.open_cents > 0 ORDER BY i.number",
                customer,
            )
            if not owing:
                return
            bill = self.chance.choice(owing)
            cents = self.chance.choice(
                [bill["open_cents"], max(bill["open_cents"] // 3, 1), bill["open_cents"] + self.chance.randint(1, 5000)]
            )
            payment = await payments.book(
                FINANCE,
                Receipt(
                    debtor=Debtor(self.partner.id, customer, bill["issuer"]),
                    source=Source.MANUAL,
                    source_key=f"{self.partner.id}:{len(self.paid)}",
                    amount_cents=cents,
                    received_on=today,
                    invoices=self.chance.choice([(bill["id"],), None]),
                ),
            )
        self.paid[payment] = cents

    async def take_money_back(self, today: date) -> None:
        """A bank takes a payment back, whatever it settled by now."""
        kept = [payment for payment, cents in self.paid.items() if cents]
        if kept:
            payment = self.chance.choice(kept)
            async with db.unit_of_work(STAFF_DOOR):
                await payments.charge_back(FINANCE, Back(payment=payment, source=Source.MANUAL, source_key=f"back:{payment}", on=today))
            self.paid[payment] = 0


async def paid_until(life: Life) -> date:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT paid_until FROM billing_service WHERE id = $1", life.id)
    assert row
    reached: date = row["paid_until"]
    return reached


async def live(world: World, seed: int) -> None:
    chance = random.Random(seed)
    plays = [Play(world.noord, chance, None), Play(world.zuid, chance, 4000)]
    for play in plays:
        await play.begin()
    today = BEGIN
    while today < END:
        clock.move_to(today)
        for play in plays:
            await play.go_on(today)
        await runs.bill(today)
        assert await broken() == [], today
        today += timedelta(days=chance.choice([1, 3, 7, 14, 31, 45]))
    async with db.unit_of_work(STAFF_DOOR):
        assert await db.fetch("SELECT reason FROM billing_parked WHERE settled_at IS NULL") == []
    assert await broken() == []
    for play in plays:
        for life in play.lives:
            await whole(life)
        await settled(play)
    await documents()


async def broken() -> list[invariants.Breach]:
    async with db.unit_of_work(STAFF_DOOR):
        return await invariants.breaches_of(invariants_billing.RULES)


async def whole(life: Life) -> None:
    """All days are billed once up to the day reached, none after the end, for what they cost."""
    reached = await paid_until(life)
    for layer in ("customer", "partner"):
        async with db.unit_of_work(STAFF_DOOR):
            found = await db.fetch(
                "SELECT period_from, period_until, amount_cents FROM billing_line WHERE service = $1 AND layer = $2 ORDER BY period_from",
                *(life.id, layer),
            )
        if layer == "partner" and life.prices[0][2] is None:
            assert found == []
            continue
        billed = [
            row["period_from"] + timedelta(days=after) for row in found for after in range((row["period_until"] - row["period_from"]).days)
        ]
        assert billed == list(days_of(life, reached)), life
        assert life.ends_on is None or reached <= life.ends_on + timedelta(days=1), life
        assert sum(row["amount_cents"] for row in found) == owed(life, reached, layer), life


async def settled(play: Play) -> None:
    """What is open of all documents is what they came to less what came in; what was paid too much is on account."""
    async with db.unit_of_work(STAFF_DOOR):
        for customer in play.customers:
            row = await db.fetch_one(
                "SELECT (SELECT coalesce(sum(i.gross_cents - s.open_cents), 0)::bigint FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id"
                " WHERE i.customer = $1) AS settled, (SELECT coalesce(sum(amount_cents), 0)::bigint FROM billing_payment WHERE customer = $1) AS came_in,"
                " (SELECT coalesce(sum(left_cents), 0)::bigint FROM billing_on_account WHERE customer = $1) AS left_cents,"
                " array(SELECT id FROM billing_payment WHERE customer = $1) AS payments",
                customer,
            )
            assert row
            assert row["came_in"] == sum(cents for payment, cents in play.paid.items() if payment in row["payments"])
            assert row["settled"] == row["came_in"] - row["left_cents"]


async def documents() -> None:
    """Every document is the sum of its lines, and what a consumer pays is what its lines say."""
    async with db.unit_of_work(STAFF_DOOR):
        wrong: list[Any] = await db.fetch(
            "SELECT i.number FROM billing_invoice i JOIN (SELECT invoice, sum(net_cents) AS net, sum(amount_cents) AS told FROM billing_line GROUP BY 1) l"
            " ON l.invoice = i.id WHERE l.net <> i.net_cents OR (i.prices_include_vat AND l.told <> i.gross_cents)"
        )
        gaps = await db.fetch("SELECT issuer FROM billing_invoice GROUP BY issuer, series, year HAVING count(*) <> max(sequence)")
    assert (wrong, gaps) == ([], [])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("nth", range(2))
async def test_every_day_is_billed_once_for_what_it_costs(world: World, nth: int) -> None:
    await live(world, seed=random.randrange(10**6) + nth)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(30))
async def test_every_day_of_many_lives_is_billed_once_for_what_it_costs(world: World, seed: int) -> None:
    await live(world, seed)
