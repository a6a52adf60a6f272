"""Reminding, for finance: what tonight would send, what is held and why, by which policy, and who owes how long."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from billing.pages.open_items import HOLDS, LEVELS, picture
from billing.policy.reminding import Held
from billing.service import holds, late, late_rest, open_items, plans, reminder_policies, reminders, suspensions
from billing.service.open_items import Aged, Ageing
from billing.service.reminder_policies import PolicyWanted
from billing.service.statement_letters import AGES
from partner_portal.infra import clock, db, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Problem
from partner_portal.web import csrf, identity, problems
from partner_portal.web.auth import PerhapsActing
from partner_portal.web.problems import UntrustedOrigin

from . import access, saying
from .form import FINANCE, cents

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
ADDRESS = "/admin/reminders"
SHOWN = ("tonight", "held", "debtors", "policies")
_MOST_LETTERS = 200
_NUMBERS = ("note_days", "first_days", "second_days", "third_days", "suspend_days", "consumer_suspend_days")


class Refused(msgspec.Struct, frozen=True):
    """Why nothing was decided, with what was typed."""

    typed: dict[str, str]
    text: str


@get("/reminders")
async def look(
    request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, show: FromQuery[str] = "tonight", done: FromQuery[str] = ""
) -> Response[Any]:
    """What would be sent, what is held, who owes, by which policy; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _finance_only(perhaps_actor)
    return await _page(request, perhaps_actor, show if show in SHOWN else SHOWN[0], done=done if done in _DEALS else "")


@post("/reminders", status_code=200)
async def decide(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """The button pressed: done by the same function as everywhere, or refused with the reason on the page."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _finance_only(perhaps_actor)
    typed = {name: value[:2000].strip() for name, value in data.items()}
    if not hmac.compare_digest(typed.get("csrf_token", "").encode(), _token(request).encode()):
        raise UntrustedOrigin
    decision = typed.get("decision", "")
    show = "policies" if decision == "policy" else "held"
    try:
        deal = _DEALS.get(decision)
        if deal is None:
            raise NotFound(what="decision", id=decision[:40])
        async with db.savepoint():
            await deal(perhaps_actor, typed)
    except Problem as problem:
        answer = await _page(request, perhaps_actor, show, refused=Refused(typed, saying.text(problem, access.spoken(request))))
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{ADDRESS}?show={show}&done={decision}", status_code=303)


async def _hold(actor: Actor, typed: dict[str, str]) -> None:
    number = typed.get("number", "")
    customer = await db.fetch_one("SELECT id FROM customer WHERE number = $1", number) if number else None
    try:
        reason, until = Held(typed.get("reason", "")), date.fromisoformat(typed["until"]) if typed.get("until") else None
    except ValueError as error:
        raise Invalid(FieldError("/until", "hold-day-past")) from error
    if customer is not None and reason is not Held.BOUNCED:
        await holds.on_customer(actor, customer["id"], reason, note=typed.get("note", ""), until=until)
    elif reason is Held.BOUNCED:
        await holds.came_back(actor, await _invoice(typed), note=typed.get("note", ""))
    else:
        await holds.on_invoice(actor, await _invoice(typed), reason, note=typed.get("note", ""), until=until)


async def _invoice(typed: dict[str, str]) -> UUID:
    row = await db.fetch_one("SELECT id FROM billing_invoice WHERE number = $1", typed.get("number", ""))
    if row is None:
        raise NotFound(what="invoice", id=typed.get("number", "")[:40])
    found: UUID = row["id"]
    return found


async def _lift(actor: Actor, typed: dict[str, str]) -> None:
    await holds.lift(actor, _id(typed.get("hold", "")))


async def _policy(actor: Actor, typed: dict[str, str]) -> None:
    follows = typed.get("follows_provider") == "yes"
    try:
        asked: dict[str, Any] = {name: int(typed[name]) for name in _NUMBERS}
        asked["lead_days"] = _lead_days(typed.get("lead_days", ""))
        asked["threshold_cents"] = cents(typed.get("threshold", "0"))
        asked["charge_days"] = int(typed["charge_days"]) if typed.get("charge_days") else None
        asked["partner_agrees"] = typed.get("partner_agrees") == "yes"
        wanted = msgspec.convert({**asked, "follows_provider": follows}, PolicyWanted)
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise Invalid(FieldError("/policy", "not-valid", {"reason": str(error)[:200]})) from error
    await reminder_policies.decide(actor, _id(typed.get("tenant", "")), wanted)


def _lead_days(typed: str) -> dict[str, int | None]:
    """One product a line: its code and so many days, or its code and a dash for never."""
    found: dict[str, int | None] = {}
    for line in typed.splitlines():
        code, _, days = line.partition(":")
        if code.strip():
            found[code.strip()] = None if days.strip() in {"", "-"} else int(days)
    return found


_DEALS: dict[str, Callable[[Actor, dict[str, str]], Awaitable[None]]] = {"hold": _hold, "lift": _lift, "policy": _policy}


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound(what="row", id=typed[:40]) from error


def _finance_only(actor: Actor) -> None:
    if not actor.has_any(*FINANCE):
        raise NotAllowed(requires=sorted(FINANCE))


def _token(request: Request[Any, Any, Any]) -> str:
    return csrf.token(request.cookies.get(identity.ADMIN_COOKIE, ""))


async def _page(
    request: Request[Any, Any, Any], actor: Actor, show: str, *, done: str = "", refused: Refused | None = None
) -> Response[str]:
    language = access.spoken(request)
    page = templates.render(
        "admin/reminders.html",
        language=language,
        brand=Brand(name=settings.current().provider_name),
        show=show,
        today=clock.today(),
        token=_token(request),
        me=actor.label,
        done=done,
        refused=refused,
        ages=AGES,
        levels=LEVELS,
        holds=HOLDS,
        **await _words(show, language),
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


async def _words(show: str, language: str) -> dict[str, Any]:
    if show == "tonight":
        coming = await plans.coming()
        return {
            "outcome": await reminders.preview(most=_MOST_LETTERS),
            "most": _MOST_LETTERS,
            "charges": [*await late.preview(most=_MOST_LETTERS), *await late_rest.preview(most=_MOST_LETTERS)],
            "plans": [(await plans.one(plan), kind) for plan, kind in coming[:_MOST_LETTERS]],
            "stops": await suspensions.preview(most=_MOST_LETTERS),
        }
    if show == "held":
        return {"held": await holds.standing()}
    if show == "policies":
        rows = await reminder_policies.everybodys()
        return {"policies": [(row, reminder_policies.of_row(row)) for row in rows]}
    partners = await open_items.by_partner()
    return {
        "debtors": await open_items.by_debtor(),
        "partners": partners,
        "whole": whole(partners),
        "picture": _picture(partners, language),
    }


def whole(partners: list[open_items.Owing]) -> Ageing:
    """What all partners' debtors owe by age."""
    columns = zip(*(owing.ageing.buckets for owing in partners), strict=True)
    return Ageing([Aged(one[0].bucket, sum(part.cents for part in one), sum(part.count for part in one)) for one in columns])


def _picture(partners: list[open_items.Owing], language: str) -> Markup | None:
    return picture(whole(partners), language) if partners else None
