"""The people at a customer as JSON: for partners and their software, and for the main user of the customer itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, patch, post
from litestar.params import FromPath, JSONBody

from partner_portal.kernel.actor import ContactRight, Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound, Refused
from partner_portal.web import auth, conditional
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_contacts, from_members

from .. import policy
from ..service import contacts
from ..service.contacts import ContactChange, NewContact

_MANAGERS = auth.requires(Role.OWNER, Role.CLERK, policy.Scope.CUSTOMERS)
_MAIN_USER = auth.requires(ContactRight.MAIN)


class ContactOut(msgspec.Struct, frozen=True, kw_only=True):
    """A person at a customer; `has_account`: it can sign in, `invited_until`: until when an invitation waits for it."""

    id: UUID
    customer_id: UUID
    name: str
    email: str
    phone: str | None
    language: str | None
    is_main: bool
    is_administrative: bool
    is_technical: bool
    may_sign: bool
    active_until: date | None
    has_account: bool
    invited_until: datetime | None
    signed_in_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> ContactOut:
        """The contact as the database has it."""
        same = {name: row[name] for name in cls.__struct_fields__ if name not in {"customer_id", "has_account"}}
        return cls(customer_id=row["customer"], has_account=bool(row["has_account"]), **same)


def _shown(row: Any, **answer: Any) -> Response[ContactOut]:
    return Response(ContactOut.of(row), headers={"etag": conditional.etag(row["version"]), **answer.pop("headers", {})}, **answer)


async def _list(customer: UUID) -> list[ContactOut]:
    return [ContactOut.of(row) for row in await contacts.listed(customer)]


async def _add(actor: auth.Acting, customer: UUID, new: NewContact, path: str) -> Response[ContactOut]:
    row = await contacts.one(customer, await contacts.add(actor, customer, new))
    return _shown(row, status_code=201, headers={"location": f"{path}/{row['id']}"})


async def _change(
    request: Request[Any, Any, Any], actor: auth.Acting, customer: UUID, contact: UUID, wanted: ContactChange
) -> Response[ContactOut]:
    conditional.require_match(request, await contacts.version_of(customer, contact))
    await contacts.change(actor, customer, contact, wanted)
    return _shown(await contacts.one(customer, contact))


@get("/customers/{customer_id:uuid}/contacts")
async def list_contacts(customer_id: FromPath[UUID]) -> list[ContactOut]:
    """The people at a customer: the main user first, those whose access is over last."""
    return await _list(customer_id)


@post("/customers/{customer_id:uuid}/contacts", guards=[_MANAGERS])
async def add_contact(actor: auth.Acting, customer_id: FromPath[UUID], data: JSONBody[NewContact]) -> Response[ContactOut]:
    """A new person at a customer, who can sign in once invited."""
    return await _add(actor, customer_id, data, f"/api/v1/customers/{customer_id}/contacts")


@get("/customers/{customer_id:uuid}/contacts/{contact_id:uuid}")
async def show_contact(
    request: Request[Any, Any, Any], customer_id: FromPath[UUID], contact_id: FromPath[UUID]
) -> Response[ContactOut | None]:
    """One person at a customer; its ETag names the version that a change must name."""
    row = await contacts.one(customer_id, contact_id)
    return conditional.answer(request, ContactOut.of(row), row["version"])


@patch("/customers/{customer_id:uuid}/contacts/{contact_id:uuid}", guards=[_MANAGERS])
async def change_contact(
    request: Request[Any, Any, Any],
    actor: auth.Acting,
    customer_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[ContactChange],
) -> Response[ContactOut]:
    """Change what is given; If-Match names the version that was read."""
    return await _change(request, actor, customer_id, contact_id, data)


@post("/customers/{customer_id:uuid}/contacts/{contact_id:uuid}/invitation", guards=[_MANAGERS], status_code=202)
async def invite_contact(actor: auth.Acting, customer_id: FromPath[UUID], contact_id: FromPath[UUID]) -> None:
    """An invitation is mailed, and replaces every earlier one."""
    await contacts.invite(actor, customer_id, contact_id)


@post("/customers/{customer_id:uuid}/contacts/{contact_id:uuid}/main", guards=[_MANAGERS], status_code=200)
async def make_main(actor: auth.Acting, customer_id: FromPath[UUID], contact_id: FromPath[UUID]) -> Response[ContactOut]:
    """This person becomes the main user in place of the present one."""
    await contacts.make_main(actor, customer_id, contact_id)
    return _shown(await contacts.one(customer_id, contact_id))


@post("/customers/{customer_id:uuid}/contacts/{contact_id:uuid}/end", guards=[_MANAGERS], status_code=200)
async def end_contact(actor: auth.Acting, customer_id: FromPath[UUID], contact_id: FromPath[UUID]) -> Response[ContactOut]:
    """This person's access is over at once."""
    await contacts.end(actor, customer_id, contact_id)
    return _shown(await contacts.one(customer_id, contact_id))


@get("/own/contacts")
async def list_own(actor: auth.Acting) -> list[ContactOut]:
    """The people at your organisation."""
    return await _list(_own(actor))


@post("/own/contacts", guards=[_MAIN_USER])
async def add_own(actor: auth.Acting, data: JSONBody[NewContact]) -> Response[ContactOut]:
    """A new person at your organisation, who can sign in once invited."""
    return await _add(actor, _own(actor), data, "/api/v1/own/contacts")


@patch("/own/contacts/{contact_id:uuid}", guards=[_MAIN_USER])
async def change_own(
    request: Request[Any, Any, Any], actor: auth.Acting, contact_id: FromPath[UUID], data: JSONBody[ContactChange]
) -> Response[ContactOut]:
    """Change what is given; If-Match names the version that was read."""
    return await _change(request, actor, _own(actor), contact_id, data)


@post("/own/contacts/{contact_id:uuid}/invitation", guards=[_MAIN_USER], status_code=202)
async def invite_own(actor: auth.Acting, contact_id: FromPath[UUID]) -> None:
    """An invitation is mailed, and replaces every earlier one."""
    await contacts.invite(actor, _own(actor), contact_id)


@post("/own/contacts/{contact_id:uuid}/main", guards=[_MAIN_USER], status_code=200)
async def make_own_main(actor: auth.Acting, contact_id: FromPath[UUID]) -> Response[ContactOut]:
    """This person becomes the main user in your place."""
    await contacts.make_main(actor, _own(actor), contact_id)
    return _shown(await contacts.one(_own(actor), contact_id))


@post("/own/contacts/{contact_id:uuid}/end", guards=[_MAIN_USER], status_code=200)
async def end_own(actor: auth.Acting, contact_id: FromPath[UUID]) -> Response[ContactOut]:
    """This person's access is over at once."""
    await contacts.end(actor, _own(actor), contact_id)
    return _shown(await contacts.one(_own(actor), contact_id))


def _own(actor: auth.Acting) -> UUID:
    assert actor.customer is not None  # noqa: S101  # contacts have one, and no others come here
    return actor.customer


router = Router(
    "/",
    route_handlers=documented(
        [list_contacts, add_contact, show_contact, change_contact, invite_contact, make_main, end_contact],
        NotFound,
        Invalid,
        NotAllowed,
        Refused,
    ),
    before_request=from_members,
    tags=["customers"],
)
own_router = Router(
    "/",
    route_handlers=documented([list_own, add_own, change_own, invite_own, make_own_main, end_own], NotFound, Invalid, NotAllowed, Refused),
    before_request=from_contacts,
    tags=["own organisation"],
)
