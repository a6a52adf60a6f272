"""A bank's file comes in: each statement once, each entry once, what does not add up parked until a person says so; the rest matched at once.

Through the staff door: statements are the provider's own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ...events import StatementAccepted
from ...policy.matching import Match, Seen, match, suggestions
from ...policy.money_in import EntryState, Rule, StatementState
from . import camt, knowing, mt940
from .read import LARGEST, ReadStatement, StatementUnreadable, keys_of_all


class StatementDecided(Refused):
    """Somebody has decided about this statement already."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one statement of a file: whether it was there before, whether it waits for a person, and how many of its entries are new."""

    id: UUID
    number: str
    account: str
    is_known: bool
    is_parked: bool
    entries: int
    new: int
    matched: int = 0
    waiting: int = 0


_STATEMENT = """
INSERT INTO billing_statement (id, issuer, key, file_name, format, account, number, day, opening_cents, closing_cents, sum_cents, entries, skipped, state,
    imported_by, imported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (key) DO NOTHING RETURNING id
"""
# What a statement that does not add up told first counts in the one that does; of the other it is no part any more, whatever becomes of that.
_TAKE_OVER = """
UPDATE billing_statement_entry e SET statement = $1 FROM billing_statement s
 WHERE s.id = e.statement AND s.state = 'parked' AND e.state = 'new' AND e.key = ANY($2::text[]) RETURNING e.id
"""
_COLUMNS = {
    "id": "uuid", "position": "int", "key": "text", "booked_on": "date", "amount_cents": "bigint", "name": "text", "iban": "text", "end_to_end": "text",
    "reference": "text", "batch": "text", "mandate": "text", "text": "text", "is_return": "boolean", "return_reason": "text",
    "is_bundle": "boolean",
}  # fmt: skip
_ENTRIES = (
    f"INSERT INTO billing_statement_entry (statement, state, found, {', '.join(_COLUMNS)})"  # noqa: S608  # names from above
    f" SELECT $1, 'new', '{{}}', {', '.join(_COLUMNS)} FROM unnest({', '.join(f'${place}::{kind}[]' for place, kind in enumerate(_COLUMNS.values(), 2))})"
    f" AS e ({', '.join(_COLUMNS)}) ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING id"
)
# The same account, day and balances in another format: the bank made two files of one statement.
_OTHERWISE = """
SELECT id FROM billing_statement WHERE issuer = $1 AND state = 'accepted' AND left(format, 8) <> left($2, 8) AND day = $3
   AND opening_cents = $4 AND closing_cents = $5 AND sum_cents = $6 AND entries > 0 AND sum_cents <> 0 LIMIT 1
"""
# The same sum on the same day in another format, unless both say from which account and these differ: two words of one payment, or two payments.
_ELSEWHERE = """
SELECT e.id, o.told_in FROM billing_statement_entry e JOIN billing_statement s ON s.id = e.statement, LATERAL (
       SELECT coalesce(nullif(t.number, ''), t.file_name) AS told_in FROM billing_statement_entry f JOIN billing_statement t ON t.id = f.statement
        WHERE f.booked_on = e.booked_on AND f.amount_cents = e.amount_cents AND f.id <> e.id AND t.issuer = s.issuer AND left(t.format, 8) <> left(s.format, 8)
          AND t.state = 'accepted' AND f.state <> 'new' AND NOT f.key = ANY($2::text[])
          AND (f.iban IS NULL OR e.iban IS NULL OR f.iban = e.iban) ORDER BY f.id LIMIT 1) o
 WHERE e.statement = $1 AND e.state = 'new'
"""
# Told in the statement that ended where this one begins, whose entries are none older: it cannot be of this one as well.
_TOLD_BEFORE = """
SELECT e.key FROM billing_statement_entry e JOIN billing_statement s ON s.id = e.statement
 WHERE e.key = ANY($1::text[]) AND s.issuer = $2 AND s.state = 'accepted' AND s.closing_cents = $3 AND s.opening_cents <> $3 AND s.day <= $4
"""
_NEW = "SELECT * FROM billing_statement_entry WHERE statement = $1 AND state = 'new' ORDER BY position FOR UPDATE"
_MATCHED = """
UPDATE billing_statement_entry e SET state = m.state, rule = m.rule, found = m.found::jsonb
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS m (id, state, rule, found) WHERE e.id = m.id
"""


async def take(actor: Actor, file_name: str, content: bytes) -> list[Imported]:
    """The file's statements are on record and what can be booked will be; imported before, they change nothing. StatementUnreadable: nothing is."""
    found = await asyncio.to_thread(read, content)
    issuers = await _issuers()
    whose = [_issuer(issuers, statement) for statement in found]
    # Whoever takes in another file of the same issuer at the same moment waits, and sees what this one told.
    for issuer in sorted({issuer for issuer, _iban in whose}):
        await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"statements {issuer}")
    # By its IBAN also where the file has the bare number: the keys of its entries are those that every other format gives them.
    statements = [msgspec.structs.replace(statement, account=iban) for statement, (_whose, iban) in zip(found, whose, strict=True)]
    return [
        await _one(actor, file_name, statement, issuer, keys)
        for statement, (issuer, _iban), keys in zip(statements, whose, keys_of_all(statements), strict=True)
    ]


def read(content: bytes) -> list[ReadStatement]:
    """The statements in a file of any format we know; StatementUnreadable."""
    if len(content) > LARGEST:
        raise StatementUnreadable("too-large")
    begins = content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:200]
    if not begins:
        raise StatementUnreadable("empty")
    if begins.startswith(b"<"):
        return camt.read(content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return mt940.read(content.decode("utf-16", "replace"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return mt940.read(text)


async def _issuers() -> list[Any]:
    return await db.fetch("SELECT tenant, iban FROM billing_issuer")


def _issuer(issuers: Sequence[Any], statement: ReadStatement) -> tuple[UUID, str]:
    """Whose account it is, and its IBAN; StatementUnreadable where it is nobody's who issues invoices here."""
    found = [(row["tenant"], row["iban"]) for row in issuers if mt940.same_account(statement.account, row["iban"])]
    if len(found) != 1:
        raise StatementUnreadable("account", value=statement.account)
    return found[0]


async def _one(actor: Actor, file_name: str, statement: ReadStatement, issuer: UUID, keys: Sequence[str]) -> Imported:
    told = {"number": statement.number, "account": statement.account, "entries": len(statement.entries)}
    if otherwise := await _told_otherwise(issuer, statement):
        return Imported(id=otherwise, is_known=True, is_parked=False, new=0, **told)  # type: ignore[arg-type]
    made, state = new_id(), StatementState.ACCEPTED if statement.adds_up else StatementState.PARKED
    row = await db.fetch_one(
        _STATEMENT,
        *(made, issuer, statement.key, file_name[:200], statement.format, statement.account, statement.number, statement.day),
        *(statement.opening_cents, statement.closing_cents, statement.sum_cents, len(statement.entries), statement.skipped, state.value),
        *(actor.trail, clock.now()),
    )
    if row is None:
        known = await db.fetch_one("SELECT id, state FROM billing_statement WHERE key = $1", statement.key)
        assert known is not None  # noqa: S101  # the key was taken
        return Imported(id=known["id"], is_known=True, is_parked=known["state"] == StatementState.PARKED, new=0, **told)  # type: ignore[arg-type]
    keys = await _after(issuer, statement, keys)
    new = await _write(made, statement, keys)
    matched, waiting = await sort(issuer, made, keys) if statement.adds_up else (0, 0)
    return Imported(id=made, is_known=False, is_parked=not statement.adds_up, new=new, matched=matched, waiting=waiting, **told)  # type: ignore[arg-type]


async def _after(issuer: UUID, statement: ReadStatement, keys: Sequence[str]) -> list[str]:
    """The keys of a statement that goes on where another ended, in a file before this one: of two alike, one in each, both are new, as on pages of one file."""
    if not (keys and statement.adds_up and statement.has_balances):
        return list(keys)
    first = min(entry.booked_on for entry in statement.entries)
    found, before = list(keys), list[tuple[object, ...]]()
    while told := {row["key"] for row in await db.fetch(_TOLD_BEFORE, found, issuer, statement.opening_cents, first)}:
        before += [statement.said_of(entry) for entry, key in zip(statement.entries, found, strict=True) if key in told]
        found = statement.entry_keys(Counter(before))
    return found


async def _told_otherwise(issuer: UUID, statement: ReadStatement) -> UUID | None:
    """The statement that says the same in another format, if there is one."""
    if not statement.adds_up or statement.day is None or statement.opening_cents is None:
        return None
    said = (statement.day, statement.opening_cents, statement.closing_cents, statement.sum_cents)
    row = await db.fetch_one(_OTHERWISE, issuer, statement.format, *said)
    return row["id"] if row else None


async def _write(made: UUID, statement: ReadStatement, keys: Sequence[str]) -> int:
    rows = [
        {"id": new_id(), "position": position, "key": key} | msgspec.structs.asdict(entry)
        for position, (entry, key) in enumerate(zip(statement.entries, keys, strict=True), 1)
    ]
    if not rows:
        return 0
    taken_over = await db.fetch(_TAKE_OVER, made, keys) if statement.adds_up else []
    found = [*taken_over, *await db.fetch(_ENTRIES, made, *([row[name] for row in rows] for name in _COLUMNS))]
    if len(found) < len(rows):  # known by now, from another statement
        await db.execute("UPDATE billing_statement SET skipped = skipped + $2 WHERE id = $1", made, len(rows) - len(found))
    return len(found)


async def sort(issuer: UUID, statement: UUID, keys: Sequence[str] = ()) -> tuple[int, int]:
    """Each new entry of the statement is matched, waits for a person, or is nobody's; what is matched will be booked. Returns how many of the first two.

    What may have been told of in another format waits; of the entries with these keys it is known that the statement tells of them as well.
    """
    rows = await db.fetch(_NEW, statement)
    seen = [seen_of(row) for row in rows]
    told = await db.fetch(_ELSEWHERE, statement, list(keys))
    told_in = {row["id"]: row["told_in"] for row in told}
    matches = await _matches(issuer, seen, [told_in.get(row["id"]) for row in rows])
    sorted_: list[tuple[UUID, str, str | None, str]] = []
    for row, entry, found in zip(rows, seen, matches, strict=True):
        leaves = entry.amount_cents < 0 and not entry.is_return
        state = EntryState.MATCHED if found.rule else EntryState.OUT if leaves else EntryState.WAITING
        sorted_.append((row["id"], state.value, found.rule.value if found.rule else None, msgspec.json.encode(found).decode()))
    if sorted_:
        await db.execute(_MATCHED, *(list(column) for column in zip(*sorted_, strict=True)))
    states = [state for _id, state, _rule, _found in sorted_]
    if EntryState.MATCHED.value in states:
        await outbox.publish(StatementAccepted(tenant_id=issuer, statement_id=statement), turn=f"statement {statement}")
    return states.count(EntryState.MATCHED.value), states.count(EntryState.WAITING.value)


async def _matches(issuer: UUID, seen: Sequence[Seen], told_in: Sequence[str | None]) -> list[Match]:
    known = await knowing.look_up(issuer, seen)
    found = [_unless_told(match(entry, known), told) for entry, told in zip(seen, told_in, strict=True)]
    # Equal sums only suggest, and only where nothing surer is known: they are looked up for the few that are left.
    left = {entry.amount_cents for entry, one in zip(seen, found, strict=True) if one.rule is None and entry.amount_cents > 0}
    known = msgspec.structs.replace(known, alike=await knowing.alike(issuer, left))
    return [
        one
        if one.rule or (entry.amount_cents < 0 and not entry.is_return)
        else msgspec.structs.replace(one, suggestions=suggestions(entry, known))
        for entry, one in zip(seen, found, strict=True)
    ]


def _unless_told(found: Match, told_in: str | None) -> Match:
    """A debtor's money that the bank may have told of before, in words that cannot be compared, is a person's to look at."""
    if told_in is None or found.rule not in {None, *RULES_OF_DEBTORS}:
        return found
    return Match(told_in=told_in)


def seen_of(row: Any) -> Seen:
    """An entry as matching looks at it."""
    return Seen(**{name: row[name] for name in Seen.__struct_fields__})


async def decide(actor: Actor, statement: UUID, *, accept: bool) -> None:
    """A person says that a parked statement counts although it does not add up, or that it does not; StatementDecided."""
    state = StatementState.ACCEPTED if accept else StatementState.REFUSED
    row = await db.fetch_one(
        "UPDATE billing_statement SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND state = 'parked' RETURNING issuer",
        *(statement, state.value, actor.trail, clock.now()),
    )
    if row is None:
        if await db.fetch_one("SELECT 1 FROM billing_statement WHERE id = $1", statement) is None:
            raise NotFound(what="statement", id=str(statement))
        raise StatementDecided
    if accept:
        await sort(row["issuer"], statement)
        return
    # Refused, its entries are nobody's; the bank's corrected file must be able to bring them again, and so must this one, if it was refused by mistake.
    await db.execute("UPDATE billing_statement SET key = left(key, 27) || ' ' || id::text WHERE id = $1", statement)
    await db.execute(
        "UPDATE billing_statement_entry SET state = 'ignored', key = left(key, 60) || ' ' || left(id::text, 36) WHERE statement = $1",
        statement,
    )


RULES_OF_DEBTORS = frozenset({Rule.REFERENCE, Rule.NUMBER, Rule.ACCOUNT})
