"""Which VAT a price carries, by the customer's seat, kind and the day; and VAT totals of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from partner_portal.kernel.errors import Invalid
from partner_portal.kernel.money import round_half_up

Rates = Mapping[str, Sequence[tuple[date, Decimal]]]


class NoVatRate(Invalid):
    """The rate table has no rate for this country on this day."""


class VatCategory(StrEnum):
    """The VAT categories of EN 16931 that our supplies can have."""

    STANDARD = "S"
    REVERSE_CHARGE = "AE"
    OUTSIDE_SCOPE = "O"


class Vat(msgspec.Struct, frozen=True, kw_only=True):
    """How one price is taxed: category, percentage, the country whose VAT it is, and whether prices include it."""

    category: VatCategory = VatCategory.STANDARD
    rate: Decimal = Decimal(21)
    country: str = "NL"
    prices_include_vat: bool = False


class VatTotal(msgspec.Struct, frozen=True):
    """Base, VAT and total in cents of all lines of a document that are taxed alike."""

    vat: Vat
    base_cents: int
    vat_cents: int
    total_cents: int


class CustomerSeat(msgspec.Struct, frozen=True, kw_only=True):
    """Where the customer is established, whether as a business, and whether its VAT number is known to be valid."""

    country: str
    is_business: bool
    has_valid_vat_id: bool = False


_LONG_AGO = date(2000, 1, 1)


def _since(*steps: tuple[date, str]) -> tuple[tuple[date, Decimal], ...]:
    return tuple((day, Decimal(rate)) for day, rate in steps)


STANDARD_RATES: Rates = {
    "AT": _since((_LONG_AGO, "20")),
    "BE": _since((_LONG_AGO, "21")),
    "BG": _since((_LONG_AGO, "20")),
    "CY": _since((date(2014, 1, 13), "19")),
    "CZ": _since((date(2013, 1, 1), "21")),
    "DE": _since((date(2007, 1, 1), "19")),
    "DK": _since((_LONG_AGO, "25")),
    "EE": _since((date(2009, 7, 1), "20"), (date(2024, 1, 1), "22"), (date(2025, 7, 1), "24")),
    "ES": _since((date(2012, 9, 1), "21")),
    "FI": _since((date(2013, 1, 1), "24"), (date(2024, 9, 1), "25.5")),
    "FR": _since((date(2014, 1, 1), "20")),
    "GR": _since((date(2016, 6, 1), "24")),
    "HR": _since((date(2012, 3, 1), "25")),
    "HU": _since((date(2012, 1, 1), "27")),
    "IE": _since((date(2012, 1, 1), "23")),
    "IT": _since((date(2013, 10, 1), "22")),
    "LT": _since((date(2009, 9, 1), "21")),
    "LU": _since((date(2015, 1, 1), "17"), (date(2023, 1, 1), "16"), (date(2024, 1, 1), "17")),
    "LV": _since((date(2012, 7, 1), "21")),
    "MT": _since((date(2004, 1, 1), "18")),
    "NL": _since((_LONG_AGO, "19"), (date(2012, 10, 1), "21")),
    "PL": _since((date(2011, 1, 1), "23")),
    "PT": _since((date(2011, 1, 1), "23")),
    "RO": _since((date(2017, 1, 1), "19"), (date(2025, 8, 1), "21")),
    "SE": _since((_LONG_AGO, "25")),
    "SI": _since((date(2013, 7, 1), "22")),
    "SK": _since((date(2011, 1, 1), "20"), (date(2025, 1, 1), "23")),
}


def rate_on(country: str, day: date, rates: Rates = STANDARD_RATES) -> Decimal:
    """Return the standard VAT percentage of an EU country on a day; refuses countries and days the table lacks."""
    in_force = [rate for since, rate in rates.get(country, ()) if since <= day]
    if not in_force:
        raise NoVatRate(country=country, day=day.isoformat())
    return in_force[-1]


def vat_for(seat: CustomerSeat, day: date, *, supplier_country: str = "NL", oss: bool = True, rates: Rates = STANDARD_RATES) -> Vat:
    """Return how a telecom or hosting service for this customer is taxed on this day.

    Wet OB 1968 art. 6, 9 and 12; Directive 2006/112 art. 44 and 58.
    `oss` says whether the supplier declares consumers' VAT in their country; below the threshold it may tax them at home.
    Prices for consumers include VAT.
    """
    if seat.country not in rates:
        return Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country=seat.country)
    if seat.country != supplier_country and seat.is_business and seat.has_valid_vat_id:
        return Vat(category=VatCategory.REVERSE_CHARGE, rate=Decimal(0), country=seat.country)
    taxed_in = supplier_country if seat.is_business or not oss else seat.country
    return Vat(rate=rate_on(taxed_in, day, rates), country=taxed_in, prices_include_vat=not seat.is_business)


def vat_total(amounts_cents: Sequence[int], vat: Vat) -> VatTotal:
    """Return base, VAT and total of lines taxed alike: VAT on the sum of the lines, rounded once (EN 16931 BR-CO-17).

    Where prices include VAT the sum is what the customer was told: the base is computed back from it, VAT is the rest.
    """
    summed = sum(amounts_cents)
    numerator, denominator = vat.rate.as_integer_ratio()
    if vat.prices_include_vat:
        base = _without_vat(summed, vat.rate)
        return VatTotal(vat, base, summed - base, summed)
    tax = round_half_up(summed * numerator, denominator * 100)
    return VatTotal(vat, summed, tax, summed + tax)


def net_amounts(amounts_cents: Sequence[int], vat: Vat) -> tuple[int, ...]:
    """Return each line without VAT, so that they add up to the base of `vat_total`; a cent of difference goes to the largest line."""
    if not vat.prices_include_vat or not amounts_cents:
        return tuple(amounts_cents)
    nets = [_without_vat(amount, vat.rate) for amount in amounts_cents]
    largest = max(range(len(nets)), key=lambda line: abs(amounts_cents[line]))
    nets[largest] += vat_total(amounts_cents, vat).base_cents - sum(nets)
    return tuple(nets)


def _without_vat(gross_cents: int, rate: Decimal) -> int:
    numerator, denominator = rate.as_integer_ratio()
    return round_half_up(gross_cents * 100 * denominator, 100 * denominator + numerator)
