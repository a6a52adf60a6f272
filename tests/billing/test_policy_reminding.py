"""Which reminder is due when, what the last one says, and when services stop: tables at the edges, and what never happens."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.interest import CONSUMER_RATES, TRADE_RATES
from billing.policy.reminding import (
    Bucket,
    Facts,
    Held,
    Level,
    Policy,
    Quiet,
    Sent,
    bucket,
    last_word,
    next_step,
    suspends_on,
)

DUE = date(2026, 3, 31)
USUAL = Policy()


def facts(**given_: Any) -> Facts:
    usual: dict[str, Any] = {"issued_on": date(2026, 3, 1), "due_on": DUE, "open_cents": 5000, "owed_cents": 5000}
    return Facts(**{**usual, **given_})


def sent(*days: int, first: Level = Level.FIRST) -> tuple[Sent, ...]:
    """Reminders so many days after the due date."""
    return tuple(Sent(Level(first + nth), DUE + timedelta(days=day)) for nth, day in enumerate(days))


@pytest.mark.parametrize(
    ("late", "sent_before", "level"),
    [
        (-4, (), None),
        (-3, (), Level.NOTE),
        (0, (), Level.NOTE),
        (1, (), None),
        (2, (), None),
        (3, (), Level.FIRST),
        (13, sent(3), None),
        (14, sent(3), Level.SECOND),
        (20, sent(3, 14), None),
        (21, sent(3, 14), Level.THIRD),
        (22, sent(3, 14, 21), None),
        (900, sent(3, 14, 21), None),
        # Nobody ran it for a while: one level a day, with the days between them kept.
        (60, (), Level.FIRST),
        (61, sent(60), None),
        (70, sent(60), None),
        (71, sent(60), Level.SECOND),
        (77, sent(60, 71), None),
        (78, sent(60, 71), Level.THIRD),
    ],
)
def test_each_reminder_has_its_day(late: int, sent_before: tuple[Sent, ...], level: Level | None) -> None:
    assert next_step(facts(sent=sent_before), USUAL, DUE + timedelta(days=late)).level is level


def test_after_a_note_the_first_reminder_follows_in_its_own_time() -> None:
    noted = (Sent(Level.NOTE, DUE - timedelta(days=3)),)

    assert next_step(facts(sent=noted), USUAL, DUE).level is None
    assert next_step(facts(sent=noted), USUAL, DUE + timedelta(days=2)).level is None
    assert next_step(facts(sent=noted), USUAL, DUE + timedelta(days=3)).level is Level.FIRST


def test_no_note_comes_with_the_invoice_itself_or_where_none_is_wanted() -> None:
    just_issued = facts(issued_on=DUE - timedelta(days=3))
    step = next_step(just_issued, USUAL, DUE - timedelta(days=3))

    assert (step.level, step.why, step.due_on) == (None, Quiet.TOO_EARLY, DUE + timedelta(days=3))
    assert next_step(facts(), Policy(note_days=0), DUE).level is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"open_cents": 0}, Quiet.PAID),
        ({"open_cents": -100}, Quiet.PAID),
        ({"owed_cents": 499}, Quiet.BELOW_THRESHOLD),
        ({"held": Held.DISPUTED}, Held.DISPUTED),
        ({"held": Held.PLAN}, Held.PLAN),
        ({"held": Held.BANKRUPT}, Held.BANKRUPT),
        ({"held": Held.DECEASED}, Held.DECEASED),
        ({"held": Held.BOUNCED}, Held.BOUNCED),
        ({"sent": sent(3, 14, 21)}, Quiet.ALL_SENT),
    ],
)
def test_silence_has_a_reason(changed: dict[str, Any], why: Held | Quiet) -> None:
    step = next_step(facts(**changed), USUAL, DUE + timedelta(days=40))

    assert (step.level, step.why) == (None, why)


def test_a_debtor_who_owes_the_threshold_is_reminded() -> None:
    assert next_step(facts(open_cents=100, owed_cents=500), USUAL, DUE + timedelta(days=3)).level is Level.FIRST


_DAYS = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30)).map(lambda gaps: (gaps[0], gaps[0] + gaps[1], sum(gaps)))


@given(
    days=_DAYS,
    note=st.integers(0, 14),
    runs=st.lists(st.integers(-40, 200), max_size=60).map(sorted),
    paid_after=st.integers(-40, 220),
    twice=st.integers(1, 2),
)
def test_never_a_level_twice_never_out_of_order_never_a_fourth_never_after_paid(
    days: tuple[int, int, int], note: int, runs: list[int], paid_after: int, twice: int
) -> None:
    """Whichever days the work runs on, however often a day."""
    policy = Policy(note_days=note, reminder_days=days)
    history: list[Sent] = []
    for late in runs:
        today = DUE + timedelta(days=late)
        open_cents = 5000 if late < paid_after else 0
        for _ in range(twice):
            step = next_step(facts(open_cents=open_cents, sent=tuple(history)), policy, today)
            if step.level is not None:
                history.append(Sent(step.level, today))

    levels = [one.level for one in history]
    assert levels == sorted(set(levels))
    assert len([level for level in levels if level > Level.NOTE]) <= 3
    assert all(one.on < DUE + timedelta(days=paid_after) for one in history)
    assert [level for level in levels if level > Level.NOTE] == [Level.FIRST, Level.SECOND, Level.THIRD][: len(set(levels) - {Level.NOTE})]
    for one in history:
        assert (one.on <= DUE) == (one.level is Level.NOTE)
    after = [one for one in history if one.level > Level.NOTE]
    for earlier, later in pairwise(after):
        assert (later.on - earlier.on).days >= days[later.level - 1] - days[earlier.level - 1]


def test_the_last_word_to_a_consumer_gives_fourteen_days_from_the_day_after_receipt_and_names_the_costs_of_all_claims() -> None:
    # Sent on Monday 1 June 2026, taken to arrive on Wednesday 3 June; fourteen days later is Wednesday 17 June.
    said = last_word(
        [(100_000, date(2026, 5, 1)), (152_630, date(2026, 5, 5))], date(2026, 6, 1), is_consumer=True, rates=CONSUMER_RATES, policy=USUAL
    )

    assert said.pays_by == date(2026, 6, 17)
    assert said.costs_cents == 37_763  # 15 % of 2,500 and 10 % of 26.30, not 150 and 228.95
    assert said.interest_cents == 329 + 435  # 30 and 26 days at 4 %


def test_the_last_word_to_a_business_gives_until_the_day_before_its_services_stop() -> None:
    said = last_word([(8000, date(2026, 5, 1))], date(2026, 6, 1), is_consumer=False, rates=TRADE_RATES, policy=USUAL)

    assert (said.pays_by, said.costs_cents) == (date(2026, 6, 7), 4000)
    assert suspends_on(date(2026, 6, 1), "hosting", is_consumer=False, policy=USUAL) == date(2026, 6, 8)


@pytest.mark.parametrize(
    ("product", "who", "policy", "day"),
    [
        ("hosting", "business", Policy(suspend_days=7), date(2026, 6, 8)),
        ("telephony", "business", Policy(suspend_days=7, lead_days={"telephony": 14}), date(2026, 6, 22)),
        ("domain", "business", Policy(lead_days={"domain": None}), None),
        ("hosting", "consumer", Policy(consumer_suspend_days=21), date(2026, 6, 22)),
        # Never before the fourteen days of the letter are over, whatever the policy says.
        ("hosting", "consumer", Policy(consumer_suspend_days=1), date(2026, 6, 18)),
        ("telephony", "consumer", Policy(consumer_suspend_days=1, lead_days={"telephony": 5}), date(2026, 6, 23)),
        ("domain", "consumer", Policy(lead_days={"domain": None}), None),
    ],
)
def test_services_stop_so_many_days_after_the_third_reminder(product: str, who: str, policy: Policy, day: date | None) -> None:
    assert suspends_on(date(2026, 6, 1), product, is_consumer=who == "consumer", policy=policy) == day


@given(sent_on=st.dates(date(2025, 1, 1), date(2030, 12, 31)), days=st.integers(1, 60))
def test_a_consumers_service_never_stops_before_its_letter_has_run_out(sent_on: date, days: int) -> None:
    policy = Policy(consumer_suspend_days=days)
    stops = suspends_on(sent_on, "hosting", is_consumer=True, policy=policy)

    assert stops is not None
    assert stops > last_word([(5000, sent_on - timedelta(days=21))], sent_on, is_consumer=True, rates=CONSUMER_RATES, policy=policy).pays_by
    assert (stops - sent_on).days >= max(days, 16)


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (-30, Bucket.NOT_DUE),
        (0, Bucket.NOT_DUE),
        (1, Bucket.TO_30),
        (30, Bucket.TO_30),
        (31, Bucket.TO_60),
        (60, Bucket.TO_60),
        (61, Bucket.TO_90),
        (90, Bucket.TO_90),
        (91, Bucket.OLDER),
        (4000, Bucket.OLDER),
    ],
)
def test_an_open_item_is_as_old_as_its_due_date(late: int, expected: Bucket) -> None:
    assert bucket(DUE, DUE + timedelta(days=late)) is expected
