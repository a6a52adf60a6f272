"""Staff give their password again, before something that a thief would do."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect
from starlette.exceptions import HTTPException

from partner_portal.infra import db
from partner_portal.infra.catalogue import sentence
from partner_portal.web import identity, step_up
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Errors

from . import access, own_pages
from .refusing import Refused


@get("/password-again")
async def ask_again(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form."""
    return own_pages.shown(request, "password_again.html", wanted=_ours(request.query_params.get("next", "")))


@post("/password-again", status_code=200)
async def prove_again(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """Whoever gave the right password goes on, and is not asked again for a while."""
    form = await own_pages.read(request)
    wanted, password = _ours(form.one("next")), str((await request.form()).get("password", ""))
    row = await db.fetch_one("SELECT username FROM piccolo_user WHERE id = $1", int(actor.id))
    token = access.caller.set(identity.rate_address(request.client.host if request.client else ""))
    try:
        is_right = row is not None and await access.Account.login(row["username"], password) is not None
        problem, status = access.say(request, sentence("This is not your password.")), 422
    except HTTPException as refused:
        is_right, problem, status = False, access.say(request, sentence("Too many attempts. Try again later.")), refused.status_code
    finally:
        access.caller.reset(token)
    if not is_right:
        page = own_pages.shown(
            request, "password_again.html", wanted=wanted, refused=Refused("again", errors=Errors({"password": problem}))
        )
        page.status_code = status
        return page
    answer = Redirect(wanted, status_code=303)
    step_up.given(answer, request.cookies.get(identity.ADMIN_COOKIE, ""), path="/admin")
    return answer


def _ours(given: str) -> str:
    """A path within the admin, for addresses that come from outside."""
    is_ours = given.startswith("/admin/") and not given.startswith("/admin//") and "\\" not in given and given.isprintable()
    return given if is_ours else "/admin/"
