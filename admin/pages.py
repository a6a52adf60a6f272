"""The work list of finance, inside the admin's session: read, and decide where you read."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from partner_portal.infra import clock, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound, Problem
from partner_portal.web import csrf, identity, problems
from partner_portal.web.auth import PerhapsActing
from partner_portal.web.problems import UntrustedOrigin
from terminations.service import buyouts
from terminations.service.buyouts import Decision

from . import (
    access,
    form,
    forms,
    four_eyes,
    giving_back,
    indexation,
    invoices,
    late,
    mandates,
    notices,
    orders,
    password_again,
    reminders,
    saying,
    work_list,
)

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_ADDRESS = "/admin/work-list"


class Pressed(msgspec.Struct, frozen=True):
    """A button of one case, with what was typed beside it."""

    number: str = ""
    decision: str = ""
    amount: str = ""
    reason: str = ""
    csrf_token: str = ""


class Refused(msgspec.Struct, frozen=True):
    """Why nothing was decided, to be told at the case, with what was typed."""

    pressed: Pressed
    text: str
    fields: frozenset[str] = frozenset()


@get("/work-list")
async def look(
    request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "", number: FromQuery[str] = ""
) -> Response[Any]:
    """The cases that wait, with their sums and why; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _finance_only(perhaps_actor)
    return await _page(request, perhaps_actor, done=done if done in _DONE else "", number=number[:30])


@post("/work-list", status_code=200)
async def decide(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """The button pressed: decided by the same function as everywhere, or refused with the reason beside the case."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _finance_only(perhaps_actor)
    pressed = msgspec.convert({name: value[:2000] for name, value in data.items() if name in Pressed.__struct_fields__}, Pressed)
    if not hmac.compare_digest(pressed.csrf_token.encode(), _token(request).encode()):
        raise UntrustedOrigin
    try:
        done = await _act(request, perhaps_actor, pressed)
    except Problem as problem:
        wrong = frozenset(fault.pointer.removeprefix("/") for fault in problem.fields) if isinstance(problem, Invalid) else frozenset()
        refused = Refused(pressed, saying.text(problem, access.spoken(request)), wrong)
        answer = await _page(request, perhaps_actor, refused=refused)
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{_ADDRESS}?done={done}&number={pressed.number}", status_code=303)


async def _act(request: Request[Any, Any, Any], actor: Actor, pressed: Pressed) -> str:
    how = _ANSWERS.get(pressed.decision)
    if how is not None:
        await how(request, pressed.number, pressed.reason)
        return pressed.decision
    if pressed.decision not in set(Decision):
        raise NotFound(what="decision", id=pressed.decision)
    decision = Decision(pressed.decision)
    amount = form.cents(pressed.amount) if decision is Decision.ADJUST else None
    case = await buyouts.case_by_number(pressed.number)
    settled = await buyouts.decide(actor, case, decision, amount_cents=amount, reason=pressed.reason.strip())
    return decision.value if settled else "first"


async def _allow(request: Any, number: str, reason: str) -> None:
    await forms.answer_withdrawal(request, number, reason, is_allowed=True)


async def _deny(request: Any, number: str, reason: str) -> None:
    await forms.answer_withdrawal(request, number, reason, is_allowed=False)


_ANSWERS: dict[str, Callable[[Any, str, str], Awaitable[None]]] = {"allow": _allow, "deny": _deny}
_DONE = {*_ANSWERS, *(decision.value for decision in Decision), "first"}


def _finance_only(actor: Actor) -> None:
    if not actor.has_any(*form.FINANCE):
        raise NotAllowed(requires=sorted(form.FINANCE))


def _token(request: Request[Any, Any, Any]) -> str:
    return csrf.token(request.cookies.get(identity.ADMIN_COOKIE, ""))


async def _page(
    request: Request[Any, Any, Any], actor: Actor, *, done: str = "", number: str = "", refused: Refused | None = None
) -> Response[str]:
    language = access.spoken(request)
    page = templates.render(
        "admin/work_list.html",
        language=language,
        brand=Brand(name=settings.current().provider_name),
        waiting=await work_list.waiting(actor, language, clock.now()),
        limit=settings.current().four_eyes_limit_cents,
        token=_token(request),
        me=actor.label,
        done=done,
        number=number,
        refused=refused,
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


router = Router(
    "/admin",
    route_handlers=[
        look,
        decide,
        notices.look,
        notices.deal,
        reminders.look,
        reminders.decide,
        invoices.look,
        invoices.read,
        four_eyes.look,
        four_eyes.decide,
        orders.look,
        orders.choose,
        orders.show,
        orders.place,
        orders.one,
        orders.move,
        indexation.look,
        indexation.press,
        mandates.look,
        mandates.enter,
        mandates.read,
        mandates.change,
        giving_back.look,
        giving_back.decide,
        giving_back.look_at_payouts,
        giving_back.look_into,
        late.look,
        late.decide,
        password_again.ask_again,
        password_again.prove_again,
    ],
    include_in_schema=False,
)
