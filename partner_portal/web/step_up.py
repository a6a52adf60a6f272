"""The way to giving the password again and back, and the cookie that says it was given."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from litestar.datastructures import Cookie

from partner_portal.infra import settings, step_up
from partner_portal.infra.step_up import COOKIE, HOLDS_FOR

if TYPE_CHECKING:
    from litestar import Response

PAGE, ADMIN_PAGE = "/portal/password-again", "/admin/password-again"


def way(here: str) -> str:
    """Where the password is given, before going on with what was asked for."""
    return f"{ADMIN_PAGE if here.startswith('/admin') else PAGE}?next={quote(here)}"


def given(response: Response[Any], session: str, *, path: str) -> None:
    """The browser need not give the password again for a while, in the part of the portal under `path`."""
    seconds = int(HOLDS_FOR / timedelta(seconds=1))
    value = step_up.proof(session)
    response.set_cookie(
        Cookie(COOKIE, value=value, path=path, max_age=seconds, httponly=True, secure=settings.current().in_production, samesite="lax")
    )
