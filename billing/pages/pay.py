"""Paying: the page behind a link, which needs no sign-in; several of one's own invoices at once; and the gateway's knock on the door."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from partner_portal.infra import clock, formats, templates
from partner_portal.kernel.errors import Invalid
from partner_portal.kernel.money import Money
from partner_portal.web import auth, forms, pages
from partner_portal.web.errors import HTML
from partner_portal.web.forms import NO_ERRORS, Errors
from tenants.service import brands

from ..policy.money_in import IntentState
from ..service import announcing, open_now, paper, pay_links, paying
from ..service.gateways.chosen import NotPayableOnline
from ..service.pay_links import View
from ..service.paying import NothingOpen

Page = Response[Any]
OWN = "/portal/own/pay"
_NOT_KEPT = {"cache-control": "no-store"}
_LONGEST_NEWS = 1000
_ALL = "all"
_CAME_TO_NOTHING = frozenset({IntentState.FAILED, IntentState.ABANDONED, IntentState.EXPIRED})


@get("/{token:str}")
async def look(
    request: Request[Any, Any, Any], token: FromPath[str], lang: FromQuery[str] = "", going: FromQuery[str] = "", back: FromQuery[str] = ""
) -> Page:
    """What is to be paid, to whom, and how far that is; with `going` on to the gateway as soon as it is ready, for `all` of it or what is asked now."""
    view = await _view(request, token)
    everything = going == _ALL
    if going and view.goes_on(everything=everything):
        return Response(None, status_code=303, headers={"location": str(view.checkout_url), **_NOT_KEPT})
    # What becomes of an attempt that is under way nobody knows yet, also where another sum is asked by now.
    waits = "going" if going and view.open_cents > 0 and view.online else "back" if back and view.attempt is IntentState.OPEN else ""
    return await _page(view, token, lang, waits=waits, everything=everything)


@post("/{token:str}", status_code=200)
async def pay(request: Request[Any, Any, Any], token: FromPath[str], lang: FromQuery[str] = "") -> Page:
    """The button pressed: the gateway is asked, and the payer goes on to it; pressed twice it is one payment."""
    view = await _view(request, token)
    everything = (await forms.read(request)).one("what") == _ALL
    try:
        await paying.want(view.id, lang if _known(lang) else "", everything=everything)
    except (NothingOpen, NotPayableOnline):
        return await _page(view, token, lang)
    # Not by a redirect: browsers hold what follows a form to the hosts that forms may go to, and the gateway is another.
    if view.goes_on(everything=everything):
        return await _page(view, token, lang, waits="going", everything=everything)
    going = f"going={_ALL if everything else 1}{f'&lang={lang}' if _known(lang) else ''}"
    return Response(None, status_code=303, headers={"location": f"/pay/{token}?{going}", **_NOT_KEPT})


async def _view(request: Request[Any, Any, Any], token: str) -> View:
    bearer = await pay_links.bearer(token)
    await auth.act_as(request, bearer)
    return await pay_links.look(UUID(bearer.id))


def _known(lang: str) -> bool:
    return lang in formats.LANGUAGES


async def _page(view: View, token: str, lang: str, *, waits: str = "", everything: bool = False) -> Page:
    page = templates.render(
        "billing/pay/page.html",
        language=lang if _known(lang) else view.language,
        brand=await brands.of_tenant(view.tenant),
        view=view,
        amount=Money(view.asked_cents),
        total=Money(view.open_cents),
        going=_ALL if everything else "1",
        today=clock.today(),
        received=Money(view.attempt_cents) if view.attempt is IntentState.PAID and view.instalment else None,
        owed=[(one, Money(one.open_cents), Money(one.gross_cents)) for one in view.owed],
        token=token,
        waits=waits,
        in_fours=paper.in_fours,
        nothing_of=view.attempt.value if view.attempt in _CAME_TO_NOTHING else "",
    )
    return Response(page, media_type=HTML, headers=_NOT_KEPT)


@get("/")
async def choose(
    request: Request[Any, Any, Any],
    invoice: Annotated[list[UUID] | None, QueryParameter(max_items=pay_links.MOST)] = None,
) -> Page:
    """What the organisation owes, to be paid at once; what the address names is marked."""
    return await _choose(request, {str(one) for one in invoice or ()})


async def _choose(request: Request[Any, Any, Any], marked: set[str], errors: Errors = NO_ERRORS) -> Page:
    rows = await open_now.own()
    collects = await announcing.now([row["id"] for row in rows])
    return await pages.page(
        request,
        "billing/pay/choose.html",
        status=422 if errors else 200,
        owed=[(row, Money(row["open_cents"]), collects.get(row["id"])) for row in rows],
        total=Money(sum(row["open_cents"] for row in rows)),
        marked=marked if marked or errors else {str(row["id"]) for row in rows if row["id"] not in collects},
        errors=errors,
    )


@post("/")
async def together(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """On to the page where the marked ones are paid together."""
    form = await forms.read(request)
    try:
        link = await pay_links.make(actor, [_id(one) for one in form.all("invoice")[: pay_links.MOST + 1]])
    except Invalid as problem:
        return await _choose(request, set(form.all("invoice")), forms.errors(problem, actor.language))
    return Response(None, status_code=303, headers={"location": pay_links.path(link)})


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        return UUID(int=0)


@post("/news", status_code=200)
async def news(request: Request[Any, Any, Any]) -> Response[str]:
    """The gateway says that something changed, by an id and nothing else. It is answered at once, also where the id is nobody's, and looked up afterwards."""
    sent = (await request.body())[:_LONGEST_NEWS].decode("latin-1")
    given = parse_qs(sent).get("id", [""])[0]
    if 0 < len(given) <= 64 and given.isascii() and given.isprintable():  # noqa: PLR2004  # as long as the column
        await paying.called(given)
    return Response("", media_type="text/plain")


routers = [
    Router("/pay", route_handlers=[look, pay], include_in_schema=False),
    Router(OWN, route_handlers=[choose, together], before_request=pages.for_contacts, include_in_schema=False),
    Router("/gateway", route_handlers=[news], include_in_schema=False),
]
