"""How a member follows deadlines outside the portal: its calendar's address, and the weekly mail."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post

from partner_portal.infra import catalogue, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Typed

from ..service import deadline_readers
from ..service.deadline_readers import ALARMS

PATH = "/portal/deadlines/calendar"
_BEFORE = {
    0: sentence("on the day itself"),
    1: sentence("1 day before"),
    3: sentence("3 days before"),
    7: sentence("a week before"),
    14: sentence("two weeks before"),
    30: sentence("30 days before"),
}


@get("/")
async def show(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The address of the calendar, if there is one, and what was chosen."""
    return await _page(request, actor)


@post("/")
async def choose(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The weekly mail, and when calendars warn, are as chosen."""
    form = await forms.read(request)
    days = form.one("alarm_days")
    try:
        async with db.savepoint():
            await deadline_readers.choose(
                actor,
                wants_digest=form.one("digest") == "yes",
                alarm_days=int(days) if days.isdecimal() and len(days) < len("1000") else -1,
            )
    except Invalid as problem:
        return await _page(request, actor, typed=form.typed, errors=forms.errors(problem, actor.language), status=422)
    return pages.to(PATH, said=sentence("Your choice is kept."))


@post("/address")
async def make_address(actor: auth.Acting) -> Response[None]:
    """The calendar has a new address; the one before shows nothing any more."""
    await deadline_readers.make_address(actor)
    return pages.to(PATH, said=sentence("Your calendar has a new address. An earlier one no longer works."))


@post("/address/removal")
async def drop_address(actor: auth.Acting) -> Response[None]:
    """The calendar has no address any more."""
    await deadline_readers.drop_address(actor)
    return pages.to(PATH, said=sentence("The address no longer works."))


async def _page(
    request: Request[Any, Any, Any], actor: Actor, *, typed: Typed | None = None, errors: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    following = await deadline_readers.of(actor)
    return await pages.page(
        request,
        "terminations/deadlines/calendar.html",
        status=status,
        following=following,
        alarms=[(str(days), catalogue.text(_BEFORE[days], actor.language)) for days in ALARMS],
        most=deadline_readers.MOST_EVENTS,
        typed=typed or Typed.of({"digest": following.wants_digest, "alarm_days": following.alarm_days}),
        errors=errors,
    )


router = Router(PATH, route_handlers=[show, choose, make_address, drop_address], before_request=pages.for_members, include_in_schema=False)
