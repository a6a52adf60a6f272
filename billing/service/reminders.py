"""The daily reminding: decided debtor by debtor, written once, announced; and what it would do, without doing it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import NotFound
from tenants.policy import Segment

from ..events import DebtorReminded
from ..policy.ledger import Kind, Layer
from ..policy.reminding import Facts, Gathered, Held, Level, Policy, Quiet, Sent, Step, last_word, next_step, one_letter, suspends_on
from . import interest_rates, mandates, reminder_policies

BATCH = 200
"""So many debtors are decided in one unit of work."""
# Interest and costs are the last word about what they belong to: no costs are charged over costs.
_SILENT = [Kind.CREDIT_NOTE.value, Kind.COSTS.value]
_FARTHEST_NOTE = timedelta(days=30)

_DEBTORS = """
SELECT DISTINCT coalesce(s.owed_by, s.tenant) AS debtor, s.tenant, s.owed_by AS customer FROM billing_standing s
 WHERE s.open_cents > 0 AND s.due_on <= $1 AND coalesce(s.owed_by, s.tenant) > $2
   AND NOT EXISTS (SELECT FROM billing_reminder r WHERE r.invoice = s.invoice AND r.level = 3)
 ORDER BY 1 LIMIT $3
"""
_CLAIMS = f"""
SELECT i.id, i.tenant, i.customer, i.issuer, i.layer, i.number, i.reference, i.issued_on, i.due_on, s.open_cents, s.bounced_at,
       coalesce(i.customer, i.tenant) AS debtor, c.segment, i.debtor_details ->> 'name' AS debtor_name, h.reason AS held, h.until AS held_until,
       EXISTS (SELECT FROM billing_late_claim x WHERE x.tenant = i.tenant AND x.invoice = i.id)
       OR EXISTS (SELECT FROM billing_late_waiver x WHERE x.tenant = i.tenant AND x.invoice = i.id) AS is_charged,
       ARRAY(SELECT r.level FROM billing_reminder r WHERE r.invoice = i.id ORDER BY r.level) AS levels,
       ARRAY(SELECT r.sent_on FROM billing_reminder r WHERE r.invoice = i.id ORDER BY r.level) AS sent_on
  FROM unnest($1::uuid[], $2::uuid[]) AS d (tenant, customer)
  JOIN billing_standing s ON s.tenant = d.tenant AND coalesce(s.owed_by, s.tenant) = coalesce(d.customer, d.tenant)
  JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice
  LEFT JOIN customer c ON c.id = i.customer
  LEFT JOIN LATERAL (SELECT h.reason, h.until FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $4)
                        AND (h.invoice = i.id OR h.customer = i.customer) ORDER BY h.until IS NOT NULL, h.until DESC LIMIT 1) h ON true
 WHERE s.open_cents > 0 AND s.due_on IS NOT NULL AND i.kind <> ALL ($3)
   AND NOT EXISTS (SELECT FROM billing_debit x WHERE x.tenant = i.tenant AND x.invoice = i.id AND x.state = 'sent')
   AND NOT EXISTS (SELECT FROM billing_announcement a JOIN billing_mandate m ON m.tenant = a.tenant AND m.id = a.mandate AND m.ended_on IS NULL
                    WHERE a.invoice = i.id AND a.collects_on >= $4 AND {mandates.LAPSES_ON} > a.collects_on
                      AND NOT EXISTS (SELECT FROM billing_debit x WHERE x.invoice = i.id AND x.state = 'returned'))
 ORDER BY i.due_on, i.number
"""  # noqa: S608  # our own words
_WRITTEN_TO = """
SELECT DISTINCT coalesce(i.customer, i.tenant) AS debtor, i.issuer FROM (SELECT DISTINCT u.tenant FROM unnest($1::uuid[]) AS u (tenant)) d
  JOIN billing_reminder r ON r.tenant = d.tenant AND r.sent_on = $2 JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice
"""
# What a debtor has coming: payments that settle nothing yet, and documents in its favour.
_IN_FAVOUR = """
WITH debtors AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS d (tenant, customer))
SELECT coalesce(f.customer, f.tenant) AS debtor, f.issuer, sum(f.cents)::bigint AS cents FROM (
    SELECT o.tenant, o.customer, o.issuer, o.left_cents AS cents
      FROM debtors d JOIN billing_on_account o ON o.tenant = d.tenant AND o.customer IS NOT DISTINCT FROM d.customer
     UNION ALL
    SELECT s.tenant, s.owed_by, i.issuer, abs(s.open_cents) FROM debtors d
      JOIN billing_standing s ON s.tenant = d.tenant AND s.owed_by IS NOT DISTINCT FROM d.customer
      JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice
     WHERE s.open_cents <> 0 AND (s.open_cents < 0 OR s.due_on IS NULL)) f GROUP BY 1, 2
"""
_SERVICES = """
SELECT DISTINCT l.invoice, s.id, s.number, s.label, p.code AS product
  FROM billing_line l JOIN billing_service s ON s.tenant = l.tenant AND s.id = l.service JOIN billing_product p ON p.id = s.product
 WHERE l.invoice = ANY($1) AND l.layer = $2 AND s.ended_at IS NULL ORDER BY s.number
"""
_INSERT = """
INSERT INTO billing_reminder (id, tenant, invoice, level, letter, sent_on, open_cents, pays_by, suspends_on, words, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (invoice, level) DO NOTHING RETURNING id
"""


class AlsoOpen(msgspec.Struct, frozen=True):
    """Another claim on the same debtor that a last reminder names."""

    number: str
    due_on: date
    open_cents: int
    reference: str


class Stops(msgspec.Struct, frozen=True):
    """A service that stops from a day on unless it is paid; never where there is no day."""

    number: str
    label: str
    on: date | None


class Words(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a last reminder says besides amount and days, kept with it; `alone`, by number: the costs of each claim if no other stays unpaid."""

    is_consumer: bool = False
    costs_cents: int = 0
    interest_cents: int = 0
    alone: dict[str, int] = {}
    also: list[AlsoOpen] = []
    stops: list[Stops] = []


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An open invoice, whose it is, and what is to be done about it today."""

    id: UUID
    tenant: UUID
    customer: UUID | None
    issuer: UUID
    debtor: UUID
    debtor_name: str
    layer: Layer
    number: str
    reference: str
    due_on: date
    open_cents: int
    is_consumer: bool
    is_charged: bool
    level: Level | None
    why: Held | Quiet | None
    next_on: date | None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """All that one debtor gets from one sender on a day: what it reminds of, each claim at its own level, and what it notes to be due soon.

    Its level is the highest of them.
    """

    tenant: UUID
    customer: UUID | None
    debtor_name: str
    layer: Layer
    level: Level
    is_consumer: bool
    claims: list[Claim]
    soon: list[Claim] = []
    pays_by: date | None = None
    words: Words = Words()

    @property
    def open_cents(self) -> int:
        """What it asks for."""
        return sum(claim.open_cents for claim in self.claims) + sum(one.open_cents for one in self.words.also)

    @property
    def suspends_on(self) -> date | None:
        """The first day on which something stops."""
        return min((stop.on for stop in self.words.stops if stop.on), default=None)


class Outcome(msgspec.Struct, kw_only=True):
    """What a day's reminding comes to: letters and, for what stays silent, how many claims for which reason."""

    letters: list[Letter] = []
    silent: dict[str, int] = {}


async def run(*, today: date | None = None) -> int:
    """Everything due today is on record and announced; returns how many letters. Running twice, or in two processes at once, sends nothing twice."""
    day, count, after = today or clock.today(), 0, UUID(int=0)
    async with db.unit_of_work(_DAILY):
        await reminder_policies.spread()
    while True:
        async with db.unit_of_work(_DAILY):
            # Whoever comes second sees what the first has written.
            await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('reminders', 0))")
            debtors = await _debtors(day, after)
            for letter in (await _decide(debtors, day)).letters:
                count += await _record(letter, day)
        if len(debtors) < BATCH:
            return count
        after = debtors[-1]["debtor"]


async def preview(*, today: date | None = None, most: int | None = None) -> Outcome:
    """What `run` would send on this day, and why the rest stays silent; nothing is written. Through the staff door, in the caller's unit of work."""
    day, after, whole = today or clock.today(), UUID(int=0), Outcome()
    while True:
        debtors = await _debtors(day, after)
        part = await _decide(debtors, day)
        whole.letters += part.letters
        for reason, count in part.silent.items():
            whole.silent[reason] = whole.silent.get(reason, 0) + count
        if len(debtors) < BATCH or (most is not None and len(whole.letters) >= most):
            return whole
        after = debtors[-1]["debtor"]


_DAILY = Principal(Door.STAFF, actor="system:reminders")


async def _debtors(day: date, after: UUID) -> list[asyncpg.Record]:
    return await db.fetch(_DEBTORS, day + _FARTHEST_NOTE, after, BATCH)


async def _decide(debtors: Sequence[asyncpg.Record], day: date) -> Outcome:
    """Debtor by debtor what to send; rows are read once for all of them, then it is judged without the database."""
    if not debtors:
        return Outcome()
    pairs = [row["tenant"] for row in debtors], [row["customer"] for row in debtors]
    rows = await db.fetch(_CLAIMS, *pairs, _SILENT, day)
    favour = {(row["debtor"], row["issuer"]): row["cents"] for row in await db.fetch(_IN_FAVOUR, *pairs)}
    written = {(row["debtor"], row["issuer"]) for row in await db.fetch(_WRITTEN_TO, pairs[0], day)}
    policies = await reminder_policies.of_all()
    groups: dict[tuple[UUID, UUID], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        groups[row["debtor"], row["issuer"]].append(row)
    outcome = Outcome()
    for key, claims in groups.items():
        policy = policies.of(claims[0]["tenant"], claims[0]["layer"])
        steps = _steps(claims, policy, favour.get(key, 0), day, is_written_to=key in written)
        for step in steps:
            if step.why is not None:
                outcome.silent[step.why] = outcome.silent.get(step.why, 0) + 1
        gathered = one_letter([(step, row["due_on"]) for step, row in zip(steps, claims, strict=True)], day)
        if gathered is not None:
            judged = [_claim(row, step) for row, step in zip(claims, steps, strict=True)]
            outcome.letters.append(await _letter(gathered, judged, policy, day))
    return outcome


def _steps(rows: Sequence[asyncpg.Record], policy: Policy, favour: int, day: date, *, is_written_to: bool) -> list[Step]:
    overdue = sum(row["open_cents"] for row in rows if row["due_on"] < day and row["held"] is None)
    steps = []
    for row in rows:
        owed = overdue if row["due_on"] < day else overdue + row["open_cents"]
        facts = Facts(
            issued_on=row["issued_on"],
            due_on=row["due_on"],
            open_cents=row["open_cents"],
            owed_cents=owed - favour,
            sent=tuple(Sent(Level(level), on) for level, on in zip(row["levels"], row["sent_on"], strict=True)),
            held=Held(row["held"]) if row["held"] else Held.BOUNCED if row["bounced_at"] else None,
            is_written_to=is_written_to,
        )
        steps.append(next_step(facts, policy, day))
    return steps


_AS_IT_IS = ("id", "tenant", "customer", "issuer", "debtor", "debtor_name", "number", "reference", "due_on", "open_cents", "is_charged")


def _claim(row: asyncpg.Record, step: Step) -> Claim:
    return Claim(
        **{name: row[name] for name in _AS_IT_IS},
        layer=Layer(row["layer"]),
        is_consumer=row["segment"] == Segment.CONSUMER,
        level=step.level,
        why=step.why,
        next_on=step.due_on,
    )


async def _letter(gathered: Gathered, judged: Sequence[Claim], policy: Policy, day: date) -> Letter:
    first = judged[gathered.asked[0]]
    letter = Letter(
        tenant=first.tenant,
        customer=first.customer,
        debtor_name=first.debtor_name,
        layer=first.layer,
        level=gathered.level,
        is_consumer=first.is_consumer,
        claims=[judged[nth] for nth in gathered.asked],
        soon=[judged[nth] for nth in gathered.soon],
    )
    if letter.level is not Level.THIRD:
        return letter
    return await _last(letter, [judged[nth] for nth in gathered.besides], policy, day)


async def _last(letter: Letter, others: Sequence[Claim], policy: Policy, day: date) -> Letter:
    # What interest and costs were charged for before, or let go, costs nothing more.
    costly = [claim for claim in (*letter.claims, *others) if not claim.is_charged]
    rates = await interest_rates.of(is_consumer=letter.is_consumer)
    claims = [(claim.open_cents, claim.due_on) for claim in costly]
    said = last_word(claims, day, is_consumer=letter.is_consumer, rates=rates, policy=policy)
    words = Words(
        is_consumer=letter.is_consumer,
        costs_cents=said.costs_cents,
        interest_cents=said.interest_cents,
        alone={claim.number: cents for claim, cents in zip(costly, said.alone_cents, strict=True)},
        also=[AlsoOpen(claim.number, claim.due_on, claim.open_cents, claim.reference) for claim in others],
        stops=await _stops(letter, policy, day),
    )
    return msgspec.structs.replace(letter, pays_by=said.pays_by, words=words)


async def _stops(letter: Letter, policy: Policy, day: date) -> list[Stops]:
    """What a partner itself owes stops nothing by itself: its customers did pay."""
    if letter.layer is Layer.PARTNER:
        return []
    last = [claim.id for claim in letter.claims if claim.level is Level.THIRD]
    rows = await db.fetch(_SERVICES, last, Layer.CUSTOMER)
    stops = {
        row["id"]: Stops(row["number"], row["label"], suspends_on(day, row["product"], is_consumer=letter.is_consumer, policy=policy))
        for row in rows
    }
    return list(stops.values())


async def _record(letter: Letter, day: date) -> int:
    """The letter's reminders are on record and it is announced; 0 when another process was first with all of them."""
    made, now, written = new_id(), clock.now(), 0
    # The last word is kept with those whose last reminder it is.
    said = {letter.level: (letter.pays_by, letter.suspends_on, msgspec.json.encode(letter.words).decode())}
    for claim in (*letter.claims, *letter.soon):
        assert claim.level is not None  # noqa: S101  # it is their turn
        values = (made, day, claim.open_cents, *said.get(claim.level, (None, None, "{}")), now)
        written += await db.fetch_one(_INSERT, new_id(), claim.tenant, claim.id, claim.level.value, *values) is not None
    if written:
        await outbox.publish(DebtorReminded(tenant_id=letter.tenant, letter_id=made, level=letter.level.value))
    return int(written > 0)


_SENT = """
SELECT r.id, r.level, r.letter, r.sent_on, r.open_cents, r.pays_by, r.suspends_on, r.words FROM billing_reminder r WHERE r.invoice = $1 ORDER BY r.level
"""


async def of_invoice(invoice: UUID) -> list[asyncpg.Record]:
    """What was sent about the invoice, in order."""
    return await db.fetch(_SENT, invoice)


_LETTER = """
SELECT r.level, r.sent_on, r.open_cents, r.pays_by, r.suspends_on, r.words, i.id AS invoice, i.tenant, i.customer, i.issuer, i.layer, i.number, i.reference,
       i.issued_on, i.due_on, i.issuer_details, i.debtor_details, s.open_cents AS still_open, s.document, h.id AS hold
  FROM billing_reminder r JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice JOIN billing_standing s ON s.invoice = i.id
  LEFT JOIN LATERAL (SELECT h.id FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.invoice = i.id OR h.customer = i.customer)
                      LIMIT 1) h ON true
 WHERE r.letter = $1 ORDER BY i.due_on, i.number
"""


async def letter(letter_id: UUID) -> list[asyncpg.Record]:
    """The reminders of a letter with their invoices as they stand now; NotFound."""
    rows = await db.fetch(_LETTER, letter_id)
    if not rows:
        raise NotFound(what="letter", id=str(letter_id))
    return rows


def words_of(row: asyncpg.Record) -> Words:
    """What the reminder says besides amount and days."""
    return msgspec.json.decode(row["words"], type=Words)
