"""From drafted lines to the amounts of a document: lines without VAT, and VAT per category, rate and country."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec
from stdnum.iso7064 import mod_97_10

from partner_portal.kernel.errors import Refused

from .ledger import DraftLine, Kind
from .tax import Vat, VatCategory, VatTotal, net_amounts, vat_total


class NothingToBill(Refused):
    """A document has at least one line."""


class MixedPrices(Refused):
    """Prices with and without VAT, or supplies outside VAT and others, do not go on one document (EN 16931 BR-O-11)."""


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of a document in cents, each line's net amount in the order of the lines, and its VAT."""

    nets: tuple[int, ...]
    totals: tuple[VatTotal, ...]

    @property
    def net_cents(self) -> int:
        """All lines without VAT."""
        return sum(total.base_cents for total in self.totals)

    @property
    def vat_cents(self) -> int:
        """All VAT."""
        return sum(total.vat_cents for total in self.totals)

    @property
    def gross_cents(self) -> int:
        """What is to be paid."""
        return self.net_cents + self.vat_cents


def amounts(lines: Sequence[DraftLine]) -> Amounts:
    """The document's amounts: VAT per group of lines taxed alike, on their sum, rounded once (EN 16931 BR-CO-17; rules 2.2 for prices with VAT).

    Raises NothingToBill without lines, MixedPrices where lines cannot share a document.
    """
    if not lines:
        raise NothingToBill
    groups: dict[Vat, list[int]] = {}
    for place, line in enumerate(lines):
        groups.setdefault(line.vat, []).append(place)
    _check(groups)
    nets = [0] * len(lines)
    for vat, places in groups.items():
        for place, net in zip(places, net_amounts([lines[place].amount_cents for place in places], vat), strict=True):
            nets[place] = net
    totals = tuple(vat_total([lines[place].amount_cents for place in places], vat) for vat, places in groups.items())
    return Amounts(nets=tuple(nets), totals=totals)


def _check(groups: dict[Vat, list[int]]) -> None:
    outside = {vat.category is VatCategory.OUTSIDE_SCOPE for vat in groups}
    if len({vat.prices_include_vat for vat in groups}) > 1 or len(outside) > 1:
        raise MixedPrices


def unit_price(line: DraftLine, net_cents: int) -> Decimal:
    """The price of one unit in euros without VAT, six decimals: the agreed one, or computed back where prices include VAT."""
    if not line.vat.prices_include_vat:
        return line.unit_price
    return abs(Decimal(net_cents) / 100 / line.quantity).quantize(Decimal("0.000001")) if line.quantity else Decimal(0)


def due_on(issued_on: date, kind: Kind, days: int) -> date:
    """The last day to pay: so many days after the day of issue; a credit note has nothing to pay."""
    return issued_on if kind is Kind.CREDIT_NOTE else issued_on + timedelta(days=days)


def payment_reference(number: str) -> str:
    """The structured creditor reference for an invoice number: RF, two check digits, letters and figures of the number (ISO 11649)."""
    plain = "".join(char for char in number.upper() if char.isascii() and char.isalnum())[-21:]
    return f"RF{mod_97_10.calc_check_digits(plain + 'RF')}{plain}"
