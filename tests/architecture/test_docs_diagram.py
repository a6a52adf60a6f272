"""What ARCHITECTURE.md draws is made from the code itself; ACCEPT=1 (make accept) draws it anew."""

from __future__ import annotations

import os
import re
import tomllib
from collections import defaultdict

import pytest

from terminations.workflow import STEPS, TAKEN_BY, Party
from tests.architecture import sources

DOCUMENT = sources.ROOT / "ARCHITECTURE.md"


def states() -> str:
    """The table of steps as a diagram, and who takes which."""
    ways: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (before, action), after in STEPS.items():
        ways[before.value if before else "[*]", after.value].append(action.value)
    arrows = [f"    {before} --> {after}: {', '.join(actions)}" for (before, after), actions in ways.items()]
    ends = [f"    {state} --> [*]" for state in sorted({after.value for after in STEPS.values()} - {before for before, _after in ways})]
    taken = [f"| {party.value} | {', '.join(f'`{action}`' for action, by in TAKEN_BY.items() if by is party)} |" for party in Party]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```", "", "| who | takes the steps |", "|---|---|", *taken])


def layers() -> str:
    """The layers that import-linter holds, highest first; what does not exist yet is left out."""
    contracts = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    drawn = [re.findall(r"[a-z_.]+", layer) for layer in contracts[0]["layers"]]
    there = [[name for name in names if _exists(name)] for names in drawn]
    return "\n".join(["```", *("   ".join(names) for names in there if names), "```"])


def _exists(name: str) -> bool:
    path = sources.ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("name", ["states", "layers"])
def test_what_is_drawn_is_what_the_code_says(name: str) -> None:
    made = {"states": states, "layers": layers}[name]()
    between = re.compile(rf"(?<=<!-- {name}: made from the code -->\n).*?(?=\n<!-- /{name} -->)", re.DOTALL)
    if os.environ.get("ACCEPT"):
        DOCUMENT.write_text(between.sub(lambda _found: made, DOCUMENT.read_text()))

    drawn = between.search(DOCUMENT.read_text())

    assert drawn is not None, f"ARCHITECTURE.md has no place for {name}"
    assert drawn[0] == made, "look at it, then `make accept`"
