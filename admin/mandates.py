"""Mandates for finance: looked up, read with all that was done by them, entered from paper, moved to another account, and ended with a reason."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from billing.policy.debit import ANNOUNCED_DAYS
from billing.policy.money_in import Scheme
from billing.service import mandate_list, mandates
from billing.service.mandates import NewMandate
from partner_portal.kernel.actor import Actor
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import access, own_pages, refusing
from .pressing import Presses, pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/mandates"
_DONE = {"enter", "move", "revoke"}


class Whose(msgspec.Struct, frozen=True):
    """Whose mandate it is."""

    customer: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]


@get("/mandates")
async def look(request: Request[Any, Any, Any], q: FromQuery[str] = "", done: FromQuery[str] = "") -> Response[Any]:
    """The mandates, or those that are sought; changes nothing."""
    return await _list(request, q=q, done=done)


async def _list(request: Request[Any, Any, Any], *, q: str = "", done: str = "", refused: Refused = NOTHING) -> Response[str]:
    return own_pages.shown(
        request,
        "mandates.html",
        q=q[:100],
        rows=await mandate_list.listed(q[:100]),
        near=mandate_list.near,
        done=done if done in _DONE else "",
        refused=refused,
        usual_days=ANNOUNCED_DAYS,
        schemes=[scheme.value for scheme in Scheme],
    )


@post("/mandates", status_code=200)
async def enter(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """A mandate on paper is entered."""

    async def show(refused: Refused) -> Response[Any]:
        return await _list(request, refused=refused)

    return await pressed(request, actor, {"enter": _enter}, ADDRESS, show)


async def _enter(actor: Actor, form: Form) -> None:
    whose, new = refusing.parse(form, Whose, NewMandate)
    await mandate_list.enter(actor, whose.customer, new)


@get("/mandates/{mandate_id:uuid}")
async def read(request: Request[Any, Any, Any], mandate_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[Any]:
    """One mandate with its history; changes nothing."""
    return await _one(request, mandate_id, done=done)


async def _one(request: Request[Any, Any, Any], mandate: UUID, *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    one = await mandate_list.one(mandate)
    return own_pages.shown(
        request,
        "mandate.html",
        one=one,
        how=mandates.HOW,
        people=await access.people(was["by"] for was in one.earlier),
        done=done if done in _DONE else "",
        refused=refused,
    )


@post("/mandates/{mandate_id:uuid}", status_code=200)
async def change(request: Request[Any, Any, Any], actor: Acting, mandate_id: FromPath[UUID]) -> Response[Any]:
    """Another account, or the end."""

    async def move(actor: Actor, form: Form) -> None:
        await mandates.move(actor, mandate_id, iban=form.one("iban"), bic=form.one("bic") or None)

    async def revoke(actor: Actor, form: Form) -> None:
        await mandate_list.revoke(actor, mandate_id, form.one("note"))

    async def show(refused: Refused) -> Response[Any]:
        return await _one(request, mandate_id, refused=refused)

    presses: Presses = {"move": move, "revoke": revoke}
    return await pressed(request, actor, presses, f"{ADDRESS}/{mandate_id}", show)
