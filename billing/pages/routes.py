"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from litestar import Router

from . import orders, pay, sandbox

routers: list[Router] = [orders.router, *pay.routers, sandbox.router]
