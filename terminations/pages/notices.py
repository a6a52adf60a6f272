"""The public pages on which anybody gives notice or withdraws from a contract: no account, two steps, received at the click of the second.

Nothing on them depends on what the partner has on file. Whoever fills them in is nobody we know, so the page that follows is the same whether
the number is a customer's or not; days and costs go to the address on file only.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import clock, files, rates, settings, tokens
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.formats import LANGUAGES
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web import auth, forms, identity, language, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed

from ..policy import notices as policy
from ..policy.notices import NoticeKind
from ..service import notices
from ..service.notices import Sent

Page = Response[bytes]
_HOUR, _DAY = 3600, 24 * 3600
_END, _WITHDRAW = "end-contract", "withdraw-contract"
_TRAP = "leave_empty"
_KINDS = {_END: (NoticeKind.ORDINARY, NoticeKind.EXTRAORDINARY), _WITHDRAW: (NoticeKind.COOLING_OFF,)}
TOO_OFTEN = sentence(
    "From your connection so many notices were given that we wait a little. This one was not received yet: try again in %(minutes)s minutes, or mail us."
)


@get([f"/{_END}", f"/{_END}/{{code:str}}", f"/{_WITHDRAW}", f"/{_WITHDRAW}/{{code:str}}"])
async def ask(request: Request[Any, Any, Any]) -> Page:
    """The first step: exactly what the law lets us ask."""
    await _enter(request)
    return await _form(request, Typed.of({"kind": _kinds(request)[0].value, "when": "soon"}), NO_ERRORS)


@post([f"/{_END}", f"/{_END}/{{code:str}}", f"/{_WITHDRAW}", f"/{_WITHDRAW}/{{code:str}}"], status_code=200)
async def give(request: Request[Any, Any, Any]) -> Response[Any]:
    """The second step, that repeats everything; or the click that is the notice."""
    form = await forms.read(request)
    actor = await _enter(request, form)
    sent = _sent(request, form, actor.language)
    if form.one("step") == "send" and not sent.is_empty:
        return await _receive(request, actor, form, sent)
    errors = _errors(form, sent, actor.language)
    if errors or form.one("step") != "check":
        return await _form(request, form.typed, errors, status=422 if errors else 200)
    return await _check(request, form, sent)


@get([f"/{_END}/{{code:str}}/{{token:str}}", f"/{_WITHDRAW}/{{code:str}}/{{token:str}}"])
async def received(request: Request[Any, Any, Any], token: FromPath[str]) -> Page:
    """What was received, word for word, and when: to print or keep, for whoever pressed the button only."""
    await _enter(request)
    notice = await notices.by_token(token)
    return await _page(request, "received", notice=notice, document=f"{request.url.path}/receipt.pdf" if notice.receipt else "")


@get([f"/{_END}/{{code:str}}/{{token:str}}/receipt.pdf", f"/{_WITHDRAW}/{{code:str}}/{{token:str}}/receipt.pdf"])
async def receipt(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """The same as a letter, as it was mailed."""
    await _enter(request)
    notice = await notices.by_token(token)
    if notice.receipt is None:
        raise NotFound(what="document")
    document, content = await files.fetch(notice.receipt)
    headers = {"content-disposition": f'inline; filename="{document.filename}"', "cache-control": "no-store"}
    return Response(content, media_type=document.media_type, headers=headers)


async def _enter(request: Request[Any, Any, Any], form: Form | None = None) -> Actor:
    chosen = (form.one("language") if form else "") or request.query_params.get("language", "")
    spoken = chosen if chosen in LANGUAGES else language.choose(None, request.headers.get("accept-language", ""))
    actor = await notices.addressee(_code(request), spoken)
    await auth.act_as(request, actor)
    return actor


def _code(request: Request[Any, Any, Any]) -> str:
    # Not a parameter of the handlers: without it the page is the house's.
    return str(request.path_params.get("code", ""))


def _which(request: Request[Any, Any, Any]) -> str:
    return _WITHDRAW if request.url.path.startswith(f"/{_WITHDRAW}") else _END


def _kinds(request: Request[Any, Any, Any]) -> tuple[NoticeKind, ...]:
    return _KINDS[_which(request)]


def _sent(request: Request[Any, Any, Any], form: Form, spoken: str) -> Sent:
    kinds = {kind.value: kind for kind in _kinds(request)}
    kind = kinds.get(form.one("kind"), _kinds(request)[0])
    sent = Sent(
        kind=kind,
        name=form.one("name"),
        customer=form.one("customer"),
        contract=form.one("contract"),
        reason=form.one("reason") if kind is not NoticeKind.COOLING_OFF else "",
        wished=form.one("wished_on") if form.one("when") == "day" else "",
        email=form.one("email"),
        language=spoken,
        click=form.one("click"),
        is_suspect=bool(form.one(_TRAP)),
    )
    return notices.cleaned(sent)


def _errors(form: Form, sent: Sent, spoken: str) -> Errors:
    """What is still missing or cannot be read at the first step; the click itself refuses nothing."""
    if form.one("step") != "check":
        return NO_ERRORS
    needed = ("reason", "name", "contract", "email") if sent.kind is NoticeKind.EXTRAORDINARY else ("name", "contract", "email")
    faults = [FieldError(f"/{name}", f"{name}-missing") for name in needed if not getattr(sent, name)]
    if sent.email and not notices.can_be_written_to(sent.email):
        faults.append(FieldError("/email", "no-address"))
    if form.one("when") == "day" and notices.wish(sent.wished, clock.today()) is None:
        faults.append(FieldError("/wished_on", "no-day-ahead"))
    faults += [
        FieldError(f"/{name}", "too-long", {"limit": notices.LONGEST[name]})
        for name in ("name", "customer", "contract", "reason", "email")
        if len(form.one(name)) > notices.LONGEST[name]
    ]
    return forms.errors(Invalid(*faults), spoken) if faults else NO_ERRORS


async def _receive(request: Request[Any, Any, Any], actor: Actor, form: Form, sent: Sent) -> Response[Any]:
    client = request.scope.get("client")
    sender = identity.rate_address(client[0]) if client else "local"
    limits = settings.current()
    if wait := await rates.counted("notices", sender, most=limits.notices_per_hour, seconds=_HOUR):
        return await _too_often(request, form, sent, wait)
    held_back = sent.email and await rates.counted("receipts", sent.email, most=limits.receipts_per_day, seconds=_DAY)
    notice = await notices.receive(actor, sent, may_confirm=not held_back)
    code = await notices.code_of(notice.tenant)
    return pages.to(notices.receipt_path(code, notice) + _in_language(request, actor.language))


def _in_language(request: Request[Any, Any, Any], spoken: str) -> str:
    own = language.choose(None, request.headers.get("accept-language", ""))
    return "" if spoken == own else f"?language={spoken}"


async def _too_often(request: Request[Any, Any, Any], form: Form, sent: Sent, wait: int) -> Page:
    answer = await _check(request, form, sent, status=429, wait_minutes=-(-wait // 60))
    answer.headers["retry-after"] = str(wait)
    return answer


async def _form(request: Request[Any, Any, Any], typed: Typed, errors: Errors, *, status: int = 200) -> Page:
    return await _page(request, "ask", status=status, typed=typed, errors=errors, trap=_TRAP, longest=notices.LONGEST)


async def _check(request: Request[Any, Any, Any], form: Form, sent: Sent, *, status: int = 200, wait_minutes: int = 0) -> Page:
    click = sent.click or tokens.token(new_id())
    said = msgspec.structs.asdict(sent)
    kept = {name: said[name] for name in ("name", "customer", "contract", "reason", "email", "language")}
    kept |= {"kind": sent.kind.value, "when": form.one("when"), "wished_on": sent.wished, "click": click}
    kept |= {_TRAP: "yes"} if sent.is_suspect else {}
    today = clock.today()
    return await _page(
        request,
        "check",
        status=status,
        sent=sent,
        kept=kept,
        wished_on=notices.wish(sent.wished, today),
        latest=policy.last_day_at_the_latest(today),
        wait_minutes=wait_minutes,
        too_often=TOO_OFTEN,
    )


async def _page(request: Request[Any, Any, Any], name: str, *, status: int = 200, **words: Any) -> Page:
    which = _which(request)
    about: dict[str, Any] = {"withdraws": which == _WITHDRAW, "address": f"/{which}/{_code(request)}".rstrip("/")}
    answer = await pages.page(request, f"terminations/notice/{name}.html", status=status, **about, **words)
    answer.headers["cache-control"] = "no-store"
    return answer


router = Router("/", route_handlers=[ask, give, received, receipt], include_in_schema=False)
