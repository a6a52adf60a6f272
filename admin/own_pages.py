"""What pages of our own inside the admin have in common: who may read them, their form's token, and how they are shown."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.response import Redirect
from litestar.types import BeforeRequestHookHandler

from partner_portal.infra import settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.kernel.errors import NotAllowed, NotFound
from partner_portal.web import auth, csrf, forms, identity
from partner_portal.web.problems import UntrustedOrigin

from . import access, labels
from .refusing import NOTHING
from .screens import Roles


def for_roles(roles: Roles) -> BeforeRequestHookHandler:
    """For routers of own pages, as `before_request`: strangers are led to the sign-in of the admin; NotAllowed for whoever has none of the roles."""

    async def judge(request: Request[Any, Any, Any]) -> Response[Any] | None:
        actor = auth.stranger_or_actor(request.scope)
        if actor is None:
            return Redirect("/admin/", status_code=303)
        if not actor.has_any(*roles):
            raise NotAllowed(requires=sorted(roles))
        return None

    return judge


def token(request: Request[Any, Any, Any]) -> str:
    """What a form of this session carries."""
    return csrf.token(request.cookies.get(identity.ADMIN_COOKIE, ""))


def typed(request: Request[Any, Any, Any], data: dict[str, str], longest: int = 2000) -> dict[str, str]:
    """What was typed in a form of this session, cut to a length; UntrustedOrigin when it came from elsewhere."""
    if not hmac.compare_digest(data.get("csrf_token", "").encode(), token(request).encode()):
        raise UntrustedOrigin
    return {name: value[:longest] for name, value in data.items()}


async def read(request: Request[Any, Any, Any]) -> forms.Form:
    """The form of this session as the portal's pages read theirs; UntrustedOrigin when it came from elsewhere."""
    sent = await request.form()
    if not hmac.compare_digest(str(sent.get(csrf.FIELD, "")).encode(), token(request).encode()):
        raise UntrustedOrigin
    return await forms.read(request)


def id_of(typed: str, what: str) -> UUID:
    """The id in a form; NotFound where it is none."""
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound(what=what, id=typed[:40]) from error


def shown(request: Request[Any, Any, Any], template: str, **words: Any) -> Response[str]:
    """The page in the language of whoever reads it, kept by no cache; `refused` where a form of it was."""
    language = access.spoken(request)
    page = templates.render(
        f"admin/{template}",
        language=language,
        brand=Brand(name=settings.current().provider_name),
        me=access.acting(request).label,
        token=token(request),
        csrf=token(request),
        filled=forms.Typed.of,
        called=lambda name: labels.column(name, language),
        **{"refused": NOTHING, **words},
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})
