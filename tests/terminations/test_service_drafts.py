"""A draft keeps its answers, is safe from two tabs, files once, and is gone after thirty days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid, NotFound
from terminations.jobs import routes
from terminations.policy.afterwards import Plan, Thing, Wish
from terminations.service import choices, drafts, quotes
from terminations.service.cases import QuoteOutdated, Reason, ServiceAlreadyEnding
from terminations.service.choices import Choice, When
from terminations.service.drafts import Answers, DraftChanged, DraftFiled, NotAnswered
from terminations.service.sending import NobodyToAsk
from tests.world import STAFF_DOOR, Partner, World, make_service

FREE = Choice()


@asynccontextmanager
async def acting(partner: Partner) -> AsyncIterator[Actor]:
    async with db.unit_of_work(partner.principal()):
        yield partner.actor


async def begun(partner: Partner, *services: str, actor: Actor | None = None) -> UUID:
    async with acting(partner) as somebody:
        return await drafts.begin(
            actor or somebody, partner.customers["bakery"], tuple(partner.services[one] for one in services or ("free",))
        )


async def answered(partner: Partner, draft: UUID, **answers: Any) -> drafts.Draft:
    async with acting(partner):
        kept = await drafts.find(draft)
        return await drafts.answer(draft, kept.version, lambda before: msgspec.structs.replace(before, **answers))


async def ready(partner: Partner, *services: str, choice: Choice = FREE, **answers: Any) -> UUID:
    """A draft in which nothing is open."""
    draft = await begun(partner, *services)
    async with acting(partner) as actor:
        kept = await drafts.find(draft)
        shown = await quotes.show(actor, choice.request(kept.answers.services), with_calendar=False)
        seen = drafts.seen(shown)
    given = {"choice": choice, "seen": seen, "reason": Reason.PRICE, "has_mandate": True} | answers
    await answered(partner, draft, **given)
    return draft


async def filed(partner: Partner, draft: UUID, version: int | None = None) -> UUID:
    async with acting(partner) as actor:
        return await drafts.file(actor, draft, (await drafts.find(draft)).version if version is None else version)


async def count(partner: Partner, table: str) -> int:
    async with acting(partner):
        row = await db.fetch_one(f"SELECT count(*) AS n FROM {table}")  # noqa: S608  # names of ours
    assert row
    return int(row["n"])


async def test_answers_are_kept_one_by_one(world: World) -> None:
    draft = await begun(world.noord, "free", "bound")

    await answered(world.noord, draft, choice=Choice(when=When.DATE, wished_on=date(2027, 3, 31)))
    kept = await answered(world.noord, draft, reason=Reason.MOVES, comment="Naar Assen")

    async with acting(world.noord):
        assert await drafts.find(draft) == kept
    assert kept.version == 3
    assert kept.answers == Answers(
        services=(world.noord.services["free"], world.noord.services["bound"]),
        choice=Choice(when=When.DATE, wished_on=date(2027, 3, 31)),
        reason=Reason.MOVES,
        comment="Naar Assen",
    )


async def test_the_same_answer_again_changes_nothing_however_old_the_page(world: World) -> None:
    draft = await begun(world.noord)
    await answered(world.noord, draft, choice=FREE)

    async with acting(world.noord):
        again = await drafts.answer(draft, 1, lambda before: before.with_choice(FREE))

    assert again.version == 2


async def test_of_two_tabs_the_second_is_told(world: World) -> None:
    draft = await begun(world.noord)
    await answered(world.noord, draft, choice=FREE)

    with pytest.raises(DraftChanged):
        async with acting(world.noord):
            await drafts.answer(draft, 1, lambda before: msgspec.structs.replace(before, comment="van het andere tabblad"))

    async with acting(world.noord):
        assert (await drafts.find(draft)).answers.comment == ""


async def test_a_draft_is_its_tenants_alone(world: World) -> None:
    draft = await begun(world.noord)

    for call in (drafts.find(draft), drafts.answer(draft, 1, lambda before: before), drafts.remove(draft)):
        with pytest.raises(NotFound):
            async with acting(world.zuid):
                await call
    async with acting(world.zuid) as actor:
        assert list(await drafts.own(actor)) == []
        with pytest.raises(NotFound):
            await drafts.file(actor, draft, 1)


async def test_only_services_that_can_end_are_chosen(world: World) -> None:
    noord, customer = world.noord, world.noord.customers["bakery"]
    await filed(noord, await ready(noord, "free"))

    for wrong, code in (((), "choose-a-service"), ((noord.services["free"],), "service-cannot-end"), ((uuid4(),), "service-cannot-end")):
        with pytest.raises(Invalid) as refused:
            async with acting(noord) as actor:
                await drafts.begin(actor, customer, wrong)
        assert [fault.code for fault in refused.value.fields] == [code]
    with pytest.raises(Invalid):  # a service of Zuid
        async with acting(noord) as actor:
            await drafts.begin(actor, customer, (world.zuid.services["free"],))
    with pytest.raises(NotFound):
        async with acting(world.zuid) as actor:
            await drafts.begin(actor, customer, (noord.services["bound"],))


async def test_pressing_twice_at_the_start_makes_one_draft(world: World) -> None:
    me = world.noord.actor

    first = await begun(world.noord, actor=me)

    assert await begun(world.noord, actor=me) == first
    assert await begun(world.noord, "bound", actor=me) != first
    await answered(world.noord, first, choice=FREE)
    assert await begun(world.noord, actor=me) != first


async def test_a_draft_files_once_however_often_it_is_sent(world: World) -> None:
    draft = await ready(world.noord)

    case = await filed(world.noord, draft)

    assert await filed(world.noord, draft) == await filed(world.noord, draft, version=1) == case
    assert (await count(world.noord, "termination"), await count(world.noord, "termination_quote")) == (1, 1)
    with pytest.raises(DraftFiled):
        await answered(world.noord, draft, comment="te laat")


async def test_two_who_press_at_the_same_moment_get_the_same_case(world: World) -> None:
    draft = await ready(world.noord)

    one, other = await asyncio.gather(filed(world.noord, draft), filed(world.noord, draft))  # two browsers

    assert one == other
    assert await count(world.noord, "termination") == 1


async def test_what_was_answered_stands_on_the_case(world: World) -> None:
    wish = Wish(service_id=world.noord.services["bound"], thing=Thing.DATA, plan=Plan.TAKE_ALONG, until=date(2028, 3, 10))

    case = await filed(world.noord, await ready(world.noord, "bound", comment="Winkel dicht", afterwards=(wish,), has_mandate=False))

    async with acting(world.noord):
        row = await db.fetch_one("SELECT reason, comment, has_mandate, is_buyout, ends_on, afterwards FROM termination WHERE id = $1", case)
    assert row
    assert (row["reason"], row["comment"], row["has_mandate"], row["is_buyout"]) == ("price", "Winkel dicht", False, False)
    assert row["ends_on"] == date(2028, 2, 29)
    assert msgspec.json.decode(row["afterwards"], type=list[Wish]) == [wish]


async def test_nothing_is_filed_before_everything_is_answered(world: World) -> None:
    for name in ("choice", "seen", "reason", "has_mandate"):
        draft = await ready(world.noord)
        await answered(world.noord, draft, **{name: None})
        with pytest.raises(NotAnswered):
            await filed(world.noord, draft)
    assert (await count(world.noord, "termination"), await count(world.noord, "termination_quote")) == (0, 0)


async def test_costs_that_changed_since_they_were_seen_are_not_filed(world: World) -> None:
    draft = await ready(world.noord, "bound", choice=Choice(when=When.EARLY, wished_on=date(2026, 12, 31)))
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET fee_cents = 9995 WHERE id = $1", world.noord.services["bound"])

    with pytest.raises(QuoteOutdated) as outdated:
        await filed(world.noord, draft)

    (change,) = outdated.value.facts["changed"]
    assert change == {"input": f"services.{world.noord.services['bound']}.monthly_fee_cents", "then": 8995, "now": 9995}
    assert (await count(world.noord, "termination"), await count(world.noord, "termination_quote")) == (0, 0)


async def test_a_day_later_the_same_costs_can_still_be_filed(world: World) -> None:
    draft = await ready(world.noord, "bound")

    clock.move_to(clock.today() + timedelta(days=1))

    await filed(world.noord, draft)

    assert await count(world.noord, "termination") == 1


async def test_what_stood_in_the_way_is_said(world: World) -> None:
    draft, other = await ready(world.noord), await ready(world.noord)
    await filed(world.noord, other)
    with pytest.raises(ServiceAlreadyEnding):
        await filed(world.noord, draft)

    lonely = await ready(world.noord, "bound")
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE contact SET email = '' WHERE customer = $1", world.noord.customers["bakery"])
    with pytest.raises(NobodyToAsk):
        await filed(world.noord, lonely)
    assert await count(world.noord, "termination") == 1


async def test_a_draft_is_gone_after_thirty_days_without_a_change(world: World) -> None:
    old, filed_one = await begun(world.noord), await ready(world.noord, "bound")
    case = await filed(world.noord, filed_one)
    clock.move_to(clock.today() + timedelta(days=29))
    fresh = await begun(world.noord)
    async with acting(world.noord):
        assert (await drafts.find(old)).kept_until == date(2026, 12, 22)

    clock.move_to(clock.today() + timedelta(days=1))

    with pytest.raises(NotFound):
        async with acting(world.noord):
            await drafts.find(old)
    assert drafts.remove_old in routes.DAILY
    assert await drafts.remove_old() == 2
    async with acting(world.noord):
        assert (await drafts.find(fresh)).id == fresh
        assert await db.fetch_one("SELECT 1 FROM termination WHERE id = $1", case)
    assert await drafts.remove_old() == 0


async def test_ones_own_drafts_are_listed_the_newest_first_and_those_of_a_customer_whoever_began_them(world: World) -> None:
    me, colleague = world.noord.actor, world.noord.actor
    first = await begun(world.noord, "free", actor=me)
    clock.move_to(clock.today() + timedelta(days=1))
    second, theirs, done = await begun(world.noord, "bound", actor=me), await begun(world.noord, actor=colleague), await ready(world.noord)
    await filed(world.noord, done)

    async with acting(world.noord):
        assert [row["id"] for row in await drafts.own(me)] == [second, first]
        assert {row["id"] for row in await drafts.of_customer(world.noord.customers["bakery"])} == {second, theirs, first}
        assert list(await drafts.of_customer(world.noord.customers["private"])) == []
        await drafts.remove(first)
        assert [row["id"] for row in await drafts.own(me)] == [second]


def test_other_services_keep_the_wishes_of_those_that_stay() -> None:
    one, two = uuid4(), uuid4()
    wishes = tuple(Wish(service_id=service, thing=Thing.DATA, plan=Plan.LET_GO) for service in (one, two))
    before = Answers(services=(one, two), choice=FREE, afterwards=wishes, seen=drafts.Seen("x", {}), has_mandate=True)

    assert before.with_services((one, two)) is before
    assert before.with_services((two,)) == Answers(services=(two,), choice=FREE, afterwards=wishes[1:], has_mandate=True)


def test_an_end_that_was_moved_for_the_customer_is_moved_no_longer_when_the_question_changes() -> None:
    moved = Answers(services=(uuid4(),), choice=Choice(wished_on=date(2027, 1, 6)), has_mandate=False, seen=drafts.Seen("x", {}))
    early = Choice(when=When.EARLY, wished_on=date(2026, 12, 31))

    assert moved.with_choice(FREE) is moved
    assert moved.with_choice(early) == msgspec.structs.replace(moved, choice=early, has_mandate=None, seen=None)
    assert moved.with_services((uuid4(),)).choice == FREE
    assert moved.with_services((uuid4(),)).has_mandate is None


async def test_where_the_yes_must_come_today_a_later_end_leaves_two_weeks(world: World) -> None:
    async with acting(world.noord) as actor:
        shown = await quotes.show(actor, FREE.request([world.noord.services["free"]]), with_calendar=False)
        later = choices.proposal(shown, FREE)

    assert later
    assert (later.choice, later.answer_by) == (Choice(wished_on=date(2027, 1, 6)), date(2026, 12, 6))
    assert [service.ending.ends_on for service in later.shown.previews["customer"].services] == [date(2027, 1, 6)]  # type: ignore[index]


async def test_no_end_is_moved_by_a_whole_term(world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        nearly = await make_service(
            world.noord,
            world.noord.customers["bakery"],
            product="hosting",
            starts_on=date(2025, 12, 29),
            minimum_months=12,
            renewal="FIXED",
            renewal_months=12,
        )  # notice by 28 November
    async with acting(world.noord) as actor:
        for service, choice in (
            (nearly, FREE),
            (world.noord.services["bound"], FREE),
            (world.noord.services["free"], Choice(when=When.DATE, wished_on=date(2027, 1, 31))),
        ):
            shown = await quotes.show(actor, choice.request([service]), with_calendar=False)
            assert choices.proposal(shown, choice) is None
