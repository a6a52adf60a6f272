"""The project's own source files, as the architecture's tests read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOMAINS = ("tenants", "billing", "terminations", "knowledge_base", "service_desk")
PACKAGES = ("partner_portal", *DOMAINS, "admin")


def modules(*folders: str, tests: bool = False) -> list[Path]:
    """Every Python file of ours below `folders` (all packages by default), migrations left out."""
    chosen = folders or (*PACKAGES, *(("tests",) if tests else ()))
    found = (file for folder in chosen for file in (ROOT / folder).rglob("*.py"))
    return sorted(file for file in found if "piccolo_migrations" not in file.parts)


def services() -> list[Path]:
    """The service files of all domains."""
    return [file for file in modules(*DOMAINS) if "service" in file.parts or file.name == "service.py"]


def pure() -> list[Path]:
    """Rules, workflows, events and the kernel."""
    roles = ("policy", "workflow", "events")
    inside = [file for file in modules(*DOMAINS) if _role(file) in roles]
    return inside + modules("partner_portal/kernel")


@cache
def tree(file: Path) -> ast.Module:
    """What is written in `file`."""
    return ast.parse(file.read_text(), str(file))


def name(file: Path) -> str:
    """How a failure names the file."""
    return file.relative_to(ROOT).as_posix()


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in it, nested ones and methods included."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.AST) -> str:
    """`a.b.c` as it is written; what is called or indexed stands as `()`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "()"


def imports(file: Path) -> Iterator[str]:
    """Every module it imports, relative ones from their package: `partner_portal.infra.mail`, `..policy.terms`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _role(file: Path) -> str:
    inside = file.relative_to(ROOT).parts[1]
    return inside.removesuffix(".py")
