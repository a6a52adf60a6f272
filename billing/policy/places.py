"""Where a consumer elsewhere in the EU is, for VAT: two pieces of evidence that do not contradict each other, or home below the threshold.

Council Implementing Regulation (EU) 282/2011 art. 24b and 24f; Directive 2006/112/EC art. 58 and 59c.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from .tax import STANDARD_RATES, CustomerSeat

THRESHOLD_CENTS = 10_000_00
"""Sales to consumers in other member states, without VAT, in this calendar year and in the one before; up to it they may be taxed at home (art. 59c)."""


class Kind(StrEnum):
    """What a piece of evidence is: art. 24f (a) to (e); the telephone is the country of a SIM card or of a number."""

    BILLING = "billing"
    INTERNET = "internet"
    BANK = "bank"
    TELEPHONE = "telephone"
    INSTALLATION = "installation"


class Rule(StrEnum):
    """Why a document is taxed where it is."""

    TWO_AGREE = "two agree"
    BELOW_THRESHOLD = "below threshold"


class Unplaced(StrEnum):
    """Why it cannot be said where a consumer is, or where the supply is taxed."""

    TOO_LITTLE = "too little evidence"
    CONTRADICTING = "contradicting evidence"
    OVER_THRESHOLD = "over threshold"


class Piece(msgspec.Struct, frozen=True):
    """One piece of evidence, the newest of its kind."""

    kind: Kind
    country: str
    id: UUID | None = None


class Place(msgspec.Struct, frozen=True):
    """Where the supply is taxed, by which rule and which two pieces."""

    country: str
    rule: Rule
    used: tuple[Piece, ...] = ()


_ORDER = tuple(Kind)
# Country codes of telephone numbers in the EU; Italy's and San Marino's differ, Luxembourg's is longer than its neighbours'.
_CALLING = {
    "30": "GR", "31": "NL", "32": "BE", "33": "FR", "34": "ES", "351": "PT", "352": "LU", "353": "IE", "356": "MT", "357": "CY", "358": "FI", "359": "BG",
    "36": "HU", "370": "LT", "371": "LV", "372": "EE", "385": "HR", "386": "SI", "39": "IT", "40": "RO", "420": "CZ", "421": "SK", "43": "AT", "45": "DK",
    "46": "SE", "48": "PL", "49": "DE",
}  # fmt: skip


def must_be_placed(seat: CustomerSeat, supplier_country: str) -> bool:
    """Whether two pieces of evidence are needed: a consumer in another member state than the supplier's."""
    return not seat.is_business and seat.country != supplier_country and seat.country in STANDARD_RATES


def place(seat: CustomerSeat, evidence: Sequence[Piece], *, supplier_country: str, oss: bool, sold_abroad_cents: int) -> Place | Unplaced:
    """Where what is sold to this consumer is taxed, or why that is for a person to find out.

    Two pieces of different kinds must point at the country that the customer says it is in, and no two at another one. A supplier that does not
    declare consumers' VAT in their countries (`oss`) taxes at home as long as `sold_abroad_cents` is within the threshold.
    """
    if not oss:
        return Unplaced.OVER_THRESHOLD if sold_abroad_cents > THRESHOLD_CENTS else Place(supplier_country, Rule.BELOW_THRESHOLD)
    pieces = sorted(evidence, key=lambda piece: _ORDER.index(piece.kind))
    agreeing = [piece for piece in pieces if piece.country == seat.country]
    others = [piece.country for piece in pieces if piece.country != seat.country]
    if len(agreeing) >= 2 and all(others.count(country) < 2 for country in others):  # noqa: PLR2004  # two pieces
        return Place(seat.country, Rule.TWO_AGREE, tuple(agreeing[:2]))
    return Unplaced.CONTRADICTING if others else Unplaced.TOO_LITTLE


def country_of_number(number: str | None) -> str | None:
    """The member state of an international telephone number; None for others, and for numbers without a country."""
    plain = "".join(char for char in number or "" if char.isdigit() or char == "+")
    digits = plain.removeprefix("+") if plain.startswith("+") else plain.removeprefix("00") if plain.startswith("00") else ""
    return next((country for code, country in _CALLING.items() if digits.startswith(code)), None)
