"""What follows an order: the customer's copy of the contract, news of its numbers."""

from __future__ import annotations

from partner_portal.infra import mail, outbox, settings
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import OrderPlaced, PortInMoved
from ..service import first_bills, order_words, ordered
from ..workflow import PortState


async def confirm(event: OrderPlaced) -> None:
    """The customer has the terms it accepted on a durable medium (BW 6:230v(7)), and, as a consumer, how to withdraw."""
    order, brand = await order_words.of_order(event.order_id), await brands.of_tenant(event.tenant_id)
    if order.email:
        await mail.queue(
            f"order:{event.order_id}",
            ordered.CONFIRMED,
            to=order.email,
            language=order.language,
            brand=brand,
            envelope=Envelope(about=event.order_id),
            order=order,
            withdraw_link=f"{settings.current().public_url}/withdraw-contract/{brand.code}" if order.withdraw_until else None,
        )


@outbox.through_staff_door
async def bill_at_once(event: OrderPlaced) -> None:
    """The first invoice is made."""
    await first_bills.bill(event.tenant_id, event.order_id)


async def tell_of_numbers(event: PortInMoved) -> None:
    """Customer and partner know where the numbers are; that they were asked for stands in the confirmation of the order."""
    port, brand = await order_words.of_step(event.port_in_id, event.nth), await brands.of_tenant(event.tenant_id)
    if port.state == PortState.REQUESTED and event.nth == 1:
        return
    link = f"{settings.current().public_url}/portal/orders/{port.order_id}"
    readers = {"customer": (port.customer_email, port.language, None), "partner": (brand.email, port.partner_language, link)}
    for reader, (address, language, onward) in readers.items():
        if address:
            await mail.queue(
                f"port-in:{event.port_in_id}:{event.nth}:{reader}",
                "billing/port_in_moved",
                to=address,
                language=language,
                brand=brand,
                envelope=Envelope(about=port.order_id),
                reader=reader,
                port=port,
                link=onward,
            )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {OrderPlaced: [confirm, bill_at_once], PortInMoved: [tell_of_numbers]}
