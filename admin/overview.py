"""What waits for staff, of every kind with the way there; and whether the same comes by mail."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from partner_portal.infra import clock, settings
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import own_pages, waiting
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/waiting"
_DONE = {"on", "off"}


@get("/waiting")
async def look(request: Request[Any, Any, Any], done: FromQuery[str] = "") -> Response[Any]:
    """Everything that waits for a person; decides nothing."""
    return await _page(request, done=done if done in _DONE else "")


@post("/waiting", status_code=200)
async def choose(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The mail of what waits is switched on or off."""

    async def on(actor: Actor, _form: Form) -> None:
        await waiting.want(actor, is_wanted=True)

    async def off(actor: Actor, _form: Form) -> None:
        await waiting.want(actor, is_wanted=False)

    async def show(refused: Refused) -> Response[Any]:
        return await _page(request, refused=refused)

    return await pressed(request, actor, {"on": on, "off": off}, ADDRESS, show)


async def _page(request: Request[Any, Any, Any], *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    return own_pages.shown(
        request,
        "waiting.html",
        tasks=await waiting.tasks(clock.now()),
        is_wanted=await waiting.is_wanted(),
        address=settings.current().finance_email,
        done=done,
        refused=refused,
    )
