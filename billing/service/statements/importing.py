"""A bank's file comes in: each statement once, each entry once, what does not add up parked until a person says so; the rest matched at once.

Through the staff door: statements are the provider's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ...events import StatementAccepted
from ...policy.matching import Match, Seen, match
from ...policy.money_in import EntryState, Rule, StatementState
from . import camt, knowing, mt940
from .read import LARGEST, ReadStatement, StatementUnreadable


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
_COLUMNS = {
    "id": "uuid", "position": "int", "key": "text", "booked_on": "date", "amount_cents": "bigint", "name": "text", "iban": "text", "end_to_end": "text",
    "reference": "text", "batch": "text", "mandate": "text", "text": "text", "is_return": "boolean", "return_reason": "text",
}  # fmt: skip
_ENTRIES = (
    f"INSERT INTO billing_statement_entry (statement, state, found, {', '.join(_COLUMNS)})"  # noqa: S608  # names from above
    f" SELECT $1, 'new', '{{}}', {', '.join(_COLUMNS)} FROM unnest({', '.join(f'${place}::{kind}[]' for place, kind in enumerate(_COLUMNS.values(), 2))})"
    f" AS e ({', '.join(_COLUMNS)}) ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING id"
)
_NEW = "SELECT * FROM billing_statement_entry WHERE statement = $1 AND state = 'new' ORDER BY position FOR UPDATE"
_MATCHED = """
UPDATE billing_statement_entry e SET state = m.state, rule = m.rule, found = m.found::jsonb
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS m (id, state, rule, found) WHERE e.id = m.id
"""


async def take(actor: Actor, file_name: str, content: bytes) -> list[Imported]:
    """The file's statements are on record and what can be booked will be; imported before, they change nothing. StatementUnreadable: nothing is."""
    statements = await asyncio.to_thread(read, content)
    issuers = await _issuers()
    whose = [_issuer(issuers, statement) for statement in statements]
    return [await _one(actor, file_name, statement, issuer) for statement, issuer in zip(statements, whose, strict=True)]


def read(content: bytes) -> list[ReadStatement]:
    """The statements in a file of any format we know; StatementUnreadable."""
    if len(content) > LARGEST:
        raise StatementUnreadable("too-large")
    begins = content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:200]
    if not begins:
        raise StatementUnreadable("empty")
    if begins.startswith(b"<"):
        return camt.read(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return mt940.read(text)


async def _issuers() -> list[Any]:
    return await db.fetch("SELECT tenant, iban FROM billing_issuer")


def _issuer(issuers: Sequence[Any], statement: ReadStatement) -> UUID:
    """Whose account it is; StatementUnreadable where it is nobody's who issues invoices here."""
    found = [row["tenant"] for row in issuers if mt940.same_account(statement.account, row["iban"])]
    if len(found) != 1:
        raise StatementUnreadable("account", value=statement.account)
    issuer: UUID = found[0]
    return issuer


async def _one(actor: Actor, file_name: str, statement: ReadStatement, issuer: UUID) -> Imported:
    made, state = new_id(), StatementState.ACCEPTED if statement.adds_up else StatementState.PARKED
    row = await db.fetch_one(
        _STATEMENT,
        *(made, issuer, statement.key, file_name[:200], statement.format, statement.account, statement.number, statement.day),
        *(statement.opening_cents, statement.closing_cents, statement.sum_cents, len(statement.entries), statement.skipped, state.value),
        *(actor.trail, clock.now()),
    )
    told = {"number": statement.number, "account": statement.account, "entries": len(statement.entries)}
    if row is None:
        known = await db.fetch_one("SELECT id, state FROM billing_statement WHERE key = $1", statement.key)
        assert known is not None  # noqa: S101  # the key was taken
        return Imported(id=known["id"], is_known=True, is_parked=known["state"] == StatementState.PARKED, new=0, **told)  # type: ignore[arg-type]
    new = await _write(made, statement)
    matched, waiting = await sort(issuer, made) if statement.adds_up else (0, 0)
    return Imported(id=made, is_known=False, is_parked=not statement.adds_up, new=new, matched=matched, waiting=waiting, **told)  # type: ignore[arg-type]


async def _write(made: UUID, statement: ReadStatement) -> int:
    rows = [
        {"id": new_id(), "position": position, "key": key} | msgspec.structs.asdict(entry)
        for position, (entry, key) in enumerate(zip(statement.entries, statement.entry_keys(), strict=True), 1)
    ]
    if not rows:
        return 0
    found = await db.fetch(_ENTRIES, made, *([row[name] for row in rows] for name in _COLUMNS))
    if len(found) < len(rows):
        await db.execute("UPDATE billing_statement SET skipped = skipped + $2 WHERE id = $1", made, len(rows) - len(found))
    return len(found)


async def sort(issuer: UUID, statement: UUID) -> tuple[int, int]:
    """Each new entry of the statement is matched, waits for a person, or is nobody's; what is matched will be booked. Returns how many of the first two."""
    rows = await db.fetch(_NEW, statement)
    seen = [seen_of(row) for row in rows]
    matches = await _matches(issuer, seen)
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


async def _matches(issuer: UUID, seen: Sequence[Seen]) -> list[Match]:
    known = await knowing.look_up(issuer, seen)
    found = [match(entry, known) for entry in seen]
    # Equal sums only suggest, and only where nothing surer is known: they are looked up for the few that are left.
    left = {entry.amount_cents for entry, one in zip(seen, found, strict=True) if one.rule is None and entry.amount_cents > 0}
    known = msgspec.structs.replace(known, alike=await knowing.alike(issuer, left))
    return [one if one.rule else match(entry, known) for entry, one in zip(seen, found, strict=True)]


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
    # Refused, its entries are nobody's; the bank's corrected file must be able to bring them again.
    await db.execute(
        "UPDATE billing_statement_entry SET state = 'ignored', key = left(key, 60) || ' ' || left(id::text, 36) WHERE statement = $1",
        statement,
    )


RULES_OF_DEBTORS = frozenset({Rule.REFERENCE, Rule.NUMBER, Rule.ACCOUNT})
