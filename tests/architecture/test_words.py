"""A service is terminated, a request withdrawn, an invoice credited; the word that blurs these is not used."""

from __future__ import annotations

import ast
import re

from partner_portal.infra import catalogue
from tests.architecture import sources
from tests.attack import routes

WORD = re.compile(r"cancel|annuleer|annuler", re.IGNORECASE)
# Other people call things as they like: their cases, and the states of Mollie's payments.
THEIRS = ("partner_portal/conformance/", "billing/service/gateways/mollie.py")
# asyncio ends tasks by this method and says so by this exception.
ASYNCIO = {"cancel", "cancelled", "CancelledError", "cancelling"}


def test_no_name_in_the_code_says_cancel() -> None:
    found = [
        f"{sources.name(file)}:{getattr(node, 'lineno', 0)} {name}"
        for file in sources.modules()
        if not sources.name(file).startswith(THEIRS)
        for node in ast.walk(sources.tree(file))
        for name in _names(node)
        if WORD.search(name) and name not in ASYNCIO
    ]

    assert found == []


def _names(node: ast.AST) -> list[str]:
    named = ("id", "attr", "name", "arg")
    found = [value for field in named if isinstance(value := getattr(node, field, None), str)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found.append(node.value)
    return found


def test_no_template_and_no_sentence_says_cancel() -> None:
    kinds = (".html", ".txt", ".jinja", ".po", ".css", ".js")
    found = [
        sources.name(file)
        for package in sources.PACKAGES
        for file in (sources.ROOT / package).rglob("*")
        if file.suffix in kinds and "vendor" not in file.parts and WORD.search(file.read_text())
    ]

    assert found == []


def test_the_provider_s_finance_has_one_name_in_dutch() -> None:
    other = re.compile(r"\bfinance\b|financiële afdeling|\bfinanciën\b", re.IGNORECASE)
    said = [(message.id, message.string) for message in catalogue.read("nl") if message.id and other.search(str(message.string))]

    # What is typed into this field is the code of the role, as it stands there.
    assert [one for one, _dutch in said] == ["Role: finance, service desk, editor or administrator"]


def test_no_route_says_cancel() -> None:
    paths = [route.path for route in routes.all_routes()]

    assert len(paths) > 10
    assert [path for path in paths if WORD.search(path)] == []


def test_no_two_problems_have_one_name() -> None:
    """The code of a problem is made of its name: two of one name would share one text."""
    kinds = {"NotFound", "NotAllowed", "Invalid", "Refused", "Unavailable"}
    named = [
        node.name
        for file in sources.modules()
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id in kinds for base in node.bases)
    ]

    assert len(named) > 50
    assert sorted({name for name in named if named.count(name) > 1}) == []
