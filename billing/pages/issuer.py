"""The details with which a partner that bills in its own name sends its invoices, and how the provider bills it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post

from partner_portal.infra import db, formats, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.step_up import PasswordNeeded
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid
from partner_portal.web import auth, forms, pages, step_up
from partner_portal.web.forms import NO_ERRORS, Errors, Typed

from ..service import issuers, partner_accounts
from ..service.issuers import IssuerDetails

PATH = "/portal/settings/billing"
_COUNTRIES = ("NL", "BE", "DE", "LU", "FR")
_BLANK = {"country": "NL", "payment_days": "30", "consumer_payment_days": "14"}


@get("/")
async def show(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """How the partner's invoices are sent, and how it is billed itself."""
    now = await issuers.own(actor)
    owed = await partner_accounts.own(actor) if now.is_sender else None
    words: dict[str, Any] = {"now": now, "owed": owed, "provider": settings.current().provider_name, "country": formats.country}
    return await pages.page(request, "billing/issuer/details.html", **words)


@get("/data")
async def on_record(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The form with what is on record; the password is given before anything is typed."""
    try:
        now = await issuers.to_be_changed(actor)
    except PasswordNeeded:
        return pages.to(step_up.way(f"{PATH}/data"))
    given = (
        {name: "" if value is None else str(value) for name, value in msgspec.structs.asdict(now.details).items()}
        if now.details
        else _BLANK
    )
    return await _form(request, actor.language, Typed.of(given))


@post("/data")
async def save(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The details are as typed."""
    form = await forms.read(request)
    try:
        wanted = forms.parse(form, IssuerDetails)
        async with db.savepoint():
            await issuers.change(actor, wanted)
    except Invalid as problem:
        return await _form(request, actor.language, form.typed, forms.errors(problem, actor.language), 422)
    except PasswordNeeded:
        return await _form(request, actor.language, form.typed, is_stale=True, status=403)
    return pages.to(PATH, said=sentence("The details are saved, and stand on invoices from now on."))


async def _form(
    request: Request[Any, Any, Any], language: str, typed: Typed, wrong: Errors = NO_ERRORS, status: int = 200, *, is_stale: bool = False
) -> Response[bytes]:
    countries = [(code, formats.country(code, language)) for code in _COUNTRIES]
    words: dict[str, Any] = {"typed": typed, "errors": wrong, "countries": countries, "is_stale": is_stale}
    return await pages.page(request, "billing/issuer/form.html", status=status, **words)


router = Router(
    PATH,
    route_handlers=[show, on_record, save],
    before_request=pages.for_members,
    guards=[auth.requires(Role.OWNER)],
    include_in_schema=False,
)
