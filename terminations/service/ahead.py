"""What is still to come for a case, and on which day: what its timeline shows before it has happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

import msgspec

from partner_portal.kernel.dates import local_date

from ..policy.waiting import last_day
from ..workflow import State


class Coming(StrEnum):
    """The kinds of things that are still to come."""

    REMINDER = "reminder"
    CUSTOMER_ANSWERS = "customer_answers"
    FINANCE_DECIDES = "finance_decides"
    PAYER_ANSWERS = "payer_answers"
    FINANCE_ANSWERS_WITHDRAWAL = "finance_answers_withdrawal"
    WITHDRAWABLE_UNTIL = "withdrawable_until"
    SERVICE_ENDS = "service_ends"
    BILLING_ENDS = "billing_ends"


class Ahead(msgspec.Struct, frozen=True):
    """Something to come: on this day, or at the latest on this day where somebody is waited for; None where nobody knows."""

    what: Coming
    on: date | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What decides it: the state, how long it waits for an answer, and the last days of its services and of their billing."""

    state: State
    waits_until: datetime | None
    remind_at: datetime | None
    withdrawal_asked: bool
    withdrawable_until: date
    ends: Sequence[date]
    billing_ends: Sequence[date]


_BEFORE_THE_END = {
    State.WAITING_FOR_CUSTOMER: (Coming.CUSTOMER_ANSWERS,),
    State.WAITING_FOR_FINANCE: (Coming.FINANCE_DECIDES, Coming.PAYER_ANSWERS),
    State.COUNTERED: (Coming.FINANCE_DECIDES, Coming.PAYER_ANSWERS),
    State.PROPOSED: (Coming.PAYER_ANSWERS,),
    State.ACCEPTED: (Coming.CUSTOMER_ANSWERS,),
}


def ahead(case: Case, today: date) -> tuple[Ahead, ...]:
    """What is to come, in the order in which it is expected; of a closed case nothing but the end of billing."""
    billing = [Ahead(Coming.BILLING_ENDS, day) for day in sorted(set(case.billing_ends) - set(case.ends)) if day >= today]
    if case.state is State.ENDED:
        return tuple(billing)
    if case.state is not State.SCHEDULED and case.state not in _BEFORE_THE_END:
        return ()
    ends = [Ahead(Coming.SERVICE_ENDS, day) for day in sorted(set(case.ends)) if day >= today]
    found = _of_the_end(case, today) if case.state is State.SCHEDULED else _of_the_answer(case)
    return (*found, *ends, *billing)


def _of_the_answer(case: Case) -> list[Ahead]:
    first, *later = _BEFORE_THE_END[case.state]
    reminder = [Ahead(Coming.REMINDER, local_date(case.remind_at))] if case.remind_at else []
    return [*reminder, Ahead(first, last_day(case.waits_until) if case.waits_until else None), *(Ahead(one) for one in later)]


def _of_the_end(case: Case, today: date) -> list[Ahead]:
    if case.withdrawal_asked:
        return [Ahead(Coming.FINANCE_ANSWERS_WITHDRAWAL)]
    return [Ahead(Coming.WITHDRAWABLE_UNTIL, case.withdrawable_until)] if case.withdrawable_until >= today else []
