"""E-invoices as UBL: every case passes the official rules, and every amount is computed once more, for those rules have blind spots."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from billing.policy.ledger import Kind
from billing.policy.tax import Vat, VatCategory
from billing.service import einvoice, ubl
from billing.service.documents import Document
from billing.service.ubl import Profile
from tests.billing import papers, validator

CASES = papers.every_case()
NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
CENT = Decimal("0.01")


def read(content: bytes) -> Any:
    return etree.fromstring(content)


def texts(tree: Any, path: str) -> list[str]:
    return [node.text for node in tree.xpath(path, namespaces=NAMES)]


def sums(tree: Any, path: str) -> list[Decimal]:
    return [Decimal(text) for text in texts(tree, path)]


def rounded(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@validator.needed
@pytest.mark.parametrize("case", CASES)
def test_each_case_passes_the_official_rules(case: str) -> None:
    assert validator.fatal(ubl.render(CASES[case])) == []


@validator.needed
@pytest.mark.parametrize("case", [name for name, one in CASES.items() if einvoice.registered(one.debtor) or one.debtor.located_in != "NL"])
def test_what_names_the_trade_register_can_go_as_nlcius_too(case: str) -> None:
    assert validator.fatal(ubl.render(CASES[case], Profile.NLCIUS)) == []


@validator.needed
@pytest.mark.parametrize("said", papers.HOSTILE, ids=lambda said: ascii(said[:9]))
@pytest.mark.parametrize("case", ["business", "credit note"])
def test_no_words_make_a_document_that_breaks_the_rules(case: str, said: str) -> None:
    assert validator.fatal(ubl.render(papers.saying(said, CASES[case]))) == []


@validator.needed
def test_the_rules_would_notice() -> None:
    broken = ubl.render(CASES["credit note"]).replace(b"BillingReference", b"DespatchDocumentReference")

    assert any("XSD" in told or "NL-R-001" in told for told in validator.fatal(broken))


@pytest.mark.parametrize("case", CASES)
def test_each_line_multiplies_to_its_amount_to_the_cent(case: str) -> None:
    tree = read(ubl.render(CASES[case]))
    quantities = sums(tree, "//cbc:InvoicedQuantity | //cbc:CreditedQuantity")
    prices = sums(tree, "//cac:Price/cbc:PriceAmount")
    nets = sums(tree, "//cac:InvoiceLine/cbc:LineExtensionAmount | //cac:CreditNoteLine/cbc:LineExtensionAmount")

    assert [rounded(quantity * price) for quantity, price in zip(quantities, prices, strict=True)] == nets
    assert all(price >= 0 for price in prices)


@pytest.mark.parametrize("case", CASES)
def test_each_total_is_the_sum_of_its_parts_and_vat_is_that_of_the_base(case: str) -> None:
    document, tree = CASES[case], read(ubl.render(CASES[case]))
    nets = sums(tree, "//cac:InvoiceLine/cbc:LineExtensionAmount | //cac:CreditNoteLine/cbc:LineExtensionAmount")
    [line_total], [without], [including], [payable] = (
        sums(tree, f"//cac:LegalMonetaryTotal/cbc:{name}")
        for name in ("LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")
    )
    bases, taxes = sums(tree, "//cac:TaxSubtotal/cbc:TaxableAmount"), sums(tree, "//cac:TaxSubtotal/cbc:TaxAmount")
    rates = [Decimal(text) for text in texts(tree, "//cac:TaxSubtotal/cac:TaxCategory/cbc:Percent")] or [Decimal(0)]

    assert sum(nets) == line_total == without == sum(bases)
    assert sums(tree, "/*/cac:TaxTotal/cbc:TaxAmount") == [sum(taxes)]
    assert without + sum(taxes) == including == payable
    if document.prices_include_vat:
        told = sum((line.amount.amount for line in document.lines), Decimal(0))
        assert including == told
        assert bases == [rounded(told / (1 + rates[0] / 100))]
    else:
        assert taxes == [rounded(base * rate / 100) for base, rate in zip(bases, rates, strict=True)]


def test_what_is_collected_says_by_which_mandate_of_whom_and_from_which_account() -> None:
    said = read(ubl.render(papers.document(collects=papers.COLLECTED)))

    assert [texts(said, path) for path in (
        "cac:PaymentMeans/cbc:PaymentMeansCode", "cac:PaymentMeans/cac:PaymentMandate/cbc:ID",
        "cac:PaymentMeans/cac:PaymentMandate/cac:PayerFinancialAccount/cbc:ID",
        "cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification/cbc:ID[@schemeID='SEPA']", "cac:PaymentMeans/cac:PayeeFinancialAccount",
    )] == [["59"], ["NRD-M-00012"], ["NL91ABNA0417164300"], ["NL98ZZZ999999990000"], []]  # fmt: skip


def test_the_same_document_gives_the_same_bytes() -> None:
    assert ubl.render(CASES["final bill"]) == ubl.render(CASES["final bill"])


def test_a_credit_note_names_what_it_corrects_and_why_and_has_nothing_to_pay_by_a_day() -> None:
    tree = read(ubl.render(CASES["credit note"]))

    assert etree.QName(tree).localname == "CreditNote"
    assert texts(tree, "//cbc:CreditNoteTypeCode") == ["381"]
    assert texts(tree, "//cac:BillingReference//cbc:ID") == ["HUIS-F2026-000100"]
    assert texts(tree, "/*/cbc:Note") == ["Dienst beëindigd op 15 december 2026"]
    assert texts(tree, "//cbc:DueDate") == []


def test_an_invoice_that_gives_back_what_others_billed_names_each_of_them_once() -> None:
    tree = read(ubl.render(CASES["final bill of several"]))

    assert texts(tree, "//cac:BillingReference//cbc:ID") == ["HUIS-F2026-000087", "HUIS-F2026-000088"]
    assert texts(tree, "//cac:BillingReference//cbc:IssueDate") == ["2026-11-07", "2026-11-08"]


def test_what_is_owed_for_an_end_says_when_that_was() -> None:
    assert texts(read(ubl.render(CASES["final bill of several"])), "/*/cac:Delivery/cbc:ActualDeliveryDate") == ["2026-12-15"]
    assert texts(read(ubl.render(CASES["business"])), "/*/cac:Delivery") == []


@pytest.mark.parametrize("case", ["credit note of damages", "credit note of late costs"])
def test_what_takes_back_compensation_is_still_no_supply(case: str) -> None:
    [why] = texts(read(ubl.render(CASES[case])), "//cbc:TaxExemptionReason")

    assert why == "Hierover rekenen wij geen btw: u betaalt niet voor iets wat is geleverd, maar vergoedt schade of te late betaling."


def test_more_given_back_than_billed_is_not_asked_for() -> None:
    [said] = texts(read(ubl.render(CASES["more back than billed"])), "//cac:PaymentTerms/cbc:Note")

    assert "betalen het terug" in said


def test_an_address_stands_in_its_own_country() -> None:
    path = "//cac:AccountingCustomerParty//cac:PostalAddress//cbc:IdentificationCode"

    assert texts(read(ubl.render(CASES["billed abroad"])), path) == ["DE"]
    assert texts(read(ubl.render(CASES["business"])), path) == ["NL"]


def test_a_public_body_without_a_chamber_number_is_known_by_its_oin() -> None:
    [number] = read(ubl.render(CASES["OIN"])).xpath("//cac:AccountingCustomerParty//cac:PartyLegalEntity/cbc:CompanyID", namespaces=NAMES)

    assert (number.get("schemeID"), number.text) == ("0190", "00000001234567890000")


def test_reverse_charge_names_both_vat_numbers_and_says_why_nothing_is_charged() -> None:
    tree = read(ubl.render(CASES["eu business"]))

    assert texts(tree, "//cac:PartyTaxScheme/cbc:CompanyID") == ["NL999999990B29", "DE136695976"]
    assert texts(tree, "//cac:TaxSubtotal//cbc:TaxExemptionReasonCode") == ["VATEX-EU-AE"]
    assert "reverse-charged" in texts(tree, "//cac:TaxSubtotal//cbc:TaxExemptionReason")[0]
    assert texts(tree, "//cbc:Percent") == ["0", "0"]


@pytest.mark.parametrize("case", ["abroad", "abroad with a number", "damages", "damages for a consumer"])
def test_what_is_outside_vat_has_no_rate_and_no_vat_number(case: str) -> None:
    tree = read(ubl.render(CASES[case]))

    assert texts(tree, "//cac:PartyTaxScheme/cbc:CompanyID") == []
    assert texts(tree, "//cbc:Percent") == []
    assert set(texts(tree, "//cac:TaxCategory/cbc:ID | //cac:ClassifiedTaxCategory/cbc:ID")) == {"O"}


def test_an_eu_consumer_pays_the_vat_of_its_country() -> None:
    tree = read(ubl.render(CASES["eu consumer"]))

    assert texts(tree, "//cac:TaxSubtotal//cbc:Percent") == ["19"]
    assert texts(tree, "//cac:LegalMonetaryTotal/cbc:PayableAmount") == ["45.00"]


@pytest.mark.parametrize("case", [name for name, one in CASES.items() if one.kind is not Kind.CREDIT_NOTE])
def test_an_invoice_always_says_until_when_and_by_which_reference_it_is_paid(case: str) -> None:
    tree = read(ubl.render(CASES[case]))

    assert texts(tree, "//cbc:DueDate") == ["2026-12-22"]
    assert texts(tree, "//cbc:PaymentID") == [CASES[case].reference]
    assert texts(tree, "//cac:PayeeFinancialAccount/cbc:ID") == ([] if CASES[case].collects else ["NL05TEST0417164300"])
    assert len(texts(tree, "//cbc:BuyerReference")) == 1


def test_lines_lie_within_the_period_of_the_document() -> None:
    tree = read(ubl.render(CASES["final bill"]))

    assert texts(tree, "/*/cac:InvoicePeriod/*") == ["2026-11-01", "2026-11-30"]
    assert texts(tree, "//cac:InvoiceLine/cac:InvoicePeriod/*") == ["2026-11-01", "2026-11-30"]


@pytest.mark.parametrize(
    ("party", "expected"),
    [
        (papers.BAKERY, ("0106", "87654321")),
        (replace(papers.BAKERY, endpoint_scheme="0190", endpoint_id="00000001234567890000"), ("0190", "00000001234567890000")),
        (replace(papers.BAKERY, chamber_number=None), ("9944", "NL100000009B01")),
        (replace(papers.BAKERY, chamber_number=None, vat_id=" 1000.00.009.b01"), ("9944", "NL100000009B01")),
        (replace(papers.BAKERY, chamber_number=None, vat_id="de 136 695 976"), ("9930", "DE136695976")),
        (replace(papers.BAKERY, country="GR", vat_id="EL094259216"), ("9933", "EL094259216")),
        (papers.GERMAN, ("9930", "DE136695976")),
        (papers.PERSON, None),
        (papers.AMERICAN, None),
    ],
)
def test_an_address_in_peppol_is_the_one_named_or_the_chamber_number_or_the_vat_number(
    party: Any, expected: tuple[str, str] | None
) -> None:
    found = einvoice.address(party)

    assert (found and (found.scheme, found.value)) == expected


@pytest.mark.parametrize(
    ("said", "country", "expected"),
    [
        ("NL100000009B01", "NL", "NL100000009B01"),
        ("nl 1000.00.009.b01", "NL", "NL100000009B01"),
        ("100000009B01", "NL", "NL100000009B01"),
        ("B12345678", "ES", "ESB12345678"),
        ("EL094259216", "GR", "EL094259216"),
        ("NL100000009B01", "BE", "NL100000009B01"),
        ("GB980780684", "GB", "GB980780684"),
        (" \x0b.", "NL", None),
        (None, "NL", None),
    ],
)
def test_a_vat_number_begins_with_the_country_that_gave_it_out(said: str | None, country: str, expected: str | None) -> None:
    assert einvoice.vat_number(replace(papers.BAKERY, vat_id=said, country=country)) == expected


def test_what_xml_cannot_hold_is_left_out() -> None:
    [name] = texts(read(ubl.render(CASES["hostile words"])), "//cac:Item/cbc:Name")

    assert name.startswith("Kabel <b>&</b> \U0001f50c lang")


def test_lines_taxed_alike_in_two_countries_are_one_group() -> None:
    belgian = papers.line(vat=Vat(country="BE"))
    document: Document = papers.document(papers.line(), belgian)

    [part] = einvoice.taxed(document)
    assert (part.category, part.base.cents) == (VatCategory.STANDARD, 17990)
