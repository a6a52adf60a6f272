"""Payments for finance: found, read with what they settled, taken off an invoice that they were not for, and moved to the customer whose money it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from billing.service import invoice_view, moving, taking_off
from billing.service.moving import Move
from billing.service.taking_off import Why
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid
from partner_portal.web import forms
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import access, bank, own_pages, refusing
from .form import cents
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/payments"
_TAKE_OFF, _MOVE = "take-off", "move"


@get("/payments")
async def look(request: Request[Any, Any, Any], q: FromQuery[str] = "") -> Response[Any]:
    """The newest payments, or those that are sought, with what each settles; changes nothing."""
    words = {"q": q[:100], "found": await taking_off.listed(q[:100]), "methods": invoice_view.METHODS}
    return own_pages.shown(request, "payments.html", **words)


@get("/payments/{payment_id:uuid}")
async def read(request: Request[Any, Any, Any], payment_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[Any]:
    """One payment with what it settles and every step of that; changes nothing."""
    one, trail = await taking_off.look(payment_id), await moving.trail(payment_id)
    return own_pages.shown(
        request,
        "payment.html",
        one=one,
        trail=trail,
        can_move=moving.can_move(one.row),
        methods=invoice_view.METHODS,
        people=await access.people(
            [one.row["booked_by"], *(step["made_by"] for step in one.history), *(step["booked_by"] for step in trail.went)]
        ),
        done=done if done in {_TAKE_OFF, _MOVE} else "",
    )


@get("/payments/{payment_id:uuid}/{invoice_id:uuid}")
async def ask(request: Request[Any, Any, Any], payment_id: FromPath[UUID], invoice_id: FromPath[UUID]) -> Response[Any]:
    """What follows when the payment is taken off the invoice, and the form that does it; changes nothing."""
    return await _asked(request, payment_id, invoice_id)


async def _asked(request: Request[Any, Any, Any], payment: UUID, invoice: UUID, *, refused: Refused = NOTHING) -> Response[str]:
    found = await taking_off.follows(payment, invoice)
    return own_pages.shown(request, "payment_off.html", found=found, methods=invoice_view.METHODS, refused=refused)


@post("/payments/{payment_id:uuid}/{invoice_id:uuid}", status_code=200)
async def take_off(request: Request[Any, Any, Any], actor: Acting, payment_id: FromPath[UUID], invoice_id: FromPath[UUID]) -> Response[Any]:
    """It is taken off the invoice, and books others or stays on account."""

    async def press(actor: Actor, form: Form) -> None:
        (why,) = refusing.parse(form, Why)
        amount = form.one("amount")
        parts = bank.parts(form.one("numbers"))
        await taking_off.take_off(actor, payment_id, invoice_id, why, cents=cents(amount) if amount else None, parts=parts)

    async def show(refused: Refused) -> Response[Any]:
        return await _asked(request, payment_id, invoice_id, refused=refused)

    return await pressed(request, actor, {_TAKE_OFF: press}, f"{ADDRESS}/{payment_id}", show)


@get("/payments/{payment_id:uuid}/move")
async def ask_where(request: Request[Any, Any, Any], payment_id: FromPath[UUID], to: FromQuery[str] = "") -> Response[Any]:
    """To whose account the money may go, by a customer's number, and then what follows and the form that does it; changes nothing."""
    return await _asked_where(request, payment_id, to[:30])


async def _asked_where(request: Request[Any, Any, Any], payment: UUID, to: str, *, refused: Refused = NOTHING) -> Response[str]:
    one, account = await taking_off.look(payment), None
    can_move = moving.can_move(one.row)
    try:
        account = await moving.account(payment, to) if to and can_move else None
    except Invalid as problem:
        refused = Refused("find", typed=forms.Typed.of({"to": to}), errors=forms.errors(problem, access.spoken(request)))
    return own_pages.shown(request, "payment_move.html", one=one, can_move=can_move, account=account, to=to, refused=refused)


@post("/payments/{payment_id:uuid}/move", status_code=200)
async def move(request: Request[Any, Any, Any], actor: Acting, payment_id: FromPath[UUID]) -> Response[Any]:
    """What is free of it is on the account of the customer of this number."""

    async def press(actor: Actor, form: Form) -> None:
        (wanted,) = refusing.parse(form, Move)
        amount = form.one("amount")
        await moving.move(actor, payment_id, wanted, cents=cents(amount) if amount else None)

    async def show(refused: Refused) -> Response[Any]:
        return await _asked_where(request, payment_id, refused.typed.one("to")[:30], refused=refused)

    return await pressed(request, actor, {_MOVE: press}, f"{ADDRESS}/{payment_id}", show)
