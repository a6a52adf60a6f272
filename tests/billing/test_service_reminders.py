"""Reminders as they go out day by day: each once, in order, to the right debtor; what holds them; services that stop and work again."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing.policy.reminding import Held
from billing.service import holds, plans, reminder_policies, reminders, suspensions
from billing.service.plans import InstalmentWanted
from billing.service.reminder_policies import PolicyWanted
from partner_portal.console import billing as console
from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid, NotFound
from tests.billing.money import issue, line, pay
from tests.world import FINANCE, STAFF_DOOR, World

START = date(2026, 11, 22)


def at(day: date) -> None:
    """It is noon of this day."""
    clock.set_to(datetime(day.year, day.month, day.day, 11, 0, tzinfo=UTC))


async def due(invoice: UUID) -> date:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT due_on FROM billing_invoice WHERE id = $1", invoice)
    assert row
    day: date = row["due_on"]
    return day


async def levels(invoice: UUID) -> list[tuple[int, date]]:
    async with db.unit_of_work(STAFF_DOOR):
        return [(row["level"], row["sent_on"]) for row in await reminders.of_invoice(invoice)]


async def live(until: date, *, since: date = START) -> None:
    """Every day's work from `since` up to and including `until`."""
    day = since
    while day <= until:
        at(day)
        await reminders.run()
        await suspensions.run()
        day += timedelta(days=1)


async def stopped(service: UUID) -> bool:
    async with db.unit_of_work(STAFF_DOOR):
        return service in await suspensions.of_services([service])


async def staff(use_case: Any, *given: Any, **named: Any) -> Any:
    """The use case by finance, in a unit of work of its own."""
    async with db.unit_of_work(STAFF_DOOR):
        return await use_case(FINANCE, *given, **named)


async def test_an_unpaid_invoice_gets_a_note_three_reminders_and_nothing_more(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    day = await due(invoice)

    await live(day + timedelta(days=60))

    assert await levels(invoice) == [
        (0, day - timedelta(days=3)),
        (1, day + timedelta(days=3)),
        (2, day + timedelta(days=14)),
        (3, day + timedelta(days=21)),
    ]


async def test_a_paid_invoice_hears_nothing_more(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    day = await due(invoice)
    await live(day + timedelta(days=5))
    await pay(invoice, 1210)

    await live(day + timedelta(days=60), since=day + timedelta(days=6))

    assert [level for level, _ in await levels(invoice)] == [0, 1]


async def test_what_was_missed_for_weeks_is_made_up_for_one_level_at_a_time(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    day = await due(invoice) + timedelta(days=100)

    await live(day + timedelta(days=30), since=day)

    assert await levels(invoice) == [(1, day), (2, day + timedelta(days=11)), (3, day + timedelta(days=18))]


async def test_two_workers_at_once_send_each_reminder_once(world: World) -> None:
    invoices = [await issue(world.noord.id, world.noord.customers[name]) for name in ("bakery", "private") for _ in range(3)]
    at(max([await due(invoice) for invoice in invoices]) + timedelta(days=3))

    counts = await asyncio.gather(*(reminders.run() for _ in range(4)))

    assert sum(counts) == 2, "one letter for each debtor"
    assert [len(await levels(invoice)) for invoice in invoices] == [1] * 6
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT count(DISTINCT event_id) AS letters FROM infra_outbox WHERE topic = 'DebtorReminded'")
    assert rows[0]["letters"] == 2


async def test_a_consumers_last_letter_names_every_open_claim_and_the_costs_of_all_together(world: World) -> None:
    private = world.noord.customers["private"]
    first = await issue(world.noord.id, private, [line(100_000)])
    at(START + timedelta(days=10))
    second = await issue(world.noord.id, private, [line(50_000)])
    day = await due(first) + timedelta(days=21)

    await live(day)

    async with db.unit_of_work(STAFF_DOOR):
        last = (await reminders.of_invoice(first))[-1]
        said = reminders.words_of(last)
    assert (last["level"], last["sent_on"]) == (3, day)
    assert last["open_cents"] == 121_000
    assert [(one.open_cents, one.due_on) for one in said.also] == [(60_500, await due(second))]
    assert said.costs_cents == 27_225  # 15 % of 1,815.00
    assert last["pays_by"] > day + timedelta(days=15)


@pytest.mark.parametrize("reason", list(Held))
async def test_what_is_held_stays_silent_and_goes_on_where_it_was(world: World, reason: Held) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    day = await due(invoice)
    await live(day + timedelta(days=3))
    hold = await staff(holds.on_invoice, invoice, reason)
    await live(day + timedelta(days=50), since=day + timedelta(days=4))
    assert [level for level, _ in await levels(invoice)] == [0, 1]

    assert await staff(holds.lift, hold)
    await live(day + timedelta(days=51), since=day + timedelta(days=51))

    assert [level for level, _ in await levels(invoice)] == [0, 1, 2]
    assert not await staff(holds.lift, hold), "lifted once"


async def test_a_hold_with_a_day_ends_by_itself_and_one_of_a_customer_covers_all_it_owes(world: World) -> None:
    bakery, private = [await issue(world.noord.id, world.noord.customers[name]) for name in ("bakery", "private")]
    day = await due(bakery)
    at(day)
    await staff(holds.on_customer, world.noord.customers["bakery"], Held.DISPUTED, until=day + timedelta(days=10))

    await live(day + timedelta(days=9), since=day)
    assert (await levels(bakery), len(await levels(private)) > 0) == ([], True)

    await live(day + timedelta(days=10), since=day + timedelta(days=10))
    assert await levels(bakery) == [(1, day + timedelta(days=10))]


async def test_a_hold_needs_something_to_hold_and_a_day_to_come(world: World) -> None:
    with pytest.raises(NotFound):
        await staff(holds.on_invoice, world.house, Held.DISPUTED)
    with pytest.raises(NotFound):
        await staff(holds.on_customer, world.house, Held.DISPUTED)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    with pytest.raises(Invalid):
        await staff(holds.on_invoice, invoice, Held.DISPUTED, until=START)


async def test_mail_that_came_back_stops_the_reminders_until_it_arrives_again(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    day = await due(invoice)
    await staff(holds.came_back, invoice)
    await staff(holds.came_back, invoice)
    await live(day + timedelta(days=30))
    assert await levels(invoice) == []

    async with db.unit_of_work(STAFF_DOOR):
        (hold,) = await holds.standing()
    await staff(holds.lift, hold["id"])
    await live(day + timedelta(days=31), since=day + timedelta(days=31))
    assert await levels(invoice) == [(1, day + timedelta(days=31))]


async def test_little_money_and_money_that_is_on_account_are_no_reason_to_write(world: World) -> None:
    little = await issue(world.noord.id, world.noord.customers["bakery"], [line(400)])
    covered = await issue(world.noord.id, world.noord.customers["private"], [line(1000)])
    other = await issue(world.noord.id, world.noord.customers["private"], [line(5000)])
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, amount_cents, received_on, booked_by)"
            " VALUES (gen_random_uuid(), $1, $2, $3, 'manual', 'on account', 7000, $4, 'test')",
            *(world.noord.id, world.noord.customers["private"], world.house, START),
        )
    day = await due(little)
    at(day + timedelta(days=5))
    async with db.unit_of_work(STAFF_DOOR):
        outcome = await reminders.preview()

    await reminders.run()

    assert [await levels(one) for one in (little, covered, other)] == [[], [], []]
    assert outcome.silent == {"below threshold": 3}


async def test_a_partner_has_its_own_policy_or_follows_the_providers(world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await reminder_policies.decide(FINANCE, world.noord.id, PolicyWanted(note_days=0, first_days=1, second_days=2, third_days=3))
        await reminder_policies.decide(FINANCE, world.house, PolicyWanted(note_days=5))
    noord = await issue(world.noord.id, world.noord.customers["bakery"])
    zuid = await issue(world.zuid.id, world.zuid.customers["bakery"])
    day = await due(noord)

    await live(day + timedelta(days=3))

    assert await levels(noord) == [(1, day + timedelta(days=1)), (2, day + timedelta(days=2)), (3, day + timedelta(days=3))]
    assert (await levels(zuid))[0] == (0, await due(zuid) - timedelta(days=5))
    async with db.unit_of_work(STAFF_DOOR):
        await reminder_policies.decide(FINANCE, world.noord.id, PolicyWanted(follows_provider=True))
        assert (await reminder_policies.of_tenant(world.noord.id)).note_days == 5
        with pytest.raises(Invalid) as refused:
            await reminder_policies.decide(
                FINANCE, world.noord.id, PolicyWanted(first_days=9, second_days=9, third_days=9, lead_days={"nope": 3})
            )
        with pytest.raises(NotFound):
            await reminder_policies.decide(FINANCE, world.noord.customers["bakery"], PolicyWanted())
    assert [field.pointer for field in refused.value.fields] == ["/second_days", "/third_days", "/lead_days"]


async def test_what_a_debtor_has_coming_by_a_document_counts_as_what_it_paid(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    invoice = await issue(world.noord.id, bakery, [line(10_000)])
    day = await due(invoice) + timedelta(days=3)
    await issue(world.noord.id, bakery, [line(-9_900)])
    at(day)
    await reminders.run()
    assert await levels(invoice) == []

    other = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    at(await due(other) + timedelta(days=3))
    await reminders.run()

    assert len(await levels(other)) == 1, "it is nobody else's"


async def test_a_plan_holds_its_invoices_until_an_instalment_does_not_come(world: World) -> None:
    invoices = [await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)]) for _ in range(2)]
    day = await due(invoices[0])
    at(day + timedelta(days=4))
    halves = [InstalmentWanted(day + timedelta(days=10), 12_100), InstalmentWanted(day + timedelta(days=40), 12_100)]
    await staff(plans.agree, invoices, halves)
    await live(day + timedelta(days=9), since=day + timedelta(days=4))
    assert [await levels(invoice) for invoice in invoices] == [[], []]
    await pay(invoices[0], 12_100)
    at(day + timedelta(days=30))
    await _watch()
    await reminders.run()
    assert await levels(invoices[1]) == []

    at(day + timedelta(days=46))
    await _watch()
    await reminders.run()

    assert len(await levels(invoices[1])) == 1
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT ended_because FROM billing_payment_plan")
    assert [row["ended_because"] for row in rows] == ["broken"]


async def _watch() -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await plans.watch()


async def test_a_plan_that_is_paid_was_kept_and_one_can_be_taken_back(world: World) -> None:
    kept = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    off = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    tomorrow = [InstalmentWanted(START + timedelta(days=1), 12_100)]
    await staff(plans.agree, [kept], tomorrow)
    second = await staff(plans.agree, [off], tomorrow)
    await pay(kept, 12_100)

    await _watch()

    assert await staff(plans.withdraw, second)
    assert not await staff(plans.withdraw, second)
    async with db.unit_of_work(STAFF_DOOR):
        ended = {row["ended_because"] for row in await db.fetch("SELECT ended_because FROM billing_payment_plan")}
        assert await holds.standing() == []
    assert ended == {"kept", "withdrawn"}


async def test_a_plan_that_does_not_add_up_is_refused(world: World) -> None:
    bakery = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    private = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    paid = await issue(world.noord.id, world.noord.customers["private"], [line(10_000)])
    await pay(paid, 12_100)
    late = [InstalmentWanted(START + timedelta(days=9), 6_050), InstalmentWanted(START + timedelta(days=9), 6_050)]
    for invoices, instalments, code in (
        ([bakery], [InstalmentWanted(START + timedelta(days=9), 12_000)], "instalments-sum"),
        ([bakery], late, "days-in-order"),
        ([bakery, private], [InstalmentWanted(START + timedelta(days=9), 24_200)], "several-debtors"),
        ([paid], [InstalmentWanted(START + timedelta(days=9), 1)], "already-paid"),
    ):
        with pytest.raises(Invalid) as refused:
            await staff(plans.agree, invoices, instalments)
        assert code in [field.code for field in refused.value.fields]
    with pytest.raises(NotFound):
        await staff(plans.agree, [world.house], late)


async def test_two_plans_at_once_never_share_an_invoice(world: World) -> None:
    one, both, other = [await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)]) for _ in range(3)]
    whole = [InstalmentWanted(START + timedelta(days=9), 24_200)]
    first_stands = asyncio.Event()

    async def second() -> None:
        await first_stands.wait()
        await staff(plans.agree, [both, other], whole)

    waiting = asyncio.create_task(second())
    async with db.unit_of_work(STAFF_DOOR):
        await plans.agree(FINANCE, [one, both], whole)
        first_stands.set()
        await asyncio.sleep(0.5)

    with pytest.raises(Invalid) as refused:
        await waiting
    assert [field.code for field in refused.value.fields] == ["in-a-plan"]


async def test_a_preview_says_what_would_go_out_and_writes_nothing(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(5000)])
    day = await due(invoice) + timedelta(days=3)
    at(day)

    async with db.unit_of_work(STAFF_DOOR):
        outcome = await reminders.preview()

    assert [(letter.level, letter.open_cents, letter.debtor_name) for letter in outcome.letters] == [(1, 6050, "Bakkerij De Korst")]
    assert await levels(invoice) == []


async def test_reminders_cross_month_ends_and_years_by_days(world: World) -> None:
    at(date(2027, 12, 17))
    private = await issue(world.noord.id, world.noord.customers["private"], [line(5000)])
    assert await due(private) == date(2027, 12, 31)

    await live(date(2028, 2, 29), since=date(2027, 12, 17))

    assert await levels(private) == [(0, date(2027, 12, 28)), (1, date(2028, 1, 3)), (2, date(2028, 1, 14)), (3, date(2028, 1, 21))]


async def test_the_rehearsal_at_the_console_says_what_would_go_out_to_whom_and_why_the_rest_is_silent(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(5000)])
    await issue(world.noord.id, world.noord.customers["private"], [line(100)])
    day = await due(invoice) + timedelta(days=3)
    async with db.unit_of_work(STAFF_DOOR):
        said = console.letters_of(await reminders.preview(today=day))

    assert said == [
        "note: 0 letters, EUR 0.00",
        "first: 1 letters, EUR 60.50",
        "second: 0 letters, EUR 0.00",
        "third: 0 letters, EUR 0.00",
        "  first · Bakkerij De Korst · HUIS-F2026-000001 · EUR 60.50",
        "silent: 1 × below threshold",
    ]
