"""A customer's own orders, signed in: what was accepted, what came of it, where its numbers are, and until when a consumer can withdraw."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath

from partner_portal.infra import clock
from partner_portal.kernel.actor import ContactRight
from partner_portal.kernel.dates import local_date
from partner_portal.web import auth, pages
from tenants.policy import Segment
from tenants.service import customers

from ..policy.agreed import Channel
from ..policy.ordering import ShownTerms, cooling_off_ends
from ..service import orders, port_ins
from .orders import PORT_STATES, listed_of, pager_of

PATH = "/portal/own/orders"


@get("/")
async def listed(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The organisation's own orders, the newest first."""
    window, page = await listed_of(request, None)
    return await pages.page(request, "billing/orders/own_list.html", rows=page.rows, pager=pager_of(request, window, page))


@get("/{order_id:uuid}")
async def one(request: Request[Any, Any, Any], actor: auth.Acting, order_id: FromPath[UUID]) -> Response[bytes]:
    """One order with its terms and its numbers, and to a consumer the way to withdraw from each contract of it, while that lasts."""
    order, lines = await orders.one(order_id)
    customer = await customers.one(order["customer"])
    until = cooling_off_ends(Segment(customer["segment"]), Channel(order["channel"]), local_date(order["placed_at"]))
    return await pages.page(
        request,
        "billing/orders/own_order.html",
        order=order,
        lines=lines,
        terms=msgspec.json.decode(order["terms"], type=list[ShownTerms]),
        ports=await port_ins.of_order(order_id),
        states=PORT_STATES,
        withdraw_until=until,
        can_withdraw=until is not None and clock.today() <= until,
        may_sign=actor.has_any(ContactRight.SIGNS),
    )


router = Router(PATH, route_handlers=[listed, one], before_request=pages.for_contacts, include_in_schema=False)
