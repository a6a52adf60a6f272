"""What people set for themselves: language and appearance, explanations, password, where they are signed in, other accounts."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie

from partner_portal.infra import catalogue, rates, sessions
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.formats import LANGUAGES
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.web import auth, forms, identity, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form
from partner_portal.web.frame import LONE_KEYS_COOKIE, OFF
from partner_portal.web.language import LANGUAGE_COOKIE

from ..service import own, sign_in
from .sign_in import LONGEST_PASSWORD, SIGN_IN

ACCOUNT = "/portal/account"
_A_YEAR = 365 * 24 * 3600
_HINT = re.compile(r"[a-z0-9-]{1,40}")


@post("/preferences")
async def prefer(request: Request[Any, Any, Any], perhaps_actor: auth.PerhapsActing) -> Response[Any]:
    """What was sent is set: `language`, `theme` ("system" lets the system decide), `hint` puts an explanation away, `hints=again` shows all again.

    `lone_keys` (on or off) and the theme are kept by the browser, and so is the language of somebody who is not signed in.
    """
    form = await forms.read(request)
    actor = perhaps_actor if perhaps_actor is not None and perhaps_actor.kind in (ActorKind.MEMBER, ActorKind.CONTACT) else None
    answer = pages.to(pages.own_path(form.one("back"), _home(actor) if actor else SIGN_IN))
    if actor is not None:
        await _keep(actor, form)
    elif (language := form.one("language")) in LANGUAGES:
        answer.set_cookie(_cookie(LANGUAGE_COOKIE, language))
    if (theme := form.one("theme")) in (*pages.THEMES, "system"):
        answer.set_cookie(_cookie(pages.THEME_COOKIE, theme if theme in pages.THEMES else ""))
    if (keys := form.one("lone_keys")) in (OFF, "on"):
        answer.set_cookie(_cookie(LONE_KEYS_COOKIE, keys if keys == OFF else ""))
    return answer


async def _keep(actor: Actor, form: Form) -> None:
    if (language := form.one("language")) in LANGUAGES:
        await own.speak(actor, language)
    if _HINT.fullmatch(hint := form.one("hint")):
        await own.put_away(actor, hint)
    if form.one("hints") == "again":
        await own.show_again(actor)


def _cookie(name: str, chosen: str) -> Cookie:
    # For every page of ours, also those without a sign-in; it tells nothing about anybody, and is there only after somebody chose.
    return Cookie(name, value=chosen, path="/portal", max_age=_A_YEAR if chosen else 0, httponly=True, secure=auth.by_tls(), samesite="lax")


def _home(actor: Actor) -> str:
    return "/portal/own" if actor.kind is ActorKind.CONTACT else "/portal"


@get("/account")
async def show(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Everything about the account on one page."""
    return await _account(request, actor)


async def _account(request: Request[Any, Any, Any], actor: Actor, wrong: Errors = NO_ERRORS, status: int = 200) -> Response[bytes]:
    here = request.scope["state"]["identity"].session
    return await pages.page(
        request,
        "tenants/account.html",
        status=status,
        account=await own.account(actor),
        others=await own.others(actor),
        sessions=[(one, *_device(one.agent)) for one in reversed(await sessions.all_of(actor.trail))],
        this=here.id if here else "",
        errors=wrong,
        typed=forms.NOTHING_TYPED,
    )


@post("/account/password")
async def change_password(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The password is another, and every other session is over."""
    sent = await request.form()
    old, new = (str(sent.get(name, ""))[:LONGEST_PASSWORD] for name in ("old", "new"))
    email = (await own.account(actor)).email
    address = identity.rate_address(request.client.host if request.client else "")
    if wait := await rates.attempt(email, address):
        return await _too_often(request, actor, wait)
    try:
        await own.change_password(email, old, new, here=request.cookies.get(auth.session_cookie(), ""))
    except Invalid as problem:
        if all(fault.pointer != "/old" for fault in problem.fields):
            await rates.succeeded(email, address)  # nothing was guessed
        return await _account(request, actor, forms.errors(problem, actor.language), 422)
    await rates.succeeded(email, address)
    return pages.to(ACCOUNT, said=sentence("Your password is changed, and you are signed out everywhere else."))


async def _too_often(request: Request[Any, Any, Any], actor: Actor, wait: int) -> Response[bytes]:
    said = catalogue.texts(
        "Too many attempts: try again in %(count)s second.",
        "Too many attempts: try again in %(count)s seconds.",
        actor.language,
        count=wait,
    )
    answer = await _account(request, actor, Errors({"old": said}), 429)
    answer.headers["retry-after"] = str(wait)
    return answer


@post("/account/sessions/end")
async def end_session(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The session that was named is over; without a name every one but this."""
    named = (await forms.read(request)).one("session")
    if not named:
        await sessions.revoke_all(actor.trail, but=request.cookies.get(auth.session_cookie(), ""))
        return pages.to(ACCOUNT, said=sentence("You are signed out everywhere else."))
    if not await sessions.revoke(actor.trail, named):
        raise NotFound(what="session", id=named)
    return pages.to(ACCOUNT, said=sentence("That session is over."))


@post("/account/switch")
async def switch(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The browser is signed in to another account of the same person."""
    wanted = (await forms.read(request)).one("account")
    found = [one for one in await own.others(actor) if one.actor.id == wanted]
    if not found:
        raise NotFound(what="account", id=wanted)
    chosen = await sign_in.come_in(found)
    answer = pages.to(
        _home(chosen), said=sentence("You now work as %(name)s at %(organisation)s."), name=chosen.label, organisation=found[0].organisation
    )
    await auth.sign_in(request, answer, who=chosen.trail, tenant=chosen.tenant)
    return answer


_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "CrOS": "ChromeOS",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def _device(agent: str) -> tuple[str, str]:
    """What a browser says it is, and on what it runs; empty where it cannot be told."""
    browser, system = (next((name for mark, name in known.items() if mark in agent), "") for known in (_BROWSERS, _SYSTEMS))
    return browser, system


preferences = Router("/portal", route_handlers=[prefer], include_in_schema=False)
router = Router(
    "/portal",
    route_handlers=[show, change_password, end_session, switch],
    before_request=pages.for_everybody,
    include_in_schema=False,
)
