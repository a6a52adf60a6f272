"""What entries of statements were matched with is booked: in parts, each once, by whatever was known of it; and what people decide about the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.actor import SYSTEM, Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.kernel.money import Money

from ...events import StatementAccepted
from ...policy.matching import Match, Owner
from ...policy.money_in import EntryState, Rule, Source
from ...policy.settling import Share
from .. import debits, payments, refunds
from ..payments import Debtor, Receipt
from .importing import RULES_OF_DEBTORS

_AT_A_TIME = 500
_TO_BOOK = "SELECT * FROM billing_statement_entry WHERE statement = $1 AND state = 'matched' ORDER BY position LIMIT $2 FOR UPDATE"
_BOOKED = """
UPDATE billing_statement_entry e SET state = b.state, payment = b.payment, decided_by = $4, decided_at = $5
  FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS b (id, state, payment) WHERE e.id = b.id
"""


class EntryDecided(Refused):
    """Somebody has dealt with this entry already."""


async def book_next(issuer: UUID, statement: UUID) -> int:
    """The next entries that were matched are booked, and the rest will be; returns how many. NotFound where it is not this issuer's."""
    if await db.fetch_one("SELECT 1 FROM billing_statement WHERE id = $1 AND issuer = $2", statement, issuer) is None:
        raise NotFound(what="statement", id=str(statement))
    rows = await db.fetch(_TO_BOOK, statement, _AT_A_TIME)
    done: list[tuple[UUID, EntryState, UUID | None]] = []
    plain = [row for row in rows if row["rule"] in RULES_OF_DEBTORS]
    if plain:
        made = await payments.book_all(SYSTEM, [_receipt(row) for row in plain])
        done += [(row["id"], EntryState.BOOKED, payment) for row, payment in zip(plain, made, strict=True)]
    for row in rows:
        if row["rule"] not in RULES_OF_DEBTORS:
            done.append((row["id"], *await _other(row)))
    await _mark(SYSTEM, done)
    if len(rows) == _AT_A_TIME:
        await outbox.publish(StatementAccepted(tenant_id=issuer, statement_id=statement), turn=f"statement {statement}")
    return len(rows)


async def _mark(actor: Actor, done: Sequence[tuple[UUID, EntryState, UUID | None]]) -> None:
    if done:
        ids, states, made = zip(*done, strict=True)
        await db.execute(_BOOKED, list(ids), [state.value for state in states], list(made), actor.trail, clock.now())


def _found(row: Any) -> Match:
    return msgspec.json.decode(row["found"], type=Match)


def _receipt(row: Any) -> Receipt:
    found = _found(row)
    assert found.owner is not None  # noqa: S101  # these rules know whose it is
    return receipt(row, found.owner, found.invoices)


def receipt(row: Any, owner: Owner, invoices: tuple[UUID, ...] | None) -> Receipt:
    """The entry as money of this owner, for these documents (None: what fell due first)."""
    return Receipt(
        debtor=Debtor(owner.tenant, owner.customer, owner.issuer),
        source=Source.STATEMENT,
        source_key=row["key"],
        amount_cents=row["amount_cents"],
        received_on=row["booked_on"],
        note=row["text"][:500] or None,
        invoices=invoices,
    )


async def _other(row: Any) -> tuple[EntryState, UUID | None]:
    found = _found(row)
    assert found.target is not None  # noqa: S101  # these rules know what it is
    if found.rule is Rule.REFUND:
        return await _refund(row, found.target)
    if found.rule is Rule.RETURN:
        return await debits.returned(found.target, row["key"], row["booked_on"], -row["amount_cents"], row["return_reason"])
    if found.rule is Rule.COLLECTION:
        return await debits.collected(found.target, row["amount_cents"], row["booked_on"])
    return await _paid_out(row, found.target)


async def _refund(row: Any, target: UUID) -> tuple[EntryState, UUID | None]:
    """Our own refund leaving the account, booked when it was ordered; or coming back, because the bank could not pay it out."""
    if row["amount_cents"] > 0:
        return await refunds.came_back(target, row["amount_cents"], row["return_reason"])
    return await refunds.left(target, row["amount_cents"]), None


async def _paid_out(row: Any, payout: UUID) -> tuple[EntryState, UUID | None]:
    """The payments in it were booked gross when the gateway told of them; what came in is that less the fee."""
    changed = await db.fetch_one(
        "UPDATE billing_payout SET entry = $2 WHERE id = $1 AND entry IS NULL AND paid_cents = $3 RETURNING id",
        *(payout, row["id"], row["amount_cents"]),
    )
    return (EntryState.SETTLED if changed else EntryState.WAITING), None


_WAITING = """
SELECT e.*, s.account, s.issuer, s.number AS statement_number, s.file_name FROM billing_statement_entry e JOIN billing_statement s ON s.id = e.statement
 WHERE e.state = 'waiting' ORDER BY e.booked_on, e.id LIMIT $1
"""


async def waiting(limit: int = 100) -> list[Any]:
    """The entries that wait for a person, the oldest first."""
    return await db.fetch(_WAITING, limit)


async def parked() -> list[Any]:
    """The statements that do not add up and wait for a person."""
    return await db.fetch("SELECT * FROM billing_statement WHERE state = 'parked' ORDER BY imported_at")


async def _entry(entry: UUID) -> Any:
    row = await db.fetch_one(
        "SELECT e.*, s.issuer FROM billing_statement_entry e JOIN billing_statement s ON s.id = e.statement WHERE e.id = $1 FOR UPDATE OF e",
        entry,
    )
    if row is None:
        raise NotFound(what="entry", id=str(entry))
    if row["state"] != EntryState.WAITING:
        raise EntryDecided
    return row


class Part(msgspec.Struct, frozen=True):
    """So many cents of an entry for the document of this number; None: as much as is open of it."""

    number: str
    cents: int | None = None


class _Named(msgspec.Struct, frozen=True):
    """A document that a person named, how much of the entry is for it (None: as much as is open), and how much is."""

    invoice: UUID
    cents: int | None
    open_cents: int


async def settle(actor: Actor, entry: UUID, parts: Sequence[Part]) -> None:
    """A person says what the entry is for: it is booked, divided as said, and what is left stays on account. Invalid names what cannot be.

    Money of several debtors in one sum is a payment of each; then all of it is divided, with an amount for each document.
    """
    row = await _entry(entry)
    _must_come_in(row)
    named = await _named(row, parts)
    if len(named) > 1:
        said = [one.cents or 0 for shares in named.values() for one in shares]
        if min(said) <= 0 or sum(said) != row["amount_cents"]:
            raise Invalid(FieldError("/numbers", "several-debtors-divided", {"amount": Money(row["amount_cents"])}))
    made = [
        await _book_part(actor, row, owner, shares, f"/{nth}" if len(named) > 1 else "")
        for nth, (owner, shares) in enumerate(named.items(), 1)
    ]
    await _decided(actor, row, EntryState.BOOKED, made[0] if len(made) == 1 else None)


async def _book_part(actor: Actor, row: Any, owner: Owner, shares: Sequence[_Named], nth: str) -> UUID:
    """What of the entry is this owner's is on record and settles what was named."""
    whole = receipt(row, owner, ())
    own = sum(one.cents or 0 for one in shares) if nth else whole.amount_cents
    payment = await payments.book(actor, msgspec.structs.replace(whole, source_key=f"{whole.source_key}{nth}", amount_cents=own))
    left = own
    wanted = []
    for one in shares:
        part = min(one.open_cents, left) if one.cents is None else one.cents
        if part > 0:
            wanted.append(Share(one.invoice, part))
            left -= part
    if wanted:
        await payments.allocate(actor, payment, wanted)
    return payment


async def _named(row: Any, parts: Sequence[Part]) -> dict[Owner, list[_Named]]:
    numbers = [part.number.strip().upper() for part in parts if part.number.strip()]
    rows = {
        found["number"]: found
        for found in await db.fetch(
            "SELECT i.id, i.number, i.tenant, i.customer, i.issuer, s.open_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id"
            " WHERE i.issuer = $1 AND i.number = ANY($2::text[])",
            *(row["issuer"], numbers),
        )
    }
    if not numbers or any(number not in rows for number in numbers):
        raise Invalid(FieldError("/numbers", "unknown-invoice", {"value": next((one for one in numbers if one not in rows), "")}))
    named: dict[Owner, list[_Named]] = {}
    for one in parts:
        if found := rows.get(one.number.strip().upper()):
            owner = Owner(found["tenant"], found["customer"], found["issuer"])
            named.setdefault(owner, []).append(_Named(found["id"], one.cents, found["open_cents"]))
    return named


async def put_on_account(actor: Actor, entry: UUID, customer_number: str) -> UUID:
    """A person says whose the entry is; it settles nothing yet. Invalid where nobody owes under this number."""
    row = await _entry(entry)
    _must_come_in(row)
    found = await db.fetch(
        "SELECT DISTINCT i.tenant, i.customer, i.issuer FROM billing_invoice i JOIN customer c ON c.id = i.customer WHERE i.issuer = $1 AND c.number = $2",
        *(row["issuer"], customer_number.strip()),
    )
    if len(found) != 1:
        raise Invalid(FieldError("/customer", "nobody-who-owes-here", {"value": customer_number}))
    payment = await payments.book(actor, receipt(row, Owner(found[0]["tenant"], found[0]["customer"], found[0]["issuer"]), ()))
    await _decided(actor, row, EntryState.BOOKED, payment)
    return payment


def _must_come_in(row: Any) -> None:
    if row["amount_cents"] < 0:
        raise Invalid(FieldError("/entry", "money-that-left"))


async def take_back(actor: Actor, entry: UUID, parts: Sequence[Part]) -> None:
    """A person says which payments a return takes back, by their keys: what those settled is open again. Invalid where there is none under a key.

    One without an amount is all of the entry; of several each has its own. What these leave of it are costs of the bank, and nobody's.
    """
    row = await _entry(entry)
    taken = -int(row["amount_cents"])
    if taken < 0 or not parts:
        raise Invalid(FieldError("/payment", "unknown-payment", {"value": parts[0].number if parts else ""}))
    cents = [taken if part.cents is None and len(parts) == 1 else part.cents or 0 for part in parts]
    if min(cents) <= 0 or sum(cents) > taken:
        raise Invalid(FieldError("/payment", "payments-divided", {"amount": Money(taken)}))
    made = [
        await _take_back(actor, row, part.number, own, f"/{nth}" if nth else "")
        for nth, (part, own) in enumerate(zip(parts, cents, strict=True))
    ]
    await _decided(actor, row, EntryState.BOOKED, made[0] if len(made) == 1 else None)


async def _take_back(actor: Actor, row: Any, original_key: str, cents: int, nth: str) -> UUID:
    found = await db.fetch_one(
        "SELECT p.id FROM billing_payment p WHERE p.reverses IS NULL AND (p.source_key = $1 OR p.id::text = $1) AND p.issuer = $2",
        *(original_key.strip(), row["issuer"]),
    )
    if found is None:
        raise Invalid(FieldError("/payment", "unknown-payment", {"value": original_key}))
    key = f"{row['key']}{nth}"
    back = payments.Back(
        payment=found["id"], source=Source.STATEMENT, source_key=key, on=row["booked_on"], amount_cents=cents, method="return"
    )
    payment = await payments.charge_back(actor, back)
    await debits.taken_back(found["id"], row["return_reason"])
    return payment


async def ignore(actor: Actor, entry: UUID, note: str) -> None:
    """A person says that the entry is no debtor's, and why."""
    row = await _entry(entry)
    if len(note.strip()) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/note", "say-why"))
    await db.execute("UPDATE billing_statement_entry SET note = $2 WHERE id = $1", row["id"], note.strip()[:2000])
    await _decided(actor, row, EntryState.IGNORED, None)


async def _decided(actor: Actor, row: Any, state: EntryState, payment: UUID | None) -> None:
    await db.execute("UPDATE billing_statement_entry SET rule = $2 WHERE id = $1", row["id"], Rule.PERSON.value)
    await _mark(actor, [(row["id"], state, payment)])
