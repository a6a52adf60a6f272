"""Credit notes that wait for a second person: who asked, of which invoice, how much, why; agreed or declined where they are read."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from billing.service import credit_requests
from partner_portal.infra import settings
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import own_pages
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/credit-notes"
_DONE = {"agree", "decline"}


@get("/credit-notes")
async def look(request: Request[Any, Any, Any], actor: Acting, done: FromQuery[str] = "") -> Response[Any]:
    """What waits, and what was decided lately; decides nothing."""
    return await _page(request, actor, done=done if done in _DONE else "")


@post("/credit-notes", status_code=200)
async def decide(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The button pressed: the credit note is on its way, or is not made; or refused with the reason at its field."""

    async def show(refused: Refused) -> Response[Any]:
        assert actor is not None  # noqa: S101  # somebody pressed
        return await _page(request, actor, refused=refused)

    return await pressed(request, actor, {"agree": _agree, "decline": _decline}, ADDRESS, show)


async def _agree(actor: Actor, form: Form) -> None:
    await credit_requests.agree(actor, own_pages.id_of(form.one("id"), "credit request"))


async def _decline(actor: Actor, form: Form) -> None:
    await credit_requests.decline(actor, own_pages.id_of(form.one("id"), "credit request"), form.one("reason"))


async def _page(request: Request[Any, Any, Any], actor: Actor, *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    return own_pages.shown(
        request,
        "credits.html",
        waiting=await credit_requests.waiting(),
        decided=await credit_requests.decided(),
        limit=settings.current().four_eyes_limit_cents,
        trail=actor.trail,
        done=done,
        refused=refused,
    )
