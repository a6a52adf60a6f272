"""Refunds and payouts for finance: what is on account goes back, a second person agrees, what failed is taken up; what the gateway paid out adds up."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from billing.service import payouts, refunds
from partner_portal.infra import settings
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import PerhapsActing

from . import own_pages
from .form import FINANCE, cents
from .pressing import Presses, Typed, pressed

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
REFUNDS, PAYOUTS = "/admin/refunds", "/admin/payouts"
_DONE = {"order", "agree", "refuse", "take-up", "look"}
_NOTHING = dict.fromkeys(("id", "decision", "amount", "iban", "holder", "reason", "note"), "")


@get("/refunds")
async def look(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """Refunds as they stand, and what could be given back; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    return await _refunds(request, perhaps_actor, done=done)


async def _refunds(
    request: Request[Any, Any, Any], actor: Actor, *, done: str = "", typed: Typed | None = None, problem: str = ""
) -> Response[str]:
    return own_pages.shown(
        request,
        "refunds.html",
        rows=await refunds.listed(),
        on_account=await refunds.to_give_back(),
        limit=settings.current().four_eyes_limit_cents,
        trail=actor.trail,
        reasons=refunds.REASONS,
        done=done if done in _DONE else "",
        typed=_NOTHING | (typed or {}),
        nothing=_NOTHING,
        problem=problem,
    )


@post("/refunds", status_code=200)
async def decide(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """A refund is ordered, agreed to, refused, or taken up."""

    async def show(typed: Typed, problem: str) -> Response[Any]:
        assert perhaps_actor is not None  # noqa: S101  # somebody pressed
        return await _refunds(request, perhaps_actor, typed=typed, problem=problem)

    return await pressed(request, perhaps_actor, data, _PRESSES, REFUNDS, show)


async def _order(actor: Actor, typed: Typed) -> None:
    amount = typed.get("amount", "").strip()
    await refunds.order(
        actor,
        own_pages.id_of(typed.get("id", ""), "payment"),
        cents=cents(amount) if amount else None,
        iban=typed.get("iban", "").strip(),
        holder=typed.get("holder", "").strip(),
        reason=typed.get("reason", ""),
    )


async def _agree(actor: Actor, typed: Typed) -> None:
    await refunds.agree(actor, own_pages.id_of(typed.get("id", ""), "refund"))


async def _refuse(actor: Actor, typed: Typed) -> None:
    await refunds.refuse(actor, own_pages.id_of(typed.get("id", ""), "refund"), typed.get("note", ""))


async def _take_up(actor: Actor, typed: Typed) -> None:
    await refunds.take_up(actor, own_pages.id_of(typed.get("id", ""), "refund"))


async def _look_at(actor: Actor, typed: Typed) -> None:
    await payouts.look_at(actor, own_pages.id_of(typed.get("id", ""), "payout"), typed.get("note", ""))


_PRESSES: Presses = {"order": _order, "agree": _agree, "refuse": _refuse, "take-up": _take_up}


@get("/payouts")
async def look_at_payouts(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """What the gateway paid out, and what about it does not add up; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    return await _payouts(request, done=done)


async def _payouts(request: Request[Any, Any, Any], *, done: str = "", typed: Typed | None = None, problem: str = "") -> Response[str]:
    shown = await payouts.listed()
    return own_pages.shown(
        request,
        "payouts.html",
        shown=sorted(shown, key=lambda one: not one.waits),
        done=done if done in _DONE else "",
        typed=_NOTHING | (typed or {}),
        nothing=_NOTHING,
        problem=problem,
    )


@post("/payouts", status_code=200)
async def look_into(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """Somebody looked at a difference."""

    async def show(typed: Typed, problem: str) -> Response[Any]:
        return await _payouts(request, typed=typed, problem=problem)

    return await pressed(request, perhaps_actor, data, {"look": _look_at}, PAYOUTS, show)
