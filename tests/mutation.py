"""How the rules' tests run while the rules are being changed one place at a time: few drawn examples, tables first."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

# The same few examples for every change; what they fail on is not made smaller, nobody reads it.
settings.register_profile(
    "mutation", max_examples=12, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("mutation")


def _draws(item: pytest.Item) -> bool:
    return hasattr(getattr(item, "obj", None), "hypothesis")


def _asks_a_whole_run(item: pytest.Item) -> bool:
    return "test_the_kept_cases" in item.name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests come first: a change is dropped at the first test that notices it."""
    items.sort(key=lambda item: (_draws(item), _asks_a_whole_run(item)))
