"""VAT numbers as the tax authorities of the EU are asked for them, and what may come of it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from stdnum.eu import vat as vat_code
from stdnum.exceptions import ValidationError

VALID_FOR = timedelta(hours=24)
"""How long an answer stands: whoever invoices without VAT checks the number at the time (rules 3.2)."""


class Outcome(StrEnum):
    """What came of asking."""

    VALID = "valid"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


def country_of(vat_id: str) -> str:
    """The country that gave out a VAT number, by its first letters; Greece writes EL."""
    begins = vat_id.strip()[:2].upper()
    return "GR" if begins == "EL" else begins


def parts(vat_id: str) -> tuple[str, str] | None:
    """Country and number of a VAT number as VIES wants them; None for one that no member state gives out. Greece is EL there."""
    plain = "".join(char for char in vat_id.upper() if char.isalnum())
    plain = f"EL{plain[2:]}" if plain.startswith("GR") else plain
    try:
        tidy = vat_code.validate(plain)
    except ValidationError:
        return None
    return tidy[:2], tidy[2:]
