"""Charging what paying too late costs: once per invoice, after the last letter's term; made less where less turns out to be owed, or staff lets it go.

What runs on afterwards is in `late_rest`.

Through the staff door. Whoever charges a debtor first takes that debtor's lock, so that two at once charge once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import SYSTEM, Actor
from partner_portal.kernel.dates import Period
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.kernel.money import Money
from tenants.policy import Segment

from ..policy.crediting import Part
from ..policy.late import Late, Reckoning, reckon, rest
from ..policy.ledger import DraftLine, Kind, Layer, LineKind
from ..policy.tax import Vat, VatCategory
from . import charges, credit_notes, interest_rates, issuing, parties, reminder_policies, reminders
from .credit_notes import Wanted
from .issuing import Draft
from .reminder_policies import Policies
from .reminders import Words

log = structlog.get_logger(__name__)
BATCH = 200
"""So many letters are looked at together."""
NO_DAYS: Mapping[UUID, tuple[Period, int]] = {}
"""Nothing was charged about these yet."""

_LETTERS = """
SELECT DISTINCT r.letter, r.tenant, i.layer, r.pays_by FROM billing_reminder r
  JOIN billing_standing s ON s.tenant = r.tenant AND s.invoice = r.invoice AND s.open_cents > 0
  JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice
 WHERE r.level = 3 AND r.pays_by < $1 AND r.letter > $2
   AND NOT EXISTS (SELECT FROM billing_late_claim c WHERE c.tenant = r.tenant AND c.invoice = r.invoice)
   AND NOT EXISTS (SELECT FROM billing_late_waiver w WHERE w.tenant = r.tenant AND w.invoice = r.invoice)
 ORDER BY r.letter LIMIT $3
"""
_LETTER = """
SELECT DISTINCT ON (r.letter) r.letter, r.tenant, i.customer, i.issuer, i.layer, r.pays_by, r.sent_on, r.words, c.segment,
       i.debtor_details ->> 'name' AS debtor_name,
       (SELECT coalesce(sum(n.principal_cents), 0)::bigint FROM billing_late_note n WHERE n.tenant = r.tenant AND n.letter = r.letter AND n.id < $2
           AND EXISTS (SELECT FROM billing_late_claim k WHERE k.tenant = n.tenant AND k.note = n.id AND k.nth = 1)) AS principal,
       (SELECT coalesce(sum(n.costs_cents), 0)::bigint FROM billing_late_note n WHERE n.tenant = r.tenant AND n.letter = r.letter AND n.id < $2) AS costs
  FROM billing_reminder r JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice LEFT JOIN customer c ON c.id = i.customer
 WHERE r.letter = ANY($1::uuid[]) AND r.level = 3 ORDER BY r.letter, i.due_on
"""
_NEWEST = UUID(int=2**128 - 1)
# What the letter asks for, of whatever level, and what it names besides; of these nobody waits for anything, and none was charged or let go.
_OPEN = """
SELECT x.letter, i.id, i.number, i.due_on, i.gross_cents - s.credited_cents AS owed_cents
  FROM (SELECT r.letter, r.invoice FROM billing_reminder r WHERE r.letter = ANY($1::uuid[]) AND r.level > 0
         UNION SELECT n.letter, named.id FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS n (letter, issuer, number)
                 JOIN billing_invoice named ON named.issuer = n.issuer AND named.number = n.number) x
  JOIN billing_invoice i ON i.id = x.invoice JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE i.kind NOT IN ('credit note', 'costs') AND s.open_cents > 0 AND s.bounced_at IS NULL
   AND NOT EXISTS (SELECT FROM billing_late_claim c WHERE c.tenant = i.tenant AND c.invoice = i.id)
   AND NOT EXISTS (SELECT FROM billing_late_waiver w WHERE w.tenant = i.tenant AND w.invoice = i.id)
   AND NOT EXISTS (SELECT FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $5)
                      AND (h.invoice = i.id OR h.customer = i.customer))
 ORDER BY i.due_on, i.number
"""
_LATE = """
SELECT i.id, i.number, i.due_on, i.gross_cents - s.credited_cents AS owed_cents
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id WHERE i.id = ANY($1) ORDER BY i.due_on, i.number
"""
# What is credited of an invoice makes it owe less from the beginning; everything else is paid on its day.
_PAID = """
SELECT a.invoice, coalesce(p.received_on, c.issued_on) AS on, sum(a.amount_cents)::bigint AS cents
  FROM billing_allocation a LEFT JOIN billing_payment p ON p.tenant = a.tenant AND p.id = a.payment
  LEFT JOIN billing_invoice c ON c.tenant = a.tenant AND c.id = a.credit
 WHERE a.invoice = ANY($1) AND a.write_off IS NULL AND c.refers_to IS DISTINCT FROM a.invoice GROUP BY 1, 2 HAVING sum(a.amount_cents) <> 0
"""
_NOTE = """
INSERT INTO billing_late_note (id, tenant, letter, document, is_consumer, term_ended_on, reckoned_on, principal_cents, costs_cents, interest_cents,
    said_costs_cents)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_CLAIM = """
INSERT INTO billing_late_claim (id, tenant, invoice, note, principal_cents, interest_cents, nth, first_on, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_COSTS = sentence("Collection costs over %(principal)s, by the scale of the law")
_INTEREST = sentence("Statutory interest on invoice %(number)s, %(first)s to %(last)s")
_LESS = sentence("Less was owed or paid later than reckoned before")
_DAILY = Principal(Door.STAFF, actor="system:late")


class NothingToWaive(Refused):
    """Interest and costs of this invoice were let go before, or can be of none."""


class NoLongerCharged(Refused):
    """The invoice is paid or credited, so that no interest and costs come any more; and none were charged that are still owed."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What is charged after one letter: whose, over which invoices, and how much."""

    letter: UUID
    tenant: UUID
    customer: UUID | None
    issuer: UUID
    layer: Layer
    debtor_name: str
    is_consumer: bool
    sent_on: date
    term_ended_on: date
    said_costs_cents: int
    numbers: dict[UUID, str]
    reckoned: Reckoning

    @property
    def cents(self) -> int:
        """All of it."""
        return self.reckoned.costs_cents + self.reckoned.interest_cents


async def run(*, today: date | None = None) -> int:
    """Everything whose day has come is charged, and what turned out to be less is credited; returns how many documents. Twice changes nothing."""
    day, made, after = today or clock.today(), 0, UUID(int=0)
    while True:
        async with db.unit_of_work(_DAILY):
            letters = await _letters(day, after)
        for row in letters:
            try:
                async with db.unit_of_work(_DAILY):
                    made += await _charge(row["letter"], day)
            except Refused as problem:  # a debtor without an address, say: that one waits, nobody else does
                log.warning("late.left", letter=str(row["letter"]), why=type(problem).__name__)
        if len(letters) < BATCH:
            break
        after = letters[-1]["letter"]
    for note in await _to_mend():
        async with db.unit_of_work(_DAILY):
            made += await _mend(note, SYSTEM, "")
    return made


async def preview(*, today: date | None = None, most: int = BATCH) -> list[Note]:
    """What `run` would charge on this day, at most so many; nothing is written. In the caller's unit of work."""
    day, after = today or clock.today(), UUID(int=0)
    found: list[Note] = []
    while len(found) < most:
        letters = await _letters(day, after)
        found += await _reckoned([row["letter"] for row in letters], day)
        if len(letters) < BATCH:
            break
        after = letters[-1]["letter"]
    return found[:most]


async def _letters(day: date, after: UUID) -> list[asyncpg.Record]:
    return await db.fetch(_LETTERS, day, after, BATCH)


async def _charge(letter: UUID, day: date) -> int:
    head = await db.fetch_one(_LETTER, [letter], _NEWEST)
    assert head is not None  # noqa: S101  # reminders are never removed
    await lock(head)
    notes = await _reckoned([letter], day)
    for note in notes:
        await issue(note, day)
    return len(notes)


async def lock(head: asyncpg.Record) -> None:
    """Until this unit of work ends nobody else charges or lets go of this debtor (tenant, customer, issuer)."""
    debtor = f"late {head['tenant']} {head['customer']} {head['issuer']}"
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", debtor)


async def _reckoned(letters: Sequence[UUID], day: date) -> list[Note]:
    """What is to be charged after each of these letters on this day; nothing for a letter after which nothing is, or whose day has not come."""
    if not letters:
        return []
    policies, rates = await reminder_policies.of_all(), await interest_rates.tables()
    heads = {head["letter"]: head for head in await db.fetch(_LETTER, letters, _NEWEST) if _may_charge(head, policies, day)}
    words = {letter: reminders.words_of(head) for letter, head in heads.items()}
    named = [(letter, heads[letter]["issuer"], one.number) for letter, said in words.items() for one in said.also]
    rows = await db.fetch(_OPEN, list(heads), *([one[place] for one in named] for place in range(3)), day)
    paid = {one.invoice: one for one in await lates(list({row["id"]: row for row in rows}.values()))}
    asked = defaultdict(list)
    for row in rows:
        asked[row["letter"]].append(row)
    notes = []
    for letter, head in heads.items():
        is_consumer = words[letter].is_consumer
        reckoned = reckon(
            [paid[row["id"]] for row in asked[letter]],
            rates=rates[interest_rates.kind_of(is_consumer=is_consumer)],
            term_ended_on=head["pays_by"],
            until=day,
            said_costs_cents=words[letter].costs_cents,
            earlier=(head["principal"], head["costs"]),
        )
        if reckoned.costs_cents + reckoned.interest_cents > 0:
            numbers = {row["id"]: row["number"] for row in asked[letter]}
            notes.append(_note(head, words[letter], numbers, reckoned))
    return notes


def _may_charge(head: asyncpg.Record, policies: Policies, day: date) -> bool:
    """Whether the day has come, by a policy that charges, of a debtor of whom it is known what it is."""
    days = policies.of(head["tenant"], head["layer"]).charge_days
    return head["segment"] != Segment.UNKNOWN and days is not None and day > head["pays_by"] + timedelta(days=days)


def _note(head: asyncpg.Record, words: Words, numbers: dict[UUID, str], reckoned: Reckoning) -> Note:
    return Note(
        **{name: head[name] for name in ("letter", "tenant", "customer", "issuer", "debtor_name", "sent_on")},
        layer=Layer(head["layer"]),
        is_consumer=words.is_consumer,
        term_ended_on=head["pays_by"],
        said_costs_cents=words.costs_cents,
        numbers=numbers,
        reckoned=reckoned,
    )


async def lates(rows: Sequence[asyncpg.Record], days: Mapping[UUID, tuple[Period, int]] = NO_DAYS) -> list[Late]:
    """These invoices as they were paid, each with the days that a document charges and the how manieth it is, where that is given."""
    paid: dict[UUID, list[tuple[date, int]]] = defaultdict(list)
    for row in await db.fetch(_PAID, [row["id"] for row in rows]):
        paid[row["invoice"]].append((row["on"], row["cents"]))
    found = []
    for row in rows:
        charged, nth = days.get(row["id"], (None, 1))
        owed = max(row["owed_cents"], 0)
        found.append(Late(invoice=row["id"], due_on=row["due_on"], owed_cents=owed, paid=paid[row["id"]], days=charged, nth=nth))
    return found


async def issue(note: Note, day: date) -> UUID:
    """The note is a document with its number, and each invoice in it is charged once and for all; returns the document."""
    sender = await parties.sender(note.tenant, note.layer)
    debtor = await parties.debtor(note.tenant, note.customer, day)
    outside = Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country=sender.party.country)
    lines = _lines(note, outside, debtor.language)
    draft = Draft(tenant=note.tenant, customer=note.customer, layer=note.layer, kind=Kind.COSTS, lines=lines)
    document, made, sums = await issuing.issue(draft), new_id(), note.reckoned
    await db.execute(
        _NOTE,
        *(made, note.tenant, note.letter, document, note.is_consumer, note.term_ended_on, day),
        *(sums.principal_cents, sums.costs_cents, sums.interest_cents, note.said_costs_cents),
    )
    for one in sums.charged:
        amounts, days = (one.principal_cents, one.interest_cents), one.days
        await db.execute(_CLAIM, new_id(), note.tenant, one.invoice, made, *amounts, one.nth, days.start, days.until)
    return document


def _lines(note: Note, vat: Vat, language: str) -> list[DraftLine]:
    def line(kind: LineKind, cents: int, said: str, why: dict[str, str | int]) -> DraftLine:
        quantity, price = charges.of_sum(cents)
        return DraftLine(kind=kind, description=said, amount_cents=cents, quantity=quantity, unit_price=price, vat=vat, why=why)

    lines, sums = [], note.reckoned
    if sums.costs_cents:
        said = catalogue.text(_COSTS, language, principal=Money(sums.principal_cents))
        why: dict[str, str | int] = {
            "rule": "late.costs", "principal_cents": sums.principal_cents, "costs_cents": sums.costs_cents,
            "letter_on": note.sent_on.isoformat(), "term_on": note.term_ended_on.isoformat(),
        }  # fmt: skip
        lines.append(line(LineKind.COLLECTION, sums.costs_cents, said, why))
    for one in sums.charged:
        if one.interest_cents:
            number, first, last = note.numbers[one.invoice], one.days.start, one.days.last_day
            said = catalogue.text(_INTEREST, language, number=number, first=first, last=last)
            rule = "late.interest.consumer" if note.is_consumer else "late.interest.business"
            why = {"rule": rule, "of": number, "invoice": str(one.invoice), "principal_cents": one.principal_cents}
            lines.append(
                line(LineKind.INTEREST, one.interest_cents, said, {**why, "first_on": first.isoformat(), "last_on": last.isoformat()})
            )
    return lines


_TO_MEND = """
SELECT n.id FROM billing_late_note n JOIN billing_standing s ON s.tenant = n.tenant AND s.invoice = n.document
  JOIN billing_invoice d ON d.tenant = n.tenant AND d.id = n.document
 WHERE s.credited_cents < d.gross_cents AND EXISTS (
       SELECT FROM billing_late_claim c JOIN billing_allocation a ON a.tenant = c.tenant AND a.invoice = c.invoice
         LEFT JOIN billing_payment p ON p.tenant = a.tenant AND p.id = a.payment
        WHERE c.tenant = n.tenant AND c.note = n.id AND a.write_off IS NULL AND (p.id IS NULL OR p.received_on < n.reckoned_on)
        UNION ALL
       SELECT FROM billing_late_claim c JOIN billing_interest_rate r ON r.since < c.until AND r.entered_at > d.issued_at
        WHERE c.tenant = n.tenant AND c.note = n.id AND (r.kind = 'consumer') = n.is_consumer)
 ORDER BY n.id
"""
_FOUND = """
SELECT n.* FROM billing_late_note n WHERE n.id = $1
"""
_OF_NOTE = """
SELECT c.invoice, c.nth, c.first_on, c.until FROM billing_late_claim c WHERE c.note = $1
   AND NOT EXISTS (SELECT FROM billing_late_waiver w WHERE w.tenant = c.tenant AND w.invoice = c.invoice)
"""
_CHARGES = "SELECT id, kind, why ->> 'invoice' AS invoice FROM billing_line WHERE invoice = $1"


async def _to_mend() -> list[UUID]:
    async with db.unit_of_work(_DAILY):
        return [row["id"] for row in await db.fetch(_TO_MEND)]


async def _mend(note: UUID, actor: Actor, reason: str) -> int:
    """What the note charges beyond what is due, as things are known now, is credited; 1 if anything was."""
    row = await db.fetch_one(_FOUND, note)
    assert row is not None  # noqa: S101  # notes are never removed
    head = (await credit_notes.locked([row["document"]]))[row["document"]]
    due = await _due_again(row)
    by_invoice = {str(one.invoice): one.interest_cents for one in due.charged}
    left = {line.id: line.left_cents for line in await credit_notes.charged(head)}
    parts = []
    for line in await db.fetch(_CHARGES, row["document"]):
        still = due.costs_cents if line["kind"] == LineKind.COLLECTION else by_invoice.get(line["invoice"] or "", 0)
        if left[line["id"]] > still:
            parts.append(Part(line=line["id"], amount_cents=left[line["id"]] - still))
    if not parts:
        return 0
    said = reason or catalogue.text(_LESS, head["language"])
    await credit_notes.give_back(actor, row["document"], Wanted(reason=said, parts=tuple(parts)))
    return 1


async def _due_again(row: Any) -> Reckoning:
    before = await db.fetch_one(_LETTER, [row["letter"]], row["id"])
    claims = await db.fetch(_OF_NOTE, row["id"])
    days = {claim["invoice"]: (Period(claim["first_on"], claim["until"]), claim["nth"]) for claim in claims}
    found = await lates(await db.fetch(_LATE, list(days)), days)
    rates = await interest_rates.of(is_consumer=row["is_consumer"])
    if any(nth > 1 for _, nth in days.values()):
        return rest(found, rates)
    return reckon(
        found,
        rates=rates,
        term_ended_on=row["term_ended_on"],
        until=row["reckoned_on"],
        said_costs_cents=row["said_costs_cents"],
        earlier=(before["principal"], before["costs"]) if before else (0, 0),
    )


# Interest and costs may come as long as something is open, and the rest of the interest after it was paid; what was charged can be let go as long as not
# all of it is credited.
_MAY_BE_LET_GO = """
SELECT s.open_cents > 0 OR s.paid_on > (SELECT max(c.until) FROM billing_late_claim c WHERE c.tenant = s.tenant AND c.invoice = s.invoice) OR EXISTS (
       SELECT FROM billing_late_claim c JOIN billing_late_note n ON n.tenant = c.tenant AND n.id = c.note
         JOIN billing_standing d ON d.tenant = n.tenant AND d.invoice = n.document WHERE c.tenant = s.tenant AND c.invoice = s.invoice AND d.open_cents > 0)
       AS so FROM billing_standing s WHERE s.invoice = $1
"""
_WAIVE = """
INSERT INTO billing_late_waiver (id, tenant, invoice, reason, decided_by, decided_at)
SELECT $1, i.tenant, i.id, $3, $4, $5 FROM billing_invoice i WHERE i.id = $2 AND i.kind NOT IN ('credit note', 'costs')
ON CONFLICT (invoice) DO NOTHING RETURNING id
"""


async def waive(actor: Actor, invoice: UUID, reason: str) -> None:
    """No interest and costs are charged for the invoice, for this reason; what was charged is credited. By finance.

    Raises NotAllowed, Invalid without a reason, NotFound, NothingToWaive, NoLongerCharged.
    """
    charges.must_be_finance(actor)
    if len(reason.strip()) < 3:  # noqa: PLR2004  # as a credit note wants it, on which it may stand
        raise Invalid(FieldError("/reason", "say-why"))
    row = await db.fetch_one("SELECT tenant, customer, issuer FROM billing_invoice WHERE id = $1", invoice)
    if row is None:
        raise NotFound(what="invoice", id=str(invoice))
    await lock(row)
    if await db.fetch_one(_WAIVE, new_id(), invoice, reason.strip(), actor.trail, clock.now()) is None:
        raise NothingToWaive
    stands = await db.fetch_one(_MAY_BE_LET_GO, invoice)
    if stands is None or not stands["so"]:
        raise NoLongerCharged
    for claim in await db.fetch("SELECT note FROM billing_late_claim WHERE invoice = $1 ORDER BY nth", invoice):
        await _mend(claim["note"], actor, reason.strip())
