"""The official rules for e-invoices, where they are on disk: `EINVOICE_RULES` names the folder, else `../shared/einvoice` beside the project."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("EINVOICE_RULES") or Path(__file__).parents[3] / "shared" / "einvoice")
needed = pytest.mark.skipif(
    not (FOLDER / "validate.py").exists(), reason="the rules for e-invoices are not here; EINVOICE_RULES names their folder"
)


@cache
def _rules() -> Any:
    spec = importlib.util.spec_from_file_location("einvoice_rules", FOLDER / "validate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.XSLT["cii"] = "en16931/EN16931-CII-validation.xslt"
    return module, module.Validator()


def fatal(content: bytes, layers: list[str] | None = None) -> list[str]:
    """What is fatally wrong with the document: the rules' ids with their texts."""
    module, rules = _rules()
    return [f"{found['id']}: {found['text']}" for found in rules.validate(content, layers) if module.is_fatal(found)]
