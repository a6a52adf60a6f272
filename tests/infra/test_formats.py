"""Amounts and days as a Dutch and an English reader expect them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from partner_portal.infra import formats
from partner_portal.kernel.money import Money


@pytest.mark.parametrize(
    ("cents", "dutch", "english"),
    [
        (123456, "EUR 1.234,56", "EUR 1,234.56"),
        (0, "EUR 0,00", "EUR 0.00"),
        (5, "EUR 0,05", "EUR 0.05"),
        (-4643, "EUR -46,43", "EUR -46.43"),
        (123456789012, "EUR 1.234.567.890,12", "EUR 1,234,567,890.12"),
    ],
)
def test_money_has_the_currency_before_it_and_the_readers_separators(cents: int, dutch: str, english: str) -> None:
    assert formats.money(cents, "nl") == dutch
    assert formats.money(Money(cents), "en") == english


def test_money_in_another_currency_says_which() -> None:
    assert formats.money(Money(1000, "USD"), "nl") == "USD 10,00"


def test_a_short_day_is_the_same_in_both_languages() -> None:
    assert {formats.day(date(2026, 12, 31), language) for language in formats.LANGUAGES} == {"31-12-2026"}


def test_a_day_that_decides_something_is_written_in_full() -> None:
    assert formats.weekday(date(2027, 3, 31), "nl") == "woensdag 31 maart 2027"
    assert formats.weekday(date(2027, 3, 31), "en") == "Wednesday 31 March 2027"
    assert formats.long_day(date(2027, 3, 1), "nl") == "1 maart 2027"
    assert formats.month(date(2027, 3, 1), "en") == "March 2027"


def test_an_instant_is_told_in_amsterdam_on_the_day_it_is_there() -> None:
    just_before_midnight_utc = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert formats.instant(just_before_midnight_utc, "nl") == "1 januari 2027, 00:30"
    assert formats.day(just_before_midnight_utc, "en") == "01-01-2027"
    assert formats.instant(datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "en") == "1 July 2026, 14:00"


def test_percentages_and_quantities() -> None:
    assert formats.percent(Decimal("2.5"), "en") == "2.5%"
    assert formats.percent(21, "nl") == "21\u00a0%"
    assert formats.number(Decimal("1250.5"), "nl") == "1.250,5"


def test_names_are_joined_as_in_a_sentence() -> None:
    assert formats.listing(["Internet", "Bellen", "Mail"], "nl") == "Internet, Bellen en Mail"
    assert formats.listing(["Internet", "Bellen"], "en") == "Internet and Bellen"
    assert formats.listing(["Internet"], "nl") == "Internet"


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Money(100), "EUR 1,00"),
        (date(2027, 3, 31), "31 maart 2027"),
        (datetime(2027, 3, 31, 8, tzinfo=UTC), "31 maart 2027, 10:00"),
        (Decimal("0.75"), "0,75"),
        (1234, "1.234"),
        (True, "True"),
        ("NRD-2026-0042", "NRD-2026-0042"),
    ],
)
def test_a_fact_stands_in_a_sentence_by_its_own_form(fact: object, said: str) -> None:
    assert formats.plainly(fact, "nl") == said
