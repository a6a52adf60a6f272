"""The notices that staff have to look at: the house's own, and those of partners who are late or may not sign in."""

from __future__ import annotations

import hmac
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from partner_portal.infra import clock, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotAllowed, NotFound, Problem
from partner_portal.web import csrf, identity, problems
from partner_portal.web.auth import PerhapsActing
from partner_portal.web.problems import UntrustedOrigin
from terminations.policy.facts import Ground
from terminations.policy.notices import NoticeKind, Seen
from terminations.service import notices, placing
from terminations.service.placing import Attach
from terminations.tables import ReceivedNotice

from . import access, form, masters, saying

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_ADDRESS = "/admin/notices"
_DONE = {"attach", "answer"}


class Pressed(msgspec.Struct, frozen=True):
    """A button of one notice, with what was typed beside it; `service` is the id of a suggestion."""

    notice: str = ""
    decision: str = ""
    service: str = ""
    number: str = ""
    answer: str = ""
    csrf_token: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One notice that waits for staff."""

    notice: ReceivedNotice
    partner: str
    is_house: bool
    is_late: bool
    is_suspended: bool
    can_mail: bool
    suggestions: tuple[Seen, ...]


@get("/notices")
async def look(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """The notices that wait for staff, each with what its details point at; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _desk_only(perhaps_actor)
    return await _page(request, perhaps_actor, done=done if done in _DONE else "")


@post("/notices", status_code=200)
async def deal(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """The button pressed: attached to a service of whichever partner it is, or answered; or refused with the reason beside the notice."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _desk_only(perhaps_actor)
    pressed = msgspec.convert({name: value[:2000] for name, value in data.items() if name in Pressed.__struct_fields__}, Pressed)
    if not hmac.compare_digest(pressed.csrf_token.encode(), _token(request).encode()):
        raise UntrustedOrigin
    try:
        await _act(perhaps_actor, pressed)
    except Problem as problem:
        answer = await _page(request, perhaps_actor, refused=(pressed, saying.text(problem, access.spoken(request))))
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{_ADDRESS}?done={pressed.decision}", status_code=303)


async def _act(actor: Actor, pressed: Pressed) -> None:
    notice = await ReceivedNotice.find(_id(pressed.notice))
    if pressed.decision == "attach":
        await _attach(actor, notice, pressed)
    elif pressed.decision == "answer":
        await masters.acting_for(notice.tenant)
        deals = notices.answer if notices.can_be_written_to(notice.email) else notices.close_without_mail
        await deals(actor, notice, pressed.answer)
    else:
        raise NotFound(what="decision", id=pressed.decision)


async def _attach(actor: Actor, notice: ReceivedNotice, pressed: Pressed) -> None:
    services = (_id(pressed.service),) if pressed.service else await placing.services_called(pressed.number)
    home = await placing.home_of(services)
    if home != notice.tenant:
        notice = await placing.hand_over(notice, home)
    await masters.acting_for(home)
    ground = Ground.COOLING_OFF if notice.kind == NoticeKind.COOLING_OFF else None
    await placing.attach(actor, notice, Attach(services=services, ground=ground))


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound(what="notice", id=typed[:40]) from error


def _desk_only(actor: Actor) -> None:
    if not actor.has_any(*form.DESK):
        raise NotAllowed(requires=sorted(form.DESK))


def _token(request: Request[Any, Any, Any]) -> str:
    return csrf.token(request.cookies.get(identity.ADMIN_COOKIE, ""))


async def _page(
    request: Request[Any, Any, Any], actor: Actor, *, done: str = "", refused: tuple[Pressed, str] | None = None
) -> Response[str]:
    page = templates.render(
        "admin/notices.html",
        language=access.spoken(request),
        brand=Brand(name=settings.current().provider_name),
        waiting=[await _waiting(row) for row in await notices.for_staff()],
        token=_token(request),
        me=actor.label,
        done=done,
        refused=refused[0] if refused else None,
        problem=refused[1] if refused else "",
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


async def _waiting(row: Any) -> Waiting:
    notice = await ReceivedNotice.get(row["id"])  # only read: whoever looks keeps nobody from dealing with it
    look_by: date | None = notice.look_by
    return Waiting(
        notice=notice,
        partner=row["partner"],
        is_house=row["is_house"],
        is_late=look_by is not None and look_by < clock.today(),
        is_suspended=row["is_suspended"],
        can_mail=notices.can_be_written_to(notice.email),
        suggestions=await placing.suggestions(notice),
    )
