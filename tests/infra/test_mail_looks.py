"""Every mail of the journey as its readers get it: approved word by word, whole without a network, the same facts with and without HTML."""

from __future__ import annotations

import re
from html import unescape

import pytest

from partner_portal.infra import formats, mail, settings, templates
from partner_portal.infra.mail import Rendered
from tests import letters
from tests.approved import assert_approved

MAILS = sorted(
    name.split("/")[2]
    for name in templates.environment().list_templates()
    if name.startswith("terminations/mail/") and name.endswith("subject.txt")
)
# Whoever reads the code has the page open, and a thief must find no way to it; mails to an address that a stranger typed lead nowhere.
WITHOUT_A_BUTTON = {"approval_code", "notice_received", "notice_answered", "notice_settled"}
AMOUNT = re.compile(r"EUR\s-?[\d.,]+\d")
DAY = re.compile(r"\b\d{1,2} [a-z]+ 20\d\d\b", re.IGNORECASE)
ADDRESS = re.compile(r"https://[^\s\"<>]+")
CLIPPED_BY_GMAIL = 102 * 1024


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(f"terminations/{name}", language=language, **letters.words_of(name, language))


def seen(html: str) -> str:
    """What a person reads of the HTML, on one line: not the preview, which repeats."""
    body = re.sub(r'<div class="preview".*?</div>', "", html[html.index("<body") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
class TestEachMail:
    """All of them, in each language."""

    def test_reads_as_it_was_approved(self, name: str, language: str) -> None:
        made = said(name, language)

        assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
        assert_approved(f"mail/{name}.{language}.html", made.html)

    def test_asks_nothing_of_the_network_and_is_not_clipped(self, name: str, language: str) -> None:
        html = said(name, language).html

        assert re.findall(r"<(?:link|img|script|iframe|object|video|form)\b|http-equiv|url\(|@import|@font-face|\bsrc=", html) == []
        assert len(html.encode()) < CLIPPED_BY_GMAIL

    def test_has_one_button_that_its_plain_text_has_too(self, name: str, language: str) -> None:
        made = said(name, language)

        buttons = re.findall(r'<td class="button"[^>]*><a href="([^"]+)"', made.html)
        assert len(buttons) == (0 if name in WITHOUT_A_BUTTON else 1)
        assert set(ADDRESS.findall(re.sub(r"<html[^>]*>", "", made.html))) == set(ADDRESS.findall(made.text)) == set(buttons)

    def test_tells_the_same_sums_and_days_with_and_without_html(self, name: str, language: str) -> None:
        made = said(name, language)
        plain, html = re.sub(r"\s+", " ", made.text), seen(made.html)

        assert set(AMOUNT.findall(html)) == set(AMOUNT.findall(plain))
        assert set(DAY.findall(html)) == set(DAY.findall(plain))

    def test_says_in_its_subject_what_it_is_about_and_a_day(self, name: str, language: str) -> None:
        subject = said(name, language).subject

        assert "NRD-2026-0042" in subject or "Glasvezel Zakelijk" in subject
        assert DAY.search(subject)
        assert len(subject) <= 120

    def test_keeps_its_plain_text_in_short_lines(self, name: str, language: str) -> None:
        assert all(len(line) <= 76 or "://" in line for line in said(name, language).text.splitlines())

    def test_puts_every_style_where_the_element_stands(self, name: str, language: str) -> None:
        # Clients that drop the head lose narrow screens and dark paper, nothing else.
        styles = re.findall(r"<style[^>]*>(.*?)</style>", said(name, language).html, flags=re.DOTALL)

        assert len(styles) == 1
        assert all(rule.strip().startswith("@media") for rule in re.split(r"\n(?=@)", styles[0].strip()))
