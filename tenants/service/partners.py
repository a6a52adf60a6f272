"""A partner as the provider lets it in, or keeps it out."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from partner_portal.infra import db, sessions
from partner_portal.kernel.errors import NotFound

from .. import policy

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


async def has_vat_id(tenant: UUID, typed: str | None) -> None:
    """The partner has this VAT number, as it is kept, or none; Invalid for what is none, NotFound. Through the staff door."""
    row = await db.fetch_one("SELECT country, vat_id FROM tenant WHERE id = $1 FOR UPDATE", tenant)
    if row is None:
        raise NotFound(what="partner", id=str(tenant))
    if typed == row["vat_id"]:
        return
    await db.execute("UPDATE tenant SET vat_id = $2 WHERE id = $1", tenant, policy.vat_id(typed, row["country"]))
