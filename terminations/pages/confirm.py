"""The customer's page behind the link in a mail: looking decides nothing, a button does, once."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from partner_portal.infra import catalogue, db, files, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.dates import local_date
from partner_portal.kernel.errors import Invalid, NotFound, Problem
from partner_portal.kernel.money import Money
from partner_portal.web import auth

from ..policy.offer import cents_typed
from ..service import cases, decisions, letters, links
from ..service.decisions import Choice, Outcome, Press, Standing
from ..service.letters import Dossier
from ..service.links import Purpose
from ..tables import DecisionLink, Termination
from ..workflow import State

Html = Response[str]

_OUTCOMES = {State.SCHEDULED, State.ENDED, State.WITHDRAWN, State.REFUSED, State.EXPIRED}
_ERRORS = {
    "text-has-changed": sentence("What this page says has changed since you opened it. Please read it again and answer then."),
    "wrong-code": sentence("That is not the code we sent, or it is too old. Please try again or ask for a new code."),
    "too-many-codes": sentence("Too many wrong codes. Ask your supplier to send you the link again."),
    "amount": sentence("Give the amount you propose in euros, for example 350."),
    "invalid": sentence("Propose another amount than the one on the table, zero or more."),
}


class Typed(msgspec.Struct, frozen=True):
    """What was typed and pressed."""

    decision: str = ""
    text_version: str = ""
    reason: str = ""
    offer: str = ""
    code: str = ""
    resend: str = ""


NOTHING = Typed()


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A link with all its page needs."""

    token: str
    link: DecisionLink
    case: Termination
    told: Dossier
    language: str


@get("/{token:str}")
async def look(request: Request[Any, Any, Any], token: FromPath[str]) -> Html:
    """The question, or what was answered; decides nothing, however often and by whomever it is opened."""
    await _enter(request, token)
    view = await _view(token)
    return await _page(view)


@post("/{token:str}", status_code=200)
async def answer(
    request: Request[Any, Any, Any], token: FromPath[str], data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Html:
    """The button pressed: decides once, and shows what was decided."""
    actor = await _enter(request, token)
    typed = msgspec.convert({name: value[:2000] for name, value in data.items() if name in Typed.__struct_fields__}, Typed)
    view = await _view(token)
    if decisions.standing(view.link, view.case) is not Standing.OPEN:
        return await _page(view)
    choice = typed.resend or typed.decision
    if choice not in {offered.value for offered in decisions.offered(view.link)}:
        return await _page(view, typed=typed)
    amount = _amount(view, typed.offer) if choice == Choice.COUNTER else None
    if choice == Choice.COUNTER and amount is None:
        return await _page(view, typed=typed, error="amount")
    pressed = Press(
        choice=Choice(choice),
        text_version=typed.text_version,
        note=typed.reason.strip(),
        amount_cents=amount,
        code=typed.code.strip() or None,
    )
    seen = await _text(view)
    try:
        async with db.savepoint():
            outcome = await decisions.press(actor, token, pressed, text_version=_version(seen))
    except (decisions.TextHasChanged, decisions.WrongCode, decisions.TooManyCodes, Invalid) as problem:
        return await _again(view, typed, choice, problem)
    except decisions.LinkNotOpen:  # somebody pressed at the same moment: the page says what was decided
        return await _page(await _view(token))
    if outcome is Outcome.CODE_SENT:
        return await _code_page(view, typed, choice)
    await files.store("page", f"{view.case.number}.html", seen.encode(), "text/html; charset=utf-8")
    return await _page(await _view(token))


async def _enter(request: Request[Any, Any, Any], token: FromPath[str]) -> Any:
    actor = await links.bearer(token)
    await auth.act_as(request, actor)
    return actor


async def _view(token: str) -> View:
    link, case = await decisions.case_of(token)
    told = await letters.dossier(case)
    return View(token=token, link=link, case=case, told=told, language=told.contact.language if told.contact else "nl")


async def _page(view: View, *, typed: Typed = NOTHING, error: str | None = None) -> Html:
    standing = decisions.standing(view.link, view.case)
    if standing is Standing.OPEN:
        said = catalogue.text(_ERRORS[error], view.language) if error else None
        return _html(await _question(view, text_version=_version(await _text(view)), reason=typed.reason, offer=typed.offer, error=said))
    if standing is Standing.DECIDED:
        return _html(await _decided(view))
    valid_until = local_date(view.link.expires_at - timedelta(seconds=1))
    return _html(_render(view, "expired", standing=standing.value, valid_until=valid_until))


async def _text(view: View) -> str:
    """The page as it asks, before anything is typed: this is what the answer is an answer to."""
    return await _question(view, text_version="", reason="", offer="", error=None)


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def _question(view: View, **typed: Any) -> str:
    told = view.told
    until: date = local_date(view.link.expires_at - timedelta(seconds=1))
    words: dict[str, Any] = {"valid_until": until, "document_link": None, **typed}
    if view.link.purpose == Purpose.BUYOUT:
        bill = letters.sheet(told, view.language, only=cases.EXTRA_COSTS)
        ask = {"final": letters.amount_for(told, "customer"), "has_buyout": letters.has_buyout(told)}
        return _render(view, "proposal", sheet=bill, amount=bill.total, adjustment=await letters.adjustment(told), **ask, **words)
    bill_or_none = letters.sheet(told, view.language) if told.customer_pays else None
    return _render(
        view, "waiting", sheet=bill_or_none, amount=letters.amount_for(told, "customer"), has_buyout=letters.has_buyout(told), **words
    )


async def _decided(view: View) -> str:
    state = State(view.case.state)
    is_stranger = view.link.decision == Choice.NOT_ME
    return _render(
        view,
        "decided",
        amount=letters.amount_for(view.told, "customer"),
        decision=view.link.decision,
        decided_at=view.link.decided_at,
        decided_by=view.link.recipient_name,
        outcome=state.value if state in _OUTCOMES and not is_stranger else None,
        document_link=f"/confirm/{view.token}/confirmation.pdf" if view.case.document is not None and not is_stranger else None,
    )


async def _again(view: View, typed: Typed, choice: str, problem: Problem) -> Html:
    if isinstance(problem, decisions.WrongCode):
        return await _code_page(view, typed, choice, error=catalogue.text(_ERRORS[problem.code], view.language))
    return await _page(view, typed=typed, error=problem.code)


async def _code_page(view: View, typed: Typed, choice: str, error: str | None = None) -> Html:
    sent_to = letters.masked(view.link.recipient)
    words = {"text_version": typed.text_version, "reason": typed.reason, "offer": typed.offer, "error": error}
    return _html(_render(view, "code", sent_to=sent_to, decision=choice, **words))


def _amount(view: View, typed: str) -> int | None:
    including = cents_typed(typed)
    return None if including is None else letters.without_vat(view.told, Money(including))


@get("/{token:str}/confirmation.pdf")
async def confirmation(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """The confirmation, for whoever decided by this link."""
    await _enter(request, token)
    link, case = await decisions.case_of(token)
    if case.document is None or link.decision in {None, Choice.NOT_ME}:
        raise NotFound(what="document")
    document, content = await files.fetch(case.document)
    return Response(content, media_type=document.media_type, headers={"content-disposition": f'inline; filename="{document.filename}"'})


def _render(view: View, name: str, **words: Any) -> str:
    told = view.told
    common = {"brand": told.brand, "case": letters.case_words(told), "lines": letters.line_words(told, view.language)}
    return templates.render(f"terminations/confirm/{name}.html", language=view.language, **common, **words)


def _html(page: str) -> Html:
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


def unknown(_request: Request[Any, Any, Any], _error: NotFound) -> Html:
    """A link that nobody was sent, or that lost part of itself on the way."""
    page = templates.render("terminations/confirm/not_found.html", language="nl", brand=Brand(name=settings.current().provider_name))
    return Response(page, status_code=404, media_type="text/html; charset=utf-8")


router = Router(
    "/confirm",
    route_handlers=[look, answer, confirmation],
    include_in_schema=True,
    tags=["confirmation"],
    exception_handlers={NotFound: unknown},
)
