"""The table of steps: what can happen to a case, by whom, and what cannot."""

from __future__ import annotations

import pytest

from terminations.workflow import CLOSED, OPEN, STEPS, TAKEN_BY, Action, IllegalStep, Party, State, after, legal_actions


@pytest.mark.parametrize(
    ("state", "action", "then"),
    [
        (None, Action.FILE, State.WAITING_FOR_CUSTOMER),
        (None, Action.FILE_BUYOUT, State.WAITING_FOR_FINANCE),
        (State.WAITING_FOR_CUSTOMER, Action.APPROVE, State.SCHEDULED),
        (State.WAITING_FOR_CUSTOMER, Action.NOT_ME, State.WAITING_FOR_CUSTOMER),
        (State.WAITING_FOR_FINANCE, Action.AGREE_FIRST, State.WAITING_FOR_FINANCE),
        (State.WAITING_FOR_FINANCE, Action.PROPOSE, State.PROPOSED),
        (State.PROPOSED, Action.COUNTER, State.COUNTERED),
        (State.COUNTERED, Action.PROPOSE, State.PROPOSED),
        (State.PROPOSED, Action.ACCEPT, State.ACCEPTED),
        (State.ACCEPTED, Action.APPROVE, State.SCHEDULED),
        (State.PROPOSED, Action.ACCEPT_WITH_CONSENT, State.SCHEDULED),
        (State.SCHEDULED, Action.WITHDRAW, State.WITHDRAWN),
        (State.SCHEDULED, Action.TAKE_EFFECT, State.ENDED),
    ],
)
def test_a_legal_step_leads_on(state: State | None, action: Action, then: State) -> None:
    assert after(state, action) is then


@pytest.mark.parametrize("state", sorted(CLOSED))
@pytest.mark.parametrize("action", list(Action))
def test_nothing_happens_to_a_closed_case(state: State, action: Action) -> None:
    with pytest.raises(IllegalStep) as refused:
        after(state, action)

    assert refused.value.facts == {"state": state.value, "action": action.value, "legal": []}


def test_an_illegal_step_names_the_legal_ones() -> None:
    with pytest.raises(IllegalStep) as refused:
        after(State.WAITING_FOR_FINANCE, Action.APPROVE)

    assert refused.value.facts["legal"] == ["agree_first", "propose", "decline_buyout", "expire", "withdraw"]


def test_every_action_is_somebodys_and_used() -> None:
    assert set(TAKEN_BY) == set(Action)
    assert {action for _state, action in STEPS} == set(Action)


def test_every_open_case_can_be_closed_and_every_state_is_reached() -> None:
    reached = {state for (start, _action), state in STEPS.items() if start is None}
    while (more := reached | {then for (state, _action), then in STEPS.items() if state in reached}) != reached:
        reached = more

    assert reached == set(State)
    assert {State.ENDED, State.WITHDRAWN, State.REFUSED, State.EXPIRED} == CLOSED
    assert all(any(STEPS[state, action] in CLOSED for action in legal_actions(state)) for state in OPEN)


def test_only_finance_decides_on_money() -> None:
    assert legal_actions(State.WAITING_FOR_FINANCE, Party.FINANCE) == [Action.AGREE_FIRST, Action.PROPOSE, Action.DECLINE_BUYOUT]
    assert legal_actions(State.WAITING_FOR_FINANCE, Party.CUSTOMER) == []


def test_waiting_always_ends_by_itself() -> None:
    waiting = OPEN - {State.SCHEDULED}

    assert all(Action.EXPIRE in legal_actions(state, Party.TIME) for state in waiting)
