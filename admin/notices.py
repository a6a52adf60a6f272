"""The notices that staff have to look at: the house's own, and those of partners who are late or may not sign in."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery

from partner_portal.infra import clock
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form
from terminations.policy.facts import Ground
from terminations.policy.notices import NoticeKind, Seen
from terminations.service import notices, placing
from terminations.service.placing import Attach
from terminations.tables import ReceivedNotice

from . import masters, own_pages
from .pressing import pressed
from .refusing import NOTHING, Refused

_ADDRESS = "/admin/notices"
_DONE = {"attach", "answer"}


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
async def look(request: Request[Any, Any, Any], done: FromQuery[str] = "") -> Response[Any]:
    """The notices that wait for staff, each with what its details point at; decides nothing."""
    return await _page(request, done=done if done in _DONE else "")


@post("/notices", status_code=200)
async def deal(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The button pressed: attached to a service of whichever partner it is, or answered; or refused with the reason at its field."""

    async def show(refused: Refused) -> Response[Any]:
        return await _page(request, refused=refused)

    return await pressed(request, actor, {"attach": _attach, "answer": _answer}, _ADDRESS, show)


async def _answer(actor: Actor, form: Form) -> None:
    notice = await ReceivedNotice.find(own_pages.id_of(form.one("id"), "notice"))
    await masters.acting_for(notice.tenant)
    deals = notices.answer if notices.can_be_written_to(notice.email) else notices.close_without_mail
    await deals(actor, notice, form.one("answer"))


async def _attach(actor: Actor, form: Form) -> None:
    """`service` is the id of a suggestion, `number` what was typed."""
    notice = await ReceivedNotice.find(own_pages.id_of(form.one("id"), "notice"))
    chosen = form.one("service")
    services = (own_pages.id_of(chosen, "service"),) if chosen else await placing.services_called(form.one("number"))
    home = await placing.home_of(services)
    if home != notice.tenant:
        notice = await placing.hand_over(notice, home)
    await masters.acting_for(home)
    ground = Ground.COOLING_OFF if notice.kind == NoticeKind.COOLING_OFF else None
    await placing.attach(actor, notice, Attach(services=services, ground=ground))


async def _page(request: Request[Any, Any, Any], *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    waiting = [await _waiting(row) for row in await notices.for_staff()]
    return own_pages.shown(request, "notices.html", waiting=waiting, done=done, refused=refused)


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
