"""The first page of a partner: what is to do, then how things stand."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from partner_portal.kernel.actor import ActorKind
from partner_portal.web import auth, pages


@get("/")
async def today(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """What is to do today; a customer's contact has a page of its own."""
    if actor.kind is ActorKind.CONTACT:
        return pages.to("/portal/own")
    return await pages.page(request, "overview/dashboard.html")


router = Router("/portal", route_handlers=[today], before_request=pages.for_everybody, include_in_schema=False)
