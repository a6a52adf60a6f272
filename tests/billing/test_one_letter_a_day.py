"""One letter a day from each sender: what is due at different levels goes together, each invoice keeps its own, and nothing in it contradicts itself."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import product
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.reminding import Facts, Gathered, Held, Level, Policy, Quiet, Sent, Step, next_step, one_letter
from billing.service import holds, late, reminders
from partner_portal.console import billing as console
from partner_portal.infra import db, outbox
from partner_portal.mailcatcher.mailbox import Mail
from tests.billing.money import issue, line, pay
from tests.billing.test_jobs_reminders import of, pay_link
from tests.billing.test_service_reminders import START, at, due, levels, live, staff
from tests.world import STAFF_DOOR, World

TODAY = date(2026, 6, 1)
PAST, COMING = TODAY - timedelta(days=5), TODAY + timedelta(days=2)
TURN = {level: (Step(level=level), COMING if level is Level.NOTE else PAST) for level in Level}
WAITS = (Step(why=Quiet.TOO_EARLY), PAST)
NOT_DUE = (Step(why=Quiet.TOO_EARLY), COMING)
SILENT = (Step(why=Held.DISPUTED), PAST)
NOTE, FIRST, SECOND, THIRD = Level


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([], None),
        ([WAITS, SILENT, NOT_DUE], None),
        ([TURN[NOTE]], Gathered(level=NOTE, asked=(0,))),
        ([TURN[NOTE], WAITS], Gathered(level=NOTE, asked=(0,))),
        ([TURN[FIRST], TURN[NOTE]], Gathered(level=FIRST, asked=(0,), soon=(1,))),
        ([TURN[FIRST], TURN[SECOND]], Gathered(level=SECOND, asked=(0, 1))),
        ([TURN[SECOND], WAITS, SILENT], Gathered(level=SECOND, asked=(0,))),
        ([TURN[SECOND], TURN[THIRD], TURN[NOTE], TURN[FIRST]], Gathered(level=THIRD, asked=(0, 1, 3), soon=(2,))),
        ([SILENT, TURN[THIRD], WAITS, NOT_DUE], Gathered(level=THIRD, asked=(1,), besides=(2,))),
    ],
)
def test_what_goes_into_the_letter_of_a_day(claims: list[tuple[Step, date]], expected: Gathered | None) -> None:
    assert one_letter(claims, TODAY) == expected


ANY = [*TURN.values(), WAITS, NOT_DUE, SILENT]


@pytest.mark.parametrize("claims", [list(some) for some in product(ANY, repeat=3)])
def test_whose_turn_it_is_has_one_place_and_what_is_held_or_not_due_is_never_asked_for(claims: list[tuple[Step, date]]) -> None:
    letter = one_letter(claims, TODAY)
    turns = {nth for nth, (step, _) in enumerate(claims) if step.level is not None}
    if letter is None:
        assert turns == set()
        return

    places = [*letter.asked, *letter.besides, *letter.soon]
    assert len(places) == len(set(places))
    assert turns == {*letter.asked, *letter.soon}
    assert letter.level == max(claims[nth][0].level or NOTE for nth in turns)
    assert all(claims[nth][1] < TODAY for nth in (*letter.asked, *letter.besides)) or letter.level is NOTE
    assert all(claims[nth] is not SILENT for nth in places)
    if letter.level is THIRD:
        assert {*letter.asked, *letter.besides} == {nth for nth, one in enumerate(claims) if one[1] < TODAY and one is not SILENT}


@given(
    offsets=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    paid=st.lists(st.integers(-10, 90), min_size=5, max_size=5),
    runs=st.lists(st.integers(-10, 90), max_size=40).map(sorted),
)
def test_the_ladder_of_an_invoice_is_the_same_among_others_as_alone_and_no_day_has_two_letters(
    offsets: list[int], paid: list[int], runs: list[int]
) -> None:
    """However often a day the work runs."""
    among = _climbed(offsets, paid, runs)

    for nth, (offset, until) in enumerate(zip(offsets, paid, strict=False)):
        assert among[0][nth] == _climbed([offset], [until], runs)[0][0]
    assert all(count == 1 for count in among[1].values())


def _climbed(offsets: list[int], paid: list[int], runs: list[int]) -> tuple[list[list[Sent]], dict[date, int]]:
    """What was sent of each invoice, and how many letters on which day."""
    sent: list[list[Sent]] = [[] for _ in offsets]
    letters: dict[date, int] = defaultdict(int)
    for run in runs:
        day = TODAY + timedelta(days=run)
        claims = []
        for nth, offset in enumerate(offsets):
            due_on = TODAY + timedelta(days=offset)
            cents = 5000 if run < paid[nth] else 0
            facts = Facts(
                issued_on=TODAY - timedelta(days=30),
                due_on=due_on,
                open_cents=cents,
                owed_cents=5000,
                sent=tuple(sent[nth]),
                is_written_to=day in letters,
            )
            claims.append((next_step(facts, Policy(), day), due_on))
        letter = one_letter(claims, day)
        if letter is None:
            continue
        letters[day] += 1
        for nth in (*letter.asked, *letter.soon):
            level = claims[nth][0].level
            assert level is not None
            sent[nth].append(Sent(level, day))
    return sent, letters


class Four:
    """Four invoices of one debtor, whose last reminder, second, first and note have one day."""

    def __init__(self, invoices: list[UUID], numbers: list[str], day: date) -> None:
        self.last, self.second, self.first, self.note = invoices
        self.all = invoices
        self.numbers = numbers
        self.day = day


async def four(world: World, customer: str) -> Four:
    """On the evening before that day."""
    invoices, service, since = [], world.noord.services["free"] if customer == "bakery" else None, START
    for later in (0, 7, 18, 24):
        since = await _until(START + timedelta(days=later), since)
        invoices.append(await issue(world.noord.id, world.noord.customers[customer], [line(10_000 + later * 100, service=service)]))
    day = await due(invoices[0]) + timedelta(days=21)
    await _until(day, since)
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT number FROM billing_invoice WHERE id = ANY($1) ORDER BY issued_on", invoices)
    return Four(invoices, [row["number"] for row in rows], day)


async def _until(day: date, since: date) -> date:
    """What is due before this day was done; it is this day."""
    await live(day - timedelta(days=1), since=since)
    at(day)
    return day


async def written(day: date) -> dict[int, tuple[UUID, date | None, date | None, reminders.Words]]:
    """What was put on record on this day, by level."""
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT * FROM billing_reminder WHERE sent_on = $1 ORDER BY level", day)
    assert len({row["letter"] for row in rows}) == 1
    return {row["level"]: (row["invoice"], row["pays_by"], row["suspends_on"], reminders.words_of(row)) for row in rows}


async def test_four_levels_are_one_letter_in_which_each_invoice_keeps_its_own_with_what_belongs_to_it(world: World) -> None:
    owed = await four(world, "bakery")
    async with db.unit_of_work(STAFF_DOOR):
        (planned,) = (await reminders.preview()).letters

    assert await reminders.run() == 1
    assert await reminders.run() == 0

    stands = await written(owed.day)
    assert {level: one[0] for level, one in stands.items()} == {3: owed.last, 2: owed.second, 1: owed.first, 0: owed.note}
    assert [one[1:3] for level, one in stands.items() if level < 3] == [(None, None)] * 3
    assert [one[3] for level, one in stands.items() if level < 3] == [reminders.Words()] * 3
    words = stands[3][3]
    assert (stands[3][1], stands[3][2]) == (owed.day + timedelta(days=6), owed.day + timedelta(days=7))
    assert words.also == []
    assert words.costs_cents == 5_899  # 15 % of 121.00, 129.47 and 142.78: what is not due yet costs nothing
    assert words.alone == dict.fromkeys(owed.numbers[:3], 4_000)
    assert (planned.level, [claim.level for claim in planned.claims], [claim.number for claim in planned.soon]) == (
        3,
        [3, 2, 1],
        owed.numbers[3:],
    )
    assert (planned.open_cents, planned.words) == (39_325, words)


async def test_each_of_them_goes_on_by_itself(world: World) -> None:
    owed = await four(world, "bakery")

    await live(owed.day + timedelta(days=30), since=owed.day)

    for invoice in owed.all:
        last = await due(invoice)
        assert await levels(invoice) == [(nth, last + timedelta(days=days)) for nth, days in enumerate((-3, 3, 14, 21))]


async def test_the_debtor_has_one_mail_that_says_what_holds_of_each_and_pays_what_it_asks_for(
    world: World, stranger: httpx.AsyncClient
) -> None:
    owed = await four(world, "private")
    await outbox.drain()
    before = len(of(world, "pieter@"))

    await reminders.run()
    await outbox.drain()

    (mail,) = of(world, "pieter@")[before:]
    text = " ".join(mail.text.split())
    assert mail.subject == f"Laatste aanmaning van {mail_day(mail)}: {owed.numbers[0]} en nog 2 facturen"
    asked, _, soon = text.partition("hoort niet bij dit bedrag")
    assert all(number in asked for number in owed.numbers[:3])
    assert owed.numbers[3] in soon
    assert owed.numbers[3] not in asked
    assert [asked.count(word) for word in ("tweede herinnering", "eerste herinnering")] == [1, 1]
    assert text.count("binnen vijftien dagen nadat deze brief bij u is bezorgd") == 1
    assert not any(word in text for word in ("binnen een week", "Er volgt nog maar", "nu betalen"))
    page = (await stranger.get(pay_link(mail))).text.replace("\xa0", " ")
    assert "EUR 393,25" in page
    assert owed.numbers[3] not in page


def mail_day(mail: Mail) -> str:
    """The day that the subject names."""
    return mail.subject.removeprefix("Laatste aanmaning van ").partition(":")[0]


async def test_where_the_strictest_is_paid_before_the_mail_leaves_the_others_are_told_what_holds_of_them(world: World) -> None:
    owed = await four(world, "private")
    await outbox.drain()
    before = len(of(world, "pieter@"))
    await reminders.run()
    await pay(owed.last, 12_100)

    await outbox.drain()

    (mail,) = of(world, "pieter@")[before:]
    text = " ".join(mail.text.split())
    assert mail.subject.startswith(f"Tweede herinnering: {owed.numbers[1]} en nog 1 factuur")
    assert all(word in text for word in ("tweede herinnering", "eerste herinnering", "EUR 272,25", owed.numbers[3]))
    assert not any(word in text for word in ("incassokosten", "vijftien dagen", owed.numbers[0]))


async def test_what_was_only_noted_in_a_last_letter_bears_no_costs_by_it(world: World) -> None:
    owed = await four(world, "bakery")
    await reminders.run()
    at(owed.day + timedelta(days=12))

    await late.run()

    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT invoice FROM billing_late_claim")
        (note,) = await db.fetch("SELECT term_ended_on, costs_cents FROM billing_late_note")
    assert {row["invoice"] for row in rows} == {owed.last, owed.second, owed.first}
    assert (note["term_ended_on"], note["costs_cents"]) == (owed.day + timedelta(days=6), 5_899)


async def test_whoever_was_written_to_hears_the_rest_tomorrow(world: World) -> None:
    held, other = [await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)]) for _ in range(2)]
    day = await due(held) + timedelta(days=3)
    at(day)
    hold = await staff(holds.on_invoice, held, Held.DISPUTED)
    await reminders.run()
    await staff(holds.lift, hold)

    async with db.unit_of_work(STAFF_DOOR):
        outcome = await reminders.preview()
    assert await reminders.run() == 0
    assert (outcome.letters, outcome.silent) == ([], {"too early": 1, "written today": 1})
    assert (await levels(held), await levels(other)) == ([], [(1, day)])

    await live(day + timedelta(days=1), since=day + timedelta(days=1))
    assert await levels(held) == [(1, day + timedelta(days=1))]


async def test_two_senders_write_each_their_own_letter(world: World) -> None:
    ours = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    theirs = await issue(world.zuid.id, world.zuid.customers["bakery"], [line(10_000)])
    at(await due(ours) + timedelta(days=3))

    assert await reminders.run() == 2
    assert [len(await levels(invoice)) for invoice in (ours, theirs)] == [1, 1]


async def test_the_rehearsal_names_the_level_of_each(world: World) -> None:
    owed = await four(world, "bakery")
    async with db.unit_of_work(STAFF_DOOR):
        said = console.letters_of(await reminders.preview())
    last, second, first, note = owed.numbers

    assert (
        f"  third · Bakkerij De Korst · {last}, {second} (second), {first} (first), {note} (note) · EUR 393.25"
        f" · services stop on {owed.day + timedelta(days=7)}" in said
    )
