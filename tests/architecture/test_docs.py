"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture import sources

ALWAYS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
DOCUMENTS = sorted({*ALWAYS, *(sources.name(file) for file in (sources.ROOT / "docs").rglob("*.md"))})
# Made while running or setting up, so absent from a fresh clone.
MADE = ("var/", ".venv/", ".cache/", "/")
_IN_BACKTICKS = re.compile(r"`([A-Za-z0-9_.][A-Za-z0-9_./{},*-]*)`")
_LINKED = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
_ENDINGS = (".py", ".md", ".html", ".txt", ".toml", ".yml", ".lock", ".css", ".jinja", ".json", ".po", "/")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    file = sources.ROOT / document
    assert file.is_file(), f"{document} is missing"
    text = file.read_text()

    named = {path for path in _IN_BACKTICKS.findall(text) if _is_path(path)}
    missing = sorted(path for path in named if not _exists(path))
    broken = sorted(link for link in _LINKED.findall(text) if not (file.parent / link).exists())

    assert (missing, broken) == ([], [])


def _is_path(words: str) -> bool:
    is_made = words.startswith(MADE) or words == "."
    return "/" in words and words.endswith(_ENDINGS) and not is_made and "<" not in words


def _exists(path: str) -> bool:
    return any(_found(pattern) for pattern in _patterns(path))


def _patterns(path: str) -> list[str]:
    inside = re.search(r"\{([^}]*)\}", path)
    if inside is None:
        return [path.rstrip("/")]
    return [made for part in inside[1].split(",") for made in _patterns(path.replace(inside[0], part, 1))]


def _found(pattern: str) -> bool:
    """At the top, or below a domain: documents say `service/quotes.py` of the domain they speak of."""
    if "*" in pattern:
        return any(True for _ in sources.ROOT.glob(pattern))
    places = [sources.ROOT, *(sources.ROOT / package for package in sources.PACKAGES)]
    return any((Path(place) / pattern).exists() for place in places)


def test_a_missing_path_is_noticed() -> None:
    assert _is_path("terminations/nowhere.py")
    assert not _exists("terminations/nowhere.py")
    assert not _exists("terminations/{nowhere,neither}.py")
    assert _exists("terminations/{workflow,tables}.py")
