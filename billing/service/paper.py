"""Documents on paper: the words that the letter `billing/invoice` is filled with, and what goes inside."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import segno
from segno import helpers
from stdnum import iban as iban_code

from partner_portal.infra import catalogue, formats, templates
from partner_portal.infra.brand import Brand
from partner_portal.infra.press import Enclosed
from partner_portal.kernel.money import Money

from ..policy.ledger import Kind, Label
from . import einvoice, factur_x
from .documents import Document, Rendering, Standing
from .parties import Party

_LONGEST_NAME = 70  # EPC069-12, "AT-21 name of the beneficiary"
_LARGEST_NAME = 210  # bytes, which with the longest account, amount and reference are within the 331 of the whole code
_LARGEST = 99_999_999_999
_PAYABLE = (Label.UNPAID, Label.OVERDUE)


def sheets(
    document: Document, brand: Brand, rendering: Rendering, stands: Standing | None = None, *, page: str = ""
) -> tuple[str, Enclosed | None]:
    """What `infra.pdf.write` makes the document of: the page in its debtor's language, and inside the original the e-invoice.

    `stands` puts its label on it, `page` is where it can be paid. Equal words give equal bytes.
    """
    said = words(document, brand, rendering, stands, page=page)
    html = templates.render("billing/pdf/invoice.html", language=document.language, **said)
    # In the profile EN 16931 a file cannot say that it is a copy (CopyIndicator is of EXTENDED only): whoever reads it would book an invoice.
    return html, factur_x.enclosed(document) if rendering is Rendering.ORIGINAL else None


def words(document: Document, brand: Brand, rendering: Rendering, stands: Standing | None = None, *, page: str = "") -> dict[str, Any]:
    """What the letter is filled with; an original says nothing about payment but how to."""
    label = stands.label if stands else None
    owed = document.kind is not Kind.CREDIT_NOTE and document.gross.cents > 0 and rendering is not Rendering.PRO_FORMA
    asks = owed and (stands is None or label in _PAYABLE)
    still_open = stands.open if stands else document.gross
    collects = (stands.collects if stands else document.collects) if asks else None
    return {
        "brand": brand,
        "provider": document.issuer.name,
        "recipient": recipient(document.debtor, document.issuer.located_in, document.language),
        "issued_at": document.issued_at,
        "number": document.number,
        "document": document,
        "rendering": rendering.value,
        "label": label,
        "paid_on": stands.paid_on if stands else None,
        "settled": stands.settled if stands and document.kind is not Kind.CREDIT_NOTE else (),
        "open": still_open,
        "asks": asks,
        "collects": collects,
        "qr": qr(document, still_open) if asks and not collects else "",
        "iban": iban_code.format(document.issuer.iban or ""),
        "reference": in_fours(document.reference),
        "outside": [told[1] for category in sorted(document.categories) if (told := einvoice.reason(document, category))],
        "page": page,
        "last_day": last_day,
    }


def recipient(debtor: Party, sent_from: str, language: str) -> list[str]:
    """To whom and where a letter goes, a line each; the country where that is not the one it is sent from, else an empty line."""
    abroad = formats.country(debtor.located_in, language) if debtor.located_in != sent_from else ""
    return [debtor.name, debtor.street, f"{debtor.postcode} {debtor.city}".strip(), abroad]


def last_day(until: date) -> date:
    """The last day of a period that ends before this one."""
    return until - timedelta(days=1)


def in_fours(reference: str) -> str:
    """A structured reference as people read it aloud."""
    return " ".join(reference[place : place + 4] for place in range(0, len(reference), 4))


def qr(document: Document, amount: Money) -> str:
    """The EPC code of a transfer of this amount (EPC069-12, version 002) as a picture's address; nothing where no bank could make the transfer."""
    sender = document.issuer
    if not sender.iban or not 0 < amount.cents <= _LARGEST:
        return ""
    name = einvoice.plain(sender.name)[:_LONGEST_NAME].encode()[:_LARGEST_NAME].decode(errors="ignore")
    code: segno.QRCode = helpers.make_epc_qr(name=name, iban=sender.iban, amount=amount.amount, reference=document.reference, encoding=1)
    address: str = code.svg_data_uri(border=2, omitsize=True, encode_minimal=False)
    return address


def title(document: Document) -> str:
    """What it is called, in its debtor's language."""
    return catalogue.text(_TITLES[document.kind], document.language, number=document.number)


_TITLES = {
    Kind.INVOICE: catalogue.sentence("Invoice %(number)s"),
    Kind.CREDIT_NOTE: catalogue.sentence("Credit note %(number)s"),
    Kind.DAMAGES: catalogue.sentence("Note of damage %(number)s"),
    Kind.COSTS: catalogue.sentence("Interest and costs %(number)s"),
}
