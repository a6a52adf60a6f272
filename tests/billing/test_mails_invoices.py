"""Mails about documents as their readers get them: approved word by word, one button, the same facts with and without HTML."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from billing.service import archive
from billing.service.announcing import Notice
from billing.service.documents import Settlement
from billing.service.taking_off import Told
from billing.service.transfers import Account, Claim
from partner_portal.infra import formats, mail, settings
from partner_portal.infra.mail import Rendered
from partner_portal.kernel.money import Money
from tests import letters
from tests.approved import assert_approved
from tests.billing import papers

CASES = papers.every_case()
LINK = "https://portal.example.com/pay/2fQ8hJ0nVbW1c9sXyTz4LkRmGd7AeUoP5iNqKvHwEjY"
MAILS = {
    "invoice": ("invoice", "business"),
    "invoice_for_a_consumer": ("invoice", "consumer"),
    "invoice_in_its_favour": ("invoice", "more back than billed"),
    "invoice_for_damage": ("invoice", "damages"),
    "invoice_that_is_collected": ("invoice", "collected"),
    "collection_announced": ("collection_announced", "collected"),
    "collections_announced": ("collections_announced", "collected"),
    "invoice_paid": ("invoice_paid", "business"),
    "invoice_paid_in_parts": ("invoice_paid", "business"),
    "invoice_open_again": ("invoice_open_again", "business"),
    "invoice_open_again_collected": ("invoice_open_again", "business"),
    "credit_note": ("credit_note", "credit note"),
}
PAID_BY = {
    "invoice_paid": [Settlement(date(2026, 12, 3), Money(10884))],
    "invoice_paid_in_parts": [
        Settlement(date(2026, 11, 24), Money(5000)),
        Settlement(date(2026, 11, 30), Money(884), "HUIS-C2026-000007"),
        Settlement(date(2026, 12, 3), Money(5000)),
    ],
}
TO = [Account("Kadetel B.V.", "NL91ABNA0417164300", [Claim(UUID(int=1), "HUIS-F2026-000123", "RF48HUISF2026000123", 10884)])]
AGAIN = {
    "invoice_open_again": Told(
        cents=10884,
        received_on=date(2026, 12, 3),
        elsewhere=[("HUIS-F2026-000124", Money(8000))],
        on_account=Money(2884),
        open=Money(10884),
        is_collected=False,
    ),
    "invoice_open_again_collected": Told(
        cents=5000, received_on=date(2026, 12, 3), elsewhere=[], on_account=Money(5000), open=Money(5000), is_collected=True
    ),
}
AMOUNT = re.compile(r"EUR\s-?[\d.,]+\d")
DAY = re.compile(r"\b\d{1,2} [a-z]+ 20\d\d\b", re.IGNORECASE)


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    mailed, case = MAILS[name]
    told: Any = archive.told_about(replace(CASES[case], language=language))
    if mailed == "invoice_paid":
        told = replace(told, paid_on=date(2026, 12, 3), settled=PAID_BY[name])
    more = {"again": AGAIN[name], "accounts": TO if not AGAIN[name].is_collected else []} if mailed == "invoice_open_again" else {}
    if mailed == "collections_announced":
        notices = [
            Notice(
                invoice=UUID(int=nth), number=number, customer=None, collection=replace(told.collects, amount_cents=cents), is_current=True
            )
            for nth, (number, cents) in enumerate([(told.number, 10884), ("HUIS-F2026-000124", 4_116), ("HUIS-F2026-000131", 100_000)])
        ]
        told = replace(told, collects=replace(told.collects, amount_cents=115_000))
        more = {"notices": notices}
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(f"billing/{mailed}", language=language, brand=letters.BRAND, told=told, link=LINK, **more)


def seen(html: str) -> str:
    """What a person reads of the HTML, on one line."""
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

    def test_has_one_button_that_its_plain_text_has_too(self, name: str, language: str) -> None:
        made = said(name, language)

        assert re.findall(r'<td class="button"[^>]*><a href="([^"]+)"', made.html) == [LINK]
        assert LINK in made.text

    def test_tells_the_same_sums_and_days_with_and_without_html(self, name: str, language: str) -> None:
        made = said(name, language)
        plain, html = re.sub(r"\s+", " ", made.text), seen(made.html)

        assert set(AMOUNT.findall(html)) == set(AMOUNT.findall(plain))
        assert set(DAY.findall(html)) == set(DAY.findall(plain))

    def test_says_in_its_subject_which_document_and_a_day(self, name: str, language: str) -> None:
        subject = said(name, language).subject

        assert re.search(r"HUIS-[FCS]2026-\d{6}", subject)
        assert DAY.search(subject)
        assert len(subject) <= 120

    def test_asks_nothing_of_the_network(self, name: str, language: str) -> None:
        assert re.findall(r"<(?:link|img|script|iframe|form)\b|url\(|@import|\bsrc=", said(name, language).html) == []
