"""What a partner's software is told when a case moves: thin, without anybody's name, and the same words as the API's."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from partner_portal.infra import db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import NotFound
from partner_portal.web.money import MoneyOut, text

from ..workflow import State
from . import cases
from .buyouts import Payer
from .cases import Reason

SUBJECT = sentence("Terminations")
KINDS = {
    f"termination.{state.value}": when
    for state, when in {
        State.WAITING_FOR_CUSTOMER: sentence("The customer was asked to confirm"),
        State.WAITING_FOR_FINANCE: sentence("A buyout waits for the provider's finance"),
        State.PROPOSED: sentence("Finance proposed a buyout"),
        State.COUNTERED: sentence("Whoever pays proposed another sum"),
        State.ACCEPTED: sentence("The buyout was accepted; the customer is yet to confirm"),
        State.SCHEDULED: sentence("All agreed: the services end on their last days"),
        State.ENDED: sentence("The services have ended"),
        State.WITHDRAWN: sentence("The termination was withdrawn: the services go on"),
        State.REFUSED: sentence("The customer, the payer or finance said no"),
        State.EXPIRED: sentence("Nobody answered in time"),
    }.items()
}
"""The kinds of events, named after the state that a case is in now, each with when it happens."""


class LineTold(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a case."""

    service_id: UUID
    number: str
    ends_on: date
    billing_ends_on: date


class CaseTold(msgspec.Struct, frozen=True, kw_only=True):
    """A case in the state that one of its steps brought; `url` has the rest of it, for whoever may read it."""

    id: UUID
    number: str
    state: State
    customer_number: str
    reason: Reason
    buyout: bool
    payer: Payer
    agreed: MoneyOut | None
    received_on: date | None
    ends_on: date
    lines: list[LineTold]
    url: str


async def moved(case_id: UUID, nth: int) -> tuple[CaseTold, datetime]:
    """What to tell of the case after its `nth` step, and when that was; NotFound when it is not the acting tenant's."""
    row = await cases.one(case_id)
    step = await db.fetch_one("SELECT state, at FROM termination_step WHERE termination = $1 AND nth = $2", case_id, nth)
    if step is None:
        raise NotFound(what="step", id=f"{case_id}:{nth}")
    told = CaseTold(
        id=row["id"],
        number=row["number"],
        state=State(step["state"]),
        customer_number=row["customer_number"],
        reason=Reason(row["reason"]),
        buyout=row["is_buyout"],
        payer=Payer(row["payer"]),
        agreed=None if row["agreed_cents"] is None else MoneyOut(text(row["agreed_cents"])),
        received_on=row["received_on"],
        ends_on=row["ends_on"],
        lines=[
            LineTold(service_id=line["service"], number=line["number"], ends_on=line["ends_on"], billing_ends_on=line["billing_ends_on"])
            for line in await cases.lines(case_id)
        ],
        url=f"{settings.current().public_url}/api/v1/terminations/{case_id}",
    )
    return told, step["at"]
