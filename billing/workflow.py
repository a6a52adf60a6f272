"""The steps of taking a number along to us, as one table: nowhere else does a port-in change its state."""

from __future__ import annotations

from enum import StrEnum

from partner_portal.kernel.errors import Refused


class PortState(StrEnum):
    """Where the number stands on its way to us."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    PLANNED = "planned"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class PortAction(StrEnum):
    """What can happen on the way."""

    REQUEST = "request"
    ACCEPT = "accept"
    PLAN = "plan"
    REJECT = "reject"
    TRY_AGAIN = "try_again"
    FINISH = "finish"
    WITHDRAW = "withdraw"


class IllegalPortStep(Refused):
    """The number does not stand where this step begins."""


_S, _A = PortState, PortAction

PORT_STEPS: dict[tuple[PortState | None, PortAction], PortState] = {
    (None, _A.REQUEST): _S.REQUESTED,
    (_S.REQUESTED, _A.ACCEPT): _S.ACCEPTED,
    (_S.REQUESTED, _A.PLAN): _S.PLANNED,
    (_S.REQUESTED, _A.REJECT): _S.REJECTED,
    (_S.REQUESTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.ACCEPTED, _A.PLAN): _S.PLANNED,
    (_S.ACCEPTED, _A.REJECT): _S.REJECTED,
    (_S.ACCEPTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.PLANNED, _A.PLAN): _S.PLANNED,
    (_S.PLANNED, _A.REJECT): _S.REJECTED,
    (_S.PLANNED, _A.FINISH): _S.DONE,
    (_S.PLANNED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.REJECTED, _A.TRY_AGAIN): _S.REQUESTED,
    (_S.REJECTED, _A.WITHDRAW): _S.WITHDRAWN,
}


def legal(state: PortState) -> tuple[PortAction, ...]:
    """What can be done with a number that stands here, in the order of the table."""
    return tuple(action for was, action in PORT_STEPS if was is state)


def after(state: PortState | None, action: PortAction) -> PortState:
    """The state that follows; IllegalPortStep names what is possible instead."""
    if (state, action) not in PORT_STEPS:
        possible = [step.value for step in legal(state)] if state else []
        raise IllegalPortStep(state=state.value if state else "", action=action.value, possible=possible)
    return PORT_STEPS[state, action]
