"""How amounts, days and instants are written for a reader, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent, parse_pattern

from partner_portal.infra import clock
from partner_portal.kernel.money import Money

LANGUAGES = ("nl", "en")

_NEAR = ("NL", "BE", "DE", "LU", "FR", "GB")
_SHORT = "dd-MM-yyyy"
_pattern = cache(parse_pattern)


@cache
def locale(language: str) -> Locale:
    """The conventions of `language`; English as written in Europe (day before month, weeks from Monday)."""
    return Locale.parse({"nl": "nl_NL", "en": "en_GB"}[language])


def money(value: Money | int, language: str) -> str:
    """`EUR 1.234,56` (nl) or `EUR 1,234.56` (en); a plain number is whole euro cents."""
    amount = value if isinstance(value, Money) else Money(value)
    return f"{amount.currency} {format_decimal(amount.amount, format=_pattern('#,##0.00'), locale=locale(language))}"


def price(value: Decimal, language: str) -> str:
    """What one unit costs, which may be less than a cent: `EUR 0,0065`, two decimals at least and six at most."""
    return f"EUR {format_decimal(value, format=_pattern('#,##0.00####'), locale=locale(language))}"


def number(value: Decimal | int, language: str) -> str:
    """A quantity with at most four decimals: `1.250,5` (nl) or `1,250.5` (en)."""
    return format_decimal(value, format=_pattern("#,##0.####"), locale=locale(language))


def percent(value: Decimal | int, language: str) -> str:
    """A percentage given as people say it: 21 becomes `21 %` (nl) or `21%` (en)."""
    pattern = {"nl": "#,##0.##\u00a0%", "en": "#,##0.##%"}[language]
    return format_percent(Decimal(value) / 100, format=_pattern(pattern), locale=locale(language))


def day(value: date | datetime, language: str) -> str:
    """The short form for tables, `31-12-2026` in both languages; an instant gives its day in Amsterdam."""
    return format_date(_civil(value), format=_SHORT, locale=locale(language))


def long_day(value: date | datetime, language: str) -> str:
    """The day in words, `31 december 2026`."""
    return format_date(_civil(value), format="d MMMM yyyy", locale=locale(language))


def weekday(value: date | datetime, language: str) -> str:
    """The form where a day decides something: `woensdag 31 maart 2027`."""
    return format_date(_civil(value), format="EEEE d MMMM yyyy", locale=locale(language))


def month(value: date | datetime, language: str) -> str:
    """A month in words, `december 2026`."""
    return format_date(_civil(value), format="MMMM yyyy", locale=locale(language))


def short_month(value: date, language: str, *, year: bool) -> str:
    """A month where there is little room: `dec`, or with its year `dec 2026`."""
    return format_date(value, format="LLL y" if year else "LLL", locale=locale(language))


def instant(value: datetime, language: str) -> str:
    """Day and time in Amsterdam, `22 november 2026, 14:05`; the zone is ours to state once, not on every line."""
    local = value.astimezone(clock.AMSTERDAM)
    return f"{long_day(local.date(), language)}, {local:%H:%M}"


def country(code: str, language: str) -> str:
    """The country's name, or its code where it has none."""
    name: str = locale(language).territories.get(code, code)
    return name


@cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Every country by its code, with its name in this language; the neighbours first."""
    # Codes of two letters are countries, except for these: they stand for unions, the unknown and drills.
    none = {"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"}
    names = {code: name for code, name in locale(language).territories.items() if len(code) == 2 and code.isalpha() and code not in none}  # noqa: PLR2004
    others = sorted((name, code) for code, name in names.items() if code not in _NEAR)
    return (*((code, names[code]) for code in _NEAR), *((code, name) for name, code in others))


def listing(words: Sequence[str], language: str) -> str:
    """Names in one sentence: `A, B en C`."""
    return format_list(list(words), locale=locale(language))


def plainly(value: object, language: str) -> str:
    """A fact as it stands in a sentence: money, days, instants and numbers by their own form, anything else as text."""
    if isinstance(value, Money):
        return money(value, language)
    if isinstance(value, datetime):
        return instant(value, language)
    if isinstance(value, date):
        return long_day(value, language)
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return number(value, language)
    return str(value)


def _civil(value: date | datetime) -> date:
    return clock.civil_day(value) if isinstance(value, datetime) else value
