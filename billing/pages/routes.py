"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from litestar import Router

from . import agreements, invoices, issuer, mandate, open_items, orders, own_orders, pauses, pay, sandbox

routers: list[Router] = [
    *invoices.routers,
    issuer.router,
    *mandate.routers,
    *open_items.routers,
    agreements.router,
    orders.router,
    own_orders.router,
    pauses.router,
    *pay.routers,
    sandbox.router,
]
