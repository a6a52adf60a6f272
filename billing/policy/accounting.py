"""What goes to an accounting package and how: which codes, when again, and what a person can decide where the two books differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from partner_portal.kernel.errors import Refused

from .ledger import LineKind
from .tax import Vat

MOST_ATTEMPTS = 12
_PAUSES = (10, 30, 60, 300, 900, 1800, 3600, 7200)
_LONGEST_TOLD = timedelta(hours=6)


class CodeMissing(Refused):
    """The connection's tables have no code of the package for this; `wanted` says for what, most exact first."""


class ConnectionState(StrEnum):
    """Whether a connection is in use: what is paused keeps what waits, what has ended is never used again."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class LinkState(StrEnum):
    """How far one of our objects is at the package."""

    WAITING = "waiting"
    SENT = "sent"
    STUCK = "stuck"  # on the list of conflicts; a person decides
    LEFT = "left"  # a person said that it stays as it is


class Why(StrEnum):
    """Why something stands on the list of conflicts."""

    REFUSED = "refused"
    GIVEN_UP = "given up"
    NO_CODE = "no code"
    DIFFERS = "differs"  # found there under our number, with another sum
    CHANGED = "changed"
    GONE = "gone"
    PAID_MORE = "paid more"
    TAKEN_BACK = "taken back"
    PAYMENT_CHANGED = "payment changed"
    PAYMENT_GONE = "payment gone"  # one that we booked because the package told of it
    CURRENCY = "currency"
    FILE = "file"


class Decision(StrEnum):
    """What a person does about a conflict."""

    AGAIN = "again"
    THEIRS = "theirs"
    LEAVE = "leave"


_AGAIN = frozenset({Decision.AGAIN, Decision.LEAVE})
_THEIRS = frozenset({Decision.THEIRS, Decision.LEAVE})
POSSIBLE: Mapping[Why, frozenset[Decision]] = {
    Why.REFUSED: _AGAIN,
    Why.GIVEN_UP: _AGAIN,
    Why.NO_CODE: _AGAIN,
    Why.DIFFERS: frozenset(Decision),
    Why.CHANGED: frozenset(Decision),
    Why.GONE: _AGAIN,
    Why.PAID_MORE: _THEIRS,
    Why.TAKEN_BACK: _THEIRS,
    Why.PAYMENT_CHANGED: frozenset({Decision.LEAVE}),
    Why.PAYMENT_GONE: _THEIRS,
    Why.CURRENCY: frozenset({Decision.LEAVE}),
    Why.FILE: frozenset({Decision.LEAVE}),
}
"""What can be decided; leaving it as it is always asks for a reason."""


def ledger_code(ledgers: Mapping[str, str], kind: LineKind, product: str | None) -> str:
    """The ledger account of a line: of the product, else of the kind of line, else the default; CodeMissing."""
    wanted = [*([f"product:{product}"] if product else []), kind.value, "default"]
    return _first(ledgers, wanted)


def vat_code(codes: Mapping[str, str], vat: Vat) -> str:
    """The package's code for this VAT; CodeMissing. Of a standard rate both country and percentage count: another country's VAT is never booked as ours."""
    exact = f"{vat.category.value}:{vat.country}:{plain(vat.rate)}"
    wanted = [exact] if vat.category.value == "S" else [exact, f"{vat.category.value}:{vat.country}", vat.category.value]
    return _first(codes, wanted)


def money_code(ledgers: Mapping[str, str], source: str) -> str:
    """The account or journal where money arrives that was seen there; CodeMissing."""
    return _first(ledgers, [f"money:{source}", "money"])


class TakenBack(msgspec.Struct, frozen=True):
    """What is taken back by an amount below zero: these payments wholly, by their keys, and of the last of them so much stays."""

    keys: tuple[str, ...] = ()
    rest_cents: int = 0


def taken_back(shares: Sequence[tuple[str, int]]) -> TakenBack:
    """What the last of these shares takes back: all of one payment in one document, in their order, the latest first taken back first.

    What stayed of an earlier one is known by the key of the share that left it. More than was paid takes back all of it.
    """
    standing: list[tuple[str, int]] = []
    found = TakenBack()
    for key, cents in shares:
        if cents > 0:
            standing.append((key, cents))
            continue
        gone, left = [], -cents
        while standing and left > 0:
            name, paid = standing.pop()
            gone.append(name)
            left -= paid
        found = TakenBack(tuple(gone), max(-left, 0))
        if found.rest_cents:
            standing.append((key, found.rest_cents))
    return found


def _first(codes: Mapping[str, str], wanted: list[str]) -> str:
    for name in wanted:
        if codes.get(name):
            return codes[name]
    raise CodeMissing(wanted=", ".join(wanted))


def plain(rate: Decimal) -> str:
    """A percentage as people write it: 21, 25.5."""
    said = f"{rate:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def pause(attempts: int, told: timedelta | None) -> timedelta:
    """How long to wait after so many failed attempts; what the package asked for counts, up to six hours."""
    usual = timedelta(seconds=_PAUSES[min(attempts, len(_PAUSES)) - 1])
    return max(usual, min(told, _LONGEST_TOLD)) if told else usual


def fingerprint(sent: msgspec.Struct) -> str:
    """The same for the same words, so that a change of ours is seen."""
    return hashlib.sha256(msgspec.json.encode(sent, order="deterministic")).hexdigest()[:32]
