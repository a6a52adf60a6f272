"""What an end costs and gives back is billed: it waits from the moment all agreed, and is issued when the services have ended."""

from __future__ import annotations

from billing.events import CustomerUnparked, PartnerUnparked
from billing.policy.ledger import Layer
from billing.service import parking
from partner_portal.infra import outbox
from partner_portal.infra.queue import Daily
from partner_portal.kernel.errors import NotFound
from partner_portal.kernel.events import Event

from ..events import CaseEvent, ServicesEnded, TerminationEnded, TerminationScheduled, TerminationWithdrawn
from ..service import final_bills
from ..tables import Termination
from ..workflow import State


async def _own(event: CaseEvent | ServicesEnded) -> Termination:
    # The staff door shows every tenant's cases: whose it is, the event must say.
    case = await Termination.find(event.termination_id)
    if case.tenant != event.tenant_id:
        raise NotFound(what="termination", id=str(event.termination_id))
    return case


@outbox.through_staff_door
async def charge(event: TerminationScheduled) -> None:
    """What was agreed waits to be billed after the end."""
    case = await _own(event)
    if State(case.state) is State.SCHEDULED:  # else it was withdrawn before this ran, or its final bill has charged it already
        await final_bills.charge(case)


@outbox.through_staff_door
async def bill_customer(event: TerminationEnded) -> None:
    """The customer has its final invoice, from whoever bills it."""
    await final_bills.bill(await _own(event), Layer.CUSTOMER)


@outbox.through_staff_door
async def bill_partner(event: TerminationEnded) -> None:
    """A partner that bills in its own name has the provider's final invoice."""
    await final_bills.bill(await _own(event), Layer.PARTNER)


@outbox.through_staff_door
async def bill_customer_in_part(event: ServicesEnded) -> None:
    """What has ended of a case is billed to the customer at once."""
    await final_bills.bill(await _own(event), Layer.CUSTOMER)


@outbox.through_staff_door
async def bill_partner_in_part(event: ServicesEnded) -> None:
    """What has ended of a case is billed to a partner that bills in its own name."""
    await final_bills.bill(await _own(event), Layer.PARTNER)


@outbox.through_staff_door
async def take_back(event: TerminationWithdrawn) -> None:
    """Services that go on pay nothing for an end that does not come."""
    await final_bills.take_back(await _own(event))


@outbox.through_staff_door
async def bill_what_was_held_back(event: CustomerUnparked) -> None:
    """What waited for an address, a sender or evidence of where the customer is taxed is billed, or waits on."""
    for case in await final_bills.held_back(event.tenant_id, event.customer_id):
        await final_bills.bill(case, Layer.CUSTOMER)


@outbox.through_staff_door
async def bill_partner_what_was_held_back(event: PartnerUnparked) -> None:
    """What waited for the address of a partner that owes, or for the provider's details, is billed, or waits on."""
    await parking.must_be_of(event.tenant_id, event.parked_id)
    for case in await final_bills.held_back_of_partner(event.tenant_id):
        await final_bills.bill(case, Layer.PARTNER)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    TerminationScheduled: [charge],
    ServicesEnded: [bill_customer_in_part, bill_partner_in_part],
    TerminationEnded: [bill_customer, bill_partner],
    TerminationWithdrawn: [take_back],
    CustomerUnparked: [bill_what_was_held_back],
    PartnerUnparked: [bill_partner_what_was_held_back],
}
DAILY: list[Daily] = []
