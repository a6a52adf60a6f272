"""Statements that do not begin where another ended: what was booked between them was never taken in. Through the staff door; nothing is locked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from partner_portal.infra import clock, db

_BACK = timedelta(days=92)
# Days that overlap are no gap: such a statement begins where another did, or tells again of entries that are known.
_GAPS = """
SELECT s.id, s.account, s.number, s.day, s.opening_cents, b.number AS before_number, b.day AS before_day, b.closing_cents AS before_cents
  FROM billing_statement s JOIN LATERAL (
       SELECT * FROM billing_statement p WHERE p.issuer = s.issuer AND p.state = 'accepted' AND p.closing_cents IS NOT NULL AND p.day < s.day
        ORDER BY p.day DESC, p.id DESC LIMIT 1) b ON true
 WHERE s.state = 'accepted' AND s.opening_cents IS NOT NULL AND s.skipped = 0 AND s.day >= $1 AND NOT EXISTS (
       SELECT 1 FROM billing_statement p WHERE p.issuer = s.issuer AND p.state = 'accepted' AND p.id <> s.id AND p.day <= s.day
          AND s.opening_cents IN (p.closing_cents, p.opening_cents))
 ORDER BY s.day DESC, s.id DESC LIMIT 20
"""


async def seen() -> list[Any]:
    """The statements of the last three months before which one is missing, the newest first, each with the one that was taken in before it."""
    return await db.fetch(_GAPS, clock.today() - _BACK)
