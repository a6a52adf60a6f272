"""A customer that cannot pay: plans with a schedule, what happens to an instalment that is late, reminders that wait, and who may decide so."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing.policy.crediting import Part
from billing.policy.instalments import Every, Instalment, spread, typed, written
from billing.policy.late import Uncollectable
from billing.policy.reminding import Held
from billing.service import agreements, credit_notes, holds, plans, reminder_policies, reminders, write_offs
from billing.service.agreements import HoldAsked, PlanAsked, ProviderDecides, StaffPlaced
from billing.service.credit_notes import Wanted
from billing.service.reminder_policies import PolicyWanted
from billing.service.write_offs import WriteOffWanted
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.errors import Invalid, NotFound
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import START, at, levels, staff
from tests.world import FINANCE, STAFF_DOOR, World

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("owed", "count", "first", "every", "days", "cents"),
    [
        (10_000, 3, date(2027, 1, 31), Every.MONTH, [(1, 31), (2, 28), (3, 31)], [3334, 3333, 3333]),
        (10_001, 3, date(2028, 1, 31), Every.MONTH, [(1, 31), (2, 29), (3, 31)], [3334, 3334, 3333]),
        (100, 2, date(2026, 12, 30), Every.WEEK, [(12, 30), (1, 6)], [50, 50]),
        (100, 2, date(2026, 12, 30), Every.FORTNIGHT, [(12, 30), (1, 13)], [50, 50]),
        (2, 5, date(2026, 12, 1), Every.MONTH, [(12, 1), (1, 1)], [1, 1]),
    ],
)
def test_a_sum_is_spread_evenly_and_to_the_cent(
    owed: int, count: int, first: date, every: Every, days: list[tuple[int, int]], cents: list[int]
) -> None:
    made = spread(owed, count, first, every)

    assert [(one.due_on.month, one.due_on.day) for one in made] == days
    assert [one.amount_cents for one in made] == cents
    assert typed(written(made)) == made


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2026-12-31 150", (date(2026, 12, 31), 15_000)),
        ("31-12-2026: EUR 1.234,56", (date(2026, 12, 31), 123_456)),
        ("1-2-2027\t99.50", (date(2027, 2, 1), 9_950)),
        ("1-2-2027 1.500", (date(2027, 2, 1), 150_000)),
    ],
)
def test_instalments_are_read_as_people_write_them(said: str, found: tuple[date, int]) -> None:
    assert typed(f"\n {said} \n") == (Instalment(*found),)


@pytest.mark.parametrize(
    "said",
    ["31-02-2027 10", "morgen 10", "2026-12-31", "2026-12-31 -5", "2026-12-31 0", "2026-12-31 1e9", "\n".join(["2026-12-31 1"] * 37)],
)
def test_a_line_that_is_no_instalment_is_named(said: str) -> None:
    with pytest.raises(Invalid):
        typed(said)


async def mails(name: str) -> list[str]:
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        return [
            row["text"] for row in await db.fetch("SELECT text FROM infra_mail WHERE name = $1 ORDER BY queued_at, key", f"billing/{name}")
        ]


async def agreed(world: World, *amounts: int, cents: int = 10_000) -> tuple[UUID, UUID]:
    """A plan of the bakery, an instalment every ten days, and its invoice."""
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(cents)])
    wanted = [plans.InstalmentWanted(clock.today() + timedelta(days=10 * nth), amount) for nth, amount in enumerate(amounts, 1)]
    return await staff(plans.agree, [invoice], wanted, agreed_with="Bea Bakker", note="Verbouwing"), invoice


async def watch(day: date) -> None:
    at(day)
    async with db.unit_of_work(STAFF_DOOR):
        await plans.watch()


async def state(plan: UUID) -> str | None:
    async with db.unit_of_work(STAFF_DOOR):
        return (await plans.one(plan)).ended_because


async def test_the_debtor_gets_the_schedule_by_mail(world: World) -> None:
    await agreed(world, 6000, 6100)

    (text,) = await mails("plan_agreed")

    assert "Bea Bakker" in text
    assert "EUR 60,00" in text
    assert "/pay/[[token:" in text
    assert "HUIS-F2026-000001" in text


async def test_a_late_instalment_is_told_once_and_breaks_the_plan_after_five_days(world: World) -> None:
    start = clock.today()
    plan, invoice = await agreed(world, 6000, 6100)

    for late in range(6):
        await watch(start + timedelta(days=11 + late - 1))
    assert await state(plan) is None
    assert len(await mails("plan_missed")) == 1
    await watch(start + timedelta(days=16))
    await watch(start + timedelta(days=17))

    assert await state(plan) == "broken"
    assert len(await mails("plan_broken")) == 1
    async with db.unit_of_work(STAFF_DOOR):
        assert await holds.standing() == []
    at(start + timedelta(days=60))
    await reminders.run()
    assert await levels(invoice), "reminders go on"


async def test_a_plan_that_is_paid_is_kept(world: World) -> None:
    start = clock.today()
    plan, invoice = await agreed(world, 6000, 6100)
    await pay(invoice, 6000)
    await watch(start + timedelta(days=18))
    assert await state(plan) is None
    await pay(invoice, 6100)

    await watch(start + timedelta(days=21))

    assert await state(plan) == "kept"
    assert await mails("plan_missed") + await mails("plan_broken") == []


async def given_up(invoice: UUID) -> None:
    await staff(write_offs.write_off, invoice, WriteOffWanted(reason=Uncollectable.NO_MEANS, note="Geen verhaal"))


async def credited(invoice: UUID, cents: int | None = None) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT id FROM billing_line WHERE invoice = $1", invoice)
        assert row
        parts = () if cents is None else (Part(line=row["id"], amount_cents=cents),)
        await credit_notes.give_back(FINANCE, invoice, Wanted(reason="Verkeerd berekend", parts=parts))


async def test_a_plan_of_what_is_written_off_was_not_kept_and_nobody_is_told(world: World) -> None:
    start = clock.today()
    plan, invoice = await agreed(world, 6000, 6100)
    await pay(invoice, 6000)
    await given_up(invoice)

    await watch(start + timedelta(days=12))
    await watch(start + timedelta(days=40))

    assert await state(plan) == "written off"
    assert await mails("plan_missed") + await mails("plan_broken") + await mails("plan_credited") == []
    async with db.unit_of_work(STAFF_DOOR):
        assert await holds.standing() == []
        assert await plans.coming() == []


async def test_a_plan_of_what_is_credited_whole_ends_so_and_the_debtor_need_not_pay_on(world: World) -> None:
    start = clock.today()
    plan, invoice = await agreed(world, 6000, 6100)
    await credited(invoice)

    await watch(start + timedelta(days=1))
    await watch(start + timedelta(days=2))

    assert await state(plan) == "credited"
    (text,) = await mails("plan_credited")
    assert "HUIS-F2026-000001" in text
    assert "/pay/" not in text


async def test_a_plan_of_which_a_part_is_credited_and_the_rest_paid_was_kept(world: World) -> None:
    start = clock.today()
    plan, invoice = await agreed(world, 6000, 6100)
    await credited(invoice, 5_000)
    await pay(invoice, 6_050)

    await watch(start + timedelta(days=1))

    assert await state(plan) == "kept"
    assert await mails("plan_credited") == []


async def test_what_is_coming_is_said_without_doing_it(world: World) -> None:
    start = clock.today()
    plan, _ = await agreed(world, 6000, 6100)
    at(start + timedelta(days=11))
    async with db.unit_of_work(STAFF_DOOR):
        assert await plans.coming() == [(plan, "missed")]
    await watch(start + timedelta(days=12))
    async with db.unit_of_work(STAFF_DOOR):
        assert await plans.coming() == []
    at(start + timedelta(days=16))
    async with db.unit_of_work(STAFF_DOOR):
        assert await plans.coming() == [(plan, "broken")]


async def test_an_invoice_is_in_one_plan_at_a_time(world: World) -> None:
    plan, invoice = await agreed(world, 12_100)
    with pytest.raises(Invalid):
        await staff(plans.agree, [invoice], [plans.InstalmentWanted(clock.today() + DAY, 12_100)])

    assert await staff(plans.withdraw, plan)
    assert not await staff(plans.withdraw, plan)
    await staff(plans.agree, [invoice], [plans.InstalmentWanted(clock.today() + DAY, 12_100)])

    assert len(await mails("plan_broken")) == 1


async def test_a_partner_decides_where_the_provider_lets_it_or_it_is_the_creditor(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    wait = HoldAsked(reason=Held.DISPUTED, until=clock.today() + DAY, note="Klopt het aantal?")
    async with db.unit_of_work(world.noord.principal()):
        with pytest.raises(ProviderDecides):
            await agreements.hold(world.noord.actor, bakery, wait)
        with pytest.raises(NotFound):
            await agreements.hold(world.noord.actor, world.zuid.customers["bakery"], wait)
    async with db.unit_of_work(world.zuid.principal()):
        await agreements.hold(world.zuid.actor, world.zuid.customers["bakery"], wait)

    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(partner_agrees=True))

    async with db.unit_of_work(world.noord.principal()):
        made = await agreements.hold(world.noord.actor, bakery, wait)
        await agreements.lift(world.noord.actor, bakery, made)
        assert await agreements.holds_of(bakery) == []


async def test_a_partner_does_not_lift_what_staff_placed_nor_wait_for_ever(world: World) -> None:
    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(partner_agrees=True))
    bakery = world.noord.customers["bakery"]
    hold = await staff(holds.on_customer, bakery, Held.BANKRUPT, note="Curator")

    async with db.unit_of_work(world.noord.principal()):
        with pytest.raises(StaffPlaced):
            await agreements.lift(world.noord.actor, bakery, hold)
        for asked in (
            HoldAsked(reason=Held.DISPUTED, until=clock.today() + timedelta(days=181), note="Lang"),
            HoldAsked(reason=Held.DISPUTED, until=clock.today(), note="Kort"),
            HoldAsked(reason=Held.PLAN, until=clock.today() + DAY, note="Zo niet"),
        ):
            with pytest.raises(Invalid):
                await agreements.hold(world.noord.actor, bakery, asked)


async def test_a_plan_is_about_the_customers_own_invoices(world: World) -> None:
    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(partner_agrees=True))
    theirs = await issue(world.noord.id, world.noord.customers["private"])
    asked: dict[str, Any] = {"instalments": [Instalment(clock.today() + DAY, 1210)], "agreed_with": "Bea", "note": "Straks"}

    async with db.unit_of_work(world.noord.principal()):
        for invoices in ([], [theirs]):
            with pytest.raises(Invalid):
                await agreements.plan(world.noord.actor, world.noord.customers["bakery"], PlanAsked(invoices=invoices, **asked))


def home(world: World) -> str:
    return f"/portal/open-items/customers/{world.noord.customers['bakery']}/agreements"


async def send(client: httpx.AsyncClient, path: str, page: str, **fields: Any) -> httpx.Response:
    shown = (await client.get(page)).text
    token = re.search(r'name="csrf_token" value="([\w.=-]+)"', shown)
    assert token, shown[:300]
    return await client.post(path, data={"csrf_token": token[1], **fields})


async def test_a_partner_without_leave_is_told_who_decides(world: World, noord: httpx.AsyncClient) -> None:
    for path in ("", "/plan", "/hold"):
        assert "aanbieder" in (await noord.get(home(world) + path)).text


async def test_a_plan_is_shown_changed_and_agreed_on_by_form(world: World, noord: httpx.AsyncClient) -> None:
    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(partner_agrees=True))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    form = home(world) + "/plan"
    chosen = {"invoices": str(invoice), "count": "2", "first_on": (START + timedelta(days=10)).isoformat(), "every": "month"}

    shown = await send(noord, form, form, decision="show", **chosen)
    wrong = await send(noord, form, form, decision="agree", schedule="2099-12-31 100,00", note="Ja", **chosen)
    agreed_on = await send(
        noord,
        form,
        form,
        decision="agree",
        schedule="31-12-2026 21,00\n31-01-2027 100,00",
        agreed_with="Bea Bakker",
        note="Verbouwing",
        **chosen,
    )

    assert shown.status_code == 200
    assert "02-12-2026 60,50" in shown.text
    assert wrong.status_code == 422
    assert "2099-12-31 100,00" in wrong.text, "nothing that was typed is lost"
    assert (agreed_on.status_code, agreed_on.headers["location"]) == (303, home(world))
    page = (await noord.get(home(world))).text
    assert "EUR\N{NO-BREAK SPACE}121,00 in 2 termijnen" in page
    assert "Bea Bakker" in page
    plan = re.search(r"/plans/([\w-]+)/withdrawal", page)
    assert plan
    assert (await send(noord, f"{home(world)}/plans/{plan[1]}/withdrawal", home(world))).status_code == 303
    assert "ingetrokken" in (await noord.get(home(world))).text


async def test_a_sum_that_is_not_what_is_open_is_said_at_the_schedule(world: World, noord: httpx.AsyncClient) -> None:
    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(partner_agrees=True))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    form = home(world) + "/plan"

    wrong = await send(
        noord, form, form, decision="agree", invoices=str(invoice), schedule="2026-12-31 100,00", agreed_with="Bea", note="Straks"
    )

    assert wrong.status_code == 422
    assert 'href="#schedule"' in wrong.text
    assert "EUR\N{NO-BREAK SPACE}121,00" in wrong.text


async def test_reminders_wait_and_go_on_by_form(world: World, noord: httpx.AsyncClient) -> None:
    await staff(reminder_policies.decide, world.noord.id, PolicyWanted(partner_agrees=True))
    form = home(world) + "/hold"

    wrong = await send(noord, form, form, until="2020-01-01", note="Ja", reason="disputed")
    right = await send(noord, form, form, until=(START + timedelta(days=20)).isoformat(), note="Klopt het aantal?", reason="disputed")
    page = (await noord.get(home(world))).text
    hold = re.search(r"/holds/([\w-]+)/lift", page)

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert "Klopt het aantal?" in page
    assert hold
    assert (await send(noord, f"{home(world)}/holds/{hold[1]}/lift", home(world))).status_code == 303
    assert "Klopt het aantal?" not in (await noord.get(home(world))).text
