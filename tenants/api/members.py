"""A partner's members as JSON, for its owners."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, patch, post
from litestar.params import FromPath, JSONBody

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound, Refused
from partner_portal.web import auth, conditional
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members

from ..service import members
from ..service.members import MemberChange, NewMember


class MemberOut(msgspec.Struct, frozen=True, kw_only=True):
    """A person who works for the partner; `has_account`: it took its invitation, `invited_until`: until when one waits for it."""

    id: UUID
    name: str
    email: str
    role: str
    language: str
    has_account: bool
    invited_until: datetime | None
    signed_in_at: datetime | None
    disabled_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> MemberOut:
        """The member as the database has it."""
        same = {name: row[name] for name in cls.__struct_fields__ if name != "has_account"}
        return cls(has_account=bool(row["has_account"]), **same)


@get("/members")
async def list_members() -> list[MemberOut]:
    """Everybody who works for the partner, those whose account is closed last."""
    return [MemberOut.of(row) for row in await members.listed()]


@post("/members")
async def invite_member(actor: auth.Acting, data: JSONBody[NewMember]) -> Response[MemberOut]:
    """A person is invited by mail to be a member."""
    row = await members.one(await members.invite(actor, data))
    return Response(
        MemberOut.of(row), status_code=201, headers={"location": f"/api/v1/members/{row['id']}", "etag": conditional.etag(row["version"])}
    )


@get("/members/{member_id:uuid}")
async def show_member(request: Request[Any, Any, Any], member_id: FromPath[UUID]) -> Response[MemberOut | None]:
    """One member; its ETag names the version that a change must name."""
    row = await members.one(member_id)
    return conditional.answer(request, MemberOut.of(row), row["version"])


@patch("/members/{member_id:uuid}")
async def change_member(
    request: Request[Any, Any, Any], actor: auth.Acting, member_id: FromPath[UUID], data: JSONBody[MemberChange]
) -> Response[MemberOut]:
    """Change what is given; `disabled` signs the member out everywhere. If-Match names the version that was read."""
    conditional.require_match(request, await members.version_of(actor, member_id))
    await members.change(actor, member_id, data)
    row = await members.one(member_id)
    return Response(MemberOut.of(row), headers={"etag": conditional.etag(row["version"])})


@post("/members/{member_id:uuid}/invitation", status_code=202)
async def invite_again(actor: auth.Acting, member_id: FromPath[UUID]) -> None:
    """A new invitation is mailed, and replaces every earlier one."""
    await members.invite_again(actor, member_id)


router = Router(
    "/",
    route_handlers=documented(
        [list_members, invite_member, show_member, change_member, invite_again], NotFound, Invalid, NotAllowed, Refused
    ),
    before_request=from_members,
    guards=[auth.requires(Role.OWNER)],
    tags=["members"],
)
