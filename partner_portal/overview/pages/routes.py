"""Every router of the pages across the domains, as the application mounts them."""

from __future__ import annotations

from . import dashboard, help_

routers = [
    dashboard.router,
    help_.router,
]
