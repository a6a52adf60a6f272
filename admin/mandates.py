"""Mandates for finance: looked up, read with all that was done by them, entered from paper, moved to another account, and ended with a reason."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect

from billing.policy.debit import ANNOUNCED_DAYS
from billing.policy.money_in import Scheme
from billing.service import mandate_list, mandates
from billing.service.mandates import NewMandate
from partner_portal.kernel.actor import Actor
from partner_portal.web import decoding
from partner_portal.web.auth import PerhapsActing

from . import own_pages
from .form import FINANCE
from .pressing import Presses, Typed, pressed

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
ADDRESS = "/admin/mandates"
_DONE = {"enter", "move", "revoke"}
_FIELDS = ("customer", "holder", "iban", "bic", "signed_on", "scheme", "reference", "announced_days")


@get("/mandates")
async def look(
    request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, q: FromQuery[str] = "", done: FromQuery[str] = ""
) -> Response[Any]:
    """The mandates, or those that are sought; changes nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    return await _list(request, q=q, done=done)


async def _list(
    request: Request[Any, Any, Any], *, q: str = "", done: str = "", typed: Typed | None = None, problem: str = ""
) -> Response[str]:
    return own_pages.shown(
        request,
        "mandates.html",
        q=q[:100],
        rows=await mandate_list.listed(q[:100]),
        done=done if done in _DONE else "",
        typed=dict.fromkeys(_FIELDS, "") | {"announced_days": str(ANNOUNCED_DAYS)} | (typed or {}),
        schemes=[scheme.value for scheme in Scheme],
        problem=problem,
    )


@post("/mandates", status_code=200)
async def enter(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """A mandate on paper is entered."""

    async def show(typed: Typed, problem: str) -> Response[Any]:
        return await _list(request, typed=typed, problem=problem)

    return await pressed(request, perhaps_actor, data, {"enter": _enter}, ADDRESS, show)


async def _enter(actor: Actor, typed: Typed) -> None:
    said: dict[str, Any] = {name: typed[name].strip() for name in _FIELDS if name != "customer" and typed.get(name, "").strip()}
    if said.get("announced_days", "").isdecimal():
        said["announced_days"] = int(said["announced_days"])
    new = decoding.convert(NewMandate, said)
    await mandate_list.enter(actor, typed.get("customer", ""), new)


@get("/mandates/{mandate_id:uuid}")
async def read(
    request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, mandate_id: FromPath[UUID], done: FromQuery[str] = ""
) -> Response[Any]:
    """One mandate with its history; changes nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    return await _one(request, mandate_id, done=done)


async def _one(
    request: Request[Any, Any, Any], mandate: UUID, *, done: str = "", typed: Typed | None = None, problem: str = ""
) -> Response[str]:
    return own_pages.shown(
        request,
        "mandate.html",
        one=await mandate_list.one(mandate),
        done=done if done in _DONE else "",
        typed={"iban": "", "bic": "", "note": "", "decision": ""} | (typed or {}),
        problem=problem,
    )


@post("/mandates/{mandate_id:uuid}", status_code=200)
async def change(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form, mandate_id: FromPath[UUID]) -> Response[Any]:
    """Another account, or the end."""

    async def move(actor: Actor, typed: Typed) -> None:
        await mandates.move(actor, mandate_id, iban=typed.get("iban", "").strip(), bic=typed.get("bic", "").strip() or None)

    async def revoke(actor: Actor, typed: Typed) -> None:
        await mandate_list.revoke(actor, mandate_id, typed.get("note", ""))

    async def show(typed: Typed, problem: str) -> Response[Any]:
        return await _one(request, mandate_id, typed=typed, problem=problem)

    presses: Presses = {"move": move, "revoke": revoke}
    return await pressed(request, perhaps_actor, data, presses, f"{ADDRESS}/{mandate_id}", show)
