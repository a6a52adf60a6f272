"""What follows a document: its original is made, filed and mailed; paid, it is mailed again as such."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.kernel.events import Event

from ..events import InvoiceIssued, InvoicePaid
from ..service import archive, documents


@outbox.through_staff_door
async def send(event: InvoiceIssued) -> None:
    """The debtor has the original by mail, and it is on file with its e-invoice."""
    await archive.send(await documents.one(event.invoice_id))


@outbox.through_staff_door
async def send_paid(event: InvoicePaid) -> None:
    """The debtor has a copy that says the invoice is paid."""
    await archive.send_paid(await documents.one(event.invoice_id))


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {InvoiceIssued: [send], InvoicePaid: [send_paid]}
