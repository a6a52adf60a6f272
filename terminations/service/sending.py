"""Who is asked, and the link sent again to whoever is the right person now."""

from __future__ import annotations

from uuid import UUID

from partner_portal.infra import db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Refused

from ..events import BuyoutProposed, CustomerAsked
from ..tables import Termination
from ..workflow import Action, State
from . import steps, waiting
from .steps import Note


class NobodyToAsk(Refused):
    """The customer has no main contact with an e-mail address, so nobody could answer."""


async def must_reach(customer: UUID) -> None:
    """The customer has a main contact with an e-mail address; NobodyToAsk otherwise."""
    row = await db.fetch_one(
        "SELECT c.number, k.email FROM customer c LEFT JOIN contact k ON k.customer = c.id AND k.tenant = c.tenant AND k.is_main WHERE c.id = $1",
        customer,
    )
    if row is None or not row["email"]:
        raise NobodyToAsk(customer=row["number"] if row else "")


async def send_again(actor: Actor, case: Termination, note: Note) -> None:
    """The customer's main contact gets a new link for the locked case; the ones before it decide nothing any more.

    Raises IllegalStep, TooLate, NobodyToAsk.
    """
    await must_reach(case.customer)
    event = BuyoutProposed if State(case.state) is State.PROPOSED else CustomerAsked
    await steps.take(actor, case, Action.SEND_AGAIN, event, note=note, **waiting.reminder(case))
