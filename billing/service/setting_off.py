"""What a debtor has coming, as finance uses it: it settles what is open, or what was paid of a credited document is on account again.

Through the staff door, in the order of locks of `payments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from partner_portal.infra import db, outbox
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Refused

from ..events import PaymentBooked
from ..policy.settling import divide
from . import payments


class NothingToSettle(Refused):
    """Nothing of it is left, or its debtor owes nothing that it could settle."""


class NothingWasPaid(Refused):
    """Nothing is left of the document, or no payment settled what it takes back."""


_USED_FOR = """
SELECT tenant, invoice, payment, sum(amount_cents)::bigint AS cents FROM billing_allocation WHERE invoice = ANY($1::uuid[]) AND payment IS NOT NULL
 GROUP BY tenant, invoice, payment HAVING sum(amount_cents) > 0 ORDER BY max(made_at) DESC, max(id::text) DESC
"""
# What a document that names no other takes back was paid with what else its debtor paid, what came last first.
_LATELY_PAID = """
SELECT a.invoice FROM billing_invoice d JOIN billing_invoice i ON i.tenant = d.tenant AND i.customer IS NOT DISTINCT FROM d.customer AND i.issuer = d.issuer
  JOIN billing_allocation a ON a.tenant = i.tenant AND a.invoice = i.id AND a.payment IS NOT NULL
 WHERE d.id = $1 AND i.kind <> 'credit note' AND i.gross_cents > 0 GROUP BY a.invoice HAVING sum(a.amount_cents) > 0
 ORDER BY max(a.made_at) DESC, a.invoice LIMIT 100
"""
_WHERE_LEFT = "s.open_cents <> 0 AND (s.open_cents < 0 OR s.due_on IS NULL)"
_PAID = "EXISTS (SELECT 1 FROM billing_allocation a WHERE a.tenant = {of}.tenant AND a.invoice = {of}.id AND a.payment IS NOT NULL GROUP BY a.payment HAVING sum(a.amount_cents) > 0)"
_IN_FAVOUR = f"""
SELECT i.id, i.number, i.issued_at, i.reason, abs(s.open_cents) AS left_cents, o.number AS of_number, i.debtor_details ->> 'name' AS debtor_name,
       t.name AS partner,
       CASE WHEN o.id IS NOT NULL THEN o.gross_cents > 0 AND {_PAID.format(of="o")}
            ELSE EXISTS (SELECT 1 FROM billing_invoice b WHERE b.tenant = i.tenant AND b.customer = i.customer AND b.issuer = i.issuer
                            AND b.kind <> 'credit note' AND b.gross_cents > 0 AND {_PAID.format(of="b")}) END AS was_paid
  FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice JOIN tenant t ON t.id = i.tenant
  LEFT JOIN billing_invoice o ON o.tenant = i.tenant AND o.id = i.refers_to
 WHERE {_WHERE_LEFT} ORDER BY i.issued_at, i.id LIMIT $1
"""  # noqa: S608  # our own words
_WAITS = f"""
SELECT count(*) AS count, min(i.issued_at) AS since FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice
 WHERE {_WHERE_LEFT}
"""  # noqa: S608  # our own words


async def in_favour(limit: int = 100) -> list[Any]:
    """The documents in a debtor's favour of which something is left, the oldest first.

    `was_paid` where money settled what a credit note takes back, or, of a document below zero that names no other, anything its customer owed.
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


async def put_on_account(actor: Actor, document: UUID) -> int:
    """What was paid of what the document takes back is on account again, as far as the document has not been used; returns the cents.

    A credit note takes back the invoice it names, a document below zero that names none what its debtor paid last. It takes the place of that money, so that
    no more is open than before. Raises NothingWasPaid.
    """
    row = await db.fetch_one("SELECT refers_to FROM billing_invoice WHERE id = $1", document)
    if row is None:
        raise NothingWasPaid
    invoices = [row["refers_to"]] if row["refers_to"] else [paid["invoice"] for paid in await db.fetch(_LATELY_PAID, document)]
    for payment in sorted({used["payment"] for used in await db.fetch(_USED_FOR, invoices)}, key=str):
        await payments.held(payment)
    left = payments.given_by((await payments.locked([*invoices, document]))[document])
    taken = _taken(await db.fetch(_USED_FOR, invoices), left)
    if not taken:
        raise NothingWasPaid
    # The document first: at no moment is anything open that was paid, so that the day on which it was stays.
    await payments.allocated(actor, [(tenant, invoice, None, document, cents) for (tenant, invoice), cents in _by_invoice(taken).items()])
    await payments.allocated(actor, [(tenant, invoice, payment, None, -cents) for tenant, invoice, payment, cents in taken])
    for tenant, _invoice, payment, _cents in taken:
        await outbox.publish(PaymentBooked(tenant_id=tenant, payment_id=payment))
    return sum(cents for *_of, cents in taken)


def _taken(uses: Sequence[asyncpg.Record], left: int) -> list[tuple[UUID, UUID, UUID, int]]:
    """Tenant, invoice, payment and cents of what is taken of these uses, in their order and together no more than `left`."""
    found = []
    for used in uses:
        if part := min(used["cents"], left):
            found.append((used["tenant"], used["invoice"], used["payment"], part))
            left -= part
    return found


def _by_invoice(taken: Sequence[tuple[UUID, UUID, UUID, int]]) -> dict[tuple[UUID, UUID], int]:
    sums: dict[tuple[UUID, UUID], int] = {}
    for tenant, invoice, _payment, cents in taken:
        sums[tenant, invoice] = sums.get((tenant, invoice), 0) + cents
    return sums
