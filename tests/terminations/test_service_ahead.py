"""What a timeline shows before it has happened."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from terminations.service.ahead import Ahead, Case, Coming, ahead
from terminations.workflow import CLOSED, State

TODAY, END, BILLED = date(2026, 11, 22), date(2026, 12, 22), date(2027, 1, 31)
WAITS = datetime(2026, 12, 6, 23, 0, tzinfo=UTC)  # the end of 6 December in Amsterdam


def case(state: State, **other: Any) -> Case:
    usual: dict[str, Any] = {
        "waits_until": WAITS,
        "remind_at": None,
        "withdrawal_asked": False,
        "withdrawable_until": date(2026, 12, 19),
        "ends": [END],
        "billing_ends": [END],
    }
    return Case(state=state, **(usual | other))


@pytest.mark.parametrize(
    ("state", "awaited"),
    [
        (State.WAITING_FOR_CUSTOMER, [Coming.CUSTOMER_ANSWERS]),
        (State.ACCEPTED, [Coming.CUSTOMER_ANSWERS]),
        (State.PROPOSED, [Coming.PAYER_ANSWERS]),
        (State.WAITING_FOR_FINANCE, [Coming.FINANCE_DECIDES, Coming.PAYER_ANSWERS]),
        (State.COUNTERED, [Coming.FINANCE_DECIDES, Coming.PAYER_ANSWERS]),
    ],
)
def test_whoever_is_waited_for_comes_first_with_the_last_day_to_answer(state: State, awaited: list[Coming]) -> None:
    first, *later = ahead(case(state), TODAY)

    assert first == Ahead(awaited[0], date(2026, 12, 6))
    assert [one.what for one in later] == [*awaited[1:], Coming.SERVICE_ENDS]
    assert later[-1].on == END


def test_a_reminder_comes_before_the_answer() -> None:
    assert ahead(case(State.PROPOSED, remind_at=datetime(2026, 11, 27, 11, 0, tzinfo=UTC)), TODAY)[0] == Ahead(
        Coming.REMINDER, date(2026, 11, 27)
    )


def test_each_last_day_is_told_once_and_billing_only_where_it_goes_on() -> None:
    later = date(2027, 3, 31)
    found = ahead(case(State.SCHEDULED, ends=[later, END, END], billing_ends=[later, BILLED, END]), TODAY)

    assert found == (
        Ahead(Coming.WITHDRAWABLE_UNTIL, date(2026, 12, 19)),
        Ahead(Coming.SERVICE_ENDS, END),
        Ahead(Coming.SERVICE_ENDS, later),
        Ahead(Coming.BILLING_ENDS, BILLED),
    )


def test_a_withdrawal_that_was_asked_waits_for_finance() -> None:
    assert ahead(case(State.SCHEDULED, withdrawal_asked=True), TODAY)[0] == Ahead(Coming.FINANCE_ANSWERS_WITHDRAWAL)


def test_what_has_passed_is_not_to_come() -> None:
    assert ahead(case(State.SCHEDULED, ends=[date(2026, 11, 21), END]), date(2026, 12, 20)) == (Ahead(Coming.SERVICE_ENDS, END),)


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_after_the_end_only_billing_may_go_on(state: State) -> None:
    billed = ahead(case(state, billing_ends=[BILLED]), date(2026, 12, 23))

    assert billed == ((Ahead(Coming.BILLING_ENDS, BILLED),) if state is State.ENDED else ())
