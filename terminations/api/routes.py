"""Every router of this domain's JSON, as the application mounts them."""

from __future__ import annotations

from . import cases, deadlines

routers = [
    cases.router,
    deadlines.router,
]
