"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from . import bulk, calendar_feed, case, cases, confirm, deadline_settings, deadlines, notices, own, own_case, own_ends, received
from .wizard import handlers as wizard

routers = [
    confirm.router,
    notices.router,
    received.router,
    own.router,
    own_case.router,
    *own_ends.routers,
    cases.router,
    wizard.router,
    case.router,
    deadlines.router,
    bulk.router,
    calendar_feed.router,
    deadline_settings.router,
]
