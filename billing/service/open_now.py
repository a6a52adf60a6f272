"""What a debtor owes at this moment."""

from __future__ import annotations

from typing import Any

from partner_portal.infra import db

_OWN = """
SELECT i.id, i.number, i.reference, i.issued_on, i.due_on, i.gross_cents, s.open_cents FROM billing_invoice i
  JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE s.open_cents > 0 AND i.kind <> 'credit note' AND i.layer = 'customer' ORDER BY i.due_on, i.number LIMIT 100
"""


async def own() -> list[Any]:
    """The hundred documents that have been due longest, of those the acting contact's organisation still has to pay; the wall leaves no others."""
    return await db.fetch(_OWN)
