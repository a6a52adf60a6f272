"""Every router of the pages across the domains, as the application mounts them."""

from __future__ import annotations

from partner_portal.web import around

from . import customer, customer_form, customer_import, customers, dashboard, help_, search, services

around.draws(customer.words_around)

routers = [
    customers.router,
    customer_form.router,
    customer_import.router,
    customer.router,
    services.router,
    search.router,
    dashboard.router,
    help_.router,
]
