"""Pausing a service from its page, and taking a pause back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Errors, Typed

from ..service import pauses, services
from ..service.pauses import PauseWanted

_WRITES = [auth.requires(Role.OWNER, Role.CLERK)]


@get("/services/{service_id:uuid}/pause", guards=_WRITES)
async def ask(request: Request[Any, Any, Any], service_id: FromPath[UUID]) -> Response[bytes]:
    """From when until when; what is paused already can be taken back before it begins."""
    return await _page(request, service_id)


@post("/services/{service_id:uuid}/pause", guards=_WRITES)
async def pause(request: Request[Any, Any, Any], actor: auth.Acting, service_id: FromPath[UUID]) -> Response[Any]:
    """The service is paused, or the form says what is wrong."""
    form = await forms.read(request)
    try:
        wanted = forms.parse(form, PauseWanted)
        async with db.savepoint():
            await pauses.pause(actor, service_id, wanted)
    except Invalid as problem:
        return await _page(request, service_id, form.typed, forms.errors(problem, actor.language), 422)
    return pages.to(f"/portal/services/{service_id}/pause", said=sentence("The pause is agreed; these days are not billed."))


@post("/services/{service_id:uuid}/pauses/{pause_id:uuid}/withdrawal", guards=_WRITES)
async def take_back(actor: auth.Acting, service_id: FromPath[UUID], pause_id: FromPath[UUID]) -> Response[Any]:
    """The pause does not come."""
    await pauses.take_back(actor, pause_id)
    return pages.to(f"/portal/services/{service_id}/pause", said=sentence("There is no pause; the service is billed on."))


async def _page(
    request: Request[Any, Any, Any], service_id: UUID, typed: Typed = NOTHING_TYPED, errors: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    [service] = await services.by_id([service_id])
    return await pages.page(
        request,
        "billing/services/pause.html",
        status=status,
        service=service,
        pauses=await pauses.of_service(service_id),
        today=clock.today(),
        typed=typed,
        errors=errors,
    )


router = Router("/portal", route_handlers=[ask, pause, take_back], before_request=pages.for_members, include_in_schema=False)
