"""What a debtor has coming, as finance uses it: it settles what is open, or what was paid of a credited document is on account again.

Through the staff door, in the order of locks of `payments`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from partner_portal.infra import db, outbox
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Refused

from ..events import PaymentBooked
from ..policy.settling import divide
from . import payments


class NothingToSettle(Refused):
    """Nothing of it is left, or its debtor owes nothing that it could settle."""


class NothingWasPaid(Refused):
    """Nothing is left of the credit note, or no payment settled what it takes back."""


_USED_FOR = """
SELECT tenant, payment, sum(amount_cents)::bigint AS cents FROM billing_allocation WHERE invoice = $1 AND payment IS NOT NULL
 GROUP BY tenant, payment HAVING sum(amount_cents) > 0 ORDER BY max(made_at) DESC, max(id::text) DESC
"""
_WHERE_LEFT = "s.open_cents <> 0 AND (s.open_cents < 0 OR s.due_on IS NULL)"
_IN_FAVOUR = f"""
SELECT i.id, i.kind, i.number, i.issued_at, i.reason, abs(s.open_cents) AS left_cents, o.number AS of_number, i.debtor_details ->> 'name' AS debtor_name,
       t.name AS partner, paid.iban, paid.name AS holder,
       coalesce(o.gross_cents > 0 AND EXISTS (SELECT 1 FROM billing_allocation a WHERE a.tenant = o.tenant AND a.invoice = o.id AND a.payment IS NOT NULL
           GROUP BY a.payment HAVING sum(a.amount_cents) > 0), false) AS was_paid
  FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice JOIN tenant t ON t.id = i.tenant
  LEFT JOIN billing_invoice o ON o.tenant = i.tenant AND o.id = i.refers_to
  LEFT JOIN LATERAL (SELECT m.iban, m.holder AS name FROM billing_mandate m WHERE m.tenant = i.tenant AND m.customer = i.customer AND m.issuer = i.issuer
                      ORDER BY m.id DESC LIMIT 1) paid ON i.kind <> 'credit note'
 WHERE {_WHERE_LEFT} ORDER BY i.issued_at, i.id LIMIT $1
"""  # noqa: S608  # our own words
_WAITS = f"""
SELECT count(*) AS count, min(i.issued_at) AS since FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice
 WHERE {_WHERE_LEFT}
"""  # noqa: S608  # our own words


async def in_favour(limit: int = 100) -> list[Any]:
    """The documents in a debtor's favour of which something is left, the oldest first; `was_paid` where money settled what a credit note takes back.

    With those below zero stands the account of the debtor's mandate, if it gave one.
    """
    return await db.fetch(_IN_FAVOUR, limit)


async def waits() -> tuple[int, datetime | None]:
    """Of how many documents in a debtor's favour something is left, and since when of the first: finance settles with it or gives it back."""
    row = await db.fetch_one(_WAITS)
    assert row is not None  # noqa: S101  # a count always has its row
    return row["count"], row["since"]


async def settle_open(actor: Actor, payment: UUID) -> int:
    """What is on account of the payment settles what its debtor owes, what fell due first before the rest; returns the cents used. NothingToSettle.

    What was written off stays so: that comes back to life by new money only.
    """
    money = await payments.held(payment)
    rows = await payments.locked(await payments.open_of(payments.debtor_of(money)))
    claims = [payments.claim_of(row, row["open_cents"]) for row in rows.values() if not row["written_off_cents"]]
    shares = divide(max(money["left_cents"], 0), claims).shares
    if not shares:
        raise NothingToSettle
    await payments.allocate(actor, payment, shares)
    return sum(share.cents for share in shares)


async def settle_by_document(actor: Actor, document: UUID) -> int:
    """What is left of a document in the debtor's favour settles what else it owes; returns the cents used. NothingToSettle, NotFound."""
    used = await payments.apply_credit(actor, document)
    if not used:
        raise NothingToSettle
    return used


async def put_on_account(actor: Actor, note: UUID) -> int:
    """What was paid of the document that the credit note takes back is on account again, as far as the note has not been used; returns the cents.

    The note takes its place, so that no more is open than before. Raises NothingWasPaid.
    """
    row = await db.fetch_one("SELECT refers_to FROM billing_invoice WHERE id = $1", note)
    if row is None or row["refers_to"] is None:
        raise NothingWasPaid
    invoice: UUID = row["refers_to"]
    for used in sorted(await db.fetch(_USED_FOR, invoice), key=lambda one: str(one["payment"])):
        await payments.held(used["payment"])
    left = cents = max((await payments.locked([invoice, note]))[note]["open_cents"], 0)
    taken = []
    for used in await db.fetch(_USED_FOR, invoice):
        if part := min(used["cents"], left):
            taken.append((used["tenant"], invoice, used["payment"], None, -part))
            left -= part
    if not taken:
        raise NothingWasPaid
    # The note first: at no moment is anything open that was paid, so that the day on which it was stays.
    await payments.allocated(actor, [(taken[0][0], invoice, None, note, cents - left)])
    await payments.allocated(actor, taken)
    for tenant, _invoice, payment, _credit, _cents in taken:
        await outbox.publish(PaymentBooked(tenant_id=tenant, payment_id=payment))
    freed: int = cents - left
    return freed
