"""A partner as the provider lets it in, or keeps it out."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from partner_portal.infra import db, sessions

# People who never took their account have nothing that could be remembered.
_EVERYBODY = """
SELECT 'member:' || id AS who FROM member WHERE tenant = $1 AND accepted_as IS NOT NULL
UNION ALL SELECT 'contact:' || id FROM contact WHERE tenant = $1 AND accepted_as IS NOT NULL
UNION ALL SELECT 'key:' || id FROM api_key WHERE tenant = $1 AND revoked_at IS NULL
"""


async def let_in_changed(tenant: UUID) -> None:
    """When it is saved that the partner is suspended, or no longer, it counts at once for its members, its customers' contacts and its software.

    In the caller's unit of work, through the staff door.
    """
    rows = await db.fetch(_EVERYBODY, tenant)
    db.current().after_commit.append(partial(sessions.forget, *(row["who"] for row in rows)))
