"""Money is whole cents and rates are decimals: no float where sums are made."""

from __future__ import annotations

import ast

from tests.architecture import sources


def test_no_float_in_rules_services_tables_and_the_kernel() -> None:
    tables = [file for file in sources.modules(*sources.DOMAINS) if file.name == "tables.py"]
    found = [
        f"{sources.name(file)}:{getattr(node, 'lineno', 0)}"
        for file in {*sources.pure(), *sources.services(), *tables}
        for node in ast.walk(sources.tree(file))
        if _is_float(node)
    ]

    assert found == []


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, ast.Name) and node.id in {"float", "Float", "DoublePrecision", "Real"}
