"""The sentences behind keys and parameters: why a line stands on the sheet, as a person would write it, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

from partner_portal.infra import catalogue, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.money import Money

from ..policy.cost_sheet import CONTRACT, CostLine
from ..policy.facts import Applied
from ..policy.preview import ServicePreview
from ..policy.wording import WORDING

_WHOLE = "formula.whole"
_FOR_FINANCE = "ground.needs_person"
_OF_THE_CONTRACT = sentence("by your contract")
LANGUAGES = ("nl", "en")
REASONS: Mapping[str, str] = {
    "price": sentence("It costs too much"),
    "switches": sentence("It goes to another provider"),
    "moves": sentence("It moves, and the service cannot move along"),
    "stops": sentence("It stops its business, or no longer needs the service"),
    "quality": sentence("It is not content with the service"),
    "merges": sentence("It merges, or is taken over"),
    "other": sentence("Something else"),
    "not_said": sentence("Not known, or not said"),
}
"""Why the customer leaves, as a sentence about it, by the values of `cases.Reason`."""


def rule(line: CostLine, language: str) -> str:
    """The rule of the line in one sentence."""
    return _sentence(line.rule, line.parameters, language)


def formula(line: CostLine, language: str) -> str | None:
    """The sum of the line as a person would write it: 6 months x EUR 89.95 x 75 %; None where it is the amount itself."""
    return None if line.formula == _WHOLE else _sentence(line.formula, line.parameters, language)


def basis(line: CostLine, language: str) -> str:
    """The law or clause the line rests on."""
    return catalogue.text(_OF_THE_CONTRACT, language) if line.basis == CONTRACT else line.basis


def applied(told: Applied, language: str) -> str:
    """What a statutory rule did, in one sentence."""
    return _sentence(told.key, told.parameters, language)


def notice_rule(service: ServicePreview, language: str) -> str | None:
    """The rules that were applied to the notice, and the ground claimed, in one line; None where the contract stands as written."""
    grounds = [note for note in service.notes if note.key.startswith("ground.") and note.key != _FOR_FINANCE]
    return " ".join(applied(told, language) for told in (*service.applied, *grounds)) or None


def both(key: str, parameters: Mapping[str, str | int | bool]) -> dict[str, str]:
    """The sentence in every language."""
    return {language: _sentence(key, parameters, language) for language in LANGUAGES}


def _sentence(key: str, parameters: Mapping[str, str | int | bool], language: str) -> str:
    one = f"{key}.one"
    said = one if parameters.get("months") == 1 and one in WORDING else key
    return _filled(said, tuple(sorted(parameters.items())), language)


@lru_cache(maxsize=4096)
def _filled(key: str, parameters: tuple[tuple[str, str | int | bool], ...], language: str) -> str:
    words = {name: _word(name, value, language) for name, value in parameters}
    return catalogue.pattern(WORDING[key], language).format_map(words)


def _word(name: str, value: object, language: str) -> str:
    if name.endswith("_cents"):
        return formats.money(Money(int(str(value))), language)
    if name.endswith("_on"):
        return formats.long_day(date.fromisoformat(str(value)), language)
    if name.endswith("percentage"):
        return formats.number(Decimal(str(value)), language)
    return str(value)
