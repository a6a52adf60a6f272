"""Mandates in the browser: the page behind a link, where a debtor gives its own; a contact's own, signed in; the partner's, where it invites."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery

from partner_portal.infra import clock, db, formats, templates
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, ContactRight, Role
from partner_portal.kernel.errors import Invalid
from partner_portal.web import around, auth, forms, pages
from partner_portal.web.errors import HTML
from partner_portal.web.forms import NO_ERRORS, Errors
from tenants.service import brands

from ..service import mandate_links, mandates, own_mandates
from ..service.mandate_links import Given, InvitationOver, View
from ..service.mandates import MandateEnded, MandateInForce

Page = Response[Any]
_NOT_KEPT = {"cache-control": "no-store"}
_LONGEST_AGENT = 300
OWN = "/portal/own/mandate"
_DECIDES = [auth.requires(ContactRight.ADMINISTRATIVE, ContactRight.SIGNS)]


@get("/{token:str}")
async def look(request: Request[Any, Any, Any], token: FromPath[str], lang: FromQuery[str] = "") -> Page:
    """What is asked, or what was given; decides nothing."""
    _bearer, view = await _view(request, token, lang)
    return await _page(view, token)


@post("/{token:str}", status_code=200)
async def give(request: Request[Any, Any, Any], token: FromPath[str], lang: FromQuery[str] = "") -> Page:
    """The button pressed: the mandate is in force, or every fault stands beside its field."""
    bearer, view = await _view(request, token, lang)
    form = await forms.read(request)
    try:
        async with db.savepoint():
            given = forms.parse(form, Given)
            await mandate_links.give(bearer, view, given, _seen(request))
    except Invalid as problem:
        return await _page(view, token, typed=form.typed, errors=forms.errors(problem, view.language), status=422)
    except InvitationOver:
        return await _page(view, token, over=True, status=409)
    return Response(
        None, status_code=303, headers={"location": f"/mandate/{token}{f'?lang={lang}' if lang in formats.LANGUAGES else ''}", **_NOT_KEPT}
    )


def _seen(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {"from": request.client.host if request.client else "", "with": request.headers.get("user-agent", "")[:_LONGEST_AGENT]}


async def _view(request: Request[Any, Any, Any], token: str, lang: str) -> tuple[Actor, View]:
    bearer = await mandate_links.bearer(token)
    await auth.act_as(request, bearer)
    return bearer, await mandate_links.look(UUID(bearer.id), lang if lang in formats.LANGUAGES else "")


async def _page(view: View, token: str, *, typed: Any = None, errors: Errors = NO_ERRORS, over: bool = False, status: int = 200) -> Page:
    page = templates.render(
        "billing/mandate/page.html",
        language=view.language,
        brand=await brands.of_tenant(view.tenant),
        view=view,
        token=token,
        typed=typed or forms.NOTHING_TYPED,
        errors=errors,
        over=over or (view.signed_at is None and view.expires_at <= clock.now()),
    )
    return Response(page, status_code=status, media_type=HTML, headers=_NOT_KEPT)


@get("/customers/{customer_id:uuid}/mandate")
async def of_customer(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The customer's mandate, or the way to one."""
    words = await around.customer(customer_id)
    return await pages.page(
        request,
        "billing/mandate/of_customer.html",
        **words,
        tab="mandate",
        stands=await mandate_links.of_customer(customer_id),
        how=mandates.HOW,
    )


@post("/customers/{customer_id:uuid}/mandate", guards=[auth.requires(Role.OWNER, Role.CLERK)])
async def invite(request: Request[Any, Any, Any], actor: auth.Acting, customer_id: FromPath[UUID]) -> Response[None]:
    """The customer gets a link by mail."""
    await forms.read(request)
    await mandate_links.invite(actor, customer_id)
    return pages.to(f"/portal/customers/{customer_id}/mandate", said=sentence("The link is on its way to the customer."))


@get("/")
async def own(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """The organisation's own mandate, what will be collected by it, and giving one where there is none."""
    return await _own(request, actor)


async def _own(request: Request[Any, Any, Any], actor: Actor, typed: Any = None, errors: Errors = NO_ERRORS) -> Page:
    return await pages.page(
        request,
        "billing/mandate/own.html",
        status=422 if errors else 200,
        own=await own_mandates.look(actor),
        typed=typed or forms.NOTHING_TYPED,
        errors=errors,
        may_decide=_may_decide(actor),
        how=mandates.HOW,
        today=clock.today(),
    )


def _may_decide(actor: Actor) -> bool:
    return actor.has_any(ContactRight.ADMINISTRATIVE, ContactRight.SIGNS)


@post("/", guards=_DECIDES)
async def give_own(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """The button pressed: the mandate is in force, or every fault stands beside its field; pressed twice it is one mandate."""
    form = await forms.read(request)
    try:
        given = forms.parse(form, Given)
        async with db.savepoint():
            await mandate_links.give_own(actor, given, _seen(request))
    except Invalid as problem:
        return await _own(request, actor, form.typed, forms.errors(problem, actor.language))
    except MandateInForce:
        return pages.to(OWN, said=sentence("There is a mandate already."))
    return pages.to(OWN, said=sentence("The mandate is given. A copy is on its way by mail."))


@get("/{mandate_id:uuid}/withdrawal", guards=_DECIDES)
async def ask_withdrawal(request: Request[Any, Any, Any], actor: auth.Acting, mandate_id: FromPath[UUID]) -> Page:
    """What withdrawing the mandate means, and the button that does it."""
    try:
        found = await own_mandates.to_withdraw(actor, mandate_id)
    except MandateEnded:
        return pages.to(OWN, said=_ENDED)
    return await pages.page(request, "billing/mandate/withdrawal.html", own=found)


_ENDED = sentence("The mandate has ended; nothing more is collected by it.")


@post("/{mandate_id:uuid}/withdrawal", guards=_DECIDES)
async def withdraw(request: Request[Any, Any, Any], actor: auth.Acting, mandate_id: FromPath[UUID]) -> Page:
    """The button pressed: nothing more is collected; pressed twice it has ended once."""
    await forms.read(request)
    try:
        async with db.savepoint():
            await own_mandates.withdraw(actor, mandate_id)
    except MandateEnded:
        return pages.to(OWN, said=_ENDED)
    return pages.to(OWN, said=sentence("The mandate is withdrawn. You also have this by mail."))


routers = [
    Router("/mandate", route_handlers=[look, give], include_in_schema=False),
    Router("/portal", route_handlers=[of_customer, invite], before_request=pages.for_members, include_in_schema=False),
    Router(OWN, route_handlers=[own, give_own, ask_withdrawal, withdraw], before_request=pages.for_contacts, include_in_schema=False),
]
