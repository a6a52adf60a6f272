"""How the connections stand, for staff: what waits, what is there, what differs, when it was last looked at."""

from __future__ import annotations

from typing import Any

from partner_portal.infra import db

_LIST = """
SELECT c.*, i.name AS issuer_name, l.waiting, l.there, l.next_at, l.problem, coalesce(k.open, 0) AS conflicts
  FROM billing_accounting_connection c LEFT JOIN billing_issuer i ON i.tenant = c.tenant
  LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'sent') AS there,
                            min(due_at) FILTER (WHERE state = 'waiting') AS next_at, max(last_error) FILTER (WHERE state = 'waiting') AS problem
                       FROM billing_accounting_link l WHERE l.connection = c.id) l ON true
  LEFT JOIN LATERAL (SELECT count(*) AS open FROM billing_accounting_conflict k WHERE k.connection = c.id AND k.solved_at IS NULL) k ON true
 ORDER BY c.state = 'ended', c.code
"""


async def all_of_them() -> list[Any]:
    """Every connection with what waits, what is there and what differs; those in use first."""
    return await db.fetch(_LIST)


async def issuers() -> list[Any]:
    """Who can be connected: everybody who sends invoices."""
    return await db.fetch("SELECT tenant, name FROM billing_issuer ORDER BY name")
