"""Who is asked, and the link sent again to whoever is the right person now."""

from __future__ import annotations

from uuid import UUID

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Refused

from ..events import BuyoutProposed, CustomerAsked
from ..tables import Termination
from ..workflow import Action, State
from . import steps, waiting
from .steps import Note


class NobodyToAsk(Refused):
    """The customer has no main contact with an e-mail address, so nobody could answer."""


class MayNotSign(Refused):
    """Whoever was chosen to confirm is no contact of the customer that may sign, or no longer."""


_SIGNS = "SELECT 1 FROM contact WHERE id = $1 AND customer = $2 AND (is_main OR may_sign) AND (active_until IS NULL OR active_until >= $3)"


async def must_reach(customer: UUID, chosen: UUID | None = None) -> None:
    """The customer has a main contact with an e-mail address, and `chosen`, if anybody is, may sign for it; else NobodyToAsk or MayNotSign."""
    row = await db.fetch_one(
        "SELECT c.number, k.email FROM customer c LEFT JOIN contact k ON k.customer = c.id AND k.tenant = c.tenant AND k.is_main WHERE c.id = $1",
        customer,
    )
    if row is None or not row["email"]:
        raise NobodyToAsk(customer=row["number"] if row else "")
    if chosen is not None and await db.fetch_one(_SIGNS, chosen, customer, clock.today()) is None:
        raise MayNotSign(contact=str(chosen))


async def send_again(actor: Actor, case: Termination, note: Note) -> None:
    """Whoever answers for the customer now gets a new link for the locked case; the ones before it decide nothing any more.

    Raises IllegalStep, TooLate, NobodyToAsk.
    """
    await must_reach(case.customer)
    event = BuyoutProposed if State(case.state) is State.PROPOSED else CustomerAsked
    await steps.take(actor, case, Action.SEND_AGAIN, event, note=note, **waiting.reminder(case))
