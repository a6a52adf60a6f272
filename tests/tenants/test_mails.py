"""The mails about coming in, as their readers get them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from partner_portal.infra import formats, mail, settings, templates
from partner_portal.infra.mail import Rendered
from tests import letters
from tests.approved import assert_approved

MAILS = sorted(
    name.split("/")[2]
    for name in templates.environment().list_templates()
    if name.startswith("tenants/mail/") and name.endswith("subject.txt") and "webhook" not in name
)
SWITCHED_OFF: dict[str, dict[str, Any]] = {
    "webhook_switched_off": {
        "because": "failing",
        "description": "Boekhouding",
        "failing_since": datetime(2026, 11, 19, 13, 5, tzinfo=UTC),
    },
    "webhook_switched_off_gone": {"because": "gone", "description": "", "failing_since": None},
}
WORDS: dict[str, Any] = {
    "brand": letters.BRAND,
    "customer": "Bakkerij De Korst & Zonen",
    "valid_until": datetime(2026, 11, 29, 13, 5, tzinfo=UTC),
    "changed_at": datetime(2026, 11, 22, 13, 5, tzinfo=UTC),
    "link": "https://portal.example.com/portal/invitation/2fQ8hJ0nVbW1c9sXyTz4LkRmGd7AeUoP5iNqKvHwEjY",
}


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(f"tenants/{name}", language=language, **WORDS)


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
class TestEachMail:
    """All of them, in each language."""

    def test_reads_as_it_was_approved(self, name: str, language: str) -> None:
        made = said(name, language)

        assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
        assert_approved(f"mail/{name}.{language}.html", made.html)

    def test_has_one_button_and_says_in_its_subject_until_or_on_which_day(self, name: str, language: str) -> None:
        made = said(name, language)

        assert re.findall(r'<td class="button"[^>]*><a href="([^"]+)"', made.html) == [WORDS["link"]]
        assert WORDS["link"] in made.text
        assert re.search(r"\b(22|29) november 2026\b", made.subject, re.IGNORECASE)
        assert len(made.subject) <= 120

    def test_asks_nothing_of_the_network(self, name: str, language: str) -> None:
        assert re.findall(r"<(?:link|img|script|iframe|form)\b|url\(|@import|\bsrc=", said(name, language).html) == []


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", SWITCHED_OFF)
def test_an_endpoint_that_was_switched_off_is_told_as_it_was_approved(name: str, language: str) -> None:
    link = "https://portal.example.com/portal/settings/webhooks/1"
    words = SWITCHED_OFF[name] | {"host": "hooks.example.com", "brand": letters.BRAND, "link": link}
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        made = mail.render("tenants/webhook_switched_off", language=language, **words)

    assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
    assert_approved(f"mail/{name}.{language}.html", made.html)
    assert re.findall(r'<td class="button"[^>]*><a href="([^"]+)"', made.html) == [link]


def test_there_are_all_four() -> None:
    assert MAILS == ["contact_invited", "member_invited", "password_changed", "password_forgotten"]
