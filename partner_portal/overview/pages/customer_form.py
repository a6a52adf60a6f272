"""Entering a customer and changing one: every fault at its field, what is there already told before saving, nothing typed lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath

from partner_portal.infra import catalogue, db, formats, spreadsheet
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed
from tenants.policy import Segment, e164
from tenants.service import customers, duplicates
from tenants.service.customers import Address, CustomerChange, NewCustomer

from . import words
from .customers import PATH

_WRITES = [auth.requires(Role.OWNER, Role.CLERK)]
_NEW = ("main_contact", "billing_address", "visit_address")
_ADDRESSES = ("billing_address", "visit_address")
BLANK = Typed.of({"language": "nl", "country": "NL", "billing_address.country": "NL"})


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as the form for changing it has it; contacts have pages of their own, a number stays."""

    name: customers.Name
    segment: Segment
    billing_address: Address
    visit_address: Address | None = None
    language: customers.Language
    country: customers.Country
    vat_id: customers.VatId | None = None
    chamber_number: customers.ChamberNumber | None = None
    staff_count: customers.StaffCount | None = None


@get("/new", guards=_WRITES)
async def blank(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The empty form."""
    return await _new(request, actor.language, typed=BLANK)


@post("/new", guards=_WRITES)
async def enter(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The customer exists, unless something is wrong or one like it is there that the form did not show before."""
    form = await forms.read(request)
    try:
        new = forms.parse(tidied(form, NewCustomer, _NEW), NewCustomer, _NEW)
        alike = await duplicates.of(new)
        if {str(one.id) for one in alike} - set(form.all("seen")):
            return await _new(request, actor.language, status=409, typed=form.typed, alike=alike)
        async with db.savepoint():
            customer = await customers.create(actor, new)
    except Invalid as problem:
        return await _new(request, actor.language, status=422, typed=form.typed, errors=_errors(problem, actor.language))
    return pages.to(f"{PATH}/{customer}", said=sentence("%(name)s is entered."), name=new.name)


async def _new(
    request: Request[Any, Any, Any], language: str, *, status: int = 200, errors: Errors = NO_ERRORS, **more: Any
) -> Response[bytes]:
    given: dict[str, Any] = {"customer": None, "alike": [], "likeness": LIKENESS, "conflict": [], "version": ""}
    return await pages.page(request, "overview/customer_form.html", status=status, errors=errors, **given | _choices(language) | more)


@get("/{customer_id:uuid}/edit", guards=_WRITES)
async def on_record(request: Request[Any, Any, Any], customer_id: FromPath[UUID], actor: auth.Acting) -> Response[bytes]:
    """The form with what is on record."""
    row = await customers.one(customer_id)
    return await _edit(request, actor.language, row, typed=_typed(row))


@post("/{customer_id:uuid}/edit", guards=_WRITES)
async def change(request: Request[Any, Any, Any], customer_id: FromPath[UUID], actor: auth.Acting) -> Response[Any]:
    """The customer is as typed; where somebody else changed it since the form was opened, both are shown first."""
    form = await forms.read(request)
    version = await customers.version_of(customer_id)
    row = await customers.one(customer_id)
    if form.one("version") != str(version):
        return await _edit(request, actor.language, row, status=409, typed=form.typed, conflict=_differences(row, form, actor.language))
    try:
        edited = forms.parse(tidied(form, Edited, _ADDRESSES), Edited, _ADDRESSES)
        async with db.savepoint():
            await customers.change(actor, customer_id, CustomerChange(**msgspec.structs.asdict(edited)))
    except Invalid as problem:
        return await _edit(request, actor.language, row, status=422, typed=form.typed, errors=_errors(problem, actor.language))
    return pages.to(f"{PATH}/{customer_id}", said=sentence("The data of %(name)s are saved."), name=edited.name)


async def _edit(
    request: Request[Any, Any, Any], language: str, row: asyncpg.Record, *, status: int = 200, errors: Errors = NO_ERRORS, **more: Any
) -> Response[bytes]:
    given: dict[str, Any] = {"customer": row, "alike": [], "conflict": [], "version": row["version"]}
    return await pages.page(request, "overview/customer_form.html", status=status, errors=errors, **given | _choices(language) | more)


def _choices(language: str) -> dict[str, Any]:
    def said(sentences: dict[str, str]) -> list[tuple[str, str]]:
        return [(value, catalogue.text(text, language)) for value, text in sentences.items()]

    return {
        "segments": [(value, text, catalogue.text(words.SEGMENT_MEANINGS[value], language)) for value, text in said(words.SEGMENTS)],
        "languages": [(value, text, "") for value, text in said(words.LANGUAGES)],
        "countries": formats.countries(language),
    }


def _typed(row: asyncpg.Record) -> Typed:
    return Typed.of(_record(row))


def _record(row: asyncpg.Record) -> dict[str, object]:
    """What is on record, by the names of the form's fields."""
    plain = {name: row[name] for name in ("name", "segment", "language", "country", "vat_id", "chamber_number", "staff_count")}
    addresses = msgspec.json.decode(row["addresses"]) if row["addresses"] else {}
    nested = {f"{kind}_address.{name}": value for kind, address in addresses.items() for name, value in address.items()}
    return {"billing_address.country": row["country"], **plain, **nested}


def _differences(row: asyncpg.Record, form: Form, language: str) -> list[tuple[str, str, str]]:
    """Where the record and the form differ: the field, what is on record now, what was typed."""
    now = _record(row)
    found = []
    for name in spreadsheet.columns(Edited, _ADDRESSES):
        theirs, typed = (words.value(name.rpartition(".")[2], one, language) for one in (now.get(name), form.one(name)))
        if theirs != typed:
            outer, _, inner = name.rpartition(".")
            place = f"{catalogue.text(words.PLACES[outer.removesuffix('_address')], language)}: " if outer else ""
            found.append((place + catalogue.text(words.COLUMNS[inner], language), theirs, typed))
    return found


LIKENESS = {
    "email": sentence("the same e-mail address"),
    "chamber_number": sentence("the same chamber of commerce number"),
    "vat_id": sentence("the same VAT number"),
    "name": sentence("the same name"),
}

_FORMS = {
    "name": "name-form",
    "email": "email-form",
    "phone": "phone-form",
    "number": "number-form",
    "chamber_number": "chamber-form",
}
_NEEDED = {"/main_contact": ("name", "email"), "/billing_address": ("street", "postcode", "city")}


def _errors(problem: Invalid, language: str) -> Errors:
    """The sentences at the fields: what a field must look like is said for that field, and what lacks altogether at each part of it."""
    return forms.errors(Invalid(*(told for fault in problem.fields for told in _told(fault))), language)


def _told(fault: FieldError) -> list[FieldError]:
    field = fault.pointer.rpartition("/")[2]
    if fault.pointer in _NEEDED and fault.code == "missing":
        return [FieldError(f"{fault.pointer}/{name}", "missing") for name in _NEEDED[fault.pointer]]
    if fault.code == "pattern" and field in _FORMS:
        return [FieldError(fault.pointer, _FORMS[field])]
    if fault.pointer == "/visit_address":
        return [FieldError("/visit_address/street", fault.code, fault.facts)]
    return [fault]


def tidied(form: Form, kind: type[Any], nested: tuple[str, ...]) -> Form:
    """The form as it was meant: numbers, addresses and codes written as they are kept. What cannot be made out stays as it was typed."""
    country = form.one("billing_address.country") or form.one("country")
    sent = []
    for name in spreadsheet.columns(kind, nested):
        tidy = _TIDY.get(name.rpartition(".")[2])
        sent.append((name, tidy(form.one(name), country) if tidy else form.one(name)))
    if not form.one("visit_address.country") and any(text for name, text in sent if name.startswith("visit_address.")):
        sent.append(("visit_address.country", country))
    return Form(FormMultiDict(sent))


def _postcode(typed: str, _country: str) -> str:
    dutch = re.fullmatch(r"([1-9][0-9]{3})\s*([A-Za-z]{2})", typed)
    return f"{dutch[1]} {dutch[2].upper()}" if dutch else typed


def _code(typed: str, _country: str) -> str:
    return re.sub(r"[\s.-]", "", typed).upper()


_TIDY: dict[str, Callable[[str, str], str]] = {"phone": e164, "postcode": _postcode, "vat_id": _code, "chamber_number": _code}

router = Router(PATH, route_handlers=[blank, enter, on_record, change], before_request=pages.for_members, include_in_schema=False)
