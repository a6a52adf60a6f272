"""Every router of this domain's API, as the application mounts them."""

from __future__ import annotations

from . import invoices, orders, payments, services, usage

routers = [services.router, invoices.router, orders.router, payments.router, usage.router]
