"""Where the `type` of a problem leads: what it means, for people and for software."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router, get
from litestar.params import FromPath

from partner_portal.kernel.errors import NotFound, Problem

from . import errors, problems


def _explained(kind: type[Problem], language: str) -> dict[str, Any]:
    said = problems.words(kind)
    return {
        "type": f"/problems/{problems.code(kind)}",
        "status": problems.status(kind),
        "title": errors.say(said.title, language, {}),
        "meaning": " ".join((kind.__doc__ or "").split()),
    }


@get("/")
async def every(request: Request[Any, Any, Any]) -> list[dict[str, Any]]:
    """Every problem this portal can answer with."""
    language = errors.reader_of(request.scope).language
    return [_explained(kind, language) for kind in problems.known().values()]


@get("/{code:str}")
async def one(request: Request[Any, Any, Any], code: FromPath[str]) -> dict[str, Any]:
    """What one problem means."""
    kind = problems.known().get(code)
    if kind is None:
        raise NotFound(what="problem", id=code)
    return _explained(kind, errors.reader_of(request.scope).language)


router = Router("/problems", route_handlers=[every, one], tags=["problems"], security=[{}])
