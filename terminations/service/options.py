"""What a partner's member can do with a case now: the workflow's table, as this reader may use it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from partner_portal.infra import clock
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import Refused

from ..tables import Termination
from ..workflow import Action, Party, State, legal_actions
from . import scheduling
from .buyouts import Payer

_ONLY_THE_CUSTOMERS = {Action.ACCEPT_WITH_CONSENT}
# When the time to answer has passed, the case can only be closed.
_TOO_LATE = set(Action) - {Action.WITHDRAW}


def open_to(actor: Actor, case: Termination, ends: Sequence[date]) -> tuple[Action, ...]:
    """The steps that `actor`, a partner's member, may take on the case whose services end on `ends`; none for who only reads.

    A withdrawal that needs finance's consent is ASK_WITHDRAWAL, and is not offered again while it is asked.
    """
    state = State(case.state)
    if not actor.has_any(Role.OWNER, Role.CLERK) or (state is State.SCHEDULED and all(day < clock.today() for day in ends)):
        return ()
    parties = [Party.PARTNER, Party.PAYER] if case.payer == Payer.PARTNER else [Party.PARTNER]
    unfit = _ONLY_THE_CUSTOMERS | _of_withdrawal(case) | ({Action.SEND_AGAIN} if _is_own_question(case) else set())
    if case.waits_until is not None and case.waits_until <= clock.now():
        unfit |= _TOO_LATE
    return tuple(action for action in legal_actions(state, *parties) if action not in unfit)


def _of_withdrawal(case: Termination) -> set[Action]:
    if not scheduling.needs_consent(case):
        return {Action.ASK_WITHDRAWAL}
    return {Action.WITHDRAW} if case.withdrawal_asked_at is None else {Action.WITHDRAW, Action.ASK_WITHDRAWAL}


def _is_own_question(case: Termination) -> bool:
    """Whether it is the partner itself that is asked: there is no link to send."""
    return case.state == State.PROPOSED and case.payer == Payer.PARTNER


class ProposalChanged(Refused):
    """The sum on the table is no longer the one that was read when the button was pressed."""


def must_be_the_sum_read(case: Termination, seen_cents: int | None) -> None:
    """Whoever answers the locked case's proposal has read the sum that is on the table; ProposalChanged otherwise."""
    if case.state == State.PROPOSED and case.agreed_cents != seen_cents:
        raise ProposalChanged
