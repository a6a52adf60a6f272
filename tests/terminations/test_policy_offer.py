"""A typed sum is read as it looks, or not at all."""

from __future__ import annotations

import pytest

from terminations.policy.offer import cents_typed


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("350", 35000),
        ("350,00", 35000),
        ("350.5", 35050),
        ("€ 363,00", 36300),
        ("EUR 1.234,56", 123456),
        ("1,234.56", 123456),
        ("1.234", 123400),
        ("1,234", 123400),
        ("1 234,50 euro".removesuffix(" euro"), 123450),
        ("1.234.567,-", 123456700),
        ("350,-", 35000),
        ("350,--", 35000),
        ("999.999.999,99", 999_999_999_99),
        ("0", 0),
        ("0,50", 50),
    ],
)
def test_amounts_as_people_type_them(typed: str, cents: int) -> None:
    assert cents_typed(typed) == cents


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "veel",
        "-5",
        "1e5",
        "NaN",
        "Infinity",
        "1.234.56",
        "1.23.456",
        "0,345",
        "12,3456",
        "1.234.5,6",
        "350 of 400",
        "1.000.000.000",
        "9" * 12,
    ],
)
def test_what_is_no_amount_or_could_be_two_is_not_guessed(typed: str) -> None:
    assert cents_typed(typed) is None
