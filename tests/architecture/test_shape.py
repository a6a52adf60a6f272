"""A file's name is its role: a domain holds the nine roles, and nothing that could hide an arrow."""

from __future__ import annotations

import ast

import pytest

from tests.architecture import sources

ROLES = {"events", "policy", "workflow", "tables", "service", "api", "pages", "jobs", "piccolo_app"}
BESIDE = {"__init__", "templates", "piccolo_migrations"}
DOMAINS = [domain for domain in sources.DOMAINS if (sources.ROOT / domain).is_dir()]


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_holds_role_files_only(domain: str) -> None:
    inside = {entry.stem for entry in (sources.ROOT / domain).iterdir() if entry.name != "__pycache__"}

    assert inside <= ROLES | BESIDE


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_role_is_a_file_or_a_folder_and_never_both(domain: str) -> None:
    inside = sorted(entry.stem for entry in (sources.ROOT / domain).iterdir() if entry.name != "__pycache__")

    assert inside == sorted(set(inside))


def test_a_package_file_says_what_the_package_is_and_nothing_else() -> None:
    for file in sources.modules():
        if file.name == "__init__.py":
            body = sources.tree(file).body
            assert len(body) == 1, sources.name(file)
            assert ast.get_docstring(sources.tree(file)), sources.name(file)


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [sources.name(file) for file in sources.modules(tests=True) if not ast.get_docstring(sources.tree(file))]

    assert silent == []


def test_no_file_has_a_name_that_could_hold_anything() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers", "models", "views"}

    assert [sources.name(file) for file in sources.modules(tests=True) if file.stem in vague] == []
