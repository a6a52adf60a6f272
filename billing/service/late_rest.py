"""The rest of the interest: what ran on after a document charged interest and costs, until the invoice was paid, or finance says it is enough.

Each document begins where the one before it stopped; the database takes no day twice. By itself it comes once the invoice is paid, so many days after
that as the policy waits with interest and costs, and not for less than the policy reminds of. Through the staff door, under the debtor's lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ..policy.interest import Rate
from ..policy.late import Late, days_until, rest
from ..policy.ledger import Layer
from ..policy.reminding import Policy
from . import charges, interest_rates, reminder_policies
from .late import BATCH, Note, issue, lates, lock
from .reminder_policies import Policies

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
_OF_LETTERS = f"{_WHAT} {_RUN_ON} {_PAID} AND n.letter = ANY($3::uuid[]) ORDER BY n.letter, i.due_on, i.number"
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
    return (await _by_themselves(await _letters(day, UUID(int=0)), day))[:most]


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
    notes = await _reckoned(await db.fetch(_OF_INVOICE, day, invoice), day, await reminder_policies.of_all())
    if not notes:
        raise NothingRanOn
    return await issue(notes[0], day)


async def _letters(day: date, after: UUID) -> list[UUID]:
    return [row["letter"] for row in await db.fetch(_LETTERS, day, day - LOOKS_BACK, after, BATCH)]


async def _charge(letter: UUID, day: date) -> int:
    head = await db.fetch_one(_OF_LETTERS, day, day - LOOKS_BACK, [letter])
    if head is None:
        return 0
    await lock(head)
    notes = await _by_themselves([letter], day)
    for note in notes:
        await issue(note, day)
    return len(notes)


async def _by_themselves(letters: Sequence[UUID], day: date) -> list[Note]:
    """What is charged without anybody asking: not before transfers of the last day are in, and nothing too small to remind of."""
    if not letters:
        return []
    policies = await reminder_policies.of_all()
    notes = await _reckoned(await db.fetch(_OF_LETTERS, day, day - LOOKS_BACK, letters), day, policies)
    return [note for note in notes if _has_come(note, policies.of(note.tenant, note.layer), day)]


def _has_come(note: Note, policy: Policy, day: date) -> bool:
    last = max(one.days.until for one in note.reckoned.charged)
    return policy.charge_days is not None and day > last + timedelta(days=policy.charge_days) and note.cents >= policy.threshold_cents


async def _reckoned(rows: Sequence[asyncpg.Record], day: date, policies: Policies) -> list[Note]:
    """The rest of the interest of these invoices, a note for each letter; none where nothing is left, or the policy charges nothing."""
    tables = await interest_rates.tables()
    paid = {one.invoice: one for one in await lates(rows)}
    letters: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        if policies.of(row["tenant"], row["layer"]).charge_days is not None:
            letters[row["letter"]].append(row)
    found = (
        _note(of_letter, paid, tables[interest_rates.kind_of(is_consumer=of_letter[0]["is_consumer"])], day)
        for of_letter in letters.values()
    )
    return [note for note in found if note.reckoned.charged]


def _note(rows: Sequence[asyncpg.Record], paid: Mapping[UUID, Late], rates: Sequence[Rate], day: date) -> Note:
    head, late = rows[0], []
    for row in rows:
        one = paid[row["id"]]
        days = days_until(row["until"], day if row["open_cents"] > 0 else _paid_on(one), rates)
        if days.days:
            late.append(msgspec.structs.replace(one, days=days, nth=row["nth"] + 1))
    reckoned = rest(late, rates)
    reckoned = msgspec.structs.replace(reckoned, charged=tuple(one for one in reckoned.charged if one.interest_cents > 0))
    numbers = {row["id"]: row["number"] for row in rows}
    return Note(
        **{
            name: head[name]
            for name in ("letter", "tenant", "customer", "issuer", "debtor_name", "is_consumer", "sent_on", "term_ended_on")
        },
        layer=Layer(head["layer"]),
        said_costs_cents=0,
        numbers={one.invoice: numbers[one.invoice] for one in reckoned.charged},
        reckoned=reckoned,
    )


def _paid_on(one: Late) -> date:
    """The day of the last payment: from then on nothing bears interest."""
    return max((on for on, _ in one.paid), default=date.min)
