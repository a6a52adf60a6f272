"""What every e-invoice of EN 16931 says alike, whatever its syntax: addresses of parties, lines that multiply, VAT by category, and plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from lxml import etree
from lxml.builder import ElementMaker

from partner_portal.infra import catalogue
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.money import Money, round_half_up

from ..policy.ledger import Kind, Unit
from ..policy.tax import STANDARD_RATES, VatCategory
from ..policy.vat_checks import country_of
from .documents import Document, DocumentLine
from .parties import Party

INVOICE, CREDIT_NOTE = "380", "381"
TRANSFER, SEPA_TRANSFER, SEPA_DEBIT = "30", "58", "59"
KVK, OIN = "0106", "0190"
_VAT_ADDRESSES = {
    "AT": "9914", "BE": "9925", "BG": "9926", "CH": "9927", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "ES": "9920", "FR": "9957",
    "GB": "9932", "GR": "9933", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211", "LT": "9937", "LU": "9938", "LV": "9939", "MT": "9943",
    "NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947", "SI": "9949", "SK": "9950",
}  # fmt: skip
"""The scheme of Peppol's list of electronic addresses (EAS) in which a country's VAT numbers are addresses."""
_SEPA_BESIDE_THE_EU = frozenset({"CH", "GB", "IS", "LI", "MC", "NO", "SM", "VA"})
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NATIONAL_ID = re.compile(r"[0-9]{8}")

REVERSE_CHARGE = sentence("VAT reverse-charged: the customer accounts for the VAT (Directive 2006/112/EC, articles 44 and 196).")
ABROAD = sentence("Outside the scope of VAT in the Netherlands: the service is supplied where the customer is established.")
COMPENSATION = sentence("No VAT is charged on this: it does not pay for anything supplied, but makes good damage or late payment.")
IN_FAVOUR = sentence("We settle this amount with what you still have to pay, or pay it back.")


class Address(msgspec.Struct, frozen=True):
    """An identifier and the list it is from."""

    scheme: str
    value: str


class Measured(msgspec.Struct, frozen=True):
    """A line as how many of what at which price, which multiplied and rounded give exactly its net amount."""

    quantity: Decimal
    unit: Unit
    price: Decimal


class Taxed(msgspec.Struct, frozen=True):
    """A document's base and VAT of one category and rate, with the code and the reason where nothing is charged."""

    category: VatCategory
    rate: Decimal
    base: Money
    vat: Money


def address(party: Party) -> Address | None:
    """Where e-invoices for the party go in Peppol: the address it named, else its Dutch chamber number, else its VAT number; None where it has none."""
    if party.endpoint_scheme and party.endpoint_id:
        return Address(party.endpoint_scheme, party.endpoint_id)
    if chamber := registered(party):
        return chamber
    number = vat_number(party)
    scheme = _VAT_ADDRESSES.get(country_of(number)) if number else None
    return Address(scheme, number) if scheme and number else None


def vat_number(party: Party) -> str | None:
    """Its VAT number as e-invoices want it, however it was typed: figures and letters only, after the country that gave it out (BR-CO-09)."""
    plain = "".join(char for char in (party.vat_id or "").upper() if char.isascii() and char.isalnum())
    if not plain:
        return None
    return plain if country_of(plain) in {*STANDARD_RATES, *_SEPA_BESIDE_THE_EU, party.country} else f"{party.country}{plain}"


def registered(party: Party) -> Address | None:
    """Its number in the Dutch trade register, else that of Dutch public bodies (NL-R-005), if it has one."""
    number = party.chamber_number or ""
    if party.country == "NL" and _NATIONAL_ID.fullmatch(number):
        return Address(KVK, number)
    return Address(OIN, party.endpoint_id) if party.endpoint_scheme == OIN and party.endpoint_id else None


def measured(line: DocumentLine) -> Measured:
    """The line as it is on record; one piece at its net amount where that does not multiply to the cent, as for parts of a month."""
    if round_half_up_cents(line.quantity * line.unit_price) == line.net.cents:
        return Measured(line.quantity, line.unit, line.unit_price)
    return Measured(Decimal(1 if line.net.cents >= 0 else -1), Unit.PIECE, abs(line.net.amount))


def round_half_up_cents(euros: Decimal) -> int:
    """An amount in euros as whole cents, half away from zero."""
    numerator, denominator = (euros * 100).as_integer_ratio()
    return round_half_up(numerator, denominator)


def taxed(document: Document) -> list[Taxed]:
    """VAT per category and rate, as the schematron wants it; on record it is kept per country as well."""
    sums: dict[tuple[VatCategory, Decimal], list[int]] = {}
    for total in document.totals:
        base, vat = sums.setdefault((total.vat.category, total.vat.rate.normalize() + 0), [0, 0])
        sums[total.vat.category, total.vat.rate.normalize() + 0] = [base + total.base_cents, vat + total.vat_cents]
    return [Taxed(category, rate, Money(base), Money(vat)) for (category, rate), (base, vat) in sums.items()]


def reason(document: Document, category: VatCategory, language: str = "") -> tuple[str, str] | None:
    """The code and the sentence why no VAT is charged, in the document's language unless another is named; None where it is."""
    said_in = language or document.language
    if category is VatCategory.REVERSE_CHARGE:
        return "VATEX-EU-AE", catalogue.text(REVERSE_CHARGE, said_in)
    if category is VatCategory.OUTSIDE_SCOPE:
        kind = document.corrects.kind if document.corrects else document.kind
        return "VATEX-EU-O", catalogue.text(COMPENSATION if kind in {Kind.DAMAGES, Kind.COSTS} else ABROAD, said_in)
    return None


def shows_vat_ids(document: Document) -> bool:
    """Whether VAT numbers stand on it: what is outside VAT bears none (BR-O-02 to BR-O-04)."""
    return VatCategory.OUTSIDE_SCOPE not in document.categories


def means(document: Document) -> str:
    """How it is paid, as code of UNTDID 4461."""
    if document.collects:
        return SEPA_DEBIT
    country = document.debtor.country
    return SEPA_TRANSFER if country in STANDARD_RATES or country in _SEPA_BESIDE_THE_EU else TRANSFER


def terms(document: Document) -> str:
    """Until when, as a sentence; of what is in the debtor's favour, what becomes of it."""
    if document.gross.cents <= 0:
        return catalogue.text(IN_FAVOUR, document.language)
    if document.collects:
        return catalogue.text(sentence("Collected by direct debit on %(day)s."), document.language, day=document.collects.on)
    return catalogue.text(sentence("To be paid on %(day)s at the latest."), document.language, day=document.due_on)


def buyer_reference(document: Document) -> str:
    """What the buyer knows it by: its own reference, else its number with us."""
    return document.buyer_reference or document.debtor.number or document.debtor.name


def plain(text: str) -> str:
    """The text without what XML cannot hold, on one line; a dash where nothing is left, for an element that says nothing makes a document invalid."""
    return " ".join(_NOT_XML.sub("", text).split()) or "-"


def figure(value: Decimal) -> str:
    """A number as XML writes it, without an exponent or idle zeros."""
    return f"{value.normalize() + 0:f}"


def amount(money: Money) -> str:
    """Euros with their cents."""
    return f"{money.amount:.2f}"


def maker(namespace: str, names: Mapping[str, str], *, usual: str | None = None) -> Any:
    """Makes elements of this namespace; `names` are the prefixes in use, `usual` is the namespace that has none."""
    prefixes: dict[str | None, str] = {**names} | ({None: usual} if usual else {})
    return ElementMaker(namespace=namespace, nsmap=prefixes)  # type: ignore[no-untyped-call]


def written(root: Any) -> bytes:
    """The document's bytes: equal trees, equal bytes."""
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return content
