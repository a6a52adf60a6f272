"""What a payment settled by mistake: found, taken off a document again with a reason, and booked on another or left on account.

Nothing is changed or removed: an allocation below zero says so, by whom and why. Through the staff door, in the order of locks of `payments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.kernel.money import Money

from ..events import PaymentBooked, PaymentTakenOff
from ..policy.ledger import Kind
from ..policy.money_in import Source
from ..policy.settling import Share
from . import documents, mandates, payments
from .statements.booking import Part

# ruff: noqa: S608  # nothing but queries of our own is put into them

_PAID = """
SELECT p.id, p.tenant, p.customer, p.issuer, p.source, p.source_key, p.method, p.amount_cents, p.received_on, p.note, p.booked_by, p.booked_at,
       coalesce(o.left_cents, 0) AS left_cents, c.number AS customer_number, c.name AS customer_name, t.name AS partner
  FROM billing_payment p JOIN tenant t ON t.id = p.tenant LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer
  LEFT JOIN billing_on_account o ON o.tenant = p.tenant AND o.payment = p.id
"""
# What went back, and what came in again after it had, belong to the payment they undo.
_LISTED = f"""{_PAID}
 WHERE p.reverses IS NULL AND ($1 = '' OR p.source_key = $1 OR p.note ILIKE $2 OR c.name ILIKE $2 OR c.number ILIKE $2 OR t.name ILIKE $2
    OR p.id IN (SELECT a.payment FROM billing_invoice i JOIN billing_allocation a ON a.tenant = i.tenant AND a.invoice = i.id
                 WHERE i.number = upper($1) OR i.reference = upper(replace($1, ' ', ''))))
 ORDER BY p.id DESC LIMIT $3
"""
_ONE = f"{_PAID} WHERE p.id = $1 AND p.reverses IS NULL"
_SETTLED_BY = """
SELECT a.payment, i.id, i.number, i.due_on, s.open_cents, i.debtor_details ->> 'name' AS debtor_name, sum(a.amount_cents)::bigint AS cents
  FROM billing_allocation a JOIN billing_invoice i ON i.tenant = a.tenant AND i.id = a.invoice
  JOIN billing_standing s ON s.tenant = a.tenant AND s.invoice = a.invoice
 WHERE a.payment = ANY($1::uuid[]) GROUP BY a.payment, i.id, i.number, i.due_on, s.open_cents, 6 HAVING sum(a.amount_cents) > 0
 ORDER BY a.payment, i.due_on, i.number
"""
_HISTORY = """
SELECT i.number, a.amount_cents, a.note, a.made_by, a.made_at FROM billing_allocation a JOIN billing_invoice i ON i.tenant = a.tenant AND i.id = a.invoice
 WHERE a.payment = $1 ORDER BY a.made_at, a.id
"""
_BACKS = "SELECT amount_cents, received_on, method FROM billing_payment WHERE reverses = $1 AND method <> 'moved' ORDER BY received_on, id"
# By a mandate that holds: announced anew, and then collected.
_COLLECTED = f"""
       EXISTS (SELECT FROM billing_mandate m JOIN billing_issuer o ON o.tenant = m.issuer
                WHERE m.tenant = i.tenant AND m.customer IS NOT DISTINCT FROM i.customer AND m.issuer = i.issuer AND m.ended_on IS NULL
                  AND {mandates.LAPSES_ON} > greatest(i.due_on, $3::date + m.announced_days)
                  AND coalesce(o.creditor_id, '') <> ''
                  AND NOT EXISTS (SELECT FROM billing_debit d WHERE d.tenant = i.tenant AND d.invoice = i.id AND d.state = 'returned'))
"""
_FOLLOWS = f"""
SELECT i.id, i.number, i.kind, i.due_on, i.tenant, i.debtor_details ->> 'name' AS debtor_name, i.debtor_details ->> 'email' AS email, s.open_cents,
       s.written_off_cents, s.paid_document IS NOT NULL AS has_copy,
       (SELECT coalesce(sum(a.amount_cents), 0)::bigint FROM billing_allocation a WHERE a.payment = $1 AND a.invoice = i.id) AS cents,
       (SELECT max(r.level) FROM billing_reminder r WHERE r.invoice = i.id) AS level,
       (SELECT r.suspends_on FROM billing_reminder r WHERE r.invoice = i.id AND r.level = 3 AND r.words -> 'stops' IS NOT NULL) AS stops_on,
       EXISTS (SELECT FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $3)
                  AND (h.invoice = i.id OR h.customer = i.customer)) AS is_held,
       (SELECT CASE WHEN p.ended_on IS NULL THEN 'runs' ELSE 'ended' END FROM billing_hold h
          JOIN billing_payment_plan p ON p.tenant = h.tenant AND p.id = h.plan
         WHERE h.tenant = i.tenant AND h.invoice = i.id ORDER BY p.ended_on IS NOT NULL, p.id DESC LIMIT 1) AS plan,
       {_COLLECTED} AS is_collected,
       EXISTS (SELECT FROM billing_accounting_connection x WHERE x.tenant = i.issuer AND x.state <> 'ended' AND x.sends_payments
                  AND i.issued_on >= x.starts_on) AS is_in_books
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE i.id = $2 AND EXISTS (SELECT FROM billing_allocation a WHERE a.payment = $1 AND a.invoice = i.id)
"""
_NUMBERED = """
SELECT i.id, i.number, s.open_cents, s.written_off_cents FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE i.issuer = $1 AND i.number = ANY($2::text[])
"""


class Why(msgspec.Struct, frozen=True):
    """Why it was no payment of that document, for whoever asks later."""

    reason: Annotated[str, Meta(min_length=3, max_length=500, pattern=r"\S")]


class Settles(msgspec.Struct, frozen=True, kw_only=True):
    """A payment and what it settles as things stand now; `history` every step of that, `backs` what went back of it."""

    row: Any
    settled: Sequence[Any]
    history: Sequence[Any] = ()
    backs: Sequence[Any] = ()


class Follows(msgspec.Struct, frozen=True, kw_only=True):
    """What it means to take a payment off a document, as facts: whoever presses has read them."""

    payment: Any
    row: Any
    today: date

    @property
    def was_settled(self) -> bool:
        """Whether nothing is open of the document now."""
        return _is_settled(self.row)

    @property
    def is_told(self) -> bool:
        """Whether its debtor got a mail that it is paid, and so gets one that it is not."""
        return self.was_settled and self.row["has_copy"] and bool(self.row["email"])

    @property
    def is_overdue(self) -> bool:
        """Whether it should have been paid by now."""
        return bool(self.row["due_on"] < self.today)

    @property
    def is_of_the_books(self) -> bool:
        """Whether the accounting package told of the payment, and so is told nothing about it."""
        return bool(self.payment["source"] == Source.ACCOUNTING)


def _is_settled(row: Any) -> bool:
    return bool(row["kind"] != Kind.CREDIT_NOTE and row["open_cents"] == 0 and row["written_off_cents"] == 0)


async def listed(q: str = "", limit: int = 100) -> list[Settles]:
    """Payments, the newest first: all, or those of this number, reference or key, or whose payer's name, number or description has these words in it."""
    plain = q.strip().replace("\\", "").replace("%", "").replace("_", "")
    rows = await db.fetch(_LISTED, plain, f"%{plain}%", limit)
    settled: dict[UUID, list[Any]] = {}
    for one in await db.fetch(_SETTLED_BY, [row["id"] for row in rows]):
        settled.setdefault(one["payment"], []).append(one)
    return [Settles(row=row, settled=settled.get(row["id"], ())) for row in rows]


async def look(payment: UUID) -> Settles:
    """The payment with what it settles and how that came about; NotFound."""
    row = await db.fetch_one(_ONE, payment)
    if row is None:
        raise NotFound(what="payment", id=str(payment))
    return Settles(
        row=row,
        settled=await db.fetch(_SETTLED_BY, [payment]),
        history=await db.fetch(_HISTORY, payment),
        backs=await db.fetch(_BACKS, payment),
    )


async def follows(payment: UUID, invoice: UUID) -> Follows:
    """What would follow; NotFound where the payment never settled anything of the document."""
    money = await db.fetch_one(_ONE, payment)
    row = await db.fetch_one(_FOLLOWS, payment, invoice, clock.today())
    if money is None or row is None:
        raise NotFound(what="payment", id=str(payment))
    return Follows(payment=money, row=row, today=clock.today())


async def take_off(actor: Actor, payment: UUID, invoice: UUID, why: Why, *, cents: int | None = None, parts: Sequence[Part] = ()) -> int:
    """So much of what the payment settles of the document (all, unless said) settles these others instead, and the rest is on account; returns the cents.

    The document is open again; where its debtor was told that it was paid, it is told that it is not. Raises MoreThanLeft, MoreThanOpen,
    NotADebtorsPayment, NotFound, Invalid for numbers that cannot be.
    """
    money = await payments.held(payment)
    named = await _named(money["issuer"], invoice, parts)
    # All of them before any is touched, in one order: whoever settles the same documents meanwhile waits, and nobody for each other.
    rows = await payments.locked({invoice, *(row["id"] for row, _cents in named)})
    made, taken = await payments.release(actor, payment, invoice, cents, why.reason.strip())
    if shares := _shares(named, rows, taken):
        await payments.allocate(actor, payment, shares)
    await outbox.publish(PaymentBooked(tenant_id=money["tenant"], payment_id=payment))
    if _is_settled(rows[invoice]):
        await outbox.publish(PaymentTakenOff(tenant_id=money["tenant"], invoice_id=invoice, allocation_id=made))
    return taken


async def _named(issuer: UUID, invoice: UUID, parts: Sequence[Part]) -> list[tuple[Any, int | None]]:
    """The documents of these numbers with the cents that were typed for each."""
    wanted = {part.number.strip().upper(): part.cents for part in parts}
    rows = {row["number"]: row for row in await db.fetch(_NUMBERED, issuer, list(wanted))}
    for number in wanted:
        if number not in rows:
            raise Invalid(FieldError("/numbers", "unknown-invoice", {"value": number}))
        if rows[number]["id"] == invoice:
            raise Invalid(FieldError("/numbers", "taken-off-this", {"value": number}))
    return [(rows[number], cents) for number, cents in wanted.items()]


def _shares(named: Sequence[tuple[Any, int | None]], rows: Any, left: int) -> list[Share]:
    """What each of them gets, in the order named: as typed, else what is open of it as far as the rest goes."""
    shares = []
    for row, typed in named:
        stands = rows[row["id"]]
        part = min(stands["open_cents"] + stands["written_off_cents"], left) if typed is None else typed
        if part <= 0:
            raise Invalid(FieldError("/numbers", "nothing-open-of-it", {"value": row["number"]}))
        shares.append(Share(row["id"], part))
        left = max(left - part, 0)
    return shares


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the debtor of a document is told that was paid and is not: how much was taken off it, received when, and where that is now.

    `is_collected`: by a mandate, so that nobody has to pay it.
    """

    cents: int
    received_on: date
    elsewhere: Sequence[tuple[str, Money]]
    on_account: Money
    open: Money
    is_collected: bool

    @property
    def taken(self) -> Money:
        """The same as an amount."""
        return Money(self.cents)


_TAKEN = f"""
SELECT a.amount_cents, a.payment, a.made_at, p.received_on, coalesce(o.left_cents, 0) AS left_cents, {_COLLECTED} AS is_collected
  FROM billing_allocation a JOIN billing_invoice i ON i.tenant = a.tenant AND i.id = a.invoice
  JOIN billing_payment p ON p.tenant = a.tenant AND p.id = a.payment LEFT JOIN billing_on_account o ON o.tenant = a.tenant AND o.payment = a.payment
 WHERE a.id = $1 AND a.tenant = $2 AND a.invoice = $4 AND a.amount_cents < 0
"""
_ELSEWHERE = """
SELECT i.number, sum(a.amount_cents)::bigint AS cents FROM billing_allocation a JOIN billing_invoice i ON i.tenant = a.tenant AND i.id = a.invoice
 WHERE a.payment = $1 AND a.invoice <> $2 AND a.made_at >= $3 GROUP BY i.number HAVING sum(a.amount_cents) > 0 ORDER BY i.number
"""


async def told(tenant: UUID, invoice: UUID, allocation: UUID) -> Told | None:
    """What there is to tell; None where its debtor was never told that it was paid, or it is settled again. NotFound where it is not this tenant's."""
    row = await db.fetch_one(_TAKEN, allocation, tenant, clock.today(), invoice)
    if row is None:
        raise NotFound(what="allocation", id=str(allocation))
    stands = await documents.standing(invoice)
    if stands.paid_document is None or stands.open.cents <= 0:
        return None
    elsewhere = await db.fetch(_ELSEWHERE, row["payment"], invoice, row["made_at"])
    return Told(
        cents=-row["amount_cents"],
        received_on=row["received_on"],
        elsewhere=[(one["number"], Money(one["cents"])) for one in elsewhere],
        on_account=Money(min(row["left_cents"], -row["amount_cents"])),
        open=stands.open,
        is_collected=row["is_collected"],
    )
