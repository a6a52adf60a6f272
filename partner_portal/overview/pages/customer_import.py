"""A list of customers brought in as a CSV: all of them, or none and every wrong cell named."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, Router, get, post

from partner_portal.infra import db, spreadsheet, spreadsheets_out
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.spreadsheet import ImportRefused
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import FieldError
from partner_portal.web import auth, errors, forms, pages
from partner_portal.web.forms import Form
from partner_portal.web.requests import LARGEST_CSV
from tenants.service import imports
from tenants.service.customers import NewCustomer

from .customers import PATH

_WRITES = [auth.requires(Role.OWNER, Role.CLERK)]
_SHOWN = 200
_BESIDE_THE_FILE = 64 * 1024
COLUMNS: dict[str, tuple[str, str]] = {
    "name": (sentence("Name, as on the contract"), "Bakkerij De Korst"),
    "segment": (sentence("Kind of customer: CONSUMER, PROTECTED_BIZ, OTHER_BIZ, GOV or UNKNOWN"), "PROTECTED_BIZ"),
    "number": (sentence("Your own number; empty: the customer gets the next one"), "K-1024"),
    "main_contact.name": (sentence("Who confirms terminations"), "Bram Korst"),
    "main_contact.email": (sentence("The contact's e-mail address"), "bram@dekorst.example.com"),
    "main_contact.phone": (sentence("The contact's telephone number, beginning with + and the country"), "+31612345678"),
    "billing_address.street": (sentence("Street and number of the billing address"), "Molenweg 4"),
    "billing_address.postcode": (sentence("Postcode of the billing address"), "3512 AB"),
    "billing_address.city": (sentence("City of the billing address"), "Utrecht"),
    "billing_address.country": (sentence("Country of the billing address, two letters; empty: NL"), "NL"),
    "visit_address.street": (sentence("Street and number of the visit address, if it is another"), ""),
    "visit_address.postcode": (sentence("Postcode of the visit address"), ""),
    "visit_address.city": (sentence("City of the visit address"), ""),
    "visit_address.country": (sentence("Country of the visit address, two letters; empty: NL"), ""),
    "language": (sentence("In which language we write: nl or en; empty: nl"), "nl"),
    "country": (sentence("Where the customer is established, two letters; empty: NL"), "NL"),
    "vat_id": (sentence("VAT number"), "NL123456782B90"),
    "chamber_number": (sentence("Chamber of commerce number, eight figures"), "12345678"),
    "staff_count": (sentence("Number of employees"), "6"),
}
NEEDED = frozenset(
    {"name", "segment", "main_contact.name", "main_contact.email"} | {f"billing_address.{name}" for name in ("street", "postcode", "city")}
)


@get("/import", guards=_WRITES)
async def ask(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What the file must look like, and where to choose it."""
    return await _page(request)


@get("/import/sample.csv", guards=_WRITES)
async def sample() -> Response[bytes]:
    """A file that can be imported: every column, one customer."""
    content = spreadsheets_out.csv(list(COLUMNS), [[example for _meaning, example in COLUMNS.values()]])
    headers = {"content-disposition": 'attachment; filename="customers-sample.csv"'}
    return Response(content, media_type=spreadsheets_out.CSV_TYPE.partition(";")[0], headers=headers)


@post("/import", guards=_WRITES, request_max_body_size=LARGEST_CSV + _BESIDE_THE_FILE)
async def bring_in(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """Every customer of the file is entered, or none."""
    text = await _text(await forms.read(request))
    if text is None:
        return await _page(request, status=422, missing=True)
    try:
        async with db.savepoint():
            count = await imports.of_customers(actor, text)
    except ImportRefused as problem:
        return await _page(request, status=422, **_report(problem.fields, actor.language))
    return pages.to(PATH, said=sentence("%(count)s customers are entered."), count=count)


async def _text(form: Form) -> str | None:
    """What is in the file: in UTF-8, or in one of the two ways in which Excel writes it on Windows. None where no file was chosen."""
    file = form.file("file")
    if file is None:
        return None
    content = await file.read()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\0", "")


def _report(faults: Sequence[FieldError], language: str) -> dict[str, Any]:
    """The wrong cells as people read them, the first of many, and how many there are."""
    told = [(fault.facts.get("row"), fault.facts.get("column", ""), errors.sentence_typed(fault, language)) for fault in faults[:_SHOWN]]
    return {"wrong": told, "more": max(len(faults) - _SHOWN, 0)}


async def _page(request: Request[Any, Any, Any], *, status: int = 200, **more: Any) -> Response[bytes]:
    given: dict[str, Any] = {"wrong": [], "more": 0, "missing": False, "columns": COLUMNS, "needed": NEEDED, "largest": spreadsheet.LARGEST}
    return await pages.page(request, "overview/customer_import.html", status=status, **given | more)


assert set(COLUMNS) == set(spreadsheet.columns(NewCustomer, imports.NESTED)), "each column of an import is explained"  # noqa: S101

router = Router(PATH, route_handlers=[ask, sample, bring_in], before_request=pages.for_members, include_in_schema=False)
