"""Nothing is so long that it cannot be read at one go."""

from __future__ import annotations

from pathlib import Path

from tests.architecture import sources

LONGEST_FUNCTION = 60
LONGEST_TEST = 100  # what a test arranges may be a long list
LONGEST_MODULE = 400
LONGEST_TEST_MODULE = 600


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{sources.name(file)}:{function.lineno} {function.name}"
        for file in sources.modules(tests=True)
        for function in sources.functions(file)
        if (function.end_lineno or 0) - function.lineno >= (LONGEST_TEST if _is_test(file) else LONGEST_FUNCTION)
    ]

    assert long == []


def test_no_module_is_longer_than_it_can_be_kept_in_mind() -> None:
    long = {
        sources.name(file): lines
        for file in sources.modules(tests=True)
        if (lines := len(file.read_text().splitlines())) > (LONGEST_TEST_MODULE if _is_test(file) else LONGEST_MODULE)
    }

    assert long == {}


def _is_test(file: Path) -> bool:
    return sources.ROOT / "tests" in file.parents
