"""Partners that the provider bills, for finance: how each is billed, entered where it differs from the usual."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from billing.service import partner_accounts
from billing.service.partner_accounts import PartnerBilling
from partner_portal.infra import formats
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form, Typed

from . import access, own_pages, refusing
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/partner-billing"


class Version(msgspec.Struct, frozen=True):
    """What was on record when the form was opened."""

    version: Annotated[int, msgspec.Meta(ge=0)]


@get("/partner-billing")
async def look(request: Request[Any, Any, Any]) -> Response[Any]:
    """The partners that the provider bills; changes nothing."""
    return own_pages.shown(request, "partner_billing.html", rows=await partner_accounts.owing())


@get("/partner-billing/{partner_id:uuid}")
async def read(request: Request[Any, Any, Any], partner_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[Any]:
    """How one of them is billed; changes nothing."""
    return await _one(request, partner_id, done=done)


@post("/partner-billing/{partner_id:uuid}", status_code=200)
async def enter(request: Request[Any, Any, Any], actor: Acting, partner_id: FromPath[UUID]) -> Response[Any]:
    """The partner is billed as was typed, or the form says what is wrong."""

    async def save(actor: Actor, form: Form) -> None:
        wanted, read = refusing.parse(form, PartnerBilling, Version)
        await partner_accounts.enter(actor, partner_id, read.version, wanted)

    async def show(refused: Refused) -> Response[Any]:
        return await _one(request, partner_id, refused=refused)

    return await pressed(request, actor, {"save": save}, f"{ADDRESS}/{partner_id}", show)


async def _one(request: Request[Any, Any, Any], partner: UUID, *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    now = await partner_accounts.one(partner)
    on_record = {"country": now.partner["country"]} | {
        name: value for name, value in msgspec.structs.asdict(now.given).items() if value is not None
    }
    language = access.spoken(request)
    return own_pages.shown(
        request,
        "partner_billing_one.html",
        now=now,
        typed=refused.typed if refused else Typed.of(on_record),
        countries=formats.countries(language),
        country=lambda code: formats.country(code, language),
        done=done == "save",
        refused=refused,
    )
