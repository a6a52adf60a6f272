"""Puts the web layer's parts together: whoever has routes gets an application that keeps every convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Litestar
from litestar.exceptions import HTTPException

from partner_portal.infra import settings

from . import assets, auth, errors, health, metrics, problem_types
from .answers import JsonAnswer
from .middleware import Shape, Shell
from .requests import PortalRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.openapi import OpenAPIConfig
    from litestar.types import ControllerRouterHandler

    from .identity import Authenticator

LARGEST_JSON = 1024 * 1024
"""Bytes; handlers that take files say more with `request_max_body_size`."""


def application(
    routes: Sequence[ControllerRouterHandler],
    *,
    authenticator: Authenticator,
    openapi: OpenAPIConfig | None = None,
    **litestar: Any,
) -> Shell:
    """The application behind the shell: every route answers problems, reads strictly, and takes changes from our own pages only."""
    app = Litestar(
        [*routes, problem_types.router, assets.files, assets.colours, health.healthz, health.readyz, metrics.metrics],
        dependencies=auth.DEPENDENCIES,
        exception_handlers={Exception: errors.handle, HTTPException: errors.handle},
        request_class=PortalRequest,
        response_class=JsonAnswer,
        request_max_body_size=LARGEST_JSON,
        openapi_config=openapi,
        logging_config=None,  # infra.log has set it up; Litestar would add handlers of its own
        **litestar,
    )
    return Shell(app, authenticator, shape())


def shape() -> Shape:
    """How the shell behaves under the settings of this process."""
    chosen = settings.current()
    return Shape(
        production=chosen.env is settings.Env.PRODUCTION,
        session_cookie=auth.session_cookie(),
        requests_per_minute=chosen.requests_per_minute,
    )
