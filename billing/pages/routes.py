"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from litestar import Router

from . import open_items, orders, pay, sandbox

routers: list[Router] = [*open_items.routers, orders.router, *pay.routers, sandbox.router]
