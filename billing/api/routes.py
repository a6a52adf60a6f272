"""Every router of this domain's API, as the application mounts them."""

from __future__ import annotations

from . import invoices, open_items, orders, payments, services, usage

routers = [services.router, invoices.router, open_items.router, open_items.own_router, orders.router, payments.router, usage.router]
