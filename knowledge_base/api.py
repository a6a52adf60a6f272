"""Articles as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from partner_portal.kernel.errors import Invalid
from partner_portal.web import auth, lists
from partner_portal.web.openapi import documented
from partner_portal.web.requests import known_parameters_only

from . import service

Language = Annotated[str, QueryParameter(pattern="^(nl|en)$", description="The language of the answers.")]


class ArticleOut(msgspec.Struct, frozen=True):
    """A question with its answer."""

    id: UUID
    language: str
    audience: str
    question: str
    answer: str
    published_at: datetime
    review_on: date | None


@get("/articles")
async def list_articles(
    request: Request[Any, Any, Any],
    perhaps_actor: auth.PerhapsActing,
    language: Language = "nl",
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[ArticleOut]]:
    """Published answers, newest first: everybody sees what is public, partners also what is for customers and for handlers."""
    window = service.LISTING.window(after=after, limit=limit, language=language, reader=perhaps_actor.kind if perhaps_actor else "")
    page = window.page(await service.published(perhaps_actor, window, language=language))
    return lists.answer(request, page, _article)


def _article(row: Any) -> ArticleOut:
    return ArticleOut(*row)


router = Router("/", route_handlers=documented([list_articles], Invalid), before_request=known_parameters_only, tags=["knowledge base"])
