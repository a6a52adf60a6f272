"""Signing in and out as JSON, for members and for contacts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, post
from litestar.params import JSONBody
from msgspec import Meta

from partner_portal.infra import rates
from partner_portal.web import auth, identity
from partner_portal.web.openapi import documented
from partner_portal.web.problems import TooManyRequests

from ..service import sign_in
from ..service.sign_in import ChooseAccount, SignInFailed


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """E-mail and password of a person; `account` names one of several, as the problem `choose-account` lists them."""

    email: Annotated[str, Meta(max_length=320)]
    password: Annotated[str, Meta(max_length=1000)]
    account: UUID | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """Who is signed in, as a member or as a customer's contact, and the token that changes must send along as X-CSRF-Token."""

    name: str
    tenant_id: UUID
    roles: list[str]
    language: str
    csrf_token: str
    kind: str
    customer_id: UUID | None = None


@post("/session", status_code=200)
async def open_session(request: Request[Any, Any, Any], data: JSONBody[SignIn]) -> Response[SignedIn]:
    """Sign in; the answer sets the session cookie."""
    address = identity.rate_address(request.client.host if request.client else "")
    if wait := await rates.attempt(data.email, address):
        raise TooManyRequests(retry_after=wait)
    try:
        actor = await sign_in.with_password(data.email, data.password, data.account)
    except ChooseAccount:
        await rates.succeeded(data.email, address)  # the password was right
        raise
    await rates.succeeded(data.email, address)
    response: Response[Any] = Response(None, status_code=200)
    token = await auth.sign_in(request, response, who=actor.trail, tenant=actor.tenant)
    assert actor.tenant is not None  # noqa: S101  # whoever signs in here has one
    response.content = SignedIn(actor.label, actor.tenant, sorted(actor.roles), actor.language, token, actor.kind.value, actor.customer)
    return response


@delete("/session", status_code=204)
async def close_session(request: Request[Any, Any, Any]) -> Response[None]:
    """Sign out."""
    response: Response[None] = Response(None, status_code=204)
    await auth.sign_out(request, response)
    return response


router = Router("/", route_handlers=[*documented([open_session], SignInFailed, ChooseAccount), close_session], tags=["session"])
