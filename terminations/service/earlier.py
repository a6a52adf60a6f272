"""Leaving earlier than a notice allows: what it would cost beside the ordinary end, and the choice for it, which gives nothing up."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from billing.policy.ledger import Layer
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Refused
from partner_portal.kernel.money import Money

from ..policy.notices import NoticeState
from ..tables import Termination
from ..workflow import Action, State, after
from . import cases, notices, placing, quotes, steps
from .cases import FiledBy, Filing, Reason
from .letters import Dossier
from .steps import Note


class NothingEarlier(Refused):
    """The day on which the case ends is the one that was wished; there is no earlier one to choose."""


class Earlier(msgspec.Struct, frozen=True):
    """The earlier day that was wished, and the whole final bill for it, including VAT; None where the partner settles it with its customer."""

    day: date
    amount: Money | None


def offered(told: Dossier) -> Earlier | None:
    """What the earlier day that a notice wished for would cost; None where nothing earlier was wished, or nothing earlier can be had."""
    if not told.by_notice or told.case.is_buyout:
        return None
    preview = told.previews[Layer.CUSTOMER]
    days = [service.offer.ends_on for service in preview.services if service.offer is not None and service.buyout_allowed]
    if not days or preview.offer_bill is None:
        return None
    return Earlier(max(days), Money(preview.offer_bill.total_cents) if told.customer_pays else None)


async def choose(actor: Actor, case: Termination, note: Note) -> Termination:
    """Finance is asked for the earlier day by a case of its own, which takes the place of the locked one; notice still counts from its own instant.

    Should that come to nothing, the ordinary end stands again by itself (`placing.case_is_over`). Raises IllegalStep, TooLate, NothingEarlier.
    """
    after(State(case.state), Action.CHOOSE_EARLIER)
    quote = await quotes.find(case.quote)
    asked = quotes.request_of(quote)
    offers = [service.offer for service in quotes.outcome_of(quote).previews[Layer.CUSTOMER].services]
    notice = await placing.of_case(case.id)
    if notice is None or not any(offers):
        raise NothingEarlier(number=case.number)
    await steps.take(actor, case, Action.CHOOSE_EARLIER, None, note=note)
    kept = await quotes.keep(actor, msgspec.structs.replace(asked, early=True))
    instead = await cases.file(actor, kept.id, Filing(reason=Reason(case.reason), by=FiledBy.NOTICE, received_at=notice.received_at))
    await notices.move(notice, NoticeState.FILED, termination=instead.id)
    return instead


async def services_of(case: Termination) -> tuple[UUID, ...]:
    """The services that the case is about."""
    quote = await quotes.find(case.quote)
    return quotes.request_of(quote).services
