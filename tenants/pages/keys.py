"""A partner's API keys: listed, made and shown once, revoked; for its owners."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Role
from partner_portal.kernel.dates import add_months
from partner_portal.kernel.errors import Invalid
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Typed

from ..policy import Scope, is_usable
from ..service import keys
from .words import plain

KEYS = "/portal/settings/keys"
SCOPES = {
    Scope.READ: (sentence("Read"), sentence("Sees customers, services, terminations and deadlines.")),
    Scope.CUSTOMERS: (sentence("Change customers"), sentence("Enters and changes customers, contacts and services.")),
    Scope.TERMINATIONS: (sentence("File terminations"), sentence("Makes quotes, files and withdraws terminations, answers buyouts.")),
    Scope.WEBHOOKS: (sentence("Manage webhooks"), sentence("Says where events are sent, and can so have copies of them sent anywhere.")),
}
_USUAL_MONTHS = 12


class KeyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as the form asks for it; `once` makes a form that is sent twice make one key."""

    once: UUID
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: frozenset[Scope] = frozenset()
    expires_on: date | None = None


@get("/")
async def show(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The partner's keys, those that work first."""
    today, listed = clock.today(), await keys.listed()
    works = {key.id: is_usable(expires_on=key.expires_on, revoked=key.revoked_at is not None, today=today) for key in listed}
    listed.sort(key=lambda key: not works[key.id])
    return await pages.page(request, "tenants/keys/list.html", keys=listed, works=works, scopes=SCOPES)


@get("/new")
async def blank(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The form that makes a key."""
    proposed = {"once": new_id(), "scopes": Scope.READ.value, "expires_on": add_months(clock.today(), _USUAL_MONTHS)}
    return await _form(request, Typed.of(proposed))


@post("/new")
async def make(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The key exists, and is shown this once."""
    form = await forms.read(request)
    try:
        new = forms.parse(form, KeyForm)
        async with db.savepoint():
            made = await keys.make(actor, name=new.name, scopes=new.scopes, expires_on=new.expires_on, once=new.once)
    except Invalid as problem:
        return await _form(request, form.typed, forms.errors(plain(problem, KeyForm), actor.language), 422)
    answer = await pages.page(request, "tenants/keys/made.html", key_name=new.name, secret=made.secret, expires_on=new.expires_on)
    answer.set_header("cache-control", "no-store")  # shown once: by no way back, and on no disk
    return answer


async def _form(request: Request[Any, Any, Any], typed: Typed, wrong: Errors = NO_ERRORS, status: int = 200) -> Response[bytes]:
    return await pages.page(request, "tenants/keys/new.html", status=status, typed=typed, errors=wrong, scopes=SCOPES, today=clock.today())


@get("/{key_id:uuid}/revocation")
async def ask(request: Request[Any, Any, Any], key_id: FromPath[UUID]) -> Response[bytes]:
    """The question whether the key is to be revoked."""
    return await pages.page(request, "tenants/keys/revoke.html", key=await keys.one(key_id))


@post("/{key_id:uuid}/revocation")
async def revoke(actor: auth.Acting, key_id: FromPath[UUID]) -> Response[Any]:
    """The key is of no use any more."""
    key = await keys.one(key_id)
    await keys.revoke(actor, key_id)
    return pages.to(KEYS, said=sentence("The key %(name)s is revoked: nobody gets in with it any more."), name=key.name)


router = Router(
    KEYS,
    route_handlers=[show, blank, make, ask, revoke],
    before_request=pages.for_members,
    guards=[auth.requires(Role.OWNER)],
    include_in_schema=False,
)
