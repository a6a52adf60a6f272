"""Every router of this domain's API, as the application mounts them."""

from __future__ import annotations

from . import invoices, mandates, open_items, orders, pauses, payments, services, usage

routers = [
    services.router,
    invoices.router,
    open_items.router,
    open_items.own_router,
    mandates.router,
    mandates.own_router,
    orders.router,
    pauses.router,
    payments.router,
    usage.router,
]
