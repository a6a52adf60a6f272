"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from . import confirm, deadlines, notices, received
from .wizard import handlers as wizard

routers = [
    confirm.router,
    notices.router,
    wizard.router,
    received.router,
    deadlines.router,
]
