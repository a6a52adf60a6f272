"""Payments for finance: found, read with what they settled, and taken off an invoice that they were not for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from billing.service import invoice_view, taking_off
from billing.service.taking_off import Why
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import access, bank, own_pages, refusing
from .form import cents
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/payments"
_TAKE_OFF = "take-off"


@get("/payments")
async def look(request: Request[Any, Any, Any], q: FromQuery[str] = "") -> Response[Any]:
    """The newest payments, or those that are sought, with what each settles; changes nothing."""
    words = {"q": q[:100], "found": await taking_off.listed(q[:100]), "methods": invoice_view.METHODS}
    return own_pages.shown(request, "payments.html", **words)


@get("/payments/{payment_id:uuid}")
async def read(request: Request[Any, Any, Any], payment_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[Any]:
    """One payment with what it settles and every step of that; changes nothing."""
    one = await taking_off.look(payment_id)
    return own_pages.shown(
        request,
        "payment.html",
        one=one,
        methods=invoice_view.METHODS,
        people=await access.people([one.row["booked_by"], *(step["made_by"] for step in one.history)]),
        done=done == _TAKE_OFF,
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
