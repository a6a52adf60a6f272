"""Credit notes by staff: at once below the limit of four eyes; from there on one asks, and another of finance agrees or declines."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, StaffRole
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from ..events import SecondPersonWanted
from ..policy.money_in import ByTwo
from . import credit_notes
from .credit_notes import Found, Wanted

_ASK = """
INSERT INTO billing_credit_request (id, tenant, invoice, wanted, reason, gross_cents, asked_by, asked_by_label, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FIND = "SELECT * FROM billing_credit_request WHERE id = $1 FOR UPDATE"
_DECIDE = """
UPDATE billing_credit_request SET decision = $2, answer = $3, credit_note = $4, decided_by = $5, decided_by_label = $6, decided_at = $7 WHERE id = $1
"""
_WAITING = """
SELECT r.*, i.number, i.debtor_details ->> 'name' AS debtor, i.gross_cents AS invoice_cents, i.issued_on, t.name AS partner
  FROM billing_credit_request r JOIN billing_invoice i ON i.id = r.invoice JOIN tenant t ON t.id = r.tenant
 WHERE r.decision IS NULL ORDER BY r.asked_at, r.id LIMIT $1
"""
_DECIDED = """
SELECT r.*, i.number, i.debtor_details ->> 'name' AS debtor, c.number AS credit_number
  FROM billing_credit_request r JOIN billing_invoice i ON i.id = r.invoice LEFT JOIN billing_invoice c ON c.id = r.credit_note
 WHERE r.decision IS NOT NULL ORDER BY r.decided_at DESC LIMIT $1
"""


class CreditWaits(Refused):
    """A credit note of this invoice waits for a second person already."""


class AskerCannotAgree(Refused):
    """The limit of four eyes wants somebody else than who asked."""


class CreditDecided(Refused):
    """Somebody decided about this credit note before."""


class CreditDiffers(Refused):
    """What is left of the invoice has changed since it was asked: it would give back another sum than was agreed to."""


async def credit(actor: Actor, invoice: UUID, wanted: Wanted) -> UUID | None:
    """The credit note is on record, or from the limit of four eyes on waits for a second person (None). By finance, through the staff door.

    Raises as `credit_notes.give_back`, NotAllowed, and CreditWaits where one waits already.
    """
    _finance_only(actor)
    found = await credit_notes.find(invoice, wanted)
    if found.gross_cents < settings.current().four_eyes_limit_cents:
        return await credit_notes.write(actor, found, wanted)
    await _ask(actor, found, wanted)
    return None


async def agree(actor: Actor, request: UUID) -> UUID:
    """The credit note that somebody else asked for is on record; returns its id.

    Raises AskerCannotAgree, CreditDecided, CreditDiffers, NotAllowed, NotFound, and as `credit_notes.give_back`.
    """
    row = await _open(actor, request)
    if row["asked_by"] == actor.trail:
        raise AskerCannotAgree(asked_at=row["asked_at"].isoformat())
    wanted = msgspec.json.decode(row["wanted"], type=Wanted)
    found = await credit_notes.find(row["invoice"], wanted)
    if found.gross_cents != row["gross_cents"]:
        raise CreditDiffers(asked_cents=row["gross_cents"], now_cents=found.gross_cents)
    note = await credit_notes.write(actor, found, wanted)
    await db.execute(_DECIDE, request, "agreed", "", note, actor.trail, actor.label, clock.now())
    return note


async def decline(actor: Actor, request: UUID, answer: str) -> None:
    """Nothing is credited, for this reason; whoever asked may take it back so, too. Raises CreditDecided, Invalid, NotAllowed, NotFound."""
    await _open(actor, request)
    if not answer.strip():
        raise Invalid(FieldError("/reason", "reason-needed"))
    await db.execute(_DECIDE, request, "declined", answer.strip(), None, actor.trail, actor.label, clock.now())


async def waiting(limit: int = 200) -> list[asyncpg.Record]:
    """What waits for a second person, the oldest first; through the staff door."""
    return await db.fetch(_WAITING, limit)


async def decided(limit: int = 20) -> list[asyncpg.Record]:
    """What was decided, the newest first; through the staff door."""
    return await db.fetch(_DECIDED, limit)


async def _ask(actor: Actor, found: Found, wanted: Wanted) -> None:
    said = msgspec.json.encode(wanted).decode()
    request = new_id()
    try:
        async with db.savepoint():
            await db.execute(
                _ASK,
                *(request, found.head["tenant"], found.head["id"], said, wanted.reason, found.gross_cents),
                *(actor.trail, actor.label, clock.now()),
            )
    except asyncpg.UniqueViolationError as error:
        raise CreditWaits(number=found.head["number"]) from error
    await outbox.publish(SecondPersonWanted(tenant_id=found.head["tenant"], what=ByTwo.CREDIT_NOTE, about_id=request, by=actor.label))


async def _open(actor: Actor, request: UUID) -> asyncpg.Record:
    _finance_only(actor)
    row = await db.fetch_one(_FIND, request)
    if row is None:
        raise NotFound(what="credit request", id=str(request))
    if row["decision"] is not None:
        raise CreditDecided(decision=row["decision"], by=row["decided_by_label"])
    return row


def _finance_only(actor: Actor) -> None:
    if not actor.has_any(StaffRole.FINANCE, StaffRole.ADMINISTRATOR):
        raise NotAllowed(needs=StaffRole.FINANCE.value)
