"""E-invoices as UBL 2.1: Peppol BIS Billing 3, NLCIUS (SI-UBL 2.0), or EN 16931 alone where a buyer has no address in Peppol."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from partner_portal.kernel.money import Money

from ..policy.ledger import Kind
from ..policy.tax import VatCategory
from . import einvoice
from .documents import Document, DocumentLine
from .einvoice import Address, Taxed
from .parties import Party

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_NAMESPACES = {"cac": f"{_UBL}:CommonAggregateComponents-2", "cbc": f"{_UBL}:CommonBasicComponents-2"}
_CAC = einvoice.maker(_NAMESPACES["cac"], _NAMESPACES)
_CBC = einvoice.maker(_NAMESPACES["cbc"], _NAMESPACES)
_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_EUR = {"currencyID": "EUR"}

Node = Any  # lxml comes without types


class Profile(StrEnum):
    """Which rules a document claims to keep (BT-24)."""

    PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
    NLCIUS = "urn:cen.eu:en16931:2017#compliant#urn:fdc:nen.nl:nlcius:v1.0"
    CORE = "urn:cen.eu:en16931:2017"


def profile_for(document: Document) -> Profile:
    """Peppol where both have an address in it; else EN 16931 alone, for a consumer has none and NLCIUS wants a number of the trade register."""
    has_addresses = einvoice.address(document.debtor) and einvoice.address(document.issuer)
    return Profile.PEPPOL if has_addresses else Profile.CORE


def render(document: Document, profile: Profile | None = None) -> bytes:
    """The document as UBL by this profile, or the one that fits; the same document, the same bytes."""
    kind = "CreditNote" if document.kind is Kind.CREDIT_NOTE else "Invoice"
    place = f"{_UBL}:{kind}-2"
    root = einvoice.maker(place, _NAMESPACES, usual=place)(kind)
    root.extend(_head(document, profile or profile_for(document)))
    root.extend(_references(document))
    root.append(
        _CAC.AccountingSupplierParty(_party(document, document.issuer, creditor=document.collects.creditor_id if document.collects else ""))
    )
    root.append(_CAC.AccountingCustomerParty(_party(document, document.debtor)))
    if document.ended_on:
        root.append(_CAC.Delivery(_CBC.ActualDeliveryDate(document.ended_on.isoformat())))
    root.append(_payment(document))
    if document.kind is not Kind.CREDIT_NOTE:
        root.append(_CAC.PaymentTerms(_CBC.Note(einvoice.terms(document))))
    root.append(_tax(document))
    root.append(_sums(document))
    root.extend(_line(document, line) for line in document.lines)
    return einvoice.written(root)


def _head(document: Document, profile: Profile) -> list[Node]:
    is_credit = document.kind is Kind.CREDIT_NOTE
    nodes = [
        _CBC.CustomizationID(profile.value),
        _CBC.ProfileID(_PROCESS),
        _CBC.ID(document.number),
        _CBC.IssueDate(document.issued_on.isoformat()),
    ]
    if is_credit:
        nodes.append(_CBC.CreditNoteTypeCode(einvoice.CREDIT_NOTE))
    else:
        nodes += [_CBC.DueDate(document.due_on.isoformat()), _CBC.InvoiceTypeCode(einvoice.INVOICE)]
    if document.reason:
        nodes.append(_CBC.Note(einvoice.plain(document.reason)))
    return [*nodes, _CBC.DocumentCurrencyCode("EUR"), _CBC.BuyerReference(einvoice.plain(einvoice.buyer_reference(document)))]


def _references(document: Document) -> list[Node]:
    nodes = [_period(document.period)] if document.period else []
    for earlier in document.earlier:
        named = _CAC.InvoiceDocumentReference(_CBC.ID(earlier.number), _CBC.IssueDate(earlier.issued_on.isoformat()))
        nodes.append(_CAC.BillingReference(named))
    if document.contract:
        nodes.append(_CAC.ContractDocumentReference(_CBC.ID(einvoice.plain(document.contract))))
    return nodes


def _period(period: tuple[date, date]) -> Node:
    start, until = period
    return _CAC.InvoicePeriod(_CBC.StartDate(start.isoformat()), _CBC.EndDate((until - timedelta(days=1)).isoformat()))


def _party(document: Document, party: Party, *, creditor: str = "") -> Node:
    address = einvoice.address(party)
    nodes: list[Node] = [_identified("EndpointID", address)] if address else []
    if party.number:
        nodes.append(_CAC.PartyIdentification(_CBC.ID(einvoice.plain(party.number))))
    if creditor:  # BT-90: whoever collects, by its creditor id
        nodes.append(_CAC.PartyIdentification(_CBC.ID(creditor, schemeID="SEPA")))
    nodes.append(_CAC.PartyName(_CBC.Name(einvoice.plain(party.name))))
    nodes.append(
        _CAC.PostalAddress(
            _CBC.StreetName(einvoice.plain(party.street)),
            _CBC.CityName(einvoice.plain(party.city)),
            _CBC.PostalZone(einvoice.plain(party.postcode)),
            _CAC.Country(_CBC.IdentificationCode(party.located_in)),
        )
    )
    if einvoice.shows_vat_ids(document) and (vat_number := einvoice.vat_number(party)):
        nodes.append(_CAC.PartyTaxScheme(_CBC.CompanyID(vat_number), _vat_scheme()))
    legal = [_CBC.RegistrationName(einvoice.plain(party.name))]
    if number := einvoice.registered(party):
        legal.append(_identified("CompanyID", number))
    elif party.chamber_number and "NL" not in {party.country, party.located_in}:
        legal.append(_CBC.CompanyID(einvoice.plain(party.chamber_number)))
    nodes.append(_CAC.PartyLegalEntity(*legal))
    if party.email:
        nodes.append(_CAC.Contact(_CBC.ElectronicMail(einvoice.plain(party.email))))
    return _CAC.Party(*nodes)


def _identified(tag: str, address: Address) -> Node:
    return _CBC(tag, einvoice.plain(address.value), schemeID=address.scheme)


def _vat_scheme() -> Node:
    return _CAC.TaxScheme(_CBC.ID("VAT"))


def _payment(document: Document) -> Node:
    if document.collects:
        debtor_account = _CAC.PayerFinancialAccount(_CBC.ID(document.collects.iban))
        return _CAC.PaymentMeans(
            _CBC.PaymentMeansCode(einvoice.means(document)),
            _CBC.PaymentID(document.reference),
            _CAC.PaymentMandate(_CBC.ID(document.collects.mandate), debtor_account),
        )
    sender = document.issuer
    account = [_CBC.ID(sender.iban or ""), _CBC.Name(einvoice.plain(sender.name))]
    if sender.bic:
        account.append(_CAC.FinancialInstitutionBranch(_CBC.ID(sender.bic)))
    return _CAC.PaymentMeans(
        _CBC.PaymentMeansCode(einvoice.means(document)), _CBC.PaymentID(document.reference), _CAC.PayeeFinancialAccount(*account)
    )


def _tax(document: Document) -> Node:
    return _CAC.TaxTotal(_money("TaxAmount", document.vat), *(_subtotal(document, part) for part in einvoice.taxed(document)))


def _subtotal(document: Document, part: Taxed) -> Node:
    category = [_CBC.ID(part.category.value)]
    if part.category is not VatCategory.OUTSIDE_SCOPE:
        category.append(_CBC.Percent(einvoice.figure(part.rate)))
    if exempt := einvoice.reason(document, part.category):
        code, why = exempt
        category += [_CBC.TaxExemptionReasonCode(code), _CBC.TaxExemptionReason(why)]
    return _CAC.TaxSubtotal(_money("TaxableAmount", part.base), _money("TaxAmount", part.vat), _CAC.TaxCategory(*category, _vat_scheme()))


def _sums(document: Document) -> Node:
    return _CAC.LegalMonetaryTotal(
        _money("LineExtensionAmount", document.net),
        _money("TaxExclusiveAmount", document.net),
        _money("TaxInclusiveAmount", document.gross),
        _money("PayableAmount", document.gross),
    )


def _line(document: Document, line: DocumentLine) -> Node:
    said, is_credit = einvoice.measured(line), document.kind is Kind.CREDIT_NOTE
    quantity = _CBC("CreditedQuantity" if is_credit else "InvoicedQuantity", einvoice.figure(said.quantity), unitCode=said.unit.value)
    nodes = [_CBC.ID(str(line.position)), quantity, _money("LineExtensionAmount", line.net)]
    if line.period:
        nodes.append(_period(line.period))
    item = [_CBC.Name(einvoice.plain(line.description))]
    if line.service:
        item.append(_CAC.SellersItemIdentification(_CBC.ID(einvoice.plain(line.service))))
    category = [_CBC.ID(line.vat.category.value)]
    if line.vat.category is not VatCategory.OUTSIDE_SCOPE:
        category.append(_CBC.Percent(einvoice.figure(line.vat.rate)))
    item.append(_CAC.ClassifiedTaxCategory(*category, _vat_scheme()))
    price = _CAC.Price(_CBC.PriceAmount(einvoice.figure(said.price), _EUR))
    return _CAC("CreditNoteLine" if is_credit else "InvoiceLine", *nodes, _CAC.Item(*item), price)


def _money(tag: str, money: Money) -> Node:
    return _CBC(tag, einvoice.amount(money), _EUR)
