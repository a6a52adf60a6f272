"""What people call the states, parties and channels of a case: source sentences of the catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from partner_portal.infra.catalogue import sentence

from ..workflow import State


class Named(NamedTuple):
    """A state as it is shown: its word, its kind (good, wait, bad or calm) and its icon."""

    word: str
    kind: str
    icon: str


STATES: Mapping[str, Named] = {
    State.WAITING_FOR_CUSTOMER: Named(sentence("Waiting for customer"), "wait", "hourglass-split"),
    State.WAITING_FOR_FINANCE: Named(sentence("Waiting for finance"), "wait", "hourglass-split"),
    State.PROPOSED: Named(sentence("Proposed"), "wait", "cash-coin"),
    State.COUNTERED: Named(sentence("Counter-proposal"), "wait", "chat-left-text"),
    State.ACCEPTED: Named(sentence("Accepted"), "wait", "hand-thumbs-up"),
    State.SCHEDULED: Named(sentence("Scheduled"), "good", "calendar-event"),
    State.ENDED: Named(sentence("Ended"), "calm", "check-circle"),
    State.WITHDRAWN: Named(sentence("Withdrawn"), "calm", "arrow-repeat"),
    State.REFUSED: Named(sentence("Refused"), "bad", "x-circle"),
    State.EXPIRED: Named(sentence("Expired"), "calm", "clock-history"),
}
PAYERS: Mapping[str, str] = {"customer": sentence("the customer"), "partner": sentence("you, the partner")}
CHANNELS: Mapping[str, str] = {
    "portal": sentence("in the portal"),
    "api": sentence("by software"),
    "link": sentence("by the link in a mail"),
    "public": sentence("on the public page"),
    "admin": sentence("at the provider"),
    "console": sentence("at the provider"),
    "job": sentence("by itself"),
}
"""How a step was taken, by the channel on record."""
