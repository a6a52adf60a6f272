"""What the documents tell people to type can be typed, and every dependency has its reason on paper."""

from __future__ import annotations

import re
import tomllib

import click
import msgspec
import pytest

from partner_portal import invariants
from partner_portal.console.main import COMMANDS, portal
from partner_portal.infra.settings import Settings
from tests.architecture import sources
from tests.architecture.test_docs import DOCUMENTS
from tests.attack.routes import all_routes

_TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
_COMMAND = re.compile(r"(?:^|`|/)portal ([a-z][a-z-]*)")
_WHOLE = re.compile(r"(?:^|`|/)portal ([a-z][a-z-]*)((?: [^`#;|]*)?)")
_PAGE = re.compile(
    r"(?:^|`|POST |GET |\$URL|example\.com)(/(?:admin|portal|api|schema|gateway|confirm|end-contract|withdraw-contract)[\w/{}.$-]*)"
)
_PARAMETER = re.compile(r"{[^}]*}|\$[A-Z]+|(?<=/)(?:[A-Z]{2,}|\.\.\.|[0-9a-f-]{36})(?=/|$)")
_MOUNTED = {"/api/v1", "/admin/", "/schema/openapi.json", "/portal/"}
_SPAN = re.compile(r"```\w*\n.*?```|`[^`\n]+`", re.DOTALL)
_CAPITALS = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")
# Capitals in backticks that are no settings.
_OTHERS = {"ON_EVENT"}


def typed(document: str) -> list[str]:
    """What stands in the document as code, a line each; Python left out."""
    spans = _SPAN.findall((sources.ROOT / document).read_text())
    return [line for span in spans if not span.startswith("```python") for line in span.splitlines()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_target_that_a_document_names_is_in_the_makefile(document: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):.*## ", (sources.ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for line in typed(document) for target in _TARGET.findall(line)}

    assert named - targets == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_a_document_names_is_there(document: str) -> None:
    named = {command for line in typed(document) for command in _COMMAND.findall(line)}

    assert named - set(COMMANDS) == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_part_and_option_of_a_command_that_a_document_names_is_there(document: str) -> None:
    missing = [line for line in typed(document) for found in _WHOLE.finditer(line) if not _is_understood(*found.groups())]

    assert missing == []


def _is_understood(name: str, rest: str) -> bool:
    command, words = portal.get_command(click.Context(portal), name), rest.split()
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z-]+", words[0]):
        command = command.get_command(click.Context(command), words.pop(0))
    if command is None:
        return False
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words))) <= options


def test_a_command_that_nobody_knows_is_noticed() -> None:
    assert _is_understood("billing", " run --dry --day 2027-01-01")
    assert not _is_understood("billing", " walk")
    assert not _is_understood("billing", " run --wet")


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if not one.startswith("docs/decisions/")])
def test_every_page_that_a_document_names_is_there(document: str) -> None:
    there = {re.sub(r"{[^}]*}", "*", route.path) for route in all_routes()}
    named = {_PARAMETER.sub("*", path) for line in typed(document) for path in _PAGE.findall(line)}

    assert {path for path in named if path.rstrip("/") not in there and path not in _MOUNTED} == set()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_in_a_sentence_what_it_does(name: str) -> None:
    command = portal.get_command(click.Context(portal), name)

    assert command is not None
    assert command.help


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_setting_that_a_document_names_is_there(document: str) -> None:
    settings = {field.encode_name for field in msgspec.structs.fields(Settings)}
    named = set(_CAPITALS.findall((sources.ROOT / document).read_text()))

    assert named - settings - _OTHERS == set()


def test_every_dependency_has_its_reason_on_paper() -> None:
    project = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^a-z0-9-]", line, maxsplit=1)[0] for line in project["dependencies"]}
    paper = (sources.ROOT / "docs/decisions/0032-dependencies.md").read_text()
    reasoned = set(re.findall(r"^\| ([a-z0-9-]+) \| .{6,} \| `", paper, re.MULTILINE))

    assert reasoned == needed


@pytest.mark.parametrize("rule", [*invariants.RULES, invariants.INTACT])
def test_every_invariant_says_in_the_operators_handbook_what_its_alarm_means(rule: str) -> None:
    assert re.search(rf"^\|.*\b{re.escape(rule)}\b.* \| .+ \|$", (sources.ROOT / "docs/operations.md").read_text(), re.MULTILINE)
