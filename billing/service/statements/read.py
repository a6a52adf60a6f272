"""What is read from a bank's file, whatever its format: statements and their entries; a file that cannot be right is refused whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

import msgspec
from stdnum import iban as iban_code

from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.kernel.money import TooPreciseAmount, exact_cents

LARGEST = 32 * 1024 * 1024
"""Bytes of a file."""
_NOTHING = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "EREF", "0"})


class StatementUnreadable(Invalid):
    """The file is no bank statement that can be booked; `why` is one of: empty, too-large, not-a-statement, namespace, document-type, damaged, currency,
    account, amount, day, no-statement.
    """

    def __init__(self, why: str, *, value: str = "", line: int = 0) -> None:
        super().__init__(FieldError("/file", f"statement-{why}", {"value": value[:80], "line": line}), why=why, value=value[:80], line=line)
        self.why = why


class ReadEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that the bank booked: cents above zero where money came in. `reference` is structured; `bank_ref` is the bank's own, if it gave one.

    `is_bundle`: several payments in one sum of which the bank does not say how much each was.
    """

    booked_on: date
    amount_cents: int
    name: str | None = None
    iban: str | None = None
    end_to_end: str | None = None
    reference: str | None = None
    batch: str | None = None
    mandate: str | None = None
    text: str = ""
    bank_ref: str | None = None
    is_return: bool = False
    return_reason: str | None = None
    is_bundle: bool = False


class ReadStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement: of which account, from which balance to which (None where the bank says none, as in a notification), `skipped` entries not booked yet."""

    format: str
    account: str
    number: str
    day: date | None
    opening_cents: int | None
    closing_cents: int | None
    entries: tuple[ReadEntry, ...]
    skipped: int = 0
    has_balances: bool = True

    @property
    def sum_cents(self) -> int:
        """All its entries together."""
        return sum(entry.amount_cents for entry in self.entries)

    @property
    def adds_up(self) -> bool:
        """Whether the opening balance and the entries make the closing one; a notification has none to add up."""
        if not self.has_balances:
            return True
        return self.opening_cents is not None and self.closing_cents == self.opening_cents + self.sum_cents

    @property
    def key(self) -> str:
        """The same for the same statement, however often it is read."""
        said = (self.account, self.number, self.day, self.opening_cents, self.closing_cents, *sorted(self.entry_keys()))
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def follows(self, page: ReadStatement) -> bool:
        """Whether it goes on where that one ended."""
        return self.has_balances and self.account == page.account and self.opening_cents == page.closing_cents != page.opening_cents

    def entry_keys(self, seen: Counter[tuple[object, ...]] | None = None) -> list[str]:
        """Of each entry the key by which it is known again: by the bank's own reference where it gave one, else by all that it says, alike ones counted.

        The statement's number is not part of it: a bank tells the same entry in a statement and in a notification. `seen`: what the pages before it say.
        """
        seen = Counter() if seen is None else seen
        keys = []
        for entry in self.entries:
            said = self.said_of(entry)
            seen[said] += 1
            keys.append(hashlib.sha256(repr((*said, seen[said])).encode()).hexdigest())
        return keys

    def said_of(self, entry: ReadEntry) -> tuple[object, ...]:
        """By what an entry is known again, alike ones not told apart."""
        own = (self.account, entry.booked_on.isoformat(), entry.amount_cents)
        if entry.bank_ref:
            return (*own, entry.bank_ref)
        return (*own, entry.end_to_end, entry.reference, entry.iban, entry.name, " ".join(entry.text.split()))


def keys_of_all(statements: Sequence[ReadStatement]) -> list[list[str]]:
    """The keys of the entries of each statement of a file; of two alike on pages that follow each other, both are new."""
    found: list[list[str]] = []
    seen: Counter[tuple[object, ...]] = Counter()
    for nth, statement in enumerate(statements):
        if not nth or not statement.follows(statements[nth - 1]):
            seen = Counter()
        found.append(statement.entry_keys(seen))
    return found


def given(said: str | None, longest: int) -> str | None:
    """What a bank says in a field, tidied; None where it only fills the field."""
    plain = " ".join((said or "").replace("\x00", "").split())[:longest]
    return None if plain.upper() in _NOTHING else plain


def account(said: str | None) -> str | None:
    """An account as it is compared: an IBAN without spaces; None where it is none."""
    plain = (said or "").replace(" ", "").upper()[:34]
    return plain if iban_code.is_valid(plain) else None


def cents(said: str | None, line: int = 0) -> int:
    """An amount as text (up to five decimals, the last of them zeros) in cents; StatementUnreadable."""
    try:
        amount = Decimal((said or "").strip())
        if not amount.is_finite() or amount < 0 or amount >= Decimal(10) ** 13:
            raise StatementUnreadable("amount", value=said or "", line=line)
        return exact_cents(amount)
    except (InvalidOperation, TooPreciseAmount) as error:
        raise StatementUnreadable("amount", value=said or "", line=line) from error
