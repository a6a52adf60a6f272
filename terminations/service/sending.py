"""The link sent again, to whoever is the right person now."""

from __future__ import annotations

from partner_portal.kernel.actor import Actor

from ..events import BuyoutProposed, CustomerAsked
from ..tables import Termination
from ..workflow import Action, State
from . import steps
from .steps import Note


async def send_again(actor: Actor, case: Termination, note: Note) -> None:
    """The customer's main contact gets a new link for the locked case; the ones before it decide nothing any more."""
    event = BuyoutProposed if State(case.state) is State.PROPOSED else CustomerAsked
    await steps.take(actor, case, Action.SEND_AGAIN, event, note=note)
