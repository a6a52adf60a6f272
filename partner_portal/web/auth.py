"""Who may do what: the actor in handlers, the guards on routes, signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.types import Scope

from partner_portal.infra import sessions, settings
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotAllowed

from . import csrf
from .problems import NotSignedIn

if TYPE_CHECKING:
    from uuid import UUID

    from litestar import Request, Response
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard


def acting(scope: Scope) -> Actor:
    """The actor of this request; NotSignedIn for a stranger. A plain reading of the scope: no dependency may hold a transaction."""
    actor: Actor | None = scope["state"]["identity"].actor
    if actor is None:
        raise NotSignedIn
    return actor


def stranger_or_actor(scope: Scope) -> Actor | None:
    """The actor of this request, or None: for pages that everybody may see."""
    actor: Actor | None = scope["state"]["identity"].actor
    return actor


DEPENDENCIES = {
    "actor": Provide(acting, sync_to_thread=False),
    "perhaps_actor": Provide(stranger_or_actor, sync_to_thread=False),
}
"""What every handler may ask for by name: `actor: Acting`, or `perhaps_actor: PerhapsActing`."""

Acting = NamedDependency[Actor]
PerhapsActing = NamedDependency[Actor | None]


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Only for somebody who is known. Guards are coroutines throughout: Litestar would run a plain function in a thread, at ten times the cost."""
    acting(connection.scope)


def requires(*roles: str) -> Guard:
    """Only for actors with one of these roles; an API key has the roles and scopes it was given, no others."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if not acting(connection.scope).has_any(*roles):
            raise NotAllowed(requires=sorted(roles))

    return guard


def session_cookie() -> str:
    """The name of the session cookie: with TLS, browsers themselves keep `__Host-` cookies from being planted by neighbouring hosts."""
    return "__Host-session" if by_tls() else "session"


def by_tls() -> bool:
    """Whether browsers reach the portal by TLS only, so that cookies may say so."""
    return settings.current().env is settings.Env.PRODUCTION


async def sign_in(request: Request[Any, Any, Any], response: Response[Any], *, who: str, tenant: UUID | None) -> str:
    """The browser is signed in as `who` under a new token, whatever token it came with; returns the CSRF token of the session."""
    token = await sessions.start(who, tenant=tenant, agent=request.headers.get("user-agent", ""), replacing=_token(request))
    response.set_cookie(_cookie(session_cookie(), token, httponly=True))
    response.set_cookie(_cookie(_csrf_cookie(), csrf.token(token), httponly=False))
    return csrf.token(token)


async def sign_out(request: Request[Any, Any, Any], response: Response[Any]) -> None:
    """The session is over, and its cookies are gone."""
    if token := _token(request):
        await sessions.end(token)
    for name, httponly in ((session_cookie(), True), (_csrf_cookie(), False)):
        response.set_cookie(_cookie(name, "", httponly=httponly, max_age=0))


def _token(request: Request[Any, Any, Any]) -> str:
    return request.cookies.get(session_cookie(), "")


def _csrf_cookie() -> str:
    return f"__Host-{csrf.COOKIE}" if by_tls() else csrf.COOKIE


def _cookie(name: str, value: str, *, httponly: bool, max_age: int | None = None) -> Cookie:
    return Cookie(name, value=value, path="/", max_age=max_age, httponly=httponly, secure=by_tls(), samesite="lax")


async def act_as(request: Request[Any, Any, Any], actor: Actor) -> None:
    """From here on the request is `actor`'s: for links that bear their own proof, and for signing in. Refused once the database was asked."""
    await request.scope["state"]["exchange"].switch(actor)
