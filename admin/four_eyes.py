"""Credit notes that wait for a second person: who asked, of which invoice, how much, why; agreed or declined where they are read."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from billing.service import credit_requests
from partner_portal.infra import db, settings
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Problem
from partner_portal.web import problems
from partner_portal.web.auth import PerhapsActing

from . import access, own_pages, saying
from .form import FINANCE

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
ADDRESS = "/admin/credit-notes"
_DONE = {"agree", "decline"}


@get("/credit-notes")
async def look(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """What waits, and what was decided lately; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    return await _page(request, perhaps_actor, done=done if done in _DONE else "")


@post("/credit-notes", status_code=200)
async def decide(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """The button pressed: the credit note is on its way, or is not made; or refused with the reason beside it."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    typed = own_pages.typed(request, data)
    try:
        async with db.savepoint():
            await _act(perhaps_actor, typed)
    except Problem as problem:
        refused = {
            "request": typed.get("request", ""),
            "text": saying.text(problem, access.spoken(request)),
            "reason": typed.get("reason", ""),
        }
        answer = await _page(request, perhaps_actor, refused=refused)
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{ADDRESS}?done={typed['decision']}", status_code=303)


async def _act(actor: Actor, typed: dict[str, str]) -> None:
    request, decision = own_pages.id_of(typed.get("request", ""), "credit request"), typed.get("decision", "")
    if decision == "agree":
        await credit_requests.agree(actor, request)
    elif decision == "decline":
        await credit_requests.decline(actor, request, typed.get("reason", ""))
    else:
        raise NotFound(what="decision", id=decision[:40])


async def _page(request: Request[Any, Any, Any], actor: Actor, *, done: str = "", refused: dict[str, str] | None = None) -> Response[str]:
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
