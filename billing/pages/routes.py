"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from litestar import Router

from . import invoices, open_items, orders, own_orders, pay, sandbox

routers: list[Router] = [*invoices.routers, *open_items.routers, orders.router, own_orders.router, *pay.routers, sandbox.router]
