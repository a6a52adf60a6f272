"""The tables in the code are the tables in the migrations, and migrations run from the lowest layer up."""

from __future__ import annotations

import re
import tomllib

import pytest
from piccolo.apps.migrations.commands.new import AutoMigrationManager
from piccolo.conf.apps import Finder

from tests.architecture import sources

OURS = ["infra", *(domain for domain in sources.DOMAINS if (sources.ROOT / domain / "piccolo_app.py").exists())]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("app", OURS)
async def test_no_table_change_waits_for_a_migration(app: str) -> None:
    config = Finder().get_app_config(app)

    changes = await AutoMigrationManager().get_alter_statements(app_config=config)

    assert [statement for group in changes for statement in group.statements] == []


def test_migrations_run_in_the_order_of_the_layers() -> None:
    order = [name for name in Finder().get_sorted_app_names() if name in OURS]
    layers = _layers()

    assert [layers[name] for name in order] == sorted(layers[name] for name in order)


def _layers() -> dict[str, int]:
    """The place of each package in the layers that the import rules know, lowest first."""
    rules = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [set(re.findall(r"[a-z_.]+", layer)) for layer in reversed(rules)]
    return {name.rpartition(".")[2]: place for place, layer in enumerate(names) for name in layer}


def test_migrations_never_import_our_tables() -> None:
    files = [file for package in sources.PACKAGES for file in (sources.ROOT / package).rglob("piccolo_migrations/*.py")]
    guilty = [sources.name(file) for file in files for imported in sources.imports(file) if re.search(r"\btables\.", f"{imported}.")]

    assert len(files) >= 10
    assert guilty == []
