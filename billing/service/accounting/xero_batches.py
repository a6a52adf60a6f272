"""Many invoices in one question to Xero: how many fit, and what its answer says of each (`summarizeErrors=false`: what is wrong with one hinders no other)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from . import xero_words as words
from .port import AccountingRefuses, AccountingUnavailable, SalesDocument
from .speaking import NUMBERS
from .xero_words import INVOICES, TheirInvoice

AT_ONCE = 50
"""What they advise at most."""
WITH_PAPERS = 5
"""Papers go one by one: a job ends before somebody thinks that its worker died."""
PATIENCE = 4
"""Many take longer than one; still less than a job may take."""
_LETTERS = 1500
"""Of all numbers together: longer addresses are refused."""
_LINES = 1000
"""Of all together: an answer repeats every line, and larger ones are not read."""
NUMBER = re.compile(r'[^",\\]{1,255}')
"""What can be looked for by number without changing the question."""


class _Wrong(msgspec.Struct, frozen=True, rename="pascal"):
    message: str = ""


class _Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    number: str | None = msgspec.field(name="InvoiceNumber", default=None)
    has_errors: bool = False
    status_attribute_string: str = ""
    validation_errors: list[_Wrong] = []


class _Told(msgspec.Struct, frozen=True, rename="pascal"):
    invoices: list[msgspec.Raw]


def portion(wanted: Sequence[SalesDocument]) -> list[SalesDocument]:
    """The first of them that go in one question; always the very first."""
    taken: list[SalesDocument] = []
    letters = lines = 0
    for one in wanted[:AT_ONCE]:
        letters, lines = letters + len(one.number) + 1, lines + len(one.lines)
        if taken and (letters > _LETTERS or lines > _LINES or not NUMBER.fullmatch(one.number)):
            break
        taken.append(one)
    return taken


def body(wanted: Sequence[SalesDocument]) -> tuple[bytes, dict[str, AccountingRefuses]]:
    """All of them as they are written there, and by key those that cannot be."""
    told, refused = [], {}
    for one in wanted:
        try:
            told.append(words.document_told(one))
        except AccountingRefuses as problem:
            refused[one.key] = problem
    return NUMBERS.encode({INVOICES: told}) if told else b"", refused


def outcomes(answer: bytes) -> Mapping[str, TheirInvoice | AccountingRefuses]:
    """What became of each, by number."""
    found: dict[str, TheirInvoice | AccountingRefuses] = {}
    try:
        for raw in msgspec.json.decode(answer, type=_Told).invoices:
            one = msgspec.json.decode(raw, type=_Outcome)
            if one.has_errors or one.validation_errors or one.status_attribute_string == "ERROR":
                said = "; ".join(wrong.message for wrong in one.validation_errors)
                found[one.number or ""] = AccountingRefuses(detail=(said or "refused without a reason")[:400])
            else:
                found[one.number or ""] = msgspec.json.decode(raw, type=TheirInvoice)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AccountingUnavailable(detail=f"an answer that cannot be read: {error}"[:400]) from error
    return found
