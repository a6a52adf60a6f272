"""What an entry of a bank statement is for: by the surest sign first, and never by its amount alone.

The order: a structured reference; the id of a collection of ours; a payout of the gateway; the number of an invoice in the text; an account that is
known together with a sum that only one open invoice has. Everything else is a suggestion, with a score and why, for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

import msgspec
from stdnum.iso7064 import mod_97_10

from .money_in import Rule

_COMPACT = re.compile(r"[\s.\-/:]+")
_RF = re.compile(r"RF\d\d(?=[A-Z0-9])")
_SHORTEST, _LONGEST = 5, 25
_NUMBER = re.compile(r"(?<![A-Z0-9])(?:([A-Z]{2,6})[\s\-./]{0,3})?([FCS])[\s\-./]{0,2}(20\d\d)[\s\-./]{0,3}(\d{1,6})(?!\d)")
_WORD = re.compile(r"[A-Z0-9]{3,}")
_SIX = 6
MOST_SUGGESTED = 5


class Number(msgspec.Struct, frozen=True):
    """An invoice number as people type it: which series and year, the how manieth, and whose, where it says so."""

    series: str
    year: int
    sequence: int
    code: str | None = None


class Owner(msgspec.Struct, frozen=True):
    """Who owes: a customer of the tenant, or the tenant itself, to the issuer."""

    tenant: UUID
    customer: UUID | None
    issuer: UUID


class OpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """A document that an entry may be for. `is_claim`: what is owed to the issuer, not a credit note."""

    invoice: UUID
    number: str
    owner: Owner
    debtor_name: str
    open_cents: int
    is_claim: bool = True


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says of itself, as far as matching looks at it; the amount in cents, below zero where money left."""

    key: str
    amount_cents: int
    text: str = ""
    reference: str | None = None
    end_to_end: str | None = None
    batch: str | None = None
    iban: str | None = None
    name: str | None = None
    is_return: bool = False
    is_bundle: bool = False
    """Several payments in one sum, and nobody says how much each was."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the entries of one import may point at, looked up in a few statements beforehand."""

    references: Mapping[str, OpenItem] = {}
    numbers: Mapping[Number, OpenItem] = {}
    collections: Mapping[str, UUID] = {}
    batches: Mapping[str, UUID] = {}
    payouts: Mapping[str, UUID] = {}
    refunds: Mapping[str, UUID] = {}
    owners: Mapping[str, frozenset[Owner]] = {}
    """By account: who paid from it before, or signed a mandate for it."""
    items: Mapping[Owner, Sequence[OpenItem]] = {}
    """What is open of each owner who is known by an account."""
    alike: Mapping[int, Sequence[OpenItem]] = {}
    """What is open for exactly so many cents, of whomever; good for suggestions only."""


class Why(StrEnum):
    """What speaks for a suggestion."""

    ACCOUNT = "account"
    AMOUNT = "amount"
    NAME = "name"
    NUMBER = "number"
    SEVERAL = "several"


_SCORES = {Why.NUMBER: 60, Why.ACCOUNT: 50, Why.AMOUNT: 20, Why.NAME: 20, Why.SEVERAL: 10}


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A document that an entry may be for: how likely, of a hundred, and why."""

    invoice: UUID
    number: str
    debtor_name: str
    open_cents: int
    score: int
    why: tuple[Why, ...]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry is for, by which rule; without a rule a person decides, helped by the suggestions."""

    rule: Rule | None = None
    owner: Owner | None = None
    invoices: tuple[UUID, ...] = ()
    target: UUID | None = None
    """The collection, the file of collections, the payout or the refund."""
    suggestions: tuple[Suggestion, ...] = ()
    told_in: str | None = None
    """The statement in which the bank told of the same sum on the same day in another format; a person says whether it is the same payment."""


@lru_cache(maxsize=50_000)
def references_in(*texts: str | None) -> tuple[str, ...]:
    """Every creditor reference (ISO 11649) with right check digits in the texts, however people space it; one may run on into what follows it."""
    found: dict[str, None] = {}
    for text in texts:
        plain = _COMPACT.sub("", (text or "").upper())
        for start in _RF.finditer(plain):
            end = start.start() + _SHORTEST
            while end <= min(len(plain), start.start() + _LONGEST) and plain[end - 1].isascii() and plain[end - 1].isalnum():
                candidate = plain[start.start() : end]
                if mod_97_10.is_valid(candidate[4:] + candidate[:4]):
                    found[candidate] = None
                end += 1
    return tuple(found)


@lru_cache(maxsize=50_000)
def numbers_in(*texts: str | None) -> tuple[Number, ...]:
    """Every invoice number in the texts, as people write them; without the letters of whose it is only with all six figures."""
    found: dict[Number, None] = {}
    for text in texts:
        for code, series, year, sequence in _NUMBER.findall((text or "").upper()):
            if int(sequence) and (code or len(sequence) == _SIX):
                found[Number(series, int(year), int(sequence), code or None)] = None
    return tuple(found)


def match(entry: Seen, known: Known) -> Match:
    """What the entry is for."""
    if entry.is_return:
        return _return(entry, known)
    if entry.amount_cents < 0:
        refund = known.refunds.get(entry.end_to_end or "") or known.refunds.get(entry.batch or "")
        return Match(rule=Rule.REFUND, target=refund) if refund else Match()
    if entry.is_bundle:  # what is named in it is for a part of the sum: only who knows the whole sum may book it
        return _collected(entry, known) or _paid_out(entry, known) or Match(suggestions=suggestions(entry, known))
    return (
        _named(entry, known, Rule.REFERENCE)
        or _collected(entry, known)
        or _paid_out(entry, known)
        or _named(entry, known, Rule.NUMBER)
        or _by_account(entry, known)
        or Match(suggestions=suggestions(entry, known))
    )


def _return(entry: Seen, known: Known) -> Match:
    if entry.amount_cents > 0 and (refund := known.refunds.get(entry.end_to_end or "")):
        return Match(rule=Rule.REFUND, target=refund)  # what we paid back did not arrive
    debit = known.collections.get(entry.end_to_end or "")
    return Match(rule=Rule.RETURN, target=debit) if debit and entry.amount_cents < 0 else Match(suggestions=suggestions(entry, known))


def _items(entry: Seen, known: Known, rule: Rule) -> list[OpenItem]:
    if rule is Rule.REFERENCE:
        named = [known.references.get(one) for one in references_in(entry.reference, entry.end_to_end, entry.text)]
    else:
        named = [known.numbers.get(one) for one in numbers_in(entry.text, entry.end_to_end, entry.reference)]
    return list({item.invoice: item for item in named if item}.values())


def _named(entry: Seen, known: Known, rule: Rule) -> Match | None:
    items = _items(entry, known, rule)
    # Of several debtors, or of a document nobody pays: somebody should look.
    if not items or len({item.owner for item in items}) > 1 or not all(item.is_claim for item in items):
        return None
    return Match(rule=rule, owner=items[0].owner, invoices=tuple(item.invoice for item in items))


def _collected(entry: Seen, known: Known) -> Match | None:
    target = (
        known.collections.get(entry.end_to_end or "") or known.batches.get(entry.batch or "") or known.batches.get(entry.end_to_end or "")
    )
    return Match(rule=Rule.COLLECTION, target=target) if target else None


def _paid_out(entry: Seen, known: Known) -> Match | None:
    if known.payouts:
        said = _COMPACT.sub("", f"{entry.text} {entry.end_to_end or ''} {entry.reference or ''}".upper())
        for reference, payout in known.payouts.items():
            if _COMPACT.sub("", reference.upper()) in said:
                return Match(rule=Rule.SETTLEMENT, target=payout)
    return None


def _by_account(entry: Seen, known: Known) -> Match | None:
    owners = known.owners.get(entry.iban or "", frozenset())
    fitting = [item for owner in owners for item in known.items.get(owner, ()) if item.is_claim and item.open_cents == entry.amount_cents]
    return Match(rule=Rule.ACCOUNT, owner=fitting[0].owner, invoices=(fitting[0].invoice,)) if len(fitting) == 1 else None


def suggestions(entry: Seen, known: Known) -> tuple[Suggestion, ...]:
    """What the entry may be for, the likeliest first, for a person to choose from."""
    amount = abs(entry.amount_cents)
    reasons: dict[UUID, tuple[OpenItem, set[Why]]] = {}
    for item in [*_items(entry, known, Rule.REFERENCE), *_items(entry, known, Rule.NUMBER)]:
        reasons.setdefault(item.invoice, (item, set()))[1].add(Why.NUMBER)
    for owner in known.owners.get(entry.iban or "", frozenset()):
        own = known.items.get(owner, ())
        pays_all = len(own) > 1 and sum(one.open_cents for one in own) == amount
        for item in own:
            _, found = reasons.setdefault(item.invoice, (item, set()))
            found |= {Why.ACCOUNT, Why.SEVERAL} if pays_all else {Why.ACCOUNT}
    for item in known.alike.get(amount, ()):
        reasons.setdefault(item.invoice, (item, set()))
    made = [_suggestion(item, said | _likeness(entry, item)) for item, said in reasons.values()]
    return tuple(sorted(made, key=lambda one: (-one.score, one.number))[:MOST_SUGGESTED])


def _likeness(entry: Seen, item: OpenItem) -> set[Why]:
    said = {Why.AMOUNT} if item.open_cents == abs(entry.amount_cents) else set()
    return said | {Why.NAME} if resembles(entry.name, item.debtor_name) else said


def _suggestion(item: OpenItem, said: Iterable[Why]) -> Suggestion:
    why = tuple(one for one in Why if one in set(said))
    return Suggestion(
        invoice=item.invoice,
        number=item.number,
        debtor_name=item.debtor_name,
        open_cents=item.open_cents,
        score=min(sum(_SCORES[one] for one in why), 99),
        why=why,
    )


_LEGAL = frozenset({"B.V", "BV", "N.V", "NV", "VOF", "MEVR", "HEER", "MEVROUW", "HOLDING", "STICHTING", "THE", "VAN", "DER", "DEN"})


def resembles(name: str | None, other: str) -> bool:
    """Whether two names share a word that tells anything."""
    words = [set(_WORD.findall((said or "").upper())) - _LEGAL for said in (name, other)]
    return bool(words[0] & words[1])
