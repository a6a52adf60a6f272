"""A buyout as a conversation: what was computed, proposed, countered and decided, by whom, with which reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from partner_portal.infra import settings
from partner_portal.kernel.money import Money

from ..workflow import TAKEN_BY, Action, Party
from . import letters
from .letters import Dossier

_FILED = {action for action in Action if action.value.startswith("file_buyout")}
_TELLING = {
    Action.AGREE_FIRST,
    Action.PROPOSE,
    Action.COUNTER,
    Action.ACCEPT,
    Action.ACCEPT_WITH_CONSENT,
    Action.REFUSE_BUYOUT,
    Action.DECLINE_BUYOUT,
} | _FILED
# What one person of finance agreed to is no proposal yet: the sum is told when the second has agreed.
_WITHOUT_A_SUM = {Action.AGREE_FIRST, Action.DECLINE_BUYOUT, Action.REFUSE_BUYOUT}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of the conversation; `amount` including VAT, `computed` where the sum was adjusted from it."""

    action: Action
    who: str
    at: datetime
    by_provider: bool
    amount: Money | None
    computed: Money | None
    note: str


def turns(told: Dossier, history: Sequence[Any]) -> tuple[Said, ...]:
    """The conversation so far, oldest first; empty where the case has no buyout."""
    if not told.case.is_buyout:
        return ()
    return tuple(_turn(told, step) for step in history if step["action"] in _TELLING)


def _turn(told: Dossier, step: Any) -> Said:
    action, facts = Action(step["action"]), msgspec.json.decode(step["facts"])
    is_filed = action in _FILED
    by_provider = is_filed or TAKEN_BY[action] is Party.FINANCE
    cents = told.case.computed_cents if is_filed else None if action in _WITHOUT_A_SUM else facts.get("amount_cents")
    adjusted = action is Action.PROPOSE and facts.get("decision") == "adjust"
    return Said(
        action=action,
        who=settings.current().provider_name if by_provider else step["actor_label"],
        at=step["at"],
        by_provider=by_provider,
        amount=None if cents is None else letters.buyout_sum(told, cents),
        computed=letters.buyout_sum(told, told.case.computed_cents) if adjusted else None,
        note="" if is_filed or action is Action.AGREE_FIRST else step["note"],
    )
