"""Giving the password again, before something that a thief would do."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post

from partner_portal.infra import catalogue, rates
from partner_portal.infra.catalogue import sentence
from partner_portal.web import auth, forms, identity, pages, step_up
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Errors

from ..service import accounts, passwords
from .sign_in import LONGEST_PASSWORD


@get("/password-again")
async def ask_again(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The form."""
    return await _page(request, request.query_params.get("next", ""))


@post("/password-again")
async def prove_again(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """Whoever gave the right password goes on, and is not asked again for a while; tried too often nobody gets anywhere."""
    form = await forms.read(request)
    wanted, account = form.one("next"), await accounts.now(actor.trail)
    email, address = account.email if account else "", identity.rate_address(request.client.host if request.client else "")
    # Blanks at the ends of a password belong to it.
    password = str((await request.form()).get("password", ""))[:LONGEST_PASSWORD]
    if wait := await rates.attempt(email, address):
        one, many = "Too many attempts: try again in %(count)s second.", "Too many attempts: try again in %(count)s seconds."
        answer = await _page(request, wanted, Errors({"password": catalogue.texts(one, many, actor.language, count=wait)}), 429)
        answer.headers["retry-after"] = str(wait)
        return answer
    if not await passwords.is_right(email, password):
        return await _page(
            request, wanted, Errors({"password": catalogue.text(sentence("This is not your password."), actor.language)}), 422
        )
    await rates.succeeded(email, address)
    gone_on = pages.to(pages.own_path(wanted))
    step_up.given(gone_on, request.scope["state"]["identity"].token, path="/portal")
    return gone_on


async def _page(request: Request[Any, Any, Any], wanted: str, errors: Errors = NO_ERRORS, status: int = 200) -> Response[bytes]:
    return await pages.page(request, "tenants/password_again.html", status=status, wanted=wanted, errors=errors, typed=NOTHING_TYPED)


router = Router("/portal", route_handlers=[ask_again, prove_again], before_request=pages.for_everybody, include_in_schema=False)
