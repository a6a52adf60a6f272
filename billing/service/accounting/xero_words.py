"""What Xero's accounting API (version 2.0) is told and tells, and what that is in words of the port. Field names are those of its published models.

Its ids are told as the path of the object, as an invoice and a credit note live at different ones. It computes VAT line by line; each line is therefore
told with its part of the VAT that stands on the document, so that lines taxed alike add up to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from partner_portal.kernel.money import cents as rounded

from ...policy.ledger import Kind
from . import alike
from .port import AccountingRefuses, AccountingUnavailable, Contact, Remote, SalesDocument, SalesLine
from .speaking import NUMBERS, cents_of, fingerprint, units

CONTACT = "portal-"
"""Stands before our key in what a contact is called there: a key alone would be read as an id of theirs."""
INVOICES, CREDITS, CONTACTS, PAYMENTS, ALLOCATIONS = "Invoices", "CreditNotes", "Contacts", "Payments", "Allocations"
GONE = frozenset({"VOIDED", "DELETED"})
_DIGITS = 4
"""Of a price, where `unitdp=4` is asked for."""
_LONGEST_NAME = 255
_AT = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")


class _Theirs(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    changed: str | None = msgspec.field(name="UpdatedDateUTC", default=None)

    @property
    def changed_at(self) -> int:
        """The second of the last change."""
        return int(instant(self.changed).timestamp()) if self.changed else 0


class TheirAddress(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An address: of the seat, or for post."""

    address_type: str = ""
    address_line1: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None


class TheirContact(_Theirs, frozen=True, kw_only=True, rename="pascal"):
    """A contact."""

    id: str = msgspec.field(name="ContactID")
    name: str = ""
    contact_number: str | None = None
    account_number: str | None = None
    contact_status: str = "ACTIVE"
    company_number: str | None = None
    email_address: str | None = None
    tax_number: str | None = None
    addresses: list[TheirAddress] = []


class TheirLine(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A line of a document."""

    description: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    line_amount: Decimal | None = None
    tax_amount: Decimal | None = None
    tax_type: str | None = None
    account_code: str | None = None


class TheirPayment(_Theirs, frozen=True, kw_only=True, rename="pascal"):
    """A payment of a document."""

    id: str = msgspec.field(name="PaymentID")
    amount: Decimal
    day: str = msgspec.field(name="Date")
    reference: str | None = None
    status: str = ""
    payment_type: str = ""
    invoice: _Paid | None = None
    credit_note: _Credited | None = None


class _Paid(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    id: str = msgspec.field(name="InvoiceID")
    currency_code: str = "EUR"


class _Credited(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    id: str = msgspec.field(name="CreditNoteID")
    currency_code: str = "EUR"


class TheirDocument(_Theirs, frozen=True, kw_only=True, rename="pascal"):
    """What an invoice and a credit note have in common."""

    type: str
    status: str
    sub_total: Decimal
    total_tax: Decimal
    total: Decimal
    contact: TheirContact
    day: str = msgspec.field(name="Date")
    due_day: str | None = msgspec.field(name="DueDate", default=None)
    currency_code: str = "EUR"
    line_items: list[TheirLine] = []
    payments: list[TheirPayment] = []


class _Settled(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    id: str = msgspec.field(name="InvoiceID")


class TheirAllocation(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """So much of a credit note that settles so much of an invoice."""

    id: str = msgspec.field(name="AllocationID", default="")
    amount: Decimal
    day: str = msgspec.field(name="Date")
    invoice: _Settled
    is_deleted: bool = False


class TheirInvoice(TheirDocument, frozen=True, kw_only=True, rename="pascal"):
    """An invoice; `type` tells sales from purchases."""

    id: str = msgspec.field(name="InvoiceID")
    number: str | None = msgspec.field(name="InvoiceNumber", default=None)


class TheirCreditNote(TheirDocument, frozen=True, kw_only=True, rename="pascal"):
    """A credit note; `type` tells sales from purchases."""

    id: str = msgspec.field(name="CreditNoteID")
    number: str | None = msgspec.field(name="CreditNoteNumber", default=None)
    allocations: list[TheirAllocation] = []


Document = TheirInvoice | TheirCreditNote


def instant(told: str) -> datetime:
    """Their way to write an instant, in milliseconds since 1970; a day is its midnight."""
    match = _AT.fullmatch(told)
    try:
        if match:
            return datetime.fromtimestamp(int(match[1]) / 1000, UTC)
        at = datetime.fromisoformat(told)
    except (ValueError, OverflowError, OSError) as error:
        raise AccountingUnavailable(detail=f"an instant that cannot be read: {told[:40]}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def day_of(told: str | None) -> date | None:
    return instant(told).date() if told else None


def written(day: date) -> str:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return f"/Date({int(midnight.timestamp()) * 1000}+0000)/"


def words(body: bytes) -> str:
    """What a refusal says: what is wrong with each element, else its message."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(said, dict):
        return said if isinstance(said, str) else ""
    wrong = [
        str(one.get("Message", ""))
        for element in said.get("Elements") or []
        if isinstance(element, dict)
        for one in element.get("ValidationErrors") or []
        if isinstance(one, dict)
    ]
    return "; ".join(wrong) or ": ".join(str(said[name]) for name in ("Title", "Detail", "Message") if said.get(name))


def contact_body(contact: Contact) -> bytes:
    """The contact as it is written there. Names are unique there, so ours has its number behind it."""
    told = {
        "Name": _name(contact),
        "ContactNumber": CONTACT + contact.key,
        "AccountNumber": contact.number,
        "CompanyNumber": contact.chamber_number or "",
        "EmailAddress": contact.email or "",
        "TaxNumber": contact.vat_id or "",
        "Addresses": [
            {
                "AddressType": "POBOX",
                "AddressLine1": contact.street,
                "City": contact.city,
                "PostalCode": contact.postcode,
                "Country": contact.country,
            }
        ],
    }
    return msgspec.json.encode({"Contacts": [told]})


def _name(contact: Contact) -> str:
    behind = f" ({contact.number})"
    return contact.name[: _LONGEST_NAME - len(behind)] + behind


def contact_version(contact: Contact) -> str:
    """The version that the contact has there when it is as ours."""
    address = (contact.street, contact.postcode, contact.city, contact.country)
    facts = (contact.vat_id or "", contact.chamber_number or "", contact.email or "")
    return fingerprint(contact.number, _name(contact), address, *facts, "ACTIVE")


def contact_remote(there: TheirContact) -> Remote:
    """The contact in words of the port."""
    post = next((one for one in there.addresses if one.address_type == "POBOX"), TheirAddress())
    address = (post.address_line1 or "", post.postal_code or "", post.city or "", post.country or "")
    vat_id, chamber, email = there.tax_number or "", there.company_number or "", there.email_address or ""
    key = there.contact_number or ""
    says = {
        "name": there.name.removesuffix(f" ({there.account_number})"),
        "address": f"{address[0]}, {address[1]} {address[2]}, {address[3]}",
        "email": email,
        "vat": vat_id,
    }
    return Remote(
        id=f"{CONTACTS}/{there.id}",
        version=fingerprint(there.account_number, there.name, address, vat_id, chamber, email, there.contact_status),
        key=key.removeprefix(CONTACT) if key.startswith(CONTACT) else None,
        number=there.account_number,
        says=says if there.contact_status == "ACTIVE" else says | {"status": there.contact_status},
    )


def document_body(document: SalesDocument) -> bytes:
    """The document alone, as it is written there."""
    return NUMBERS.encode({CREDITS if document.kind is Kind.CREDIT_NOTE else INVOICES: [document_told(document)]})


def document_told(document: SalesDocument) -> dict[str, Any]:
    """The document as it is written there, to be booked at once; a credit note's amounts are above zero there, too."""
    is_credit = document.kind is Kind.CREDIT_NOTE
    return {
        "Type": "ACCRECCREDIT" if is_credit else "ACCREC",
        "CreditNoteNumber" if is_credit else "InvoiceNumber": document.number,
        "Status": "AUTHORISED",
        "Contact": {"ContactID": document.contact.removeprefix(f"{CONTACTS}/")},
        "Reference": document.buyer_reference or document.reference,
        "Date": written(document.issued_on),
        "DueDate": written(document.due_on),
        "LineAmountTypes": "Inclusive" if document.prices_include_vat else "Exclusive",
        "CurrencyCode": document.currency,
        "LineItems": [_line(document, line, vat) for line, vat in zip(document.lines, vat_of_lines(document), strict=True)],
    }


def _line(document: SalesDocument, line: SalesLine, vat_cents: int) -> dict[str, Any]:
    cents = line.amount_cents if document.prices_include_vat else line.net_cents
    times, price = Decimal(1), units(cents)
    fits = all(figure == round(figure, _DIGITS) for figure in (line.quantity, line.unit_price))
    if fits and line.quantity > 0 and rounded(line.quantity * line.unit_price) == cents:
        times, price = line.quantity, line.unit_price
    return {
        "Description": line.description,
        "Quantity": _plain(times),
        "UnitAmount": _plain(price),
        "LineAmount": units(cents),
        "TaxAmount": units(vat_cents),
        "TaxType": line.vat_code,
        "AccountCode": line.ledger,
    }


def _plain(figure: Decimal) -> Decimal:
    return Decimal(f"{figure.normalize():f}")


def vat_of_lines(document: SalesDocument) -> list[int]:
    """The VAT of each line in cents: of lines taxed alike together exactly what stands on the document, each as near to its own as whole cents allow."""
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, line in enumerate(document.lines):
        alike[line.vat_category, line.vat_rate, line.vat_country].append(index)
    shares = [0] * len(document.lines)
    for total in document.totals:
        found = alike.pop((total.category, total.rate, total.country), [])
        exact = [_own(document, document.lines[index]) for index in found]
        low = [int(share // 1) for share in exact]
        left = total.vat_cents - sum(low)
        # Those with the most behind the point come first; more than a cent each is left only where the document did not follow its own rate.
        order = sorted(range(len(found)), key=lambda at: (low[at] - exact[at], at))
        for place, at in enumerate(order):
            each, rest = divmod(left, len(found))
            shares[found[at]] = low[at] + each + (place < rest)
        if left and not found:
            raise AccountingRefuses(detail=f"{document.number} has VAT that no line of it carries")
    if alike:
        raise AccountingRefuses(detail=f"{document.number} has lines whose VAT stands in no total of it")
    return shares


def _own(document: SalesDocument, line: SalesLine) -> Fraction:
    rate = Fraction(line.vat_rate)
    return line.amount_cents * rate / (100 + rate) if document.prices_include_vat else line.net_cents * rate / 100


def document_remote(there: Document) -> Remote:
    """The document in words of the port; its version says nothing of payments."""
    is_credit = isinstance(there, TheirCreditNote)
    lines = [
        (
            one.description or "",
            *map(_figure, (one.quantity, one.unit_amount, one.line_amount, one.tax_amount)),
            one.tax_type or "",
            one.account_code or "",
        )
        for one in there.line_items
    ]
    gross = cents_of(there.total)
    day, due = day_of(there.day), day_of(there.due_day)
    facts = (there.contact.id, there.currency_code, cents_of(there.sub_total), gross)
    return Remote(
        id=f"{CREDITS if is_credit else INVOICES}/{there.id}",
        version=fingerprint(there.number, there.status in {"DRAFT", "SUBMITTED"}, day, due, *facts, lines),
        number=there.number,
        gross_cents=gross,
        says={
            "number": there.number or "",
            "debtor": there.contact.name,
            "total": f"{there.currency_code} {units(-gross if is_credit else gross)}",
            "issued": day.isoformat() if day else "",
        },
    )


def _figure(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def must_say_the_same_vat(document: SalesDocument, there: Document) -> None:
    """See `alike`."""
    alike.must_say_the_same_vat(document, cents_of(there.total_tax), cents_of(there.total))
