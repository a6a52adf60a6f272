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

_TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
_COMMAND = re.compile(r"(?:^|`|/)portal ([a-z][a-z-]*)")
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
