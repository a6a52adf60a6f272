"""Giving up what will not be paid: settled without money, on record with its VAT, above a limit by two people; and coming back to life when it is paid.

Through the staff door. Nobody is told that a claim was given up, and what had stopped for it stays stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..events import SecondPersonWanted
from ..policy.late import REVIVING, Outcome, Uncollectable, a_year_after, vat_within
from ..policy.ledger import Kind
from ..policy.money_in import ByTwo
from . import charges


class NothingToWriteOff(Refused):
    """Nothing of the document is open, or nobody ever had to pay it."""


class NotWrittenOff(Refused):
    """Nothing of the document is written off."""


class WriteOffWaits(Refused):
    """Somebody proposed to write this off; a second person decides about it."""


class WriteOffDecided(Refused):
    """Somebody decided about this proposal before."""


class ProposerCannotAgree(Refused):
    """Above the limit somebody else agrees than who proposed it."""


class WriteOffWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why what is open of a document is given up; in words what was tried, for whoever asks later."""

    reason: Uncollectable
    note: Annotated[str, Meta(min_length=3, max_length=2000, pattern=r"\S")]


class _Decided(msgspec.Struct, frozen=True):
    reason: Uncollectable
    note: str
    by: str
    agreed_by: str | None
    on: date


_LOCKED = """
SELECT i.id, i.tenant, i.kind, i.number, i.due_on, i.gross_cents, i.vat_cents, s.open_cents, s.written_off_cents
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id WHERE i.id = $1 FOR UPDATE OF s
"""
_INSERT = """
INSERT INTO billing_write_off (id, tenant, invoice, amount_cents, reason, note, vat_cents, vat_back_on, year_passed_on, decided_by, agreed_by, decided_on,
    decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_ALLOCATE = (
    "INSERT INTO billing_allocation (id, tenant, invoice, write_off, amount_cents, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
_PROPOSE = """
INSERT INTO billing_write_off_proposal (id, tenant, invoice, reason, note, proposed_by, proposed_by_label, proposed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_DECIDE = "UPDATE billing_write_off_proposal SET outcome = $2, decided_by = $3, decided_at = $4 WHERE id = $1"


async def write_off(actor: Actor, invoice: UUID, wanted: WriteOffWanted) -> bool:
    """What is open of the document is given up; from the limit of four eyes on it waits for a second person (False). By finance.

    Raises NotAllowed, Invalid, NotFound, NothingToWriteOff, WriteOffWaits.
    """
    charges.must_be_finance(actor)
    if wanted.reason in REVIVING:
        raise Invalid(FieldError("/reason", "choose-one"))
    head = await _open(invoice)
    if head["open_cents"] < settings.current().four_eyes_limit_cents:
        await _give_up(head, _Decided(wanted.reason, wanted.note.strip(), actor.trail, None, clock.today()))
        return True
    proposal = new_id()
    try:
        async with db.savepoint():
            who = (actor.trail, actor.label, clock.now())
            await db.execute(_PROPOSE, proposal, head["tenant"], invoice, wanted.reason.value, wanted.note.strip(), *who)
    except asyncpg.UniqueViolationError as error:
        raise WriteOffWaits(number=head["number"]) from error
    await outbox.publish(SecondPersonWanted(tenant_id=head["tenant"], what=ByTwo.WRITE_OFF, about_id=proposal, by=actor.label))
    return False


async def agree(actor: Actor, proposal: UUID) -> None:
    """What somebody else proposed is given up, as much as is open now. Raises NotAllowed, NotFound, WriteOffDecided, ProposerCannotAgree, NothingToWriteOff."""
    row = await _proposed(actor, proposal)
    if row["proposed_by"] == actor.trail:
        raise ProposerCannotAgree
    head = await _open(row["invoice"])
    await _give_up(head, _Decided(Uncollectable(row["reason"]), row["note"], row["proposed_by"], actor.trail, clock.today()))
    await db.execute(_DECIDE, proposal, Outcome.AGREED.value, actor.trail, clock.now())


async def decline(actor: Actor, proposal: UUID) -> None:
    """Nothing is given up; whoever proposed it takes it back so. Raises NotAllowed, NotFound, WriteOffDecided."""
    await _proposed(actor, proposal)
    await db.execute(_DECIDE, proposal, Outcome.DECLINED.value, actor.trail, clock.now())


async def revive(actor: Actor, invoice: UUID, note: str) -> int:
    """All that was written off of the document is owed again, because it was a mistake; returns the cents. Raises NotAllowed, Invalid, NotWrittenOff."""
    charges.must_be_finance(actor)
    if not note.strip():
        raise Invalid(FieldError("/note", "say-why"))
    head = await _found(invoice)
    if head["written_off_cents"] <= 0:
        raise NotWrittenOff
    cents: int = head["written_off_cents"]
    await _record(head, -cents, _Decided(Uncollectable.MISTAKE, note.strip(), actor.trail, None, clock.today()))
    return cents


async def revive_for_payment(actor: Actor, invoice: UUID, cents: int, on: date) -> None:
    """So much of what was written off is owed again, for it was paid on that day: the caller settles it at once. Its standing is locked already."""
    head = await _found(invoice)
    await _record(head, -cents, _Decided(Uncollectable.PAID, "", actor.trail, None, on))


async def revive_for_credit(actor: Actor, invoice: UUID, cents: int) -> None:
    """So much of what was written off was never owed, for it is credited: the caller settles it at once. Its standing is locked already."""
    head = await _found(invoice)
    await _record(head, -cents, _Decided(Uncollectable.MISTAKE, "", actor.trail, None, clock.today()))


async def _found(invoice: UUID) -> Any:
    row = await db.fetch_one(_LOCKED, invoice)
    if row is None:
        raise NotFound(what="invoice", id=str(invoice))
    return row


async def _open(invoice: UUID) -> Any:
    row = await _found(invoice)
    if row["kind"] == Kind.CREDIT_NOTE or row["open_cents"] <= 0:
        raise NothingToWriteOff
    return row


async def _give_up(head: Any, decided: _Decided) -> None:
    await _record(head, head["open_cents"], decided)


async def _record(head: Any, cents: int, decided: _Decided) -> None:
    made, year = new_id(), a_year_after(head["due_on"])
    # Once a year has passed the VAT could be had back already; what is paid after all owes it from the day it came.
    back_on = min(decided.on, year) if cents > 0 else decided.on
    vat = vat_within(cents, vat_cents=head["vat_cents"], gross_cents=head["gross_cents"])
    await db.execute(
        _INSERT,
        *(made, head["tenant"], head["id"], cents, decided.reason.value, decided.note, vat, back_on, year),
        *(decided.by, decided.agreed_by, decided.on, clock.now()),
    )
    await db.execute(_ALLOCATE, new_id(), head["tenant"], head["id"], made, cents, decided.by, clock.now())


async def _proposed(actor: Actor, proposal: UUID) -> Any:
    charges.must_be_finance(actor)
    row = await db.fetch_one("SELECT * FROM billing_write_off_proposal WHERE id = $1 FOR UPDATE", proposal)
    if row is None:
        raise NotFound(what="proposal", id=str(proposal))
    if row["outcome"] is not None:
        raise WriteOffDecided
    return row


_WAITING = """
SELECT p.*, i.number, i.due_on, i.debtor_details ->> 'name' AS debtor_name, s.open_cents, t.name AS partner
  FROM billing_write_off_proposal p JOIN billing_invoice i ON i.id = p.invoice JOIN billing_standing s ON s.invoice = p.invoice
  JOIN tenant t ON t.id = p.tenant WHERE p.outcome IS NULL ORDER BY p.proposed_at, p.id LIMIT $1
"""
_DONE = """
SELECT w.*, i.number, i.due_on, i.debtor_details ->> 'name' AS debtor_name, s.written_off_cents, t.name AS partner
  FROM billing_write_off w JOIN billing_invoice i ON i.id = w.invoice JOIN billing_standing s ON s.invoice = w.invoice
  JOIN tenant t ON t.id = w.tenant ORDER BY w.id DESC LIMIT $1
"""
_OF_INVOICE = "SELECT amount_cents, reason, note, vat_cents, vat_back_on, year_passed_on, decided_on FROM billing_write_off WHERE invoice = $1 ORDER BY id"


async def waiting(most: int = 200) -> Sequence[asyncpg.Record]:
    """What waits for a second person, the oldest first."""
    return await db.fetch(_WAITING, most)


async def done(most: int = 100) -> Sequence[asyncpg.Record]:
    """What was given up and came back, the newest first."""
    return await db.fetch(_DONE, most)


async def of_invoice(invoice: UUID) -> Sequence[asyncpg.Record]:
    """What was given up of the document and came back, in order; behind the wall of whoever asks, a contact sees none."""
    return await db.fetch(_OF_INVOICE, invoice)
