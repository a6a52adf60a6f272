"""Money that comes in and goes back: booked once, divided over what is open, and taken back where the bank does.

Everything here runs through the staff door. Whoever divides money first locks where the documents stand, in the order of their ids; whoever uses a payment
that is on record already locks that before. Two at once wait for each other, and neither settles what the other has settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ..events import InvoicePaid, InvoiceReopened, PaymentBooked
from ..policy.ledger import Kind
from ..policy.money_in import Source
from ..policy.settling import Claim, MoreThanLeft, Share, divide, must_fit, take_back
from . import write_offs


class NotADebtorsPayment(Refused):
    """Money of one debtor, or to one issuer, does not settle what is owed by or to another."""


class Debtor(msgspec.Struct, frozen=True):
    """Who pays whom: a customer of the tenant, or the tenant itself, to the issuer."""

    tenant: UUID
    customer: UUID | None
    issuer: UUID


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in: whose, seen where and under which key, how much in cents.

    `invoices` as the debtor indicates them; None: what fell due first; none of them: it stays on account.
    """

    debtor: Debtor
    source: Source
    source_key: str
    amount_cents: int
    received_on: date
    method: str = "transfer"
    note: str | None = None
    invoices: tuple[UUID, ...] | None = None


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went back: of which payment, seen where and under which key; all of the payment where no amount is given."""

    payment: UUID
    source: Source
    source_key: str
    on: date
    amount_cents: int | None = None
    method: str = "transfer"
    note: str | None = None


_BOOK = """
INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, method, amount_cents, received_on, reverses, note, booked_by, booked_at)
SELECT r.id, r.tenant, r.customer, r.issuer, r.source, r.source_key, r.method, r.cents, r.day, r.reverses, r.note, $12, $13
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::date[], $10::uuid[], $11::text[])
       AS r (id, tenant, customer, issuer, source, source_key, method, cents, day, reverses, note)
 ORDER BY r.source, r.source_key
    ON CONFLICT (source, source_key) DO NOTHING RETURNING id
"""
_KNOWN = """
SELECT p.id, p.source, p.source_key FROM billing_payment p
  JOIN unnest($1::text[], $2::text[]) AS k (source, source_key) ON k.source = p.source AND k.source_key = p.source_key
"""
_STANDS = """
SELECT s.invoice, s.open_cents, s.written_off_cents, i.number, i.due_on, i.kind, i.tenant, i.customer, i.issuer,
       CASE i.kind WHEN 'costs' THEN ARRAY(SELECT c.invoice FROM billing_late_note n JOIN billing_late_claim c ON c.tenant = n.tenant AND c.note = n.id
                                            WHERE n.tenant = i.tenant AND n.document = i.id) END AS adds_to,
       CASE i.kind WHEN 'costs' THEN (SELECT min(o.due_on) FROM billing_late_note n JOIN billing_late_claim c ON c.tenant = n.tenant AND c.note = n.id
                                        JOIN billing_invoice o ON o.id = c.invoice WHERE n.tenant = i.tenant AND n.document = i.id) END AS first_due_on
  FROM billing_standing s JOIN billing_invoice i ON i.id = s.invoice WHERE s.invoice = ANY($1::uuid[]) ORDER BY s.invoice FOR UPDATE OF s
"""
_OPEN_OF = """
SELECT s.invoice FROM billing_standing s JOIN billing_invoice i ON i.id = s.invoice
  JOIN unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS d (tenant, customer, issuer)
    ON i.tenant = d.tenant AND i.customer IS NOT DISTINCT FROM d.customer AND i.issuer = d.issuer
 WHERE (s.open_cents > 0 OR s.written_off_cents > 0) AND i.kind <> 'credit note' AND s.tenant = d.tenant
"""
_ADDED = """
SELECT n.document FROM billing_late_claim c JOIN billing_late_note n ON n.tenant = c.tenant AND n.id = c.note WHERE c.invoice = ANY($1::uuid[])
"""
_ALLOCATE = """
INSERT INTO billing_allocation (id, tenant, invoice, payment, credit, amount_cents, made_by, made_at, note)
SELECT r.id, r.tenant, r.invoice, r.payment, r.credit, r.cents, $7, $8, $9
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[]) AS r (id, tenant, invoice, payment, credit, cents)
"""
_PAYMENT = """
SELECT p.id, p.tenant, p.customer, p.issuer, p.source, p.source_key, p.amount_cents, p.received_on, p.method, p.reverses,
       coalesce((SELECT o.left_cents FROM billing_on_account o WHERE o.payment = p.id), 0) AS left_cents
  FROM billing_payment p WHERE p.id = $1
"""
_ALLOCATED = """
SELECT invoice, sum(amount_cents)::bigint AS cents FROM billing_allocation WHERE payment = $1
 GROUP BY invoice HAVING sum(amount_cents) > 0 ORDER BY max(made_at), max(id::text)
"""


async def book(actor: Actor, receipt: Receipt) -> UUID:
    """The money is on record and settles what it is for; booked before under the same key, it is the same payment. Returns its id."""
    return (await book_all(actor, [receipt]))[0]


async def book_all(actor: Actor, receipts: Sequence[Receipt]) -> list[UUID]:
    """All of it is on record, in the order given, as by `book`: in a few statements however many they are.

    Raises NotFound for a document that is not there, NotADebtorsPayment for one of somebody else.
    """
    made = await _on_record(actor, receipts)
    new = [(payment, receipt) for payment, receipt, is_new in made if is_new]
    if new:
        rows = await locked(await _concerned(receipt for _payment, receipt in new))
        await _settle(actor, new, rows)
    return [payment for payment, _receipt, _is_new in made]


async def _on_record(actor: Actor, receipts: Sequence[Receipt]) -> list[tuple[UUID, Receipt, bool]]:
    """Each receipt with its payment, and whether it is new; of the same key twice the first counts."""
    first: dict[tuple[str, str], Receipt] = {}
    for receipt in receipts:
        first.setdefault((receipt.source.value, receipt.source_key), receipt)
    values = [
        (
            new_id(),
            one.debtor.tenant,
            one.debtor.customer,
            one.debtor.issuer,
            *key,
            one.method,
            one.amount_cents,
            one.received_on,
            None,
            one.note,
        )
        for key, one in first.items()
    ]
    new = await _insert(actor, values)
    known = {
        (row["source"], row["source_key"]): row["id"]
        for row in await db.fetch(_KNOWN, [key[0] for key in first], [key[1] for key in first])
    }
    found = []
    for receipt in receipts:
        key = (receipt.source.value, receipt.source_key)
        found.append((known[key], receipt, known[key] in new))
        new.discard(known[key])
    return found


async def _insert(actor: Actor, values: Sequence[tuple[Any, ...]]) -> set[UUID]:
    rows = await db.fetch(_BOOK, *(list(column) for column in zip(*values, strict=True)), actor.trail, clock.now())
    return {row["id"] for row in rows}


async def _concerned(receipts: Iterable[Receipt]) -> set[UUID]:
    """The documents that these receipts may settle."""
    indicated: set[UUID] = set()
    debtors: dict[Debtor, None] = {}
    for receipt in receipts:
        if receipt.invoices is None:
            debtors[receipt.debtor] = None
        else:
            indicated.update(receipt.invoices)
    if indicated:
        indicated.update(row["document"] for row in await db.fetch(_ADDED, list(indicated)))
    if debtors:
        columns = [[getattr(debtor, name) for debtor in debtors] for name in Debtor.__struct_fields__]
        indicated.update(row["invoice"] for row in await db.fetch(_OPEN_OF, *columns))
    return indicated


async def locked(invoices: Iterable[UUID]) -> dict[UUID, Any]:
    """Where these documents stand, locked until the unit of work ends; NotFound when one is not there."""
    wanted = set(invoices)
    rows = {row["invoice"]: row for row in await db.fetch(_STANDS, sorted(wanted))} if wanted else {}
    if missing := wanted - rows.keys():
        raise NotFound(what="invoice", id=str(min(missing)))
    return rows


def debtor_of(row: Any) -> Debtor:
    """Who owes whom by the row of a document or a payment."""
    return Debtor(row["tenant"], row["customer"], row["issuer"])


def _owed(row: Any) -> int:
    """What can still be paid: also what was written off, which comes back to life by it."""
    cents: int = row["open_cents"] + row["written_off_cents"]
    return cents


def claim_of(row: Any, open_cents: int) -> Claim:
    """A locked document as the rules divide over it; a credit note is no claim."""
    is_owed = row["kind"] != Kind.CREDIT_NOTE
    return Claim(
        invoice=row["invoice"],
        number=row["number"],
        due_on=row["first_due_on"] or row["due_on"],
        open_cents=open_cents if is_owed else 0,
        adds_to=frozenset(row["adds_to"] or ()),
        is_given_up=row["written_off_cents"] > 0,
    )


def given_by(row: Any) -> int:
    """What is left of a locked document in its debtor's favour: of a credit note, or of one below zero; nothing of what is owed."""
    cents: int = row["open_cents"] if row["kind"] == Kind.CREDIT_NOTE else -row["open_cents"]
    return max(cents, 0)


async def _settle(actor: Actor, new: Sequence[tuple[UUID, Receipt]], rows: Mapping[UUID, Any]) -> None:
    open_cents = {invoice: _owed(row) for invoice, row in rows.items()}
    by_debtor: dict[Debtor, list[UUID]] = {}
    for invoice, row in rows.items():
        by_debtor.setdefault(debtor_of(row), []).append(invoice)
    made: list[tuple[UUID, UUID, UUID | None, UUID | None, int]] = []
    for payment, receipt in new:
        own = by_debtor.get(receipt.debtor, [])
        if receipt.invoices and not set(receipt.invoices) <= set(own):
            raise NotADebtorsPayment
        claims = [claim_of(rows[invoice], open_cents[invoice]) for invoice in own]
        for share in divide(receipt.amount_cents, claims, receipt.invoices).shares:
            await _revive(actor, rows[share.invoice], open_cents[share.invoice], share.cents, receipt.received_on)
            open_cents[share.invoice] -= share.cents
            made.append((receipt.debtor.tenant, share.invoice, payment, None, share.cents))
    await allocated(actor, made)
    for payment, receipt in new:
        await outbox.publish(PaymentBooked(tenant_id=receipt.debtor.tenant, payment_id=payment))
    await _tell(rows, open_cents)


async def _revive(actor: Actor, row: Any, left_cents: int, cents: int, on: date) -> None:
    """What was written off is owed again as far as it is paid now: `left_cents` could still be paid, of which what is not written off goes first."""
    given_up = min(row["written_off_cents"], left_cents)
    revived = min(cents - (left_cents - given_up), given_up)
    if revived > 0:
        await write_offs.revive_for_payment(actor, row["invoice"], revived, on)


async def allocated(actor: Actor, made: Sequence[tuple[UUID, UUID, UUID | None, UUID | None, int]], note: str | None = None) -> list[UUID]:
    """Tenant, invoice, payment, credit and cents of each allocation are on record, with why where somebody said so; returns their ids."""
    ids = [new_id() for _ in made]
    if made:
        columns = [ids, *(list(column) for column in zip(*made, strict=True))]
        await db.execute(_ALLOCATE, *columns, actor.trail, clock.now(), note)
    return ids


async def _tell(rows: Mapping[UUID, Any], open_cents: Mapping[UUID, int]) -> None:
    """Whoever listens hears which claims are settled now, and which are owed again."""
    for invoice, row in rows.items():
        before, now = _owed(row), open_cents[invoice]
        if row["kind"] == Kind.CREDIT_NOTE or before == now:
            continue
        if before > 0 and now == 0:
            await outbox.publish(InvoicePaid(tenant_id=row["tenant"], invoice_id=invoice))
        elif before == 0 and now > 0:
            await outbox.publish(InvoiceReopened(tenant_id=row["tenant"], invoice_id=invoice))


async def one(payment: UUID) -> Any:
    """The payment with `left_cents`, what of it is on account; NotFound."""
    row = await db.fetch_one(_PAYMENT, payment)
    if row is None:
        raise NotFound(what="payment", id=str(payment))
    return row


async def held(payment: UUID) -> Any:
    """The payment, which nobody else divides or gives back until the unit of work ends."""
    # Payments are append-only, and a row nobody may change cannot be locked: its id is.
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"payment {payment}")
    return await one(payment)


async def allocate(actor: Actor, payment: UUID, shares: Sequence[Share]) -> None:
    """So much of what is on account of the payment settles these documents; MoreThanOpen, MoreThanLeft, NotADebtorsPayment."""
    money = await held(payment)
    rows = await locked(share.invoice for share in shares)
    if any(debtor_of(row) != debtor_of(money) for row in rows.values()):
        raise NotADebtorsPayment
    must_fit(shares, {invoice: claim_of(row, _owed(row)).open_cents for invoice, row in rows.items()}, money["left_cents"])
    for share in shares:
        await _revive(actor, rows[share.invoice], _owed(rows[share.invoice]), share.cents, money["received_on"])
    await allocated(actor, [(money["tenant"], share.invoice, payment, None, share.cents) for share in shares])
    await _tell(rows, _after(rows, shares))


async def apply_credit(actor: Actor, credit: UUID, shares: Sequence[Share] | None = None) -> int:
    """A document in the debtor's favour settles others: these, or first the one it refers to and then what fell due first. Returns the cents used.

    What it leaves over stays the debtor's. Raises MoreThanOpen, MoreThanLeft, NotADebtorsPayment.
    """
    row = await db.fetch_one("SELECT tenant, customer, issuer, refers_to FROM billing_invoice WHERE id = $1", credit)
    if row is None:
        raise NotFound(what="invoice", id=str(credit))
    wanted = {row["refers_to"]} if row["refers_to"] else set()
    wanted |= {share.invoice for share in shares} if shares is not None else await open_of(debtor_of(row))
    rows = await locked({credit, *wanted})
    if any(debtor_of(found) != debtor_of(row) for found in rows.values()):
        raise NotADebtorsPayment
    given = rows.pop(credit)
    left = given_by(given)
    if shares is None:
        shares = _credit_shares(left, rows, row["refers_to"])
    must_fit(shares, {invoice: claim_of(found, found["open_cents"]).open_cents for invoice, found in rows.items()}, left)
    await allocated(actor, [(row["tenant"], share.invoice, None, credit, share.cents) for share in shares])
    await _tell(rows, _after(rows, shares))
    return sum(share.cents for share in shares)


def _credit_shares(left: int, rows: Mapping[UUID, Any], first: UUID | None) -> list[Share]:
    claims = [claim_of(row, row["open_cents"]) for row in rows.values()]
    begun = divide(max(left, 0), claims, [first] if first else [])
    settled = {share.invoice: share.cents for share in begun.shares}
    still = [msgspec.structs.replace(claim, open_cents=claim.open_cents - settled.get(claim.invoice, 0)) for claim in claims]
    return [*begun.shares, *divide(begun.left_cents, still).shares]


async def open_of(debtor: Debtor) -> set[UUID]:
    """The documents of which this debtor owes something, also what was written off."""
    return {row["invoice"] for row in await db.fetch(_OPEN_OF, [debtor.tenant], [debtor.customer], [debtor.issuer])}


def _after(rows: Mapping[UUID, Any], shares: Sequence[Share], sign: int = -1) -> dict[UUID, int]:
    now = {invoice: _owed(row) for invoice, row in rows.items()}
    for share in shares:
        now[share.invoice] += sign * share.cents
    return now


async def release(actor: Actor, payment: UUID, invoice: UUID, cents: int | None = None, note: str | None = None) -> tuple[UUID, int]:
    """So much of what the payment settles of the document (all, unless said) is on account again, and the document open. MoreThanLeft.

    Returns the allocation that says so, and the cents.
    """
    money = await held(payment)
    used = {row["invoice"]: row["cents"] for row in await db.fetch(_ALLOCATED, payment)}
    taken = used.get(invoice, 0) if cents is None else cents
    if taken <= 0 or taken > used.get(invoice, 0):
        raise MoreThanLeft(left_cents=used.get(invoice, 0))
    return (await _take(actor, money, [Share(invoice, taken)], note))[0], taken


async def _take(actor: Actor, money: Any, shares: Sequence[Share], note: str | None = None) -> list[UUID]:
    rows = await locked(share.invoice for share in shares)
    made = await allocated(actor, [(money["tenant"], share.invoice, money["id"], None, -share.cents) for share in shares], note)
    await _tell(rows, _after(rows, shares, +1))
    return made


async def refund(actor: Actor, back: Back) -> UUID:
    """What was on account went back to who paid it; under the same key once. Returns the reversing payment; MoreThanLeft where it is in use."""
    return await _give_back(actor, back, takes=False)


async def charge_back(actor: Actor, back: Back) -> UUID:
    """The bank or gateway took the money back: what it settled is open again, the last settled first; under the same key once."""
    return await _give_back(actor, back, takes=True)


async def _give_back(actor: Actor, back: Back, *, takes: bool) -> UUID:
    money = await held(back.payment)
    known = await db.fetch(_KNOWN, [back.source.value], [back.source_key])
    if known:
        found: UUID = known[0]["id"]
        return found
    used = [Share(row["invoice"], row["cents"]) for row in await db.fetch(_ALLOCATED, back.payment)]
    all_of_it = money["left_cents"] + (sum(share.cents for share in used) if takes else 0)
    cents = all_of_it if back.amount_cents is None else back.amount_cents
    if cents <= 0:
        raise MoreThanLeft(left_cents=all_of_it)
    if taken := take_back(cents, money["left_cents"], used if takes else []):
        await _take(actor, money, taken)
    made = new_id()
    whose = (money["tenant"], money["customer"], money["issuer"])
    row = (made, *whose, back.source.value, back.source_key, back.method, -cents, back.on, back.payment, back.note)
    if not await _insert(actor, [row]):  # the same key came in for another payment meanwhile: a mistake of the source, not to be hidden
        raise NotADebtorsPayment
    await outbox.publish(PaymentBooked(tenant_id=money["tenant"], payment_id=made))
    return made
