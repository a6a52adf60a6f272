"""Every router of this domain's API, as the application mounts them."""

from __future__ import annotations

from . import orders, payments, services

routers = [services.router, orders.router, payments.router]
