"""What software reads about the API: /schema/openapi.json, with the problems each route can answer with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from partner_portal.kernel.errors import Problem

from . import problems
from .auth import session_cookie
from .errors import PROBLEM_JSON


class FieldProblem(msgspec.Struct, frozen=True):
    """One wrong field: where it stands, a stable code, and what is wrong in the reader's language."""

    pointer: str
    code: str
    detail: str
    facts: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class ProblemDetails(msgspec.Struct, frozen=True):
    """RFC 9457: what went wrong. `type` is stable and can be looked up; `facts` explain this occurrence; `errors` names every wrong field."""

    type: str
    title: str
    status: int
    detail: str | msgspec.UnsetType = msgspec.UNSET
    instance: str | msgspec.UnsetType = msgspec.UNSET
    facts: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    errors: list[FieldProblem] | msgspec.UnsetType = msgspec.UNSET


def raises(*kinds: type[Problem]) -> dict[int, ResponseSpec]:
    """The problem responses of a router or handler, by status: `Router(..., responses=raises(NotFound, QuoteExpired))`."""
    by_status: dict[int, list[str]] = {}
    always: tuple[type[Problem], ...] = (problems.NotSignedIn, problems.TooManyRequests)
    for kind in always + kinds:
        by_status.setdefault(problems.status(kind), []).append(f"`/problems/{problems.code(kind)}`")
    return {
        status: ResponseSpec(ProblemDetails, generate_examples=False, description=" or ".join(codes), media_type=PROBLEM_JSON)
        for status, codes in by_status.items()
    }


def documented(handlers: Sequence[HTTPRouteHandler], *kinds: type[Problem]) -> Sequence[HTTPRouteHandler]:
    """The handlers of a router, each described with the problems it can answer with, beside its own."""
    for handler in handlers:
        handler.responses = raises(*kinds) | dict(handler.responses or {})
    return handlers


REQUEST_HEADERS: dict[str, str] = {
    "Idempotency-Key": "On POST: the same key with the same request brings the first answer again, for 24 hours.",
    "If-Match": "On changes: the ETag of the version that is changed.",
    "X-Request-Id": "Any name for this request (8 to 64 letters, digits and ._:-); it comes back in the answer and stands in our logs.",
}


def config(*, title: str, version: str, tags: dict[str, str]) -> OpenAPIConfig:
    """The description of the API, served at /schema/openapi.json; `tags` names each group of routes and what it is for."""
    headers = "\n".join(f"- `{name}`: {meaning}" for name, meaning in REQUEST_HEADERS.items())
    return OpenAPIConfig(
        title=title,
        version=version,
        description=f"Errors are problem details (RFC 9457); every wrong field is named at once.\n\nHeaders on every route:\n{headers}",
        tags=[Tag(name=name, description=meaning) for name, meaning in tags.items()],
        components=Components(
            security_schemes={
                "session": SecurityScheme(type="apiKey", name=session_cookie(), security_scheme_in="cookie"),
                "key": SecurityScheme(type="http", scheme="bearer", description="An API key, pp_..."),
            }
        ),
        security=[{"session": []}, {"key": []}],
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        path="/schema",
    )
