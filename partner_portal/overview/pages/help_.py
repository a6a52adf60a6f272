"""Help where it is looked for: the words of the trade, explained."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from partner_portal.infra import catalogue
from partner_portal.web import auth, glossary, pages


@get("/glossary")
async def words(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Every word with its meaning, in the order of the reader's alphabet."""
    said = sorted(glossary.WORDS.items(), key=lambda pair: catalogue.text(pair[1].word, actor.language).casefold())
    return await pages.page(request, "overview/glossary.html", words=said)


router = Router("/portal/help", route_handlers=[words], before_request=pages.for_everybody, include_in_schema=False)
