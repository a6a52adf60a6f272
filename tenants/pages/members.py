"""A partner's members: listed, invited, changed, closed out; for its owners."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Typed

from ..service import members
from ..service.members import LastOwner, MemberChange, NewMember
from .words import plain

MEMBERS = "/portal/settings/members"
ROLES = {
    Role.OWNER: (sentence("Owner"), sentence("Does everything, and manages users, keys and the house style.")),
    Role.CLERK: (sentence("Clerk"), sentence("Enters customers and ends services.")),
    Role.READER: (sentence("Reads only"), sentence("Sees everything and changes nothing.")),
}


@get("/")
async def show(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Everybody who works for the partner."""
    return await pages.page(request, "tenants/members/list.html", members=await members.listed(), roles=ROLES, now=clock.now())


@get("/new")
async def blank(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The form that invites somebody."""
    return await _form(request, actor, None, Typed.of({"role": Role.CLERK.value, "language": actor.language}))


@post("/new")
async def invite(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The person is invited by mail."""
    form = await forms.read(request)
    try:
        new = forms.parse(form, NewMember)
        async with db.savepoint():
            await members.invite(actor, new)
    except Invalid as problem:
        return await _form(request, actor, None, form.typed, forms.errors(plain(problem, NewMember), actor.language), 422)
    return pages.to(MEMBERS, said=sentence("An invitation is on its way to %(email)s."), email=new.email)


@get("/{member_id:uuid}")
async def on_record(request: Request[Any, Any, Any], actor: auth.Acting, member_id: FromPath[UUID]) -> Response[bytes]:
    """The form with what is on record."""
    row = await members.one(member_id)
    return await _form(request, actor, row, Typed.of({name: row[name] for name in ("name", "role", "language")}))


@post("/{member_id:uuid}")
async def change(request: Request[Any, Any, Any], actor: auth.Acting, member_id: FromPath[UUID]) -> Response[Any]:
    """The member is as typed."""
    form = await forms.read(request)
    try:
        wanted = forms.parse(form, MemberChange)
        async with db.savepoint():
            await members.change(actor, member_id, wanted)
    except Invalid as problem:
        return await _form(
            request, actor, await members.one(member_id), form.typed, forms.errors(plain(problem, MemberChange), actor.language), 422
        )
    except LastOwner:
        wrong = forms.errors(Invalid(FieldError("/role", "last-owner")), actor.language)
        return await _form(request, actor, await members.one(member_id), form.typed, wrong, 409)
    return pages.to(MEMBERS, said=sentence("The data of %(name)s are saved."), name=(await members.one(member_id))["name"])


@post("/{member_id:uuid}/invitation")
async def invite_again(actor: auth.Acting, member_id: FromPath[UUID]) -> Response[Any]:
    """A new invitation is mailed."""
    await members.invite_again(actor, member_id)
    return pages.to(MEMBERS, said=sentence("An invitation is on its way to %(email)s."), email=(await members.one(member_id))["email"])


@post("/{member_id:uuid}/closure")
async def close(actor: auth.Acting, member_id: FromPath[UUID]) -> Response[Any]:
    """The member is signed out and cannot come in."""
    await members.change(actor, member_id, MemberChange(disabled=True))
    return pages.to(MEMBERS, said=sentence("The account of %(name)s is closed."), name=(await members.one(member_id))["name"])


@post("/{member_id:uuid}/reopening")
async def reopen(actor: auth.Acting, member_id: FromPath[UUID]) -> Response[Any]:
    """The member can come in again."""
    await members.change(actor, member_id, MemberChange(disabled=False))
    return pages.to(MEMBERS, said=sentence("The account of %(name)s is open again."), name=(await members.one(member_id))["name"])


async def _form(
    request: Request[Any, Any, Any], actor: Actor, member: Any, typed: Typed, wrong: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    roles = [(role.value, *(catalogue.text(said, actor.language) for said in words)) for role, words in ROLES.items()]
    return await pages.page(
        request, "tenants/members/form.html", status=status, member=member, typed=typed, errors=wrong, roles=roles, now=clock.now()
    )


router = Router(
    MEMBERS,
    route_handlers=[show, blank, invite, on_record, change, invite_again, close, reopen],
    before_request=pages.for_members,
    guards=[auth.requires(Role.OWNER)],
    include_in_schema=False,
)
