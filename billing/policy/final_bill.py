"""From what an end costs and gives back to documents: one final invoice, or credit notes where more is given back than charged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from .crediting import Charged, unused
from .drafting import amounts
from .ledger import DraftLine, Kind, LineKind
from .tax import VatCategory


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """So many cents (above zero) of a line that was billed, for these days; without days of what is billed once; without a line for days that were
    billed elsewhere, before this portal.
    """

    cents: int
    period: tuple[date, date] | None
    charged: Charged | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a final bill; `of` is the invoice on which stands what it gives back; `is_placed` where it is known in which country it is taxed."""

    line: DraftLine
    of: UUID | None = None
    is_placed: bool = False


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document to be issued."""

    kind: Kind
    lines: tuple[DraftLine, ...]
    refers_to: UUID | None = None


def given_back(cents: int, days: tuple[date, date], billed: Sequence[Charged]) -> tuple[GivenBack, ...]:
    """A credit for unused days, divided over the lines that billed them, the last days first and no line beyond what is left of it; adds up to `cents`."""
    since, until = days
    found = []
    for line in sorted(
        (line for line in billed if line.period and line.period[1] > since), key=lambda line: line.period or days, reverse=True
    ):
        if line.period is None:
            continue
        begins = max(since, line.period[0])
        part = min(unused(line, begins), line.left_cents, cents)
        if part > 0:
            found.append(GivenBack(cents=part, period=(begins, line.period[1]), charged=line))
            cents -= part
    return _with_rest(found, cents, (since, until))


def given_back_once(cents: int, billed: Sequence[Charged]) -> tuple[GivenBack, ...]:
    """A credit for what is billed once, divided over its lines and never more than is left of them."""
    found = []
    for line in billed:
        part = min(line.left_cents, cents)
        if part > 0:
            found.append(GivenBack(cents=part, period=None, charged=line))
            cents -= part
    return tuple(found)


def as_billed(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same entries, days used taxed as the days of their service were billed: at the rate of the days on which they were used."""
    taxed = {entry.line.service: entry.line.vat for entry in reversed(entries) if entry.of and entry.line.period}
    return tuple(
        msgspec.structs.replace(entry, line=msgspec.structs.replace(entry.line, vat=taxed[entry.line.service]), is_placed=True)
        if entry.line.kind is LineKind.EARLY_USE and entry.line.service in taxed
        else entry
        for entry in entries
    )


def _with_rest(found: list[GivenBack], rest: int, days: tuple[date, date]) -> tuple[GivenBack, ...]:
    """What the contract gives back beyond the price of the days (other ways of counting) comes off the same lines while anything is left of them."""
    for place, one in enumerate(found):
        more = min(rest, one.charged.left_cents - one.cents) if one.charged else 0
        found[place] = msgspec.structs.replace(one, cents=one.cents + more)
        rest -= more
    return (*found, GivenBack(cents=rest, period=days)) if rest > 0 else tuple(found)


def documents(entries: Sequence[Entry]) -> tuple[Document, ...]:
    """The documents of a final bill: one invoice of all lines; where they give back more than they charge, credit notes that name what they credit.

    A credit note refers to one invoice (NL-R-001). What was billed on several is credited by one each; what else there is stands on an invoice then, as
    does what is given back of days that no document of ours billed: more in the debtor's favour than owed, if need be. Where the debtor is taxed in
    another way than when the days were billed, what cannot stand on one document with the rest (EN 16931 BR-O-11) stands on documents of its own.
    """
    apart: dict[tuple[bool, bool], list[Entry]] = {}
    for entry in entries:
        apart.setdefault((entry.line.vat.prices_include_vat, entry.line.vat.category is VatCategory.OUTSIDE_SCOPE), []).append(entry)
    return tuple(document for alike in apart.values() for document in _of_alike(alike))


def _of_alike(entries: Sequence[Entry]) -> tuple[Document, ...]:
    lines = tuple(entry.line for entry in entries)
    referred = list(dict.fromkeys(entry.of for entry in entries if entry.of))
    if not referred or amounts(lines).gross_cents >= 0:
        return (Document(kind=Kind.INVOICE, lines=lines),)
    beside = tuple(entry.line for entry in entries if entry.of is None)
    if len(referred) == 1 and sum(line.amount_cents for line in beside) >= 0:
        return (_note(lines, referred[0]),)
    notes = tuple(_note([entry.line for entry in entries if entry.of == invoice], invoice) for invoice in referred)
    return (*notes, Document(kind=Kind.INVOICE, lines=beside)) if beside else notes


def _note(lines: Sequence[DraftLine], invoice: UUID) -> Document:
    turned = tuple(msgspec.structs.replace(line, amount_cents=-line.amount_cents, quantity=-line.quantity) for line in lines)
    return Document(kind=Kind.CREDIT_NOTE, lines=turned, refers_to=invoice)
