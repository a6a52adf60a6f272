"""What is issued and paid goes to the issuer's accounting package, and what happened there comes home."""

from __future__ import annotations

from partner_portal.infra import db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event

from ..events import AccountingLookDue, AccountingWanted, InvoiceIssued, InvoicePaid, PaymentBooked
from ..service import issuing
from ..service.accounting import connections, inward, sending, together


@outbox.through_staff_door
async def want_document(event: InvoiceIssued) -> None:
    """The document is on its way to the package, if its issuer has one, and then what it settles there."""
    await issuing.must_be_of(event.tenant_id, event.invoice_id)
    await sending.want_document(event.invoice_id)
    await sending.want_settlements(event.tenant_id, event.invoice_id)


@outbox.through_staff_door
async def want_settlements(event: InvoicePaid) -> None:
    """What credit notes settle of the document is on its way to be settled there."""
    await issuing.must_be_of(event.tenant_id, event.invoice_id)
    await sending.want_settlements(event.tenant_id, event.invoice_id)


@outbox.through_staff_door
async def want_payment(event: PaymentBooked) -> None:
    """What the payment settles is on its way to the package, if there is one."""
    await sending.want_payment(event.tenant_id, event.payment_id)


@outbox.through_staff_door
async def send(event: AccountingWanted) -> None:
    """The object is at the package as it is here."""
    await together.send(event.tenant_id, event.link_id)


@outbox.through_staff_door
async def look(event: AccountingLookDue) -> None:
    """What happened at the package is here."""
    await inward.look(event.tenant_id, event.connection_id)


async def look_around() -> None:
    """Every connection in use is looked at, each as a job of its own."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        for connection in await connections.active():
            await connections.look_soon(connection)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    InvoiceIssued: [want_document],
    InvoicePaid: [want_settlements],
    PaymentBooked: [want_payment],
    AccountingWanted: [send],
    AccountingLookDue: [look],
}
DAILY: list[Daily] = [look_around]
