"""Whatever leaves as a mail was read and approved, in each language, with and without HTML."""

from __future__ import annotations

import pytest

from partner_portal.infra import formats, templates
from tests.approved import GOLDEN

MAILS = sorted(
    {name.split("/")[2] for name in templates.environment().list_templates() if "/mail/" in name and name.endswith("/subject.txt")}
)
APPROVED_AS = {"order_confirmed": "order_business", "port_in_moved": "port_planned"}
"""Mails whose approved words bear another name than the template: one of them stands for all."""


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_was_approved_in_each_language(name: str) -> None:
    said = APPROVED_AS.get(name, name)
    kept = {path.name.partition(".")[2] for path in (GOLDEN / "mail").iterdir() if f"{path.name.partition('.')[0]}_".startswith(f"{said}_")}
    missing = [f"{language}.{form}" for language in formats.LANGUAGES for form in ("txt", "html") if f"{language}.{form}" not in kept]

    assert missing == [], "render it in a test and compare it with `assert_approved`; look at it, then ACCEPT=1"


def test_the_list_of_other_names_names_mails() -> None:
    assert set(APPROVED_AS) <= set(MAILS)
