"""What people read was approved once, as files in tests/golden; `ACCEPT=1` (make accept) approves what is made now."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden")


def assert_approved(name: str, made: str) -> None:
    """`made` is what was approved under `name`; else the difference is shown, or approved by ACCEPT=1."""
    file = GOLDEN / name
    if os.environ.get("ACCEPT"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8"), f"look at it, then `make accept` (tests/golden/{name})"
