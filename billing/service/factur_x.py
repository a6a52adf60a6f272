"""The e-invoice that travels inside the PDF: Factur-X (ZUGFeRD) by EN 16931, in the syntax of UN/CEFACT's Cross Industry Invoice."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from partner_portal.infra.press import Enclosed

from ..policy.ledger import Kind
from ..policy.tax import VatCategory
from . import einvoice
from .documents import Document, DocumentLine
from .einvoice import Address, Taxed
from .parties import Party

GUIDELINE = "urn:cen.eu:en16931:2017"
FILENAME = "factur-x.xml"
_UN = "urn:un:unece:uncefact:data:standard"
_NAMESPACES = {
    "rsm": f"{_UN}:CrossIndustryInvoice:100",
    "ram": f"{_UN}:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_UN}:UnqualifiedDataType:100",
}
_RSM, _RAM, _UDT = (einvoice.maker(place, _NAMESPACES) for place in _NAMESPACES.values())
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = {
    "DocumentFileName": (FILENAME, "The name of the embedded XML document"),
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER"),
    "Version": ("1.0", "The actual version of the standard applying to the embedded XML document"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded XML document"),
}

Node = Any  # lxml comes without types


def enclosed(document: Document) -> Enclosed:
    """The document as it is put into its own PDF, with what the PDF's metadata must say about it (Factur-X 1.0.07, section 6)."""
    return Enclosed(
        name=FILENAME,
        content=render(document),
        description=f"Factur-X {document.number}",
        relationship="Alternative",
        at=document.issued_at,
        about=_ABOUT,
    )


def render(document: Document) -> bytes:
    """The document as a Cross Industry Invoice; the same document, the same bytes."""
    return einvoice.written(
        _RSM.CrossIndustryInvoice(
            _RSM.ExchangedDocumentContext(_RAM.GuidelineSpecifiedDocumentContextParameter(_RAM.ID(GUIDELINE))),
            _head(document),
            _RSM.SupplyChainTradeTransaction(
                *(_line(line) for line in document.lines), _agreement(document), _delivery(document), _settlement(document)
            ),
        )
    )


def _head(document: Document) -> Node:
    code = einvoice.CREDIT_NOTE if document.kind is Kind.CREDIT_NOTE else einvoice.INVOICE
    note = [_RAM.IncludedNote(_RAM.Content(einvoice.plain(document.reason)))] if document.reason else []
    return _RSM.ExchangedDocument(_RAM.ID(document.number), _RAM.TypeCode(code), _day("IssueDateTime", document.issued_on), *note)


def _day(tag: str, day: date) -> Node:
    return _RAM(tag, _UDT.DateTimeString(f"{day:%Y%m%d}", format="102"))


def _period(period: tuple[date, date]) -> Node:
    start, until = period
    return _RAM.BillingSpecifiedPeriod(_day("StartDateTime", start), _day("EndDateTime", until - timedelta(days=1)))


def _line(line: DocumentLine) -> Node:
    said = einvoice.measured(line)
    seller_id = [_RAM.SellerAssignedID(einvoice.plain(line.service))] if line.service else []
    tax = [_RAM.TypeCode("VAT"), _RAM.CategoryCode(line.vat.category.value)]
    if line.vat.category is not VatCategory.OUTSIDE_SCOPE:
        tax.append(_RAM.RateApplicablePercent(einvoice.figure(line.vat.rate)))
    return _RAM.IncludedSupplyChainTradeLineItem(
        _RAM.AssociatedDocumentLineDocument(_RAM.LineID(str(line.position))),
        _RAM.SpecifiedTradeProduct(*seller_id, _RAM.Name(einvoice.plain(line.description))),
        _RAM.SpecifiedLineTradeAgreement(_RAM.NetPriceProductTradePrice(_RAM.ChargeAmount(einvoice.figure(said.price)))),
        _RAM.SpecifiedLineTradeDelivery(_RAM.BilledQuantity(einvoice.figure(said.quantity), unitCode=said.unit.value)),
        _RAM.SpecifiedLineTradeSettlement(
            _RAM.ApplicableTradeTax(*tax),
            *([_period(line.period)] if line.period else []),
            _RAM.SpecifiedTradeSettlementLineMonetarySummation(_RAM.LineTotalAmount(einvoice.amount(line.net))),
        ),
    )


def _agreement(document: Document) -> Node:
    contract = [_RAM.ContractReferencedDocument(_RAM.IssuerAssignedID(einvoice.plain(document.contract)))] if document.contract else []
    return _RAM.ApplicableHeaderTradeAgreement(
        _RAM.BuyerReference(einvoice.plain(einvoice.buyer_reference(document))),
        _RAM.SellerTradeParty(*_party(document, document.issuer)),
        _RAM.BuyerTradeParty(*_party(document, document.debtor)),
        *contract,
    )


def _party(document: Document, party: Party) -> list[Node]:
    nodes = [_RAM.ID(einvoice.plain(party.number))] if party.number else []
    nodes.append(_RAM.Name(einvoice.plain(party.name)))
    if number := einvoice.registered(party):
        nodes.append(_RAM.SpecifiedLegalOrganization(_identified("ID", number)))
    elif party.chamber_number and "NL" not in {party.country, party.located_in}:
        nodes.append(_RAM.SpecifiedLegalOrganization(_RAM.ID(einvoice.plain(party.chamber_number))))
    nodes.append(
        _RAM.PostalTradeAddress(
            _RAM.PostcodeCode(einvoice.plain(party.postcode)),
            _RAM.LineOne(einvoice.plain(party.street)),
            _RAM.CityName(einvoice.plain(party.city)),
            _RAM.CountryID(party.located_in),
        )
    )
    if address := einvoice.address(party):
        nodes.append(_RAM.URIUniversalCommunication(_identified("URIID", address)))
    if einvoice.shows_vat_ids(document) and (vat_number := einvoice.vat_number(party)):
        nodes.append(_RAM.SpecifiedTaxRegistration(_RAM.ID(vat_number, schemeID="VA")))
    return nodes


def _identified(tag: str, address: Address) -> Node:
    return _RAM(tag, einvoice.plain(address.value), schemeID=address.scheme)


def _delivery(document: Document) -> Node:
    ended = [_RAM.ActualDeliverySupplyChainEvent(_day("OccurrenceDateTime", document.ended_on))] if document.ended_on else []
    return _RAM.ApplicableHeaderTradeDelivery(*ended)


def _settlement(document: Document) -> Node:
    creditor = [_RAM.CreditorReferenceID(document.collects.creditor_id)] if document.collects else []
    nodes = [*creditor, _RAM.PaymentReference(document.reference), _RAM.InvoiceCurrencyCode("EUR"), _payment(document)]
    nodes += [_tax(document, part) for part in einvoice.taxed(document)]
    if document.period:
        nodes.append(_period(document.period))
    if document.kind is not Kind.CREDIT_NOTE:
        due = _day("DueDateDateTime", document.due_on)
        mandate = [_RAM.DirectDebitMandateID(document.collects.mandate)] if document.collects else []
        nodes.append(_RAM.SpecifiedTradePaymentTerms(_RAM.Description(einvoice.terms(document)), due, *mandate))
    nodes.append(_sums(document))
    for earlier in document.earlier:
        named = [_RAM.IssuerAssignedID(earlier.number), _qualified_day(earlier.issued_on)]
        nodes.append(_RAM.InvoiceReferencedDocument(*named))
    return _RAM.ApplicableHeaderTradeSettlement(*nodes)


def _qualified_day(day: date) -> Node:
    place = f"{_UN}:QualifiedDataType:100"
    qualified = einvoice.maker(place, {"qdt": place})
    return _RAM.FormattedIssueDateTime(qualified.DateTimeString(f"{day:%Y%m%d}", format="102"))


def _payment(document: Document) -> Node:
    if document.collects:
        account = _RAM.PayerPartyDebtorFinancialAccount(_RAM.IBANID(document.collects.iban))
        return _RAM.SpecifiedTradeSettlementPaymentMeans(_RAM.TypeCode(einvoice.means(document)), account)
    sender = document.issuer
    bank = [_RAM.PayeeSpecifiedCreditorFinancialInstitution(_RAM.BICID(sender.bic))] if sender.bic else []
    return _RAM.SpecifiedTradeSettlementPaymentMeans(
        _RAM.TypeCode(einvoice.means(document)),
        _RAM.PayeePartyCreditorFinancialAccount(_RAM.IBANID(sender.iban or ""), _RAM.AccountName(einvoice.plain(sender.name))),
        *bank,
    )


def _tax(document: Document, part: Taxed) -> Node:
    exempt = einvoice.reason(document, part.category)
    nodes = [_RAM.CalculatedAmount(einvoice.amount(part.vat)), _RAM.TypeCode("VAT")]
    if exempt:
        nodes.append(_RAM.ExemptionReason(exempt[1]))
    nodes += [_RAM.BasisAmount(einvoice.amount(part.base)), _RAM.CategoryCode(part.category.value)]
    if exempt:
        nodes.append(_RAM.ExemptionReasonCode(exempt[0]))
    if part.category is not VatCategory.OUTSIDE_SCOPE:
        nodes.append(_RAM.RateApplicablePercent(einvoice.figure(part.rate)))
    return _RAM.ApplicableTradeTax(*nodes)


def _sums(document: Document) -> Node:
    net, gross = einvoice.amount(document.net), einvoice.amount(document.gross)
    return _RAM.SpecifiedTradeSettlementHeaderMonetarySummation(
        _RAM.LineTotalAmount(net),
        _RAM.TaxBasisTotalAmount(net),
        _RAM.TaxTotalAmount(einvoice.amount(document.vat), currencyID="EUR"),
        _RAM.GrandTotalAmount(gross),
        _RAM.DuePayableAmount(gross),
    )


def _about() -> bytes:
    """What the XMP metadata of the PDF say: which file is the invoice, and, as PDF/A wants of every foreign property, what they mean."""
    told = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in _PROPERTIES.items())
    explained = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>'
        f"<pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for name, (_, meaning) in _PROPERTIES.items()
    )
    return (
        f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">{told}</rdf:Description>'
        '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
        '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{explained}</rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
    ).encode()


_ABOUT = _about()
