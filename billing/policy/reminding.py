"""What an unpaid invoice gets: a note before its due date, at most three reminders, and then its services stop. Never a fourth; a debtor one letter a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import IntEnum, StrEnum

import msgspec

from partner_portal.kernel.dates import NO_EXTRA_HOLIDAYS, ONE_DAY

from .collection import collection_costs, fourteen_day_letter
from .interest import Rate, known_until, statutory_interest


class Level(IntEnum):
    """What was sent: the friendly note before the due date, and three reminders; the third is the last."""

    NOTE = 0
    FIRST = 1
    SECOND = 2
    THIRD = 3


class Held(StrEnum):
    """Why somebody decided that an invoice is not reminded of."""

    DISPUTED = "disputed"
    PLAN = "payment plan"
    BANKRUPT = "bankrupt"
    DECEASED = "deceased"
    BOUNCED = "mail bounced"


PAUSING = frozenset({Held.DISPUTED, Held.PLAN})
"""Holds under which a service that was suspended works again: the debtor is heard, or pays as agreed."""


class Quiet(StrEnum):
    """Why nothing is sent today without anybody having decided so."""

    PAID = "paid"
    TOO_EARLY = "too early"
    BELOW_THRESHOLD = "below threshold"
    ALL_SENT = "all sent"
    WRITTEN_TODAY = "written today"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When what is sent, in days; the same for consumers and businesses but for what comes after the third reminder.

    `note_days` before the due date (0: no note); `reminder_days` after it; services stop `suspend_days` after the third reminder, those of a consumer
    `consumer_suspend_days` and never before its fourteen days are over. `lead_days` gives a product, by its code, so many days more; None: it is
    never stopped. Debtors who owe less than `threshold_cents` hear nothing. Interest and collection costs are charged so many `charge_days` after the
    last day that the third reminder names, for transfers are on their way that long; None: never. `partner_agrees`: the partner may hold reminders and
    agree on payment plans of its customers itself.
    """

    note_days: int = 3
    reminder_days: tuple[int, int, int] = (3, 14, 21)
    suspend_days: int = 7
    consumer_suspend_days: int = 21
    threshold_cents: int = 500
    lead_days: Mapping[str, int | None] = {}
    charge_days: int | None = 5
    partner_agrees: bool = False


class Sent(msgspec.Struct, frozen=True):
    """A reminder that went out."""

    level: Level
    on: date


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Of an invoice: when it was issued and is due, what is open of it, what its debtor owes in all that is due, what was sent, and why it is held.

    `is_written_to`: this sender wrote to its debtor today already, be it about another invoice.
    """

    issued_on: date
    due_on: date
    open_cents: int
    owed_cents: int
    sent: Sequence[Sent] = ()
    held: Held | None = None
    is_written_to: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent today, or else why nothing is; `due_on` is the day on which the next is due, where one is."""

    level: Level | None = None
    why: Held | Quiet | None = None
    due_on: date | None = None


def next_step(facts: Facts, policy: Policy, today: date) -> Step:
    """The one thing to send today, or the reason for silence.

    Levels follow each other, one a day at most, with the days between them kept even if some were sent late. Once paid, nothing.
    """
    level = _next_level(facts, today)
    due_on = None if level is None else _due_on(level, facts, policy)
    if facts.open_cents <= 0:
        return Step(why=Quiet.PAID)
    if level is None or due_on is None:
        return Step(why=Quiet.ALL_SENT)
    if facts.held is not None:
        return Step(why=facts.held, due_on=due_on)
    if facts.owed_cents < policy.threshold_cents:
        return Step(why=Quiet.BELOW_THRESHOLD, due_on=due_on)
    if level is Level.NOTE and not _has_note(facts, policy):
        return Step(why=Quiet.TOO_EARLY, due_on=facts.due_on + timedelta(days=policy.reminder_days[0]))
    if today < due_on:
        return Step(why=Quiet.TOO_EARLY, due_on=due_on)
    return Step(why=Quiet.WRITTEN_TODAY, due_on=today + ONE_DAY) if facts.is_written_to else Step(level=level, due_on=due_on)


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """The one letter of a day, its claims by their places: what it asks for, what it asks for besides without its turn, and what is only due soon.

    Its level is the highest of the claims'; each keeps its own.
    """

    level: Level
    asked: tuple[int, ...]
    besides: tuple[int, ...] = ()
    soon: tuple[int, ...] = ()


def one_letter(claims: Sequence[tuple[Step, date]], today: date) -> Gathered | None:
    """What one debtor is written on this day about its claims (step, due date), in one letter; None where nothing is to be sent.

    The last reminder asks for everything that is overdue and not held (BW 6:96(7)). What is not due yet is asked for in no reminder, but noted in it.
    """
    turn = {nth: step.level for nth, (step, _) in enumerate(claims) if step.level is not None}
    if not turn:
        return None
    level = max(turn.values())
    soon = () if level is Level.NOTE else tuple(nth for nth, its in turn.items() if its is Level.NOTE)
    others = (nth for nth, (step, due_on) in enumerate(claims) if nth not in turn and due_on < today and not isinstance(step.why, Held))
    return Gathered(
        level=level,
        asked=tuple(nth for nth in turn if nth not in soon),
        besides=tuple(others) if level is Level.THIRD else (),
        soon=soon,
    )


def _next_level(facts: Facts, today: date) -> Level | None:
    last = max((sent.level for sent in facts.sent), default=None)
    if last is Level.THIRD:
        return None
    if last is None:
        # A note after the due date would be a reminder: its time has passed.
        return Level.NOTE if today <= facts.due_on else Level.FIRST
    return Level(last + 1)


def _due_on(level: Level, facts: Facts, policy: Policy) -> date:
    if level is Level.NOTE:
        return facts.due_on - timedelta(days=policy.note_days)
    days = policy.reminder_days
    planned = facts.due_on + timedelta(days=days[level - 1])
    before = next((sent.on for sent in facts.sent if sent.level == level - 1), None)
    if level is Level.FIRST or before is None:
        return planned
    return max(planned, before + timedelta(days=days[level - 1] - days[level - 2]))


def _has_note(facts: Facts, policy: Policy) -> bool:
    """None where there is no note, nor where it would come with the invoice itself."""
    return policy.note_days > 0 and facts.due_on - timedelta(days=policy.note_days) > facts.issued_on


class LastWord(msgspec.Struct, frozen=True, kw_only=True):
    """What the third reminder says: the last day to pay, what comes on top afterwards, and in cents how much interest it has been until today.

    `alone_cents`: the costs of each claim, should it be the only one that stays unpaid.
    """

    pays_by: date
    costs_cents: int
    interest_cents: int
    alone_cents: tuple[int, ...] = ()


def last_word(
    claims: Iterable[tuple[int, date]],
    sent_on: date,
    *,
    is_consumer: bool,
    rates: Sequence[Rate],
    policy: Policy,
    holidays: frozenset[date] = NO_EXTRA_HOLIDAYS,
) -> LastWord:
    """What the last reminder of these claims (open cents, due date) says; the principals are added for the costs (BW 6:96(7)).

    Interest as far as its rates are known.

    A consumer has fourteen days from the day after receipt (BW 6:96(6)); a business until the day before its services stop.
    """
    known = list(claims)
    until = min(sent_on, known_until(rates))
    interest = sum(statutory_interest(cents, due_on, until, rates).cents for cents, due_on in known if due_on < until)
    if is_consumer:
        pays_by = fourteen_day_letter(sent_on=sent_on, extra_holidays=holidays).last_day_to_pay
    else:
        pays_by = sent_on + timedelta(days=max(policy.suspend_days, 1)) - ONE_DAY
    return LastWord(
        pays_by=pays_by,
        costs_cents=collection_costs([cents for cents, _ in known]),
        interest_cents=interest,
        alone_cents=tuple(collection_costs([cents]) for cents, _ in known),
    )


def suspends_on(
    third_sent_on: date, product: str, *, is_consumer: bool, policy: Policy, holidays: frozenset[date] = NO_EXTRA_HOLIDAYS
) -> date | None:
    """The day from which a service of this product may be stopped; None where it never is."""
    lead = policy.lead_days.get(product, 0)
    if lead is None:
        return None
    if not is_consumer:
        return third_sent_on + timedelta(days=policy.suspend_days + lead)
    after_letter = fourteen_day_letter(sent_on=third_sent_on, extra_holidays=holidays).costs_from
    return max(third_sent_on + timedelta(days=policy.consumer_suspend_days), after_letter) + timedelta(days=lead)


class Bucket(StrEnum):
    """How old an open item is, by the days since its due date."""

    NOT_DUE = "not due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OLDER = "over 90"


_UP_TO = ((0, Bucket.NOT_DUE), (30, Bucket.TO_30), (60, Bucket.TO_60), (90, Bucket.TO_90))


def bucket(due_on: date, today: date) -> Bucket:
    """The bucket of an item that is due on this day; on its due date it is not overdue."""
    late = (today - due_on).days
    return next((name for most, name in _UP_TO if late <= most), Bucket.OLDER)
