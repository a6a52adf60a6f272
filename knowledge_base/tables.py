"""Articles: a question, its answer, for whom, and until when it can be trusted unseen."""

from __future__ import annotations

from piccolo.columns import UUID, Date, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from partner_portal.infra.ids import NewId

from . import policy


class Article(Table, tablename="knowledge_base_article"):
    """A question with its answer; the provider's, so the same for every partner."""

    id = UUID(primary_key=True, default=NewId())
    language = Varchar(5, default="nl")
    audience = Varchar(10, default=policy.Audience.HANDLERS, choices=policy.Audience)
    question = Varchar(300)
    answer = Text()
    published_at = Timestamptz(null=True, default=None)
    review_on = Date(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    changed_at = Timestamptz(default=TimestamptzNow())

    @classmethod
    def get_readable(cls) -> Readable:
        """Articles are called by their question."""
        return Readable("%s", [cls.question])
