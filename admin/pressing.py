"""A button on a page of our own: judged, done within a savepoint, and shown again with what is wrong at its fields where it was refused."""

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
from partner_portal.web.forms import Form

from . import access, own_pages, refusing
from .refusing import Refused

Press = Callable[[Actor, Form], Awaitable[str | None]]
"""What a button does; returns what the page says was done where that is not the button's own name."""
Presses = Mapping[str, Press]


async def pressed(
    request: Request[Any, Any, Any],
    actor: Actor,
    presses: Presses,
    address: str,
    show: Callable[[Refused], Awaitable[Response[Any]]],
) -> Response[Any]:
    """What was decided is done and the page shown anew; a refusal is said at the fields of the form, with everything that was typed."""
    form = await own_pages.read(request)
    decision = form.one("decision")
    press = presses.get(decision)
    if press is None:
        raise NotFound(what="decision", id=decision[:40])
    try:
        async with db.savepoint():
            refusing.must_be_short(form)
            done = await press(actor, form) or decision
    except PasswordNeeded:
        raise
    except Problem as problem:
        answer = await show(refusing.refused(problem, form, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{address}{'&' if '?' in address else '?'}done={done}", status_code=303)
