"""What Moneybird's API (version 2) is told and tells, and what that is in words of the port. Field names are those of its published OpenAPI document.

Our documents are its "external sales invoices": made elsewhere, numbered elsewhere, kept there. VAT is computed there by rate over the whole document, as
ours is; a line is told as one times its amount unless quantity and price have no more digits than it keeps.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ...policy.ledger import Kind
from . import alike
from .port import Booking, Contact, Remote, SalesDocument, SalesLine, SeenPayment, Settlement
from .speaking import cents_of, fingerprint, units

OURS = "portal:"
"""Stands before our key in what a payment is called there."""
_BOOKED = "balance_settlement"
"""A payment that is booked on a ledger account, as bank statements may be imported there, too: the account in between meets them."""
_SETTLED = "invoices_settlement"
"""What settles one document by another: no money, and told as a payment of each, which name each other."""
_DIGITS = 2


class TheirContact(msgspec.Struct, frozen=True):
    """A contact."""

    id: str | int
    company_name: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    address1: str | None = None
    zipcode: str | None = None
    city: str | None = None
    country: str | None = None
    customer_id: str | None = None
    tax_number: str | None = None
    chamber_of_commerce: str | None = None
    send_invoices_to_email: str | None = None
    archived: bool = False
    updated_at: datetime | None = None


class TheirDetail(msgspec.Struct, frozen=True):
    """A line of a document."""

    description: str | None = None
    price: Decimal | None = None
    amount_decimal: Decimal | None = None
    tax_rate_id: str | int | None = None
    ledger_account_id: str | int | None = None


class TheirPayment(msgspec.Struct, frozen=True):
    """A payment of a document."""

    id: str | int
    invoice_id: str | int
    price: Decimal
    payment_date: date
    invoice_type: str = ""
    transaction_identifier: str | None = None
    manual_payment_action: str | None = None
    linked_payment_id: str | int | None = None


class TheirFile(msgspec.Struct, frozen=True):
    """A file that hangs on a document."""

    filename: str = ""


class TheirInvoice(msgspec.Struct, frozen=True):
    """A document that was made elsewhere."""

    id: str | int
    issued: date = msgspec.field(name="date")
    currency: str
    total_price_excl_tax: Decimal
    total_price_incl_tax: Decimal
    contact_id: str | int | None = None
    contact: TheirContact | None = None
    reference: str | None = None
    due_date: date | None = None
    details: list[TheirDetail] = []
    payments: list[TheirPayment] = []
    attachments: list[TheirFile] = []


class Named(msgspec.Struct, frozen=True):
    """An administration, a ledger account or a tax rate: what it is called by."""

    id: str | int
    name: str
    account_id: str | None = None
    active: bool | None = None


class Versioned(msgspec.Struct, frozen=True):
    """An id and the second in which it changed last."""

    id: str | int
    version: int | Annotated[str, Meta(pattern=r"^\d{1,15}$")]

    @property
    def at(self) -> int:
        """The version as the number it is."""
        return int(self.version)


def words(body: bytes) -> str:
    """What a refusal says: one sentence, or what is wrong with which field."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    error = said.get("error") if isinstance(said, dict) else said
    if isinstance(error, dict):
        return "; ".join(f"{field}: {_listed(wrong)}" for field, wrong in error.items())
    return error if isinstance(error, str) else ""


def _listed(wrong: object) -> str:
    return ", ".join(str(one) for one in wrong) if isinstance(wrong, list) else str(wrong)


def contact_body(contact: Contact) -> bytes:
    """The contact as it is written there; a company by its name, a person by a name that is not taken apart."""
    told = {
        "company_name": contact.name if contact.is_business else "",
        "firstname": "",
        "lastname": "" if contact.is_business else contact.name,
        "address1": contact.street,
        "zipcode": contact.postcode,
        "city": contact.city,
        "country": contact.country,
        "customer_id": contact.number,
        "tax_number": contact.vat_id or "",
        "chamber_of_commerce": contact.chamber_number or "",
        "send_invoices_to_email": contact.email or "",
    }
    return msgspec.json.encode({"contact": told})


def contact_version(contact: Contact) -> str:
    """The version that the contact has there when it is as ours."""
    address = (contact.street, contact.postcode, contact.city, contact.country)
    return fingerprint(
        contact.number, contact.name, address, contact.vat_id or "", contact.chamber_number or "", contact.email or "", False
    )


def contact_remote(there: TheirContact) -> Remote:
    """The contact in words of the port."""
    name = there.company_name or " ".join(part for part in (there.firstname, there.lastname) if part)
    address = (there.address1 or "", there.zipcode or "", there.city or "", there.country or "")
    vat_id, chamber, email = there.tax_number or "", there.chamber_of_commerce or "", there.send_invoices_to_email or ""
    return Remote(
        id=str(there.id),
        version=fingerprint(there.customer_id, name, address, vat_id, chamber, email, there.archived),
        number=there.customer_id,
        says={"name": name, "address": f"{address[0]}, {address[1]} {address[2]}, {address[3]}", "email": email, "vat": vat_id}
        | ({"archived": "yes"} if there.archived else {}),
    )


def document_body(document: SalesDocument) -> bytes:
    """The document as it is written there: what a credit note gives back stands below zero."""
    told = {
        "contact_id": document.contact,
        "reference": document.number,
        "date": document.issued_on.isoformat(),
        "due_date": document.due_on.isoformat(),
        "currency": document.currency,
        "prices_are_incl_tax": document.prices_include_vat,
        "source": "portal",
        "details_attributes": [_detail(document, line) for line in document.lines],
    }
    return msgspec.json.encode({"external_sales_invoice": told})


def _detail(document: SalesDocument, line: SalesLine) -> dict[str, Any]:
    cents = line.amount_cents if document.prices_include_vat else line.net_cents
    times, price = 1, units(cents)
    fits = line.quantity == line.quantity.to_integral_value() and line.unit_price == round(line.unit_price, _DIGITS)
    if fits and line.quantity > 0 and line.quantity * line.unit_price == price:
        times, price = int(line.quantity), round(line.unit_price, _DIGITS)
    told = {
        "description": line.description,
        "amount": str(times),
        "price": f"{-price if document.kind is Kind.CREDIT_NOTE else price:f}",
        "tax_rate_id": line.vat_code,
        "ledger_account_id": line.ledger,
        "row_order": line.position,
    }
    if line.period:
        first, until = line.period
        told["period"] = f"{first:%Y%m%d}..{date.fromordinal(max(until.toordinal() - 1, first.toordinal())):%Y%m%d}"
    return told


def document_remote(there: TheirInvoice, kind: Kind | None = None) -> Remote:
    """The document in words of the port; its version says nothing of payments. Where nobody says what it is, what stands below zero is a credit note."""
    net, gross = cents_of(there.total_price_excl_tax), cents_of(there.total_price_incl_tax)
    lines = [
        (one.description, _plain(one.price), _plain(one.amount_decimal), str(one.tax_rate_id), str(one.ledger_account_id))
        for one in there.details
    ]
    debtor = contact_remote(there.contact).says["name"] if there.contact else ""
    return Remote(
        id=str(there.id),
        version=fingerprint(there.reference, there.issued, there.due_date, str(there.contact_id), there.currency, net, gross, lines),
        number=there.reference,
        gross_cents=_sign(there, kind) * gross,
        says={
            "number": there.reference or "",
            "debtor": debtor,
            "total": f"{there.currency} {units(gross)}",
            "issued": there.issued.isoformat(),
        },
    )


def must_say_the_same_vat(document: SalesDocument, there: TheirInvoice) -> None:
    """See `alike`."""
    sign = _sign(there, document.kind)
    net, gross = sign * cents_of(there.total_price_excl_tax), sign * cents_of(there.total_price_incl_tax)
    alike.must_say_the_same_vat(document, gross - net, gross)


def _sign(there: TheirInvoice, kind: Kind | None) -> int:
    is_credit = there.total_price_incl_tax < 0 if kind is None else kind is Kind.CREDIT_NOTE
    return -1 if is_credit else 1


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def payment_body(booking: Booking, there: TheirInvoice) -> bytes:
    """The payment as it is written there; what settles a document in the debtor's favour stands below zero, as the document does."""
    told = {
        "payment_date": booking.on.isoformat(),
        "price": f"{units(_sign(there, None) * booking.amount_cents):f}",
        "transaction_identifier": OURS + booking.key,
        "manual_payment_action": _BOOKED,
        "ledger_account_id": booking.ledger,
    }
    return msgspec.json.encode({"payment": told})


def settlement_body(settlement: Settlement) -> bytes:
    """The settlement as it is written at the invoice; the credit note gets its part of it there by itself."""
    told = {
        "payment_date": settlement.on.isoformat(),
        "price": f"{units(settlement.amount_cents):f}",
        "transaction_identifier": OURS + settlement.key,
        "manual_payment_action": _SETTLED,
        "invoice_id": settlement.credit,
    }
    return msgspec.json.encode({"payment": told})


def payment_remote(there: TheirPayment) -> Remote:
    """The payment in words of the port."""
    return Remote(
        id=str(there.id),
        version=fingerprint(str(there.invoice_id), cents_of(there.price), there.payment_date),
        key=_key(there),
        says={"total": f"EUR {units(cents_of(there.price))}", "paid": there.payment_date.isoformat()},
    )


def seen(there: TheirInvoice) -> list[SeenPayment]:
    """What is paid of the document; what settles one in the debtor's favour is told above zero. One document by another is no money, and not told."""
    sign = _sign(there, None)
    return [
        SeenPayment(
            id=str(one.id),
            document=str(there.id),
            amount_cents=sign * cents_of(one.price),
            on=one.payment_date,
            currency=there.currency,
            key=_key(one),
            method=one.manual_payment_action or "",
        )
        for one in there.payments
        if one.manual_payment_action != _SETTLED and one.linked_payment_id is None
    ]


def _key(payment: TheirPayment) -> str | None:
    called = payment.transaction_identifier or ""
    return called.removeprefix(OURS) if called.startswith(OURS) else None
