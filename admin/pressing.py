"""A button on a page of finance: judged, done within a savepoint, and shown again with the reason where it was refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import Request, Response
from litestar.response import Redirect

from partner_portal.infra import db
from partner_portal.infra.step_up import PasswordNeeded
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Problem
from partner_portal.web import problems

from . import access, own_pages, saying
from .form import FINANCE

Typed = dict[str, str]
Presses = Mapping[str, Callable[[Actor, Typed], Awaitable[None]]]


async def pressed(
    request: Request[Any, Any, Any],
    actor: Actor | None,
    data: Typed,
    presses: Presses,
    address: str,
    show: Callable[[Typed, str], Awaitable[Response[Any]]],
) -> Response[Any]:
    """What was decided is done and the page shown anew; a refusal is said where it was pressed, with everything that was typed."""
    if actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(actor, FINANCE)
    typed = own_pages.typed(request, data)
    act = presses.get(typed.get("decision", ""))
    if act is None:
        raise NotFound(what="decision", id=typed.get("decision", "")[:40])
    try:
        async with db.savepoint():
            await act(actor, typed)
    except PasswordNeeded:
        raise
    except Problem as problem:
        answer = await show(typed, saying.text(problem, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{address}?done={typed['decision']}", status_code=303)
