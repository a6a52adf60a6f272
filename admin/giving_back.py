"""Refunds and payouts for finance: what is on account goes back, a second person agrees, what failed is taken up; what the gateway paid out adds up."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from billing.service import invoice_view, payouts, refunds, setting_off
from partner_portal.infra import clock, settings
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import access, own_pages
from .form import cents
from .pressing import Presses, pressed
from .refusing import NOTHING, Refused
from .waiting import LATE

REFUNDS, PAYOUTS = "/admin/refunds", "/admin/payouts"
_DONE = {"order", "settle", "account", "agree", "refuse", "take-up", "look"}


@get("/refunds")
async def look(request: Request[Any, Any, Any], actor: Acting, done: FromQuery[str] = "") -> Response[Any]:
    """Refunds as they stand, and what could be given back; decides nothing."""
    return await _refunds(request, actor, done=done)


async def _refunds(request: Request[Any, Any, Any], actor: Actor, *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    rows = await refunds.listed()
    return own_pages.shown(
        request,
        "refunds.html",
        rows=rows,
        people=await access.people(row["made_by"] for row in rows),
        on_account=await refunds.to_give_back(),
        in_favour=await setting_off.in_favour(),
        late_before=clock.now() - LATE,
        limit=settings.current().four_eyes_limit_cents,
        trail=actor.trail,
        methods=invoice_view.METHODS,
        reasons=refunds.REASONS,
        done=done if done in _DONE else "",
        refused=refused,
    )


@post("/refunds", status_code=200)
async def decide(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """What is on account settles what is open; a refund is ordered, agreed to, refused, or taken up."""

    async def show(refused: Refused) -> Response[Any]:
        assert actor is not None  # noqa: S101  # somebody pressed
        return await _refunds(request, actor, refused=refused)

    return await pressed(request, actor, _PRESSES, REFUNDS, show)


async def _order(actor: Actor, form: Form) -> None:
    amount = form.one("amount")
    await refunds.order(
        actor,
        own_pages.id_of(form.one("id"), "payment"),
        cents=cents(amount) if amount else None,
        iban=form.one("iban"),
        holder=form.one("holder"),
        reason=form.one("reason"),
    )


async def _give_back(actor: Actor, form: Form) -> str:
    document = own_pages.id_of(form.one("id"), "invoice")
    await refunds.order_of(actor, document, iban=form.one("iban"), holder=form.one("holder"), reason=form.one("reason"))
    return "order"


async def _agree(actor: Actor, form: Form) -> None:
    await refunds.agree(actor, own_pages.id_of(form.one("id"), "refund"))


async def _refuse(actor: Actor, form: Form) -> None:
    await refunds.refuse(actor, own_pages.id_of(form.one("id"), "refund"), form.one("note"))


async def _take_up(actor: Actor, form: Form) -> None:
    await refunds.take_up(actor, own_pages.id_of(form.one("id"), "refund"))


async def _look_at(actor: Actor, form: Form) -> None:
    await payouts.look_at(actor, own_pages.id_of(form.one("id"), "payout"), form.one("note"))


async def _settle(actor: Actor, form: Form) -> None:
    await setting_off.settle_open(actor, own_pages.id_of(form.one("id"), "payment"))


async def _settle_by_document(actor: Actor, form: Form) -> str:
    await setting_off.settle_by_document(actor, own_pages.id_of(form.one("id"), "invoice"))
    return "settle"


async def _put_on_account(actor: Actor, form: Form) -> None:
    await setting_off.put_on_account(actor, own_pages.id_of(form.one("id"), "invoice"))


_PRESSES: Presses = {
    "settle-document": _settle_by_document,
    "account": _put_on_account,
    "order": _order,
    "give-back": _give_back,
    "settle": _settle,
    "agree": _agree,
    "refuse": _refuse,
    "take-up": _take_up,
}


@get("/payouts")
async def look_at_payouts(request: Request[Any, Any, Any], done: FromQuery[str] = "") -> Response[Any]:
    """What the gateway paid out, and what about it does not add up; decides nothing."""
    return await _payouts(request, done=done)


async def _payouts(request: Request[Any, Any, Any], *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    shown = await payouts.listed()
    return own_pages.shown(
        request,
        "payouts.html",
        people=await access.people(one.row["looked_by"] for one in shown),
        shown=sorted(shown, key=lambda one: not one.waits),
        done=done if done in _DONE else "",
        refused=refused,
    )


@post("/payouts", status_code=200)
async def look_into(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """Somebody looked at a difference."""

    async def show(refused: Refused) -> Response[Any]:
        return await _payouts(request, refused=refused)

    return await pressed(request, actor, {"look": _look_at}, PAYOUTS, show)
