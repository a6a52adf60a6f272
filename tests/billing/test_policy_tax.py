"""VAT by the customer's seat, kind and day; totals that are what the customer was told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import tax
from billing.policy.tax import CustomerSeat, NoVatRate, Vat, VatCategory, VatTotal

TODAY = date(2026, 11, 22)
rates = st.sampled_from([Decimal(0), Decimal(9), Decimal(21), Decimal("25.5"), Decimal("23.33")])


def _seat(country: str, *, business: bool, valid_id: bool = False) -> CustomerSeat:
    return CustomerSeat(country=country, is_business=business, has_valid_vat_id=valid_id)


@pytest.mark.parametrize(
    ("seat", "vat"),
    [
        (_seat("NL", business=True, valid_id=True), Vat(rate=Decimal(21), country="NL")),
        (_seat("NL", business=False), Vat(rate=Decimal(21), country="NL", prices_include_vat=True)),
        (_seat("BE", business=True, valid_id=True), Vat(category=VatCategory.REVERSE_CHARGE, rate=Decimal(0), country="BE")),
        (_seat("BE", business=True), Vat(rate=Decimal(21), country="NL")),
        (_seat("DE", business=False), Vat(rate=Decimal(19), country="DE", prices_include_vat=True)),
        (_seat("US", business=True), Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country="US")),
        (_seat("US", business=False), Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country="US")),
    ],
)
def test_who_pays_which_vat(seat: CustomerSeat, vat: Vat) -> None:
    assert tax.vat_for(seat, TODAY) == vat


def test_below_the_threshold_consumers_abroad_pay_our_own_vat() -> None:
    assert tax.vat_for(_seat("DE", business=False), TODAY, oss=False) == Vat(rate=Decimal(21), country="NL", prices_include_vat=True)


def test_another_table_of_rates_may_be_used() -> None:
    doubled = {"NL": ((date(2026, 1, 1), Decimal(42)),)}
    assert tax.vat_for(_seat("NL", business=True), TODAY, rates=doubled).rate == Decimal(42)
    assert tax.vat_for(_seat("BE", business=False), TODAY, rates=doubled).category is VatCategory.OUTSIDE_SCOPE


def test_a_supplier_elsewhere_reverses_the_charge_to_us() -> None:
    belgian = tax.vat_for(_seat("NL", business=True, valid_id=True), TODAY, supplier_country="BE")
    assert belgian.category is VatCategory.REVERSE_CHARGE


@pytest.mark.parametrize(
    ("country", "day", "rate"),
    [
        ("NL", date(2012, 9, 30), "19"),
        ("NL", date(2012, 10, 1), "21"),
        ("EE", date(2025, 6, 30), "22"),
        ("EE", date(2025, 7, 1), "24"),
        ("FI", TODAY, "25.5"),
        ("LU", date(2023, 6, 1), "16"),
    ],
)
def test_a_rate_holds_from_its_day(country: str, day: date, rate: str) -> None:
    assert tax.rate_on(country, day) == Decimal(rate)


@pytest.mark.parametrize(("country", "day"), [("US", TODAY), ("NL", date(1999, 12, 31))])
def test_no_rate_is_guessed(country: str, day: date) -> None:
    with pytest.raises(NoVatRate) as refused:
        tax.rate_on(country, day)
    assert refused.value.facts == {"country": country, "day": day.isoformat()}


def test_every_member_state_has_a_rate_today() -> None:
    assert len(tax.STANDARD_RATES) == 27
    assert all(Decimal(15) <= tax.rate_on(country, TODAY) <= Decimal(27) for country in tax.STANDARD_RATES)


def test_vat_is_taken_from_the_sum_not_from_each_line() -> None:
    assert tax.vat_total([113, 113, 113], Vat()) == VatTotal(Vat(), 339, 71, 410)


@pytest.mark.parametrize(("gross", "base", "vat"), [(10000, 8264, 1736), (34650, 28636, 6014), (-4956, -4096, -860)])
def test_a_consumer_pays_what_he_was_told(gross: int, base: int, vat: int) -> None:
    total = tax.vat_total([gross], Vat(prices_include_vat=True))
    assert (total.base_cents, total.vat_cents, total.total_cents) == (base, vat, gross)


@pytest.mark.parametrize(("amounts", "nets"), [([32, -4988], (26, -4122)), ([50, 50, 50], (42, 41, 41)), ([100], (83,)), ([], ())])
def test_a_cent_of_difference_goes_to_the_largest_line(amounts: list[int], nets: tuple[int, ...]) -> None:
    assert tax.net_amounts(amounts, Vat(prices_include_vat=True)) == nets


@given(st.lists(st.integers(-(10**8), 10**8), max_size=12), rates, st.booleans())
def test_lines_sum_to_totals(amounts: list[int], rate: Decimal, inclusive: bool) -> None:  # noqa: FBT001 - drawn
    vat = Vat(rate=rate, prices_include_vat=inclusive)
    total = tax.vat_total(amounts, vat)
    assert total.base_cents + total.vat_cents == total.total_cents
    assert sum(tax.net_amounts(amounts, vat)) == total.base_cents
    assert sum(amounts) == (total.total_cents if inclusive else total.base_cents)
    assert abs(total.base_cents * rate / 100 - total.vat_cents) <= Decimal("0.75")
