"""The way of a number to us."""

from __future__ import annotations

import pytest

from billing.workflow import PORT_STEPS, IllegalPortStep, PortAction, PortState, after, legal


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        (["request", "accept", "plan", "finish"], "done"),
        (["request", "plan", "plan", "finish"], "done"),
        (["request", "reject", "try_again", "accept", "plan", "finish"], "done"),
        (["request", "accept", "withdraw"], "withdrawn"),
        (["request", "reject", "withdraw"], "withdrawn"),
        (["request", "plan", "reject", "try_again"], "requested"),
    ],
)
def test_a_number_moves_by_the_table(steps: list[str], ends: str) -> None:
    state: PortState | None = None
    for step in steps:
        state = after(state, PortAction(step))

    assert state is PortState(ends)


@pytest.mark.parametrize("done", [PortState.DONE, PortState.WITHDRAWN])
def test_what_is_over_stays_over(done: PortState) -> None:
    assert legal(done) == ()
    for action in PortAction:
        with pytest.raises(IllegalPortStep):
            after(done, action)


def test_a_number_is_not_there_before_its_day_was_planned() -> None:
    with pytest.raises(IllegalPortStep) as refused:
        after(PortState.REQUESTED, PortAction.FINISH)

    assert refused.value.facts["possible"] == ["accept", "plan", "reject", "withdraw"]


def test_every_state_but_the_last_leads_on_and_each_is_reached() -> None:
    reached = set(PORT_STEPS.values())

    assert reached == set(PortState)
    assert {state for state in PortState if legal(state)} == set(PortState) - {PortState.DONE, PortState.WITHDRAWN}
