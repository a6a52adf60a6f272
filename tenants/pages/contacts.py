"""The people at a customer and their rights: on the customer's page for the partner, and for the customer's main user itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.types import Scope

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import ContactRight, Role
from partner_portal.kernel.errors import Invalid, NotAllowed
from partner_portal.web import around, auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed

from .. import policy
from ..service import contacts, customers
from ..service.contacts import ContactChange, NewContact
from ..service.customers import Email, Language, Name, Phone
from .words import plain


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as the form has it."""

    name: Name
    email: Email
    phone: Phone | None = None
    language: Language | None = None
    is_administrative: bool = False
    is_technical: bool = False
    may_sign: bool = False
    active_until: date | None = None


class Place(msgspec.Struct, frozen=True):
    """Whose contacts a page shows, and where it stands."""

    customer: UUID
    path: str
    frame: str
    words: Callable[[UUID], Awaitable[Mapping[str, Any]]]


Here = NamedDependency[Place]


def _of_customer(customer_id: FromPath[UUID]) -> Place:
    return Place(customer_id, f"/portal/customers/{customer_id}/contacts", "tenants/contacts/of_customer.html", around.customer)


def _of_own(scope: Scope) -> Place:
    customer = auth.acting(scope).customer
    if customer is None:
        raise NotAllowed
    return Place(customer, "/portal/own/contacts", "tenants/contacts/own.html", _alone)


async def _alone(customer: UUID) -> Mapping[str, Any]:
    return {"customer": await customers.one(customer)}


async def _page(request: Request[Any, Any, Any], place: Place, template: str, *, status: int = 200, **words: Any) -> Response[bytes]:
    return await pages.page(
        request,
        f"tenants/contacts/{template}.html",
        status=status,
        frame=place.frame,
        path=place.path,
        tab="contacts",
        now=clock.now(),
        today=clock.today(),
        **await place.words(place.customer),
        **words,
    )


async def _form(
    request: Request[Any, Any, Any], place: Place, contact: Any, typed: Typed, wrong: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    return await _page(request, place, "form", status=status, contact=contact, typed=typed, errors=wrong)


def _wanted(edited: Edited, row: Any) -> ContactChange:
    """The change; what the form does not offer stays: a main user's rights and end, an end that has come."""
    stays = [*(_RIGHTS if row["is_main"] else ()), *(("active_until",) if row["is_main"] or row["is_over"] else ())]
    return ContactChange(**{name: value for name, value in msgspec.structs.asdict(edited).items() if name not in stays})


_RIGHTS = ("is_administrative", "is_technical", "may_sign")


def _parsed(form: Form, customer: Any) -> Edited:
    """The form as it was meant: a telephone number as it is kept, however it was typed."""
    sent = [(name, form.one(name)) for name in Edited.__struct_fields__ if name != "phone"]
    return forms.parse(Form(FormMultiDict([*sent, ("phone", policy.e164(form.one("phone"), customer["country"]))])), Edited)


def _typed(row: Any) -> Typed:
    return Typed.of({name: row[name] for name in Edited.__struct_fields__ if name != "active_until" or not row["is_over"]})


async def _after(place: Place, contact: UUID, said: str) -> Response[Any]:
    row = await contacts.one(place.customer, contact)
    return pages.to(place.path, said=said, name=row["name"], email=row["email"])


_INVITED = sentence("An invitation is on its way to %(email)s.")
_IS_MAIN = sentence("%(name)s is the main user now.")
_IS_OVER = sentence("The access of %(name)s is over.")
_AGAIN = sentence("%(name)s has access again.")
_MOVED = sentence("Saved. At the new address %(name)s must be invited anew.")
_CHANGED = sentence("Somebody changed these data meanwhile. This is what is on record now; change it again if need be.")


@get("/")
async def show(request: Request[Any, Any, Any], actor: auth.Acting, place: Here) -> Response[bytes]:
    """The people at the customer."""
    rows = await contacts.listed(place.customer)
    return await _page(request, place, "list", contacts=rows, may_manage=contacts.may_manage(actor))


@get("/new")
async def blank(request: Request[Any, Any, Any], place: Here) -> Response[bytes]:
    """The empty form."""
    return await _form(request, place, None, Typed.of({"invite": True}))


@post("/new")
async def add(request: Request[Any, Any, Any], actor: auth.Acting, place: Here) -> Response[Any]:
    """The customer has one more contact, invited at once if so wished."""
    form = await forms.read(request)
    is_invited = form.one("invite") == "yes"
    try:
        edited = _parsed(form, await customers.one(place.customer))
        async with db.savepoint():
            new = {name: value for name, value in msgspec.structs.asdict(edited).items() if name != "active_until"}
            contact = await contacts.add(actor, place.customer, NewContact(**new))
            if is_invited:
                await contacts.invite(actor, place.customer, contact)
    except Invalid as problem:
        return await _form(request, place, None, form.typed, forms.errors(plain(problem, Edited), actor.language), 422)
    return pages.to(place.path, said=_INVITED if is_invited else sentence("%(name)s is entered."), name=edited.name, email=edited.email)


@get("/{contact_id:uuid}")
async def on_record(request: Request[Any, Any, Any], place: Here, contact_id: FromPath[UUID]) -> Response[bytes]:
    """The form with what is on record."""
    row = await contacts.one(place.customer, contact_id)
    return await _form(request, place, row, _typed(row))


@post("/{contact_id:uuid}")
async def change(request: Request[Any, Any, Any], actor: auth.Acting, place: Here, contact_id: FromPath[UUID]) -> Response[Any]:
    """The contact is as typed, unless somebody else changed it since the form was opened."""
    form = await forms.read(request)
    version = await contacts.version_of(place.customer, contact_id)
    row = await contacts.one(place.customer, contact_id)
    if form.one("version") != str(version):
        return await _form(request, place, row, _typed(row), Errors({"": catalogue.text(_CHANGED, actor.language)}), 409)
    try:
        wanted = _wanted(_parsed(form, await customers.one(place.customer)), row)
        async with db.savepoint():
            await contacts.change(actor, place.customer, contact_id, wanted)
    except Invalid as problem:
        return await _form(request, place, row, form.typed, forms.errors(plain(problem, Edited), actor.language), 422)
    if row["has_account"] and wanted.email != row["email"]:
        return pages.to(f"{place.path}/{contact_id}", said=_MOVED, name=wanted.name)
    return pages.to(place.path, said=sentence("The data of %(name)s are saved."), name=wanted.name)


@post("/{contact_id:uuid}/invitation")
async def invite(actor: auth.Acting, place: Here, contact_id: FromPath[UUID]) -> Response[Any]:
    """An invitation is mailed."""
    await contacts.invite(actor, place.customer, contact_id)
    return await _after(place, contact_id, _INVITED)


@post("/{contact_id:uuid}/main")
async def make_main(actor: auth.Acting, place: Here, contact_id: FromPath[UUID]) -> Response[Any]:
    """This contact is the main user."""
    await contacts.make_main(actor, place.customer, contact_id)
    return await _after(place, contact_id, _IS_MAIN)


@post("/{contact_id:uuid}/end")
async def end(actor: auth.Acting, place: Here, contact_id: FromPath[UUID]) -> Response[Any]:
    """The contact's access is over."""
    await contacts.end(actor, place.customer, contact_id)
    return await _after(place, contact_id, _IS_OVER)


@post("/{contact_id:uuid}/reopening")
async def reopen(actor: auth.Acting, place: Here, contact_id: FromPath[UUID]) -> Response[Any]:
    """The contact has access again."""
    await contacts.change(actor, place.customer, contact_id, ContactChange(active_until=None))
    return await _after(place, contact_id, _AGAIN)


_MANAGING = [blank, add, on_record, change, invite, make_main, end, reopen]

router = Router(
    "/portal/customers/{customer_id:uuid}/contacts",
    route_handlers=[show, Router("/", route_handlers=_MANAGING, guards=[auth.requires(Role.OWNER, Role.CLERK)])],
    before_request=pages.for_members,
    dependencies={"place": Provide(_of_customer, sync_to_thread=False)},
    include_in_schema=False,
)
own_router = Router(
    "/portal/own/contacts",
    route_handlers=[show, Router("/", route_handlers=_MANAGING, guards=[auth.requires(ContactRight.MAIN)])],
    before_request=pages.for_contacts,
    dependencies={"place": Provide(_of_own, sync_to_thread=False)},
    include_in_schema=False,
)
