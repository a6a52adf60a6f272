"""What happens to what is owed is told to the partner's software."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event
from tenants.service.webhooks import deliveries

from ..events import (
    DebtorReminded,
    InvoiceIssued,
    InvoiceOverdue,
    InvoicePaid,
    InvoiceReopened,
    OrderPlaced,
    PaymentBooked,
    PortInMoved,
    ServiceReleased,
    ServiceSuspended,
)
from ..service import overdue, told
from ..service.told import News


async def tell_of_document(event: InvoiceIssued) -> None:
    """Every endpoint of the partner that wants it will be told of the invoice, or of the one that was credited."""
    await _tell(event, await told.issued(event.invoice_id))


async def tell_of_paid(event: InvoicePaid) -> None:
    """The same of an invoice that is paid."""
    await _tell(event, await told.paid(event.invoice_id))


async def tell_of_reopened(event: InvoiceReopened) -> None:
    """The same of one that is owed again."""
    await _tell(event, await told.reopened(event.invoice_id))


async def tell_of_overdue(event: InvoiceOverdue) -> None:
    """The same of one whose due date has passed."""
    await _tell(event, await told.overdue(event.invoice_id))


async def tell_of_money(event: PaymentBooked) -> None:
    """The same of money that came in or went back."""
    await _tell(event, await told.booked(event.payment_id))


async def tell_of_order(event: OrderPlaced) -> None:
    """The same of an order."""
    await _tell(event, await told.ordered(event.order_id))


async def tell_of_port_in(event: PortInMoved) -> None:
    """The same of numbers on their way."""
    await _tell(event, await told.port_moved(event.port_in_id, event.nth))


async def tell_of_stop(event: ServiceSuspended) -> None:
    """The same of a service that stopped."""
    await _tell(event, await told.service_moved("service.suspended", event.service_id, event.nth))


async def tell_of_start(event: ServiceReleased) -> None:
    """The same of a service that works again."""
    await _tell(event, await told.service_moved("service.released", event.service_id, event.nth))


async def tell_of_reminder(event: DebtorReminded) -> None:
    """The same of a reminder."""
    await _tell(event, await told.reminded(event.letter_id))


async def _tell(event: Event, news: News | None) -> None:
    if news is not None:
        await deliveries.announce(event.tenant_id, news.kind, news.facts, key=news.key, at=news.at)


async def watch_due_dates() -> None:
    """Invoices whose due date has passed are announced."""
    await overdue.notice()


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    InvoiceIssued: [tell_of_document],
    InvoicePaid: [tell_of_paid],
    InvoiceReopened: [tell_of_reopened],
    InvoiceOverdue: [tell_of_overdue],
    PaymentBooked: [tell_of_money],
    OrderPlaced: [tell_of_order],
    PortInMoved: [tell_of_port_in],
    ServiceSuspended: [tell_of_stop],
    ServiceReleased: [tell_of_start],
    DebtorReminded: [tell_of_reminder],
}
DAILY: list[Daily] = [watch_due_dates]
