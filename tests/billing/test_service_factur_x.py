"""The e-invoice inside the PDF: it keeps the same rules, says the same sums, and is found where readers look for it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import drafthorse
import pytest
from lxml import etree
from pypdf import PdfReader

from billing.service import factur_x, paper, ubl
from billing.service.documents import Rendering
from partner_portal.infra import pdf, press
from tests import letters
from tests.billing import papers, validator

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")
CASES = papers.every_case()
RAM = {"ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}
SCHEMA = Path(drafthorse.__file__).parent / "schema" / "Factur-X_1.0.07_EN16931.xsd"


@pytest.fixture(scope="module")
def schema() -> Any:
    return etree.XMLSchema(file=str(SCHEMA))


@pytest.mark.parametrize("case", CASES)
def test_each_case_keeps_the_schema_of_factur_x(case: str, schema: Any) -> None:
    assert schema.validate(etree.fromstring(factur_x.render(CASES[case]))), schema.error_log


@validator.needed
@pytest.mark.parametrize("case", CASES)
def test_each_case_passes_the_rules_of_en_16931(case: str) -> None:
    assert validator.fatal(factur_x.render(CASES[case]), ["cii"]) == []


@validator.needed
@pytest.mark.parametrize("said", papers.HOSTILE, ids=lambda said: ascii(said[:9]))
@pytest.mark.parametrize("case", ["business", "credit note"])
def test_no_words_make_a_document_that_breaks_them(case: str, said: str, schema: Any) -> None:
    content = factur_x.render(papers.saying(said, CASES[case]))

    assert schema.validate(etree.fromstring(content)), schema.error_log
    assert validator.fatal(content, ["cii"]) == []


def test_what_is_collected_says_by_which_mandate_of_whom_and_from_which_account() -> None:
    said = factur_x.render(papers.document(collects=papers.COLLECTED)).decode()

    assert "<ram:CreditorReferenceID>NL98ZZZ999999990000</ram:CreditorReferenceID>" in said
    assert "<ram:DirectDebitMandateID>NRD-M-00012</ram:DirectDebitMandateID>" in said
    assert "<ram:TypeCode>59</ram:TypeCode>" in said
    assert "<ram:IBANID>NL91ABNA0417164300</ram:IBANID>" in said
    assert "PayeePartyCreditorFinancialAccount" not in said


@pytest.mark.parametrize("case", CASES)
def test_it_says_the_same_sums_as_ubl(case: str) -> None:
    tree, other = etree.fromstring(factur_x.render(CASES[case])), etree.fromstring(ubl.render(CASES[case]))

    def here(name: str) -> list[str]:
        return [node.text for node in tree.iter(f"{{{RAM['ram']}}}{name}")]

    def there(name: str) -> list[str]:
        return [node.text for node in other.iter("{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}" + name)]

    assert here("DuePayableAmount") == there("PayableAmount")
    assert here("TaxBasisTotalAmount") == there("TaxExclusiveAmount")
    assert here("BasisAmount") == there("TaxableAmount")
    assert here("ChargeAmount") == there("PriceAmount")
    assert here("BilledQuantity") == there("InvoicedQuantity") + there("CreditedQuantity")
    assert here("ExemptionReason") == there("TaxExemptionReason")


def test_it_names_what_it_corrects_the_end_it_is_about_and_the_country_of_an_address_too() -> None:
    said = factur_x.render(CASES["final bill of several"]).decode()

    assert [
        said.count(f"<ram:IssuerAssignedID>{number}</ram:IssuerAssignedID>") for number in ("HUIS-F2026-000087", "HUIS-F2026-000088")
    ] == [1, 1]
    assert '<udt:DateTimeString format="102">20261215</udt:DateTimeString>' in said
    assert "<ram:CountryID>DE</ram:CountryID>" in factur_x.render(CASES["billed abroad"]).decode()


@pytest.fixture(scope="module")
def made() -> bytes:
    return _made()


def _made() -> bytes:
    document = CASES["business"]
    html = pdf.html("billing/invoice", language="nl", **paper.words(document, letters.BRAND, Rendering.ORIGINAL))
    return press.write(html, factur_x.enclosed(document))


def test_the_pdf_holds_it_as_its_alternative(made: bytes) -> None:
    reader = PdfReader(io.BytesIO(made))
    root: Any = reader.trailer["/Root"]
    [file] = {entry.indirect_reference.idnum: entry.get_object() for entry in (one.get_object() for one in root["/AF"])}.values()

    assert file["/F"] == "factur-x.xml"
    assert file["/AFRelationship"] == "/Alternative"
    assert file["/EF"]["/F"]["/Subtype"] == "/application#2fxml" or file["/EF"]["/F"]["/Subtype"] in ("/application/xml", "/text/xml")
    assert reader.attachments["factur-x.xml"] == [factur_x.render(CASES["business"])]


@pytest.mark.parametrize("rendering", [Rendering.COPY, Rendering.PRO_FORMA])
def test_only_the_original_holds_it(rendering: Rendering) -> None:
    document = CASES["business"]

    assert paper.sheets(document, letters.BRAND, Rendering.ORIGINAL)[1] == factur_x.enclosed(document)
    assert paper.sheets(document, letters.BRAND, rendering)[1] is None


def test_the_metadata_say_what_it_is_in_one_block(made: bytes) -> None:
    root: Any = PdfReader(io.BytesIO(made)).trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()

    etree.fromstring(metadata[metadata.index("<x:xmpmeta") : metadata.index("<?xpacket end")])
    assert metadata.count("<rdf:RDF") == 1
    for fact in ("<fx:DocumentFileName>factur-x.xml<", "<fx:ConformanceLevel>EN 16931<", "<fx:DocumentType>INVOICE<", "<fx:Version>1.0<"):
        assert fact in metadata
    assert "<pdfaSchema:prefix>fx</pdfaSchema:prefix>" in metadata


def test_it_stays_an_archive_copy_that_a_screen_reader_can_read(made: bytes) -> None:
    root: Any = PdfReader(io.BytesIO(made)).trailer["/Root"]

    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # a PDF boolean, not Python's
    assert root["/Lang"] == "nl"
    assert root["/StructTreeRoot"]
    assert 'pdfaid:conformance="A"' in root["/Metadata"].get_data().decode()


def test_the_same_words_give_the_same_bytes(made: bytes) -> None:
    assert _made() == made
