"""The rest of the interest: what ran on after a document charged interest and costs, until the invoice was paid, or finance says it is enough.

Each document begins where the one before it stopped; the database takes no day twice. By itself it comes once the invoice is paid, so many days after
that as the policy waits with interest and costs, and not for less than the policy reminds of. Through the staff door, under the debtor's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ..policy.late import Late, days_until, rest
from ..policy.ledger import Layer
from . import charges, interest_rates, reminder_policies
from .late import BATCH, Note, issue, lates, lock

LOOKS_BACK = timedelta(days=366)
"""What was paid longer ago and not charged yet is let go, unless finance charges it."""

# The last document about each invoice; of these nothing is let go, given up, returned or held.
_RUN_ON = """
  FROM billing_late_claim c JOIN billing_late_note n ON n.tenant = c.tenant AND n.id = c.note
  JOIN billing_invoice i ON i.tenant = c.tenant AND i.id = c.invoice JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE s.written_off_cents = 0 AND s.bounced_at IS NULL
   AND NOT EXISTS (SELECT FROM billing_late_claim x WHERE x.tenant = c.tenant AND x.invoice = c.invoice AND x.nth > c.nth)
   AND NOT EXISTS (SELECT FROM billing_late_waiver w WHERE w.tenant = i.tenant AND w.invoice = i.id)
   AND NOT EXISTS (SELECT FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $1)
                      AND (h.invoice = i.id OR h.customer = i.customer))
"""
_PAID = "AND s.open_cents <= 0 AND s.paid_on > c.until AND s.paid_on > $2"
_LETTERS = f"SELECT DISTINCT n.letter {_RUN_ON} {_PAID} AND n.letter > $3 ORDER BY n.letter LIMIT $4"
_WHAT = """
SELECT c.until, c.nth, n.letter, n.is_consumer, n.term_ended_on, i.id, i.number, i.due_on, i.gross_cents - s.credited_cents AS owed_cents, s.open_cents,
       i.tenant, i.customer, i.issuer, i.layer, i.debtor_details ->> 'name' AS debtor_name,
       (SELECT min(r.sent_on) FROM billing_reminder r WHERE r.tenant = n.tenant AND r.letter = n.letter) AS sent_on
"""
_OF_LETTER = f"{_WHAT} {_RUN_ON} {_PAID} AND n.letter = $3 ORDER BY i.due_on, i.number"
_OF_INVOICE = f"{_WHAT} {_RUN_ON} AND i.id = $2"
_DAILY = Principal(Door.STAFF, actor="system:late")


class NothingRanOn(Refused):
    """No interest of this invoice is left to charge: none was charged before, it was let go or waits, or no rate of its days is known."""


async def run(*, today: date | None = None) -> int:
    """What ran on of everything that was paid is charged; returns on how many documents. Twice changes nothing."""
    day, made, after = today or clock.today(), 0, UUID(int=0)
    while True:
        async with db.unit_of_work(_DAILY):
            letters = await _letters(day, after)
        for letter in letters:
            async with db.unit_of_work(_DAILY):
                made += await _charge(letter, day)
        if len(letters) < BATCH:
            return made
        after = letters[-1]


async def preview(*, today: date | None = None, most: int = BATCH) -> list[Note]:
    """What `run` would charge on this day, of so many letters at most; nothing is written. In the caller's unit of work."""
    day = today or clock.today()
    found = [
        await _by_itself(await db.fetch(_OF_LETTER, day, day - LOOKS_BACK, letter), day) for letter in await _letters(day, UUID(int=0))
    ]
    return [note for note in found if note is not None][:most]


async def charge(actor: Actor, invoice: UUID) -> UUID:
    """The interest of the invoice that ran on is charged up to the day it was paid, or yesterday; returns the document. By finance.

    Raises NotAllowed, NotFound, NothingRanOn, also where the policy charges nothing.
    """
    charges.must_be_finance(actor)
    head = await db.fetch_one("SELECT tenant, customer, issuer FROM billing_invoice WHERE id = $1", invoice)
    if head is None:
        raise NotFound(what="invoice", id=str(invoice))
    await lock(head)
    day = clock.today()
    note = await _reckoned(await db.fetch(_OF_INVOICE, day, invoice), day)
    if note is None:
        raise NothingRanOn
    return await issue(note, day)


async def _letters(day: date, after: UUID) -> list[UUID]:
    return [row["letter"] for row in await db.fetch(_LETTERS, day, day - LOOKS_BACK, after, BATCH)]


async def _charge(letter: UUID, day: date) -> int:
    rows = await db.fetch(_OF_LETTER, day, day - LOOKS_BACK, letter)
    if not rows:
        return 0
    await lock(rows[0])
    note = await _by_itself(await db.fetch(_OF_LETTER, day, day - LOOKS_BACK, letter), day)
    if note is None:
        return 0
    await issue(note, day)
    return 1


async def _by_itself(rows: Sequence[asyncpg.Record], day: date) -> Note | None:
    """What is charged without anybody asking: not before transfers of the last day are in, and nothing too small to remind of."""
    note = await _reckoned(rows, day)
    if note is None:
        return None
    policy = await reminder_policies.of_debt(note.tenant, note.layer)
    last = max(one.days.until for one in note.reckoned.charged)
    is_early = policy.charge_days is None or day <= last + timedelta(days=policy.charge_days)
    return None if is_early or note.cents < policy.threshold_cents else note


async def _reckoned(rows: Sequence[asyncpg.Record], day: date) -> Note | None:
    """The rest of the interest of these invoices of one letter; None where there is none, or the policy charges nothing."""
    if not rows:
        return None
    head = rows[0]
    policy = await reminder_policies.of_debt(head["tenant"], Layer(head["layer"]))
    rates = await interest_rates.of(is_consumer=head["is_consumer"])
    by_id = {row["id"]: row for row in rows}
    late = []
    for one in await lates(rows):
        row = by_id[one.invoice]
        days = days_until(row["until"], day if row["open_cents"] > 0 else _paid_on(one), rates)
        if days.days:
            late.append(msgspec.structs.replace(one, days=days, nth=row["nth"] + 1))
    reckoned = rest(late, rates)
    reckoned = msgspec.structs.replace(reckoned, charged=tuple(one for one in reckoned.charged if one.interest_cents > 0))
    if policy.charge_days is None or not reckoned.charged:
        return None
    return Note(
        **{
            name: head[name]
            for name in ("letter", "tenant", "customer", "issuer", "debtor_name", "is_consumer", "sent_on", "term_ended_on")
        },
        layer=Layer(head["layer"]),
        said_costs_cents=0,
        numbers={one.invoice: by_id[one.invoice]["number"] for one in reckoned.charged},
        reckoned=reckoned,
    )


def _paid_on(one: Late) -> date:
    """The day of the last payment: from then on nothing bears interest."""
    return max((on for on, _ in one.paid), default=date.min)
