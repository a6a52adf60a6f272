"""Amounts are whole cents; a half cent goes away from zero; nothing is lost when an amount is split."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_portal.kernel import money
from partner_portal.kernel.money import ZERO, Money

whole_cents = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 10, 1), (4, 10, 0), (6, 10, 1), (-5, 10, -1), (-4, 10, 0), (15, 10, 2), (25, 10, 3), (-25, 10, -3), (7, 1, 7), (0, 3, 0)],
)
def test_a_half_goes_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert money.round_half_up(numerator, denominator) == rounded


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_rounding_is_never_off_by_more_than_half_and_is_symmetric(numerator: int, denominator: int) -> None:
    rounded = money.round_half_up(numerator, denominator)
    assert abs(Fraction(numerator, denominator) - rounded) <= Fraction(1, 2)
    assert money.round_half_up(-numerator, denominator) == -rounded


@pytest.mark.parametrize(
    ("amount", "in_cents"),
    [(Decimal("43.225"), 4323), (Decimal("-43.225"), -4323), (Decimal("0.005"), 1), (Fraction(1, 3), 33), (12, 1200)],
)
def test_euros_become_cents(amount: Decimal | Fraction | int, in_cents: int) -> None:
    assert money.cents(amount) == in_cents


def test_an_exact_amount_refuses_parts_of_a_cent() -> None:
    assert money.exact_cents("89.95") == 8995
    assert money.exact_cents(Decimal("-1.5")) == -150
    with pytest.raises(money.TooPreciseAmount) as refused:
        money.exact_cents("0.005")
    assert refused.value.facts == {"amount": "0.005"}


@pytest.mark.parametrize(
    ("numerator", "denominator", "places", "text"),
    [(2, 3, 2, "0.67"), (-2, 3, 6, "-0.666667"), (1, 200, 2, "0.01"), (-1, 1000, 2, "0.00"), (12345, 100, 2, "123.45"), (5, 1, 1, "5.0")],
)
def test_a_fraction_is_written_as_a_plain_decimal(numerator: int, denominator: int, places: int, text: str) -> None:
    assert money.decimal_text(numerator, denominator, places) == text


def test_the_usual_decimals_are_two() -> None:
    assert money.decimal_text(1, 8) == "0.13"


def test_amounts_add_subtract_and_turn_around() -> None:
    assert Money.of("89.95") + Money(5) == Money(9000)
    assert Money(100) - Money(250) == Money(-150)
    assert -Money(7) == Money(-7)
    assert Money.of(Decimal("0.125"), "GBP") == Money(13, "GBP")
    assert Money(8995).amount == Decimal("89.95")
    assert str(Money(8900).amount) == "89.00"


def test_currencies_never_mix() -> None:
    euro, pound = Money(1), Money(1, "GBP")
    for mix in (lambda: euro + pound, lambda: euro - pound, lambda: euro < pound, lambda: euro <= pound):
        with pytest.raises(money.CurrenciesDiffer) as refused:
            mix()
        assert refused.value.facts == {"left": "EUR", "right": "GBP"}


def test_a_result_keeps_its_currency() -> None:
    pound = Money(100, "GBP")
    results = [pound + pound, pound - pound, -pound, pound.times(2), pound.percent(21), *pound.split([1, 2])]
    assert {result.currency for result in results} == {"GBP"}


def test_amounts_compare() -> None:
    assert Money(1) < Money(2)
    assert not Money(2) < Money(2)
    assert Money(2) <= Money(2)
    assert not Money(3) <= Money(2)
    assert max(Money(1), Money(3), Money(2)) == Money(3)
    assert Money(1)
    assert not ZERO


@pytest.mark.parametrize(
    ("amount", "percentage", "result"), [(Money(10000), 21, 2100), (Money(1130), Decimal("0.5"), 6), (Money(-50), 1, -1), (Money(49), 1, 0)]
)
def test_a_percentage_is_rounded_once(amount: Money, percentage: Decimal | int, result: int) -> None:
    assert amount.percent(percentage) == Money(result)


def test_times_takes_whole_numbers_decimals_and_fractions() -> None:
    assert Money(8995).times(6) == Money(53970)
    assert Money(8995).times(Decimal("0.75")) == Money(6746)
    assert Money(100).times(Fraction(1, 3)) == Money(33)


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (5, [1, 3], [1, 4]),
        (7, [0, 2], [0, 7]),
        (0, [1, 2], [0, 0]),
        (200, [1, 5], [33, 167]),
    ],
)
def test_a_split_gives_left_over_cents_to_who_lost_most(amount: int, weights: list[int], parts: list[int]) -> None:
    assert Money(amount).split(weights) == tuple(Money(part) for part in parts)


@given(whole_cents, st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(lambda weights: sum(weights) > 0))
def test_a_split_loses_nothing_and_is_fair_to_a_cent(amount: int, weights: list[int]) -> None:
    parts = Money(amount).split(weights)
    assert sum(part.cents for part in parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.cents - Fraction(amount * weight, sum(weights))) < 1


@pytest.mark.parametrize("weights", [[0, 0], [3, -1]])
def test_nothing_is_split_by_no_weight(weights: list[int]) -> None:
    with pytest.raises(money.NothingToSplitBy) as refused:
        Money(5).split(weights)
    assert refused.value.facts == {"weights": weights}
