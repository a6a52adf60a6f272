"""The search across everything: one field, results by kind, each a link."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from partner_portal.web import pages
from terminations.service import naming

from ..service import search


@get("/")
async def found(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What answers the question; for htmx only the results."""
    question = request.query_params.get("q", "").strip()
    return await pages.page(
        request,
        "overview/search.html",
        block="results",
        question=question,
        hits=await search.everything(question),
        states=naming.STATES,
    )


router = Router("/portal/search", route_handlers=[found], before_request=pages.for_members, include_in_schema=False)
