"""Mails about mandates, pauses and a sender's own account as their readers get them: approved word by word, the same facts with and without HTML."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from billing.events import IssuerAccountChanged
from billing.service import mandate_links
from billing.service.mandate_links import View
from billing.service.own_mandates import Withdrawn
from billing.service.parties import Party
from billing.service.pauses import PauseTold
from partner_portal.infra import formats, mail, settings
from partner_portal.infra.mail import Rendered
from tests import letters
from tests.approved import assert_approved
from tests.billing.test_mails_reminders import AMOUNT, DAY, seen

LINK = "https://portal.example.com/mandate/VeryLongTokenThatNobodyCanGuess0123456789abc"
DEBTOR = "Bakkerij De Korst & Zonen"
CREDITOR = Party(
    name="Kadetel B.V.", street="Havenkade 1", postcode="9711 AA", city="Groningen", country="NL", creditor_id="NL98ZZZ999999990000"
)
WITHDRAWN: dict[str, Any] = {
    "id": UUID(int=1), "customer": DEBTOR, "creditor": CREDITOR, "language": "nl", "email": "x@example.com", "reference": "M-0123456789AB",
    "account": "NL91 •••• 4300", "ended_on": date(2026, 11, 22),
}  # fmt: skip
SENT = [{"number": "HUIS-F2026-000117", "amount_cents": 12_100, "collects_on": date(2026, 11, 24)}]
LEFT = [{"number": "HUIS-F2026-000142", "amount_cents": 24_805, "due_on": date(2026, 12, 15)}]
PAUSE: dict[str, Any] = {
    "service": UUID(int=2), "customer": UUID(int=3), "number": "S-1001", "label": "Glasvezel Zakelijk <b>", "pauses_from": date(2027, 1, 1),
    "resumes_on": date(2027, 3, 1), "reason": "Verbouwing", "extends_term": True,
}  # fmt: skip


def view(language: str, signed_at: datetime | None = None) -> View:
    return View(
        id=UUID(int=4),
        tenant=UUID(int=5),
        customer=DEBTOR,
        creditor=CREDITOR,
        language=language,
        text=mandate_links.text(CREDITOR, language),
        expires_at=datetime(2026, 12, 22, 11, tzinfo=UTC),
        signed_at=signed_at,
        reference="M-0123456789AB" if signed_at else None,
        iban="NL91ABNA0417164300" if signed_at else None,
        email="x@example.com",
    )


def mails(language: str) -> dict[str, tuple[str, dict[str, Any]]]:
    moved = IssuerAccountChanged(
        tenant_id=UUID(int=5), issuer_id=UUID(int=6), before="NL91 •••• 4300", now="NL20 •••• 4567", by="Nora Noord",
        at=datetime(2026, 11, 22, 11, tzinfo=UTC),
    )  # fmt: skip
    whole = PauseTold(**PAUSE, minimum_end=date(2028, 4, 28))
    return {
        "mandate_invitation": ("mandate_invitation", {"view": view(language), "link": LINK}),
        "mandate_signed": ("mandate_signed", {"view": view(language, datetime(2026, 11, 22, 11, tzinfo=UTC)), "link": LINK}),
        "mandate_withdrawn": ("mandate_withdrawn", {"told": Withdrawn(**WITHDRAWN, collected=[], to_pay=[]), "link": ""}),
        "mandate_withdrawn_half_way": ("mandate_withdrawn", {"told": Withdrawn(**WITHDRAWN, collected=SENT, to_pay=LEFT), "link": LINK}),
        "pause_agreed": ("pause_agreed", {"told": whole, "customer": DEBTOR, "link": LINK}),
        "pause_taken_back": ("pause_taken_back", {"told": PauseTold(**PAUSE, minimum_end=None), "customer": DEBTOR, "link": LINK}),
        "issuer_account_changed": ("issuer_account_changed", {"told": moved, "link": LINK}),
    }


MAILS = sorted(mails("nl"))


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    template, words = mails(language)[name]
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(f"billing/{template}", language=language, brand=letters.BRAND, **words)


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
class TestEachMail:
    """All of them, in each language."""

    def test_reads_as_it_was_approved(self, name: str, language: str) -> None:
        made = said(name, language)

        assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
        assert_approved(f"mail/{name}.{language}.html", made.html)

    def test_tells_the_same_with_and_without_html(self, name: str, language: str) -> None:
        made = said(name, language)
        plain, html = re.sub(r"\s+", " ", made.text), seen(made.html)

        assert set(AMOUNT.findall(html)) == set(AMOUNT.findall(plain))
        assert set(DAY.findall(html)) == set(DAY.findall(plain))
        assert len(made.subject) <= 120
        assert "NL91ABNA0417164300" not in made.text + made.html

    def test_its_button_leads_where_its_plain_text_says(self, name: str, language: str) -> None:
        made = said(name, language)
        links = [LINK] if mails(language)[name][1]["link"] else []

        assert re.findall(r'<td class="button"[^>]*><a href="([^"]+)"', made.html) == links
        assert all(link in made.text for link in links)
        assert re.findall(r"<(?:link|img|script|iframe|form)\b|url\(|@import|\bsrc=", made.html) == []
