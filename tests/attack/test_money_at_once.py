"""Everything that can happen to what one debtor owes, done by many at the same moment, some of them cut off: the books add up every time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import count
from uuid import UUID

import pytest

from billing.policy.late import Uncollectable
from billing.policy.money_in import Source
from billing.policy.reminding import Held
from billing.policy.settling import Share
from billing.service import credit_notes, holds, payments, plans, refunds, write_offs
from billing.service.credit_notes import Wanted
from billing.service.payments import Back, Debtor, Receipt
from billing.service.plans import InstalmentWanted
from billing.service.write_offs import WriteOffWanted
from partner_portal import invariants
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Problem
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World

Step = Callable[[], Awaitable[object]]
_keys = count()


class Till:
    """One debtor's documents and money, and what somebody may do to them."""

    def __init__(self, debtor: Debtor, invoices: list[UUID], chance: random.Random) -> None:
        self.debtor, self.invoices, self.chance = debtor, invoices, chance
        self.done: Counter[str] = Counter()

    def steps(self) -> list[tuple[str, Step]]:
        """Each thing once, on a document and a sum by chance."""
        invoice, cents = self.chance.choice(self.invoices), self.chance.choice((1, 605, 1210, 9999))
        wanted = WriteOffWanted(reason=Uncollectable.BANKRUPT, note="failliet")
        return [
            ("pay", lambda: payments.book(FINANCE, self.receipt(cents, (invoice,)))),
            ("pay what is oldest", lambda: payments.book(FINANCE, self.receipt(cents, None))),
            ("on account", lambda: payments.book(FINANCE, self.receipt(cents, ()))),
            ("credit", lambda: credit_notes.give_back(FINANCE, invoice, Wanted(reason="Storing"))),
            ("write off", lambda: write_offs.write_off(FINANCE, invoice, wanted)),
            ("revive", lambda: write_offs.revive(FINANCE, invoice, "vergissing")),
            ("hold", lambda: holds.on_invoice(FINANCE, invoice, Held.DISPUTED)),
            ("plan", lambda: self.plan(self.chance.sample(self.invoices, 2))),
            ("charge back", lambda: self.with_payment(lambda one: payments.charge_back(FINANCE, self.back(one)))),
            ("refund", lambda: self.with_payment(lambda one: refunds.order(FINANCE, one, iban=PAYER_IBAN))),
            ("allocate", lambda: self.with_payment(lambda one: payments.allocate(FINANCE, one, [Share(invoice, cents)]))),
            ("release", lambda: self.with_payment(lambda one: payments.release(FINANCE, one, invoice))),
            ("use a credit note", self.use_credit),
        ]

    def receipt(self, cents: int, invoices: tuple[UUID, ...] | None) -> Receipt:
        return Receipt(
            debtor=self.debtor,
            source=Source.MANUAL,
            source_key=f"at once {next(_keys)}",
            amount_cents=cents,
            received_on=clock.today(),
            invoices=invoices,
        )

    def back(self, payment: UUID) -> Back:
        return Back(payment=payment, source=Source.MANUAL, source_key=f"back {next(_keys)}", on=clock.today())

    async def with_payment(self, do: Callable[[UUID], Awaitable[object]]) -> None:
        found = await db.fetch("SELECT id FROM billing_payment WHERE customer = $1 AND reverses IS NULL ORDER BY id", self.debtor.customer)
        if found:
            await do(self.chance.choice(found)["id"])

    async def use_credit(self) -> None:
        found = await db.fetch("SELECT id FROM billing_invoice WHERE customer = $1 AND kind = 'credit note'", self.debtor.customer)
        if found:
            await payments.apply_credit(FINANCE, self.chance.choice(found)["id"])

    async def plan(self, invoices: list[UUID]) -> None:
        rows = await db.fetch("SELECT open_cents FROM billing_standing WHERE invoice = ANY($1::uuid[])", invoices)
        owed = sum(row["open_cents"] for row in rows)
        await plans.agree(FINANCE, invoices, [InstalmentWanted(clock.today() + timedelta(days=9), max(owed, 1))])

    async def do(self, name: str, step: Step) -> None:
        """The step, in a unit of work of its own; what may not be is refused, and nothing else is raised."""
        try:
            async with db.unit_of_work(STAFF_DOOR):
                await step()
        except Problem:
            self.done[f"no {name}"] += 1
            return
        self.done[name] += 1


async def in_order() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []


async def till(world: World, seed: int) -> Till:
    bakery = world.noord.customers["bakery"]
    made = [await issue(world.noord.id, bakery, [line(cents)]) for cents in (1000, 500, 8000)]
    return Till(Debtor(world.noord.id, bakery, world.house), made, random.Random(seed))


@pytest.mark.parametrize("seed", range(3))
async def test_the_books_add_up_whatever_many_do_at_the_same_moment(world: World, seed: int) -> None:
    money = await till(world, seed)
    for _round in range(4):
        steps = money.steps() + money.steps()
        money.chance.shuffle(steps)
        await asyncio.gather(*(money.do(*one) for one in steps))
        await in_order()
    await outbox.drain()
    await in_order()
    assert len(money.done) > 12, money.done


async def test_the_books_add_up_when_those_who_do_it_are_cut_off(world: World) -> None:
    money = await till(world, 7)
    for _round in range(6):
        running = [asyncio.create_task(money.do(*one)) for one in money.steps()]
        for one in running:
            await asyncio.sleep(money.chance.random() / 50)
            if money.chance.random() < 0.5:
                one.cancel()
        for found in await asyncio.gather(*running, return_exceptions=True):
            assert found is None or isinstance(found, asyncio.CancelledError), found
        await in_order()


async def test_an_invoice_is_in_one_plan_however_many_agree_on_one(world: World) -> None:
    money = await till(world, 1)
    first, second, third = money.invoices

    await asyncio.gather(*(money.do("plan", partial(money.plan, pair)) for pair in ([first, second], [second, third], [first, third])))

    assert money.done == {"plan": 1, "no plan": 2}
