"""Documents on paper: all that the law wants on them, in the reader's language, and plain which one counts."""

from __future__ import annotations

import html
import io
import re
from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest
from msgspec.structs import replace
from pypdf import PdfReader
from stdnum import iso11649
from weasyprint import CSS, HTML

from billing.policy.ledger import Label
from billing.service import paper
from billing.service.documents import Document, Rendering, Settlement, Standing
from partner_portal.infra import formats, pdf, press
from partner_portal.kernel.money import Money
from tests import letters
from tests.approved import assert_approved
from tests.billing import papers

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")
CASES = papers.every_case()
PAGE = "https://portal.example.com/portal/own/invoices/0190"
APPROVED = ("business", "consumer", "eu business", "eu consumer", "abroad", "credit note", "damages", "final bill", "collected")


def stands(label: Label | None, cents: int = 0, *, paid_on: date | None = None) -> Standing:
    return Standing(
        label=label,
        open=Money(cents),
        credited=Money(0),
        paid_on=paid_on,
        document=None,
        einvoice=None,
        paid_document=None,
        mailed_at=None,
        bounced_at=None,
    )


def page(document: Document, rendering: Rendering = Rendering.ORIGINAL, standing: Standing | None = None, **given: Any) -> str:
    return pdf.html(
        "billing/invoice", language=document.language, **paper.words(document, letters.BRAND, rendering, standing, page=PAGE, **given)
    )


def said(made: str) -> str:
    """What a person reads of it, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", made[made.index("<body") :])).split())


@pytest.mark.parametrize("case", APPROVED)
@pytest.mark.parametrize("language", formats.LANGUAGES)
def test_each_reads_as_it_was_approved(case: str, language: str) -> None:
    made = page(replace(CASES[case], language=language))

    assert_approved(f"pdf/invoice {case}.{language}.html".replace(" ", "_"), re.sub(r"data:image/svg[^\"]+", "(code)", made))


def test_it_says_everything_the_law_wants() -> None:
    told = said(page(CASES["business"]))

    for fact in (
        "HUIS-F2026-000123", "22 november 2026", "Kadetel B.V. Kade 1 3011 AB Rotterdam", "KvK 12345678", "Btw NL999999990B29",
        "Bakkerij De Korenbloem B.V. Kerkstraat 12 9401 GX Assen", "NL100000009B01", "Internet Zakelijk 1 Gbit/s", "01-12-2026 t/m 31-12-2026",
        "1 mnd.", "EUR 89,95", "Btw 21 % over EUR 89,95", "EUR 18,89", "Totaal te betalen EUR 108,84", "22 december 2026",
    ):  # fmt: skip
        assert fact in told, fact


def test_reverse_charge_says_so_in_the_words_of_the_law() -> None:
    told = said(page(replace(CASES["eu business"], language="nl")))

    assert "Btw verlegd" in told
    assert "DE136695976" in told
    assert "EUR 0,00" in told


def test_a_consumer_reads_what_it_was_told_with_the_vat_inside() -> None:
    told = said(page(CASES["consumer"]))

    assert "Totaal te betalen EUR 65,00" in told
    assert "Waarvan btw 21 %, over EUR 53,72 EUR 11,28" in told
    assert "Totaal zonder btw" not in told


def test_an_eu_consumer_reads_whose_vat_it_pays() -> None:
    assert "Of which VAT of Germany, 19% over EUR 37.82" in said(page(CASES["eu consumer"]))


def test_a_note_of_damage_says_why_there_is_no_vat() -> None:
    assert "Hierover rekenen wij geen btw: u betaalt niet voor iets wat is geleverd, maar vergoedt schade of te late betaling." in said(
        page(CASES["damages"])
    )


def test_a_credit_note_names_the_invoice_and_the_reason_and_asks_for_nothing() -> None:
    told = said(page(CASES["credit note"]))

    assert "Dit corrigeert factuur HUIS-F2026-000100 van 1 november 2026." in told
    assert "Reden: Dienst beëindigd op 15 december 2026" in told
    assert "Zo betaalt u" not in told


def test_what_takes_back_compensation_says_that_it_was_no_supply() -> None:
    told = said(page(CASES["credit note of damages"]))

    assert "Hierover rekenen wij geen btw: u betaalt niet voor iets wat is geleverd, maar vergoedt schade of te late betaling." in told
    assert "Buiten de heffing" not in told


def test_a_line_that_gives_back_says_of_which_invoice_and_one_about_an_end_when_that_was() -> None:
    told = said(page(CASES["final bill of several"]))

    assert "01-01-2027 t/m 31-01-2027 · NRD-D-000417 · corrigeert factuur HUIS-F2026-000088 van 8 november 2026" in told
    assert "geëindigd op 15 december 2026" in told
    assert said(page(CASES["credit note"])).count("corrigeert factuur") == 1, "there it is said once, for all lines"


def test_nobody_is_asked_to_pay_by_a_day_what_is_given_back() -> None:
    told = said(page(CASES["more back than billed"]))

    assert "Betalen vóór of op - " in told
    assert "22 december 2026" not in told


def test_an_address_abroad_names_its_country_wherever_the_debtor_is_established() -> None:
    assert paper.words(CASES["billed abroad"], letters.BRAND, Rendering.ORIGINAL)["recipient"][-2:] == ["50667 Köln", "Duitsland"]
    assert paper.words(CASES["of abroad, billed here"], letters.BRAND, Rendering.ORIGINAL)["recipient"][-1] == ""


def test_only_the_one_that_was_sent_is_the_original() -> None:
    document = CASES["business"]

    assert "Origineel" in said(page(document))
    copy = said(page(document, Rendering.COPY, stands(Label.UNPAID, 10884)))
    assert "Kopie" in copy
    assert "Origineel" not in copy
    draft = said(page(replace(document, number="", reference=""), Rendering.PRO_FORMA))
    assert "Pro forma: geen factuur" in draft
    assert "Zo betaalt u" not in draft


@pytest.mark.parametrize(
    ("label", "open_", "expected", "asks"),
    [
        (Label.UNPAID, 10884, "Onbetaald", True),
        (Label.OVERDUE, 884, "Vervallen op 22 december 2026", True),
        (Label.PAID, 0, "Betaald op 3 december 2026", False),
        (Label.CREDITED, 0, "Gecrediteerd", False),
    ],
)
def test_a_copy_says_how_it_stands(label: Label, open_: int, expected: str, *, asks: bool) -> None:
    told = said(page(CASES["business"], Rendering.COPY, stands(label, open_, paid_on=date(2026, 12, 3))))

    assert expected in told
    assert ("Zo betaalt u" in told) is asks


def test_a_copy_tells_each_payment_with_its_day_and_each_credit_that_was_used() -> None:
    parts = [
        Settlement(date(2026, 11, 24), Money(5000)),
        Settlement(date(2026, 11, 30), Money(884), "HUIS-C2026-000007"),
        Settlement(date(2026, 12, 3), Money(5000)),
    ]
    paid = replace(stands(Label.PAID, 0, paid_on=date(2026, 12, 3)), settled=parts)
    half = replace(stands(Label.UNPAID, 5000), settled=parts[:2])
    at_once = replace(stands(Label.PAID, 0, paid_on=date(2026, 12, 3)), settled=[Settlement(date(2026, 12, 3), Money(10884))])

    told = said(page(CASES["business"], Rendering.COPY, paid))
    assert "Ontvangen op 24 november 2026 EUR -50,00" in told
    assert "Creditnota HUIS-C2026-000007 van 30 november 2026 EUR -8,84" in told
    assert "Ontvangen op 3 december 2026 EUR -50,00" in told
    told = said(page(CASES["business"], Rendering.COPY, half))
    assert "EUR -50,00" in told
    assert "Nog open EUR 50,00" in told
    told = said(page(CASES["business"], Rendering.COPY, at_once))
    assert "Betaald op 3 december 2026" in told
    assert "Ontvangen op" not in told


def test_the_code_for_banking_apps_asks_for_what_is_still_open() -> None:
    document = CASES["business"]
    words = paper.words(document, letters.BRAND, Rendering.COPY, stands(Label.UNPAID, 884))

    assert words["qr"] == paper.qr(document, Money(884))
    assert unquote(words["qr"]).startswith("data:image/svg+xml")
    assert iso11649.is_valid(document.reference)
    assert "Nog open EUR 8,84" in said(page(document, Rendering.COPY, stands(Label.UNPAID, 884)))


@pytest.mark.parametrize("cents", [0, -500, 100_000_000_000])
def test_no_code_is_made_for_what_no_bank_transfers(cents: int) -> None:
    assert paper.qr(CASES["business"], Money(cents)) == ""


def test_a_name_of_signs_that_take_room_still_has_a_code() -> None:
    document = papers.document(issuer=replace(papers.HOUSE, name="\U0001f600" * 200, iban="MT84MALT011000012345MTLCAST001S"))

    assert paper.qr(document, Money(99_999_999_999)).startswith("data:image/svg+xml")


def test_names_of_any_length_leave_it_whole() -> None:
    long = "Samenwerkingsverbandvoorduurzametelecommunicatie" * 4
    document = papers.document(
        papers.line(long),
        debtor=replace(papers.BAKERY, name=long, street=long),
        issuer=replace(papers.HOUSE, name=long),
        buyer_reference=long[:100],
    )
    reader = PdfReader(io.BytesIO(press.write(page(document))))
    told = "".join("".join(one.extract_text() for one in reader.pages).split())

    assert len(reader.pages) <= 3
    assert "9401GXAssen" in told
    assert "NL999999990B29" in told


def test_the_whole_address_of_a_sender_with_a_long_name_is_seen() -> None:
    long = "Samenwerkingsverband voor duurzame telecommunicatie en informatievoorziening in de noordelijke provinciën en daarbuiten"
    document = papers.document(
        issuer=replace(papers.HOUSE, name=long, street="Laan van de Vereenigde Nederlandsche Telecommunicatieondernemingen 1001")
    )

    [first, *_] = HTML(string=page(document)).render(stylesheets=[CSS(press.ASSETS / "pdf.css")]).pages
    [sender] = [
        box for box in first._page_box.descendants() if box.element is not None and box.element.get("class") == "sender" and box.children
    ]
    written = max(box.position_y + box.height for box in sender.descendants())

    assert written <= sender.position_y + sender.height


@pytest.mark.parametrize("count", [9, 10])
def test_sums_have_a_line_above_them_on_their_page(count: int) -> None:
    document = papers.document(*(papers.line(f"Regel {nth}") for nth in range(count)))

    pages = [one.extract_text() for one in PdfReader(io.BytesIO(press.write(page(document)))).pages]

    [sums] = [text for text in pages if "Totaal zonder btw" in text]
    assert f"Regel {count - 1}" in sums


def test_sixty_lines_run_over_pages_with_their_head_on_each_and_how_to_pay_in_one_piece() -> None:
    reader = PdfReader(io.BytesIO(press.write(page(CASES["many lines"]))))
    pages = [one.extract_text() for one in reader.pages]

    assert 3 <= len(pages) <= 6
    assert all("Omschrijving" in one for one in pages[:-1])
    assert "Zo betaalt u" in pages[-1]
    assert "RF" in pages[-1]
