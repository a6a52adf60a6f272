"""Every router of this domain's JSON, as the application mounts them."""

from __future__ import annotations

from . import cases

routers = [
    cases.router,
]
