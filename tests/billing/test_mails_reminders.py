"""Reminders as their readers get them: approved word by word, the same facts with and without HTML, what the law wants in the last."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from billing.policy.reminding import Level
from billing.service import paper
from billing.service.reminder_letters import ClaimSaid, Said, name_of
from billing.service.reminders import Stops
from billing.service.suspensions import ServiceTold
from partner_portal.infra import formats, mail, pdf, settings
from partner_portal.infra.mail import Rendered
from partner_portal.kernel.money import Money
from tests import letters
from tests.approved import assert_approved

LINK = "https://portal.example.com/pay/VeryLongTokenThatNobodyCanGuess0123456789abc"
OPEN_AT = "https://portal.example.com/portal/open-items"
CLAIMS = (
    ClaimSaid("HUIS-F2026-000117", date(2026, 10, 31), Money(12_100), "RF18HUISF2026000117"),
    ClaimSaid("HUIS-F2026-000142", date(2026, 11, 15), Money(24_805), "RF72HUISF2026000142"),
)
OLDER, NEWER = CLAIMS
REPLACE = msgspec.structs.replace
SOON = (ClaimSaid("HUIS-F2026-000160", date(2026, 11, 25), Money(6_050), "RF45HUISF2026000160", Level.NOTE),)
AMOUNT = re.compile(r"EUR\s-?[\d.,]+\d")
DAY = re.compile(r"\b\d{1,2} [a-z]+ 20\d\d\b", re.IGNORECASE)


def reminder(level: Level, *, is_consumer: bool = False, claims: tuple[ClaimSaid, ...] = CLAIMS[:1]) -> Said:
    last = level is Level.THIRD
    if {claim.level for claim in claims} == {None}:
        claims = tuple(REPLACE(claim, level=level, alone=Money(40_00) if last and len(claims) > 1 else None) for claim in claims)
    return Said(
        level=level,
        is_consumer=is_consumer,
        debtor="Bakkerij De Korst & Zonen",
        sent_on=date(2026, 11, 22),
        claims=claims,
        total=Money(sum(claim.amount.cents for claim in claims)),
        payee="Kadetel B.V.",
        iban="NL05TEST0417164300",
        pays_by=date(2026, 11, 28) if last else None,
        costs=Money(55_36 if last else 0),
        interest=Money(1_27 if last else 0),
        stops=[Stops("S-1001", "Glasvezel Zakelijk", date(2026, 11, 29)), Stops("S-1002", "Telefonie <b>", date(2026, 12, 13))]
        if last
        else [],
        link=LINK,
    )


def on_paper(of: Said) -> dict[str, Any]:
    """The words of the letter."""
    return {
        "brand": letters.BRAND,
        "provider": letters.PROVIDER,
        "recipient": [of.debtor, "Molenstraat 12", "5611 AB Eindhoven"],
        "issued_at": datetime(2026, 11, 22, 11, 0, tzinfo=UTC),
        "number": of.first.number,
        "said": of,
        "in_fours": paper.in_fours,
        "version": "0123456789ab",
    }


LAST_OF_TWO = (REPLACE(OLDER, level=Level.THIRD, alone=Money(40_00)), REPLACE(NEWER, level=Level.SECOND, alone=Money(40_00)))
LAST_OF_THREE = (
    *LAST_OF_TWO,
    ClaimSaid("HUIS-F2026-000151", date(2026, 11, 20), Money(12_100), "RF61HUISF2026000151", None, Money(40_00)),
)
SECOND_AND_FIRST = (REPLACE(OLDER, level=Level.SECOND), REPLACE(NEWER, level=Level.FIRST))
SERVICES = [ServiceTold("S-1001", "Glasvezel Zakelijk"), ServiceTold("S-1002", "Telefonie")]
STEP: dict[str, Any] = {
    "customer": "Bakkerij De Korst & Zonen",
    "services": SERVICES,
    "day": date(2026, 11, 29),
    "number": "HUIS-F2026-000117",
    "open": Money(12_100),
    "link": LINK,
}
MAILS: dict[str, dict[str, Any]] = {
    "payment_note": {"said": reminder(Level.NOTE)},
    "reminder_1": {"said": reminder(Level.FIRST)},
    "reminder_2": {"said": reminder(Level.SECOND, claims=CLAIMS)},
    "final_notice_business": {"said": reminder(Level.THIRD, claims=CLAIMS)},
    "fourteen_day_letter_consumer": {"said": reminder(Level.THIRD, is_consumer=True, claims=CLAIMS)},
    "reminder_1_and_note": {"said": REPLACE(reminder(Level.FIRST), soon=SOON)},
    "reminders_of_two_levels": {"said": reminder(Level.SECOND, claims=SECOND_AND_FIRST)},
    "final_notice_of_three_levels": {"said": REPLACE(reminder(Level.THIRD, claims=LAST_OF_THREE), costs=Money(73_51), soon=SOON)},
    "fourteen_day_letter_of_two_levels": {"said": REPLACE(reminder(Level.THIRD, is_consumer=True, claims=LAST_OF_TWO), soon=SOON)},
    "service_suspended": {**STEP, "reader": "customer"},
    "service_released": {**STEP, "reader": "partner", "services": SERVICES[:1], "link": OPEN_AT},
}


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        template = name_of(MAILS[name]["said"]) if "said" in MAILS[name] else f"billing/{name}"
        return mail.render(template, language=language, **{"brand": letters.BRAND, "link": LINK, **MAILS[name]})


def seen(html: str) -> str:
    """What a person reads of the HTML, on one line: not the preview, which repeats."""
    body = re.sub(r'<div class="preview".*?</div>', "", html[html.index("<body") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", sorted(MAILS))
class TestEachMail:
    """All of them, in each language."""

    def test_reads_as_it_was_approved(self, name: str, language: str) -> None:
        made = said(name, language)

        assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
        assert_approved(f"mail/{name}.{language}.html", made.html)

    def test_tells_the_same_sums_and_days_with_and_without_html(self, name: str, language: str) -> None:
        made = said(name, language)
        plain, html = re.sub(r"\s+", " ", made.text), seen(made.html)

        assert set(AMOUNT.findall(html)) == set(AMOUNT.findall(plain))
        assert set(DAY.findall(html)) == set(DAY.findall(plain)) != set()

    def test_has_one_button_and_names_invoice_and_day_in_its_subject(self, name: str, language: str) -> None:
        made = said(name, language)

        assert re.findall(r'<td class="button"[^>]*><a href="([^"]+)"', made.html) == [MAILS[name].get("link", LINK)]
        assert "HUIS-F2026-000117" in made.subject
        assert DAY.search(made.subject)
        assert len(made.subject) <= 120
        assert all(len(line) <= 76 or "://" in line for line in made.text.splitlines())
        assert re.findall(r"<(?:link|img|script|iframe|form)\b|url\(|@import|\bsrc=", made.html) == []


def test_each_level_has_its_mail() -> None:
    names = [name_of(reminder(level)) for level in Level]

    assert names == ["billing/payment_note", "billing/reminder_1", "billing/reminder_2", "billing/final_notice_business"]
    assert name_of(reminder(Level.THIRD, is_consumer=True)) == "billing/fourteen_day_letter_consumer"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ["binnen vijftien dagen nadat deze brief bij u is bezorgd", "EUR 55,36 incassokosten", "EUR 369,05", "HUIS-F2026-000142"]),
        ("en", ["within fifteen days after this letter has been delivered to you", "EUR 55.36", "EUR 369.05", "HUIS-F2026-000142"]),
    ],
)
async def test_the_consumers_letter_says_what_the_law_wants_in_mail_and_on_paper(language: str, words: list[str]) -> None:
    text = re.sub(r"\s+", " ", said("fourteen_day_letter_consumer", language).text)
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        content = await pdf.render("billing/reminder", language=language, **on_paper(MAILS["fourteen_day_letter_consumer"]["said"]))
    paper = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages))

    for word in words:
        assert word in text
        assert word in paper
    assert "28 november" not in text, "no day is named: the fifteen days run from delivery"


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize(
    "name",
    ["final_notice_business", "fourteen_day_letter_consumer", "final_notice_of_three_levels", "fourteen_day_letter_of_two_levels"],
)
def test_the_letter_on_paper_reads_as_it_was_approved(name: str, language: str) -> None:
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        made = pdf.html("billing/reminder", language=language, **on_paper(MAILS[name]["said"]))

    assert "<b>" not in made
    assert_approved(f"pdf/{name}.{language}.html", made)
