"""The customer's page behind the link in a mail: looking decides nothing, a button does, once."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from partner_portal.infra import catalogue, db, files, formats, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.tables import Document
from partner_portal.kernel.errors import Invalid, NotFound, Problem
from partner_portal.kernel.money import Money
from partner_portal.web import auth
from partner_portal.web.errors import HTML, reader_of

from ..policy.offer import cents_typed
from ..policy.waiting import last_day
from ..service import asking, decisions, letters, links
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
_AT_OFFER = {"amount", "invalid"}
_GONE, _CONFLICT, _UNREADABLE = 410, 409, 422
_REFUSED = {"text-has-changed": _CONFLICT, "too-many-codes": _CONFLICT}
_NAMES = {"nl": "Nederlands", "en": "English"}
_PAGE = "web/base.html"
_NOT_KEPT = {"cache-control": "no-store"}


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
async def look(request: Request[Any, Any, Any], token: FromPath[str], lang: FromQuery[str] = "") -> Html:
    """The question, or what was answered; decides nothing, however often and by whomever it is opened."""
    await _enter(request, token)
    return await _page(await _view(token, lang))


@post("/{token:str}", status_code=200)
async def answer(
    request: Request[Any, Any, Any],
    token: FromPath[str],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
    lang: FromQuery[str] = "",
) -> Html:
    """The button pressed: decides once, and shows what was decided."""
    actor = await _enter(request, token)
    typed = msgspec.convert({name: value[:2000] for name, value in data.items() if name in Typed.__struct_fields__}, Typed)
    view = await _view(token, lang)
    choice = typed.resend or typed.decision
    if decisions.standing(view.link, view.case) is not Standing.OPEN or choice not in decisions.offered(view.link):
        return await _page(view, typed=typed)
    amount = _amount(view, typed.offer) if choice == Choice.COUNTER else None
    if choice == Choice.COUNTER and amount is None:
        return await _page(view, typed=typed, error="amount")
    pressed = _press(typed, Choice(choice), amount)
    seen = await _record(view)
    try:
        async with db.savepoint():
            outcome = await decisions.press(actor, token, pressed, text_version=asking.version(seen))
    except (decisions.TextHasChanged, decisions.WrongCode, decisions.TooManyCodes, Invalid) as problem:
        return await _again(view, typed, choice, problem)
    except decisions.LinkNotOpen:  # somebody pressed at the same moment: the page says what was decided
        return await _page(await _view(token, lang))
    if outcome is Outcome.CODE_SENT:
        return await _code_page(view, typed, choice)
    await files.store("page", f"{view.case.number}.html", seen.encode(), "text/html; charset=utf-8")
    return await _page(await _view(token, lang))


def _press(typed: Typed, choice: Choice, amount: int | None) -> Press:
    note, code = typed.reason.strip(), typed.code.strip() or None
    return Press(choice=choice, text_version=typed.text_version, note=note, amount_cents=amount, code=code)


async def _enter(request: Request[Any, Any, Any], token: str) -> Any:
    actor = await links.bearer(token)
    await auth.act_as(request, actor)
    return actor


async def _view(token: str, lang: str) -> View:
    link, case = await decisions.case_of(token)
    told = await letters.dossier(case)
    own = told.contact.language if told.contact else formats.LANGUAGES[0]
    return View(token=token, link=link, case=case, told=told, language=lang if lang in formats.LANGUAGES else own)


async def _page(view: View, *, typed: Typed = NOTHING, error: str = "") -> Html:
    standing = decisions.standing(view.link, view.case)
    if standing is Standing.OPEN:
        return _html(await _question(view, typed, error), _REFUSED.get(error, _UNREADABLE) if error else 200)
    if standing is Standing.DECIDED:
        return _html(_decided(view))
    until = last_day(view.link.expires_at)
    return _html(_render(view, "expired", standing=standing.value, state=view.case.state, valid_until=until), _GONE)


async def _question(view: View, typed: Typed, error: str) -> str:
    asked = await asking.words(view.told, Purpose(view.link.purpose), view.language)
    shown = {
        "frame": _PAGE,
        "languages": _other_languages(view.language),
        "valid_until": last_day(view.link.expires_at),
        "document_link": f"/confirm/{view.token}/request.pdf?lang={view.language}",
        "text_version": asking.version(await _record(view)),
        "reason": typed.reason,
        "offer": typed.offer,
        "error": catalogue.text(_ERRORS[error], view.language) if error else None,
        "wrong": "offer" if error in _AT_OFFER else "",
    }
    return templates.render(asking.template(view.link), language=view.language, **asked, **shown)


async def _record(view: View) -> str:
    return await asking.record(view.told, view.link, view.language)


def _decided(view: View) -> str:
    state = State(view.case.state)
    is_stranger = view.link.decision == Choice.NOT_ME
    return _render(
        view,
        "decided",
        amount=letters.amount_for(view.told, "customer"),
        decision=view.link.decision,
        decided_at=view.link.decided_at,
        decided_by=view.link.recipient_name,
        outcome=state.value if state in _OUTCOMES and view.link.decision not in {Choice.NOT_ME, Choice.EARLIER} else None,
        after=letters.afterwards(view.told),
        withdraw_until=letters.withdraw_until(view.told),
        document_link=f"/confirm/{view.token}/confirmation.pdf" if view.case.document is not None and not is_stranger else None,
    )


async def _again(view: View, typed: Typed, choice: str, problem: Problem) -> Html:
    if isinstance(problem, decisions.WrongCode):
        return await _code_page(view, typed, choice, error=catalogue.text(_ERRORS[problem.code], view.language))
    return await _page(view, typed=typed, error=problem.code)


async def _code_page(view: View, typed: Typed, choice: str, error: str | None = None) -> Html:
    sent_to = letters.masked(view.link.recipient)
    words = {"text_version": typed.text_version, "reason": typed.reason, "offer": typed.offer, "error": error}
    return _html(_render(view, "code", sent_to=sent_to, decision=choice, **words), _UNREADABLE if error else 200)


def _amount(view: View, typed: str) -> int | None:
    including = cents_typed(typed)
    return None if including is None else letters.without_vat(view.told, Money(including))


@get("/{token:str}/request.pdf")
async def request_letter(request: Request[Any, Any, Any], token: FromPath[str], lang: FromQuery[str] = "") -> Response[bytes]:
    """What the page asks, as a letter to take away or to show to others; it holds no way to answer. Made when it is first asked for."""
    await _enter(request, token)
    view = await _view(token, lang)
    if decisions.standing(view.link, view.case) is not Standing.OPEN:
        raise NotFound(what="document")
    made = await asking.letter(view.told, view.link, view.language)
    if made is None:
        return Response(_render(view, "in_the_making").encode(), status_code=202, media_type=HTML, headers={"refresh": "2", **_NOT_KEPT})
    return _file(*await files.fetch(made.id))


@get("/{token:str}/confirmation.pdf")
async def confirmation(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """The confirmation, for whoever decided by this link."""
    await _enter(request, token)
    link, case = await decisions.case_of(token)
    if case.document is None or link.decision in {None, Choice.NOT_ME}:
        raise NotFound(what="document")
    return _file(*await files.fetch(case.document))


def _file(document: Document, content: bytes) -> Response[bytes]:
    headers = {"content-disposition": f'inline; filename="{document.filename}"', **_NOT_KEPT}
    return Response(content, media_type=document.media_type, headers=headers)


def _render(view: View, name: str, **words: Any) -> str:
    told = view.told
    common = {"brand": told.brand, "case": letters.case_words(told), "lines": letters.line_words(told, view.language)}
    frame = {"frame": _PAGE, "languages": _other_languages(view.language)}
    return templates.render(f"terminations/confirm/{name}.html", language=view.language, **common, **frame, **words)


def _other_languages(language: str) -> list[tuple[str, str]]:
    return [(code, name) for code, name in _NAMES.items() if code != language]


def _html(page: str, status_code: int = 200) -> Html:
    return Response(page, status_code=status_code, media_type=HTML, headers=_NOT_KEPT)


def unknown(request: Request[Any, Any, Any], _error: NotFound) -> Html:
    """A link that nobody was sent, or that lost part of itself on the way."""
    asked = request.query_params.get("lang", "")
    language = asked if asked in formats.LANGUAGES else reader_of(request.scope).language
    words = {"brand": Brand(name=settings.current().provider_name), "languages": _other_languages(language)}
    return _html(templates.render("terminations/confirm/not_found.html", language=language, **words), 404)


router = Router(
    "/confirm",
    route_handlers=[look, answer, request_letter, confirmation],
    include_in_schema=True,
    tags=["confirmation"],
    exception_handlers={NotFound: unknown},
)
