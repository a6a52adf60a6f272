"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from . import confirm, deadlines, notices, received

routers = [
    confirm.router,
    notices.router,
    received.router,
    deadlines.router,
]
