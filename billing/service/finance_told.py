"""What finance reads in a mail about its own work: what waits for a second person, and a refund that failed. Through the staff door."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import db
from partner_portal.kernel.errors import NotFound

from ..policy.money_in import ByTwo
from . import account_changes


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a second person: of which debtor of which partner, how much, why, and since when. `number` is the document's, where it is of one."""

    what: ByTwo
    number: str | None
    debtor: str
    partner: str
    cents: int
    reason: str
    at: datetime
    waits: bool


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that failed: whose, how much, to which account (masked) or back through the gateway, and why."""

    debtor: str
    partner: str
    cents: int
    account: str | None
    because: str
    at: datetime
    waits: bool


_REQUESTS: dict[ByTwo, str] = {
    ByTwo.CREDIT_NOTE: """
SELECT i.number, i.debtor_details ->> 'name' AS debtor, t.name AS partner, r.gross_cents AS cents, r.reason, r.asked_at AS at,
       r.decision IS NULL AS waits
  FROM billing_credit_request r JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice JOIN tenant t ON t.id = r.tenant
 WHERE r.id = $1 AND r.tenant = $2
""",
    ByTwo.REFUND: """
SELECT NULL AS number, coalesce(c.name, t.name) AS debtor, t.name AS partner, r.amount_cents AS cents, r.reason, r.made_at AS at,
       r.state = 'wanted' AS waits
  FROM billing_refund r JOIN billing_payment p ON p.tenant = r.tenant AND p.id = r.payment JOIN tenant t ON t.id = r.tenant
  LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer
 WHERE r.id = $1 AND r.tenant = $2
""",
    ByTwo.WRITE_OFF: """
SELECT i.number, i.debtor_details ->> 'name' AS debtor, t.name AS partner, s.open_cents AS cents, w.note AS reason, w.proposed_at AS at,
       w.outcome IS NULL AS waits
  FROM billing_write_off_proposal w JOIN billing_invoice i ON i.tenant = w.tenant AND i.id = w.invoice
  JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id JOIN tenant t ON t.id = w.tenant
 WHERE w.id = $1 AND w.tenant = $2
""",
}
_FAILED = """
SELECT coalesce(c.name, t.name) AS debtor, t.name AS partner, r.amount_cents AS cents, r.iban AS account, r.failed_because AS because, r.changed_at AS at,
       r.state = 'failed' AND r.seen_at IS NULL AS waits
  FROM billing_refund r JOIN billing_payment p ON p.tenant = r.tenant AND p.id = r.payment JOIN tenant t ON t.id = r.tenant
  LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer
 WHERE r.id = $1 AND r.tenant = $2
"""


async def asked(tenant: UUID, what: ByTwo, request: UUID) -> Asked:
    """What one asked for and another decides, as it is now; NotFound where it is not this tenant's."""
    return Asked(what=what, **dict(await _row(_REQUESTS[what], request, tenant)))


async def failed(tenant: UUID, refund: UUID) -> Failed:
    """The refund as it is now; NotFound where it is not this tenant's."""
    row = dict(await _row(_FAILED, refund, tenant))
    return Failed(**{**row, "account": account_changes.masked(row["account"]) if row["account"] else None})


async def _row(statement: str, about: UUID, tenant: UUID) -> asyncpg.Record:
    row = await db.fetch_one(statement, about, tenant)
    if row is None:
        raise NotFound(what="request", id=str(about))
    return row
