"""What partners read about webhooks is what the portal does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import billing.service.told
from partner_portal.infra import settings
from tenants import workflow
from tenants.service.webhooks import endpoints, signing
from terminations.service import told
from tests.architecture import sources

DOCUMENT = (sources.ROOT / "docs" / "webhooks.md").read_text()


def code(language: str, holding: str) -> str:
    """The block of code in this language that holds these words."""
    found = [block for block in re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL) if holding in block]
    assert len(found) == 1, holding
    block: str = found[0]
    return block


def test_the_list_of_events_is_the_one_in_the_code() -> None:
    offered = {name: when for kinds in billing.service.told.SUBJECTS.values() for name, when in kinds.items()}
    assert dict(re.findall(r"^\| `(\w+\.\w+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)) == told.KINDS | offered


def test_the_example_has_the_fields_that_are_sent() -> None:
    example = json.loads(code("json", "termination.scheduled"))

    assert list(example) == ["type", "timestamp", "data"]
    assert list(example["data"]) == list(told.CaseTold.__struct_fields__)
    assert list(example["data"]["lines"][0]) == list(told.LineTold.__struct_fields__)


def test_the_example_of_an_invoice_has_the_fields_that_are_sent() -> None:
    example = json.loads(code("json", "invoice.paid"))

    assert list(example["data"]) == list(billing.service.told.InvoiceTold.__struct_fields__)


def test_waits_and_limits_are_those_of_the_code() -> None:
    words = {60: "minute", 3600: "hour"}
    waits = [int(wait.total_seconds()) for wait in workflow.WAITS]
    said = [f"{wait // unit} {words.get(unit, 'second')}s" for wait in waits for unit in [max(u for u in (1, 60, 3600) if u <= wait)]]
    usual = settings.Settings()

    assert f"after {', '.join(said[:-1])} and {said[-1]}" in " ".join(DOCUMENT.split())
    assert (usual.webhook_seconds, usual.webhook_off_days, usual.webhook_log_days, usual.outgoing_ports) == (10, 5, 30, "443,8443")
    assert workflow.LONGEST_TOLD.total_seconds() == 12 * 3600
    assert endpoints.OVERLAP.total_seconds() == 24 * 3600
    assert workflow.SPREAD * 5 == 1000


def test_the_function_that_partners_copy_knows_our_messages_and_no_others() -> None:
    words: dict[str, Any] = {}
    exec(code("python", "def is_ours"), words)  # noqa: S102  # our own document
    with settings.use(settings.load({"PORTAL_ENV": "test", "SECRET_KEY": "x" * 32})):
        row, body, now = UUID(int=1), '{"naam": "Café"}', int(time.time())
        secret, sent = signing.secret(row), signing.headers(UUID(int=2), body, now, [UUID(int=3), row])
        old = signing.headers(UUID(int=2), body, now - 301, [row])

    assert words["is_ours"](secret, sent, body.encode())
    assert not words["is_ours"](secret, sent, body.encode() + b" ")
    assert not words["is_ours"](secret, sent | {"webhook-id": "msg_other"}, body.encode())
    assert not words["is_ours"](secret, old, body.encode())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the lines are for machines that have openssl")
def test_the_lines_for_the_shell_print_what_the_document_says(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"test": 2432232314}')

    ran = subprocess.run(["sh", "-c", code("sh", "openssl dgst")], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert f"`{ran.stdout.strip()}`" in DOCUMENT
