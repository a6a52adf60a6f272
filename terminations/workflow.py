"""The steps of ending a contract, as one table: nowhere else does a case change its state."""

from __future__ import annotations

from enum import StrEnum

from partner_portal.kernel.errors import Refused


class State(StrEnum):
    """Where a case stands."""

    WAITING_FOR_CUSTOMER = "waiting_for_customer"
    WAITING_FOR_FINANCE = "waiting_for_finance"
    PROPOSED = "proposed"
    COUNTERED = "countered"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    EXPIRED = "expired"


class Action(StrEnum):
    """What can happen to a case."""

    FILE = "file"
    FILE_BUYOUT = "file_buyout"
    # the customer: by a notice on a public page, which has yet to be verified, or signed in, which is its consent
    FILE_BY_NOTICE = "file_by_notice"
    FILE_BUYOUT_BY_NOTICE = "file_buyout_by_notice"
    FILE_BY_CUSTOMER = "file_by_customer"
    FILE_BUYOUT_BY_CUSTOMER = "file_buyout_by_customer"
    APPROVE = "approve"
    REFUSE = "refuse"
    NOT_ME = "not_me"
    CHOOSE_EARLIER = "choose_earlier"  # another case, for an earlier day against a buyout, takes the place of this one
    # whoever pays the buyout
    ACCEPT = "accept"
    ACCEPT_WITH_CONSENT = "accept_with_consent"
    REFUSE_BUYOUT = "refuse_buyout"
    COUNTER = "counter"
    # the provider's finance
    AGREE_FIRST = "agree_first"
    PROPOSE = "propose"
    DECLINE_BUYOUT = "decline_buyout"
    ALLOW_WITHDRAWAL = "allow_withdrawal"
    DENY_WITHDRAWAL = "deny_withdrawal"
    # the partner
    WITHDRAW = "withdraw"
    ASK_WITHDRAWAL = "ask_withdrawal"
    SEND_AGAIN = "send_again"
    # time
    REMIND = "remind"
    EXPIRE = "expire"
    TAKE_EFFECT = "take_effect"


class Party(StrEnum):
    """Who may take a step."""

    PARTNER = "partner"
    CUSTOMER = "customer"
    PAYER = "payer"  # the customer, or the partner where the provider bills the partner
    FINANCE = "finance"
    TIME = "time"


_W, _A = State, Action

STEPS: dict[tuple[State | None, Action], State] = {
    (None, _A.FILE): _W.WAITING_FOR_CUSTOMER,
    (None, _A.FILE_BUYOUT): _W.WAITING_FOR_FINANCE,
    (None, _A.FILE_BY_NOTICE): _W.WAITING_FOR_CUSTOMER,
    (None, _A.FILE_BUYOUT_BY_NOTICE): _W.WAITING_FOR_FINANCE,
    (None, _A.FILE_BY_CUSTOMER): _W.SCHEDULED,
    (None, _A.FILE_BUYOUT_BY_CUSTOMER): _W.WAITING_FOR_FINANCE,
    (_W.WAITING_FOR_CUSTOMER, _A.APPROVE): _W.SCHEDULED,
    (_W.WAITING_FOR_CUSTOMER, _A.REFUSE): _W.REFUSED,
    (_W.WAITING_FOR_CUSTOMER, _A.NOT_ME): _W.WAITING_FOR_CUSTOMER,
    (_W.WAITING_FOR_CUSTOMER, _A.CHOOSE_EARLIER): _W.WITHDRAWN,
    (_W.WAITING_FOR_CUSTOMER, _A.SEND_AGAIN): _W.WAITING_FOR_CUSTOMER,
    (_W.WAITING_FOR_CUSTOMER, _A.REMIND): _W.WAITING_FOR_CUSTOMER,
    (_W.WAITING_FOR_CUSTOMER, _A.EXPIRE): _W.EXPIRED,
    (_W.WAITING_FOR_CUSTOMER, _A.WITHDRAW): _W.WITHDRAWN,
    (_W.WAITING_FOR_FINANCE, _A.AGREE_FIRST): _W.WAITING_FOR_FINANCE,
    (_W.WAITING_FOR_FINANCE, _A.PROPOSE): _W.PROPOSED,
    (_W.WAITING_FOR_FINANCE, _A.DECLINE_BUYOUT): _W.REFUSED,
    (_W.WAITING_FOR_FINANCE, _A.EXPIRE): _W.EXPIRED,
    (_W.WAITING_FOR_FINANCE, _A.WITHDRAW): _W.WITHDRAWN,
    (_W.PROPOSED, _A.ACCEPT): _W.ACCEPTED,
    (_W.PROPOSED, _A.ACCEPT_WITH_CONSENT): _W.SCHEDULED,
    (_W.PROPOSED, _A.REFUSE_BUYOUT): _W.REFUSED,
    (_W.PROPOSED, _A.COUNTER): _W.COUNTERED,
    (_W.PROPOSED, _A.NOT_ME): _W.PROPOSED,
    (_W.PROPOSED, _A.SEND_AGAIN): _W.PROPOSED,
    (_W.PROPOSED, _A.REMIND): _W.PROPOSED,
    (_W.PROPOSED, _A.EXPIRE): _W.EXPIRED,
    (_W.PROPOSED, _A.WITHDRAW): _W.WITHDRAWN,
    (_W.COUNTERED, _A.AGREE_FIRST): _W.COUNTERED,
    (_W.COUNTERED, _A.PROPOSE): _W.PROPOSED,
    (_W.COUNTERED, _A.DECLINE_BUYOUT): _W.REFUSED,
    (_W.COUNTERED, _A.EXPIRE): _W.EXPIRED,
    (_W.COUNTERED, _A.WITHDRAW): _W.WITHDRAWN,
    (_W.ACCEPTED, _A.APPROVE): _W.SCHEDULED,
    (_W.ACCEPTED, _A.REFUSE): _W.REFUSED,
    (_W.ACCEPTED, _A.NOT_ME): _W.ACCEPTED,
    (_W.ACCEPTED, _A.SEND_AGAIN): _W.ACCEPTED,
    (_W.ACCEPTED, _A.REMIND): _W.ACCEPTED,
    (_W.ACCEPTED, _A.EXPIRE): _W.EXPIRED,
    (_W.ACCEPTED, _A.WITHDRAW): _W.WITHDRAWN,
    (_W.SCHEDULED, _A.WITHDRAW): _W.WITHDRAWN,
    (_W.SCHEDULED, _A.ASK_WITHDRAWAL): _W.SCHEDULED,
    (_W.SCHEDULED, _A.ALLOW_WITHDRAWAL): _W.WITHDRAWN,
    (_W.SCHEDULED, _A.DENY_WITHDRAWAL): _W.SCHEDULED,
    (_W.SCHEDULED, _A.TAKE_EFFECT): _W.ENDED,
}

TAKEN_BY: dict[Action, Party] = {
    _A.FILE: Party.PARTNER,
    _A.FILE_BUYOUT: Party.PARTNER,
    _A.FILE_BY_NOTICE: Party.CUSTOMER,
    _A.FILE_BUYOUT_BY_NOTICE: Party.CUSTOMER,
    _A.FILE_BY_CUSTOMER: Party.CUSTOMER,
    _A.FILE_BUYOUT_BY_CUSTOMER: Party.CUSTOMER,
    _A.APPROVE: Party.CUSTOMER,
    _A.REFUSE: Party.CUSTOMER,
    _A.NOT_ME: Party.CUSTOMER,
    _A.CHOOSE_EARLIER: Party.CUSTOMER,
    _A.ACCEPT: Party.PAYER,
    _A.ACCEPT_WITH_CONSENT: Party.PAYER,
    _A.REFUSE_BUYOUT: Party.PAYER,
    _A.COUNTER: Party.PAYER,
    _A.AGREE_FIRST: Party.FINANCE,
    _A.PROPOSE: Party.FINANCE,
    _A.DECLINE_BUYOUT: Party.FINANCE,
    _A.ALLOW_WITHDRAWAL: Party.FINANCE,
    _A.DENY_WITHDRAWAL: Party.FINANCE,
    _A.WITHDRAW: Party.PARTNER,
    _A.ASK_WITHDRAWAL: Party.PARTNER,
    _A.SEND_AGAIN: Party.PARTNER,
    _A.REMIND: Party.TIME,
    _A.EXPIRE: Party.TIME,
    _A.TAKE_EFFECT: Party.TIME,
}

OPEN = frozenset(state for state, _action in STEPS if state)  # states from which a step leads on
CLOSED = frozenset(State) - OPEN


class IllegalStep(Refused):
    """The step does not exist from where the case stands; the facts name the legal ones."""

    def __init__(self, state: State, action: Action) -> None:
        super().__init__(state=state.value, action=action.value, legal=[legal.value for legal in legal_actions(state)])


def after(state: State | None, action: Action) -> State:
    """The state that follows; IllegalStep names the legal actions instead."""
    if (state, action) not in STEPS:
        raise IllegalStep(state or State.EXPIRED, action)
    return STEPS[state, action]


def legal_actions(state: State, *parties: Party) -> list[Action]:
    """What can happen next to a case in `state`, by any of `parties` (by anybody, when none is named), in the table's order."""
    return [action for (at, action) in STEPS if at == state and (not parties or TAKEN_BY[action] in parties)]
