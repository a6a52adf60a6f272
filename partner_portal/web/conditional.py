"""Answers that were seen before, and changes that name the version they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from litestar import Response

from .answers import JsonAnswer
from .problems import PreconditionFailed, PreconditionRequired

if TYPE_CHECKING:
    from datetime import datetime

    from litestar import Request

T = TypeVar("T")


def etag(*versions: int | datetime) -> str:
    """The strong tag of a representation made of rows with these versions."""
    return '"' + "-".join(str(one) if isinstance(one, int) else f"{one.timestamp() * 1_000_000:.0f}" for one in versions) + '"'


def require_match(request: Request[Any, Any, Any], *versions: int | datetime) -> None:
    """The change was meant for these versions: call it when the row is locked. PreconditionRequired without If-Match, PreconditionFailed otherwise."""
    given = request.headers.get("if-match")
    if given is None:
        raise PreconditionRequired
    if given.strip() != "*" and etag(*versions) not in _tags(given):
        raise PreconditionFailed(current=etag(*versions))


def is_known(request: Request[Any, Any, Any], tag: str) -> bool:
    """Whether the client has this representation already; weak tags count, as RFC 9110 has it for reading."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or tag in {one.removeprefix("W/") for one in _tags(given)}


def answer(request: Request[Any, Any, Any], content: T, *versions: int | datetime) -> Response[T | None]:
    """The representation with its tag; 304 without a body if the client has it."""
    tag = etag(*versions)
    if request.method in ("GET", "HEAD") and is_known(request, tag):
        return Response(None, status_code=304, headers={"etag": tag})
    return JsonAnswer(content, headers={"etag": tag})


def _tags(given: str) -> set[str]:
    return {part.strip() for part in given.split(",")}
