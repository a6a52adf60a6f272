"""An address in Peppol is one of a scheme that there is, in that scheme's form."""

from __future__ import annotations

import pytest

from billing.policy import peppol
from billing.service.einvoice import _VAT_ADDRESSES


@pytest.mark.parametrize(
    ("scheme", "identifier", "wrong"),
    [
        (None, None, None),
        ("", "", None),
        ("0106", "12345678", None),
        ("0190", "00000001234567890000", None),
        ("9944", "NL100000009B01", None),
        ("0088", "7300010000001", None),
        ("0106", "1234567", "identifier"),
        ("0106", "NL12345678", "identifier"),
        ("0190", "1234", "identifier"),
        ("0088", "", "identifier"),
        ("0088", "a b", "identifier"),
        ("0088", None, "identifier"),
        ("1234", "12345678", "scheme"),
        (None, "12345678", "scheme"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(scheme: str | None, identifier: str | None, wrong: str | None) -> None:
    assert peppol.fault(scheme, identifier) == wrong


def test_every_scheme_that_vat_numbers_are_addresses_in_is_one() -> None:
    assert set(_VAT_ADDRESSES.values()) <= peppol.SCHEMES
