"""Articles as readers see them: published ones, of their language and audience."""

from __future__ import annotations

import asyncpg

from partner_portal.infra import db
from partner_portal.kernel.actor import Actor
from partner_portal.web.lists import Column, Listing, Window

from . import policy

LISTING = Listing("articles", {"published_at": Column("published_at", "timestamptz", "published_at")}, usual="-published_at")


async def published(reader: Actor | None, window: Window, *, language: str) -> list[asyncpg.Record]:
    """The published articles in `language` that are meant for `reader` (None: the public), in the window."""
    unseen, values = window.where(1)
    audiences = policy.readable_by(reader.kind if reader else None)
    return await db.fetch(
        "SELECT id, language, audience, question, answer, published_at, review_on FROM knowledge_base_article"  # noqa: S608  # fragments are ours, values are bound
        f" WHERE published_at IS NOT NULL AND {unseen} AND language = ${len(values) + 1} AND audience = ANY(${len(values) + 2}) ORDER BY {window.order}",
        *(*values, language, sorted(audiences)),
    )
