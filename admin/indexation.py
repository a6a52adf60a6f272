"""Indexation in two presses: what it would do, offer by offer and in sums, and then just that."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from billing.policy.indexing import STEPS
from billing.service import indexations, prices
from billing.service.indexations import LEAST_AHEAD, OfferIndexation
from billing.service.prices import Indexation
from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Problem
from partner_portal.web import decoding, problems
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form, Typed

from . import access, own_pages, refusing
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/indexation"
OFFERS, SERVICES = "offers", "services"


@get("/indexation")
async def look(request: Request[Any, Any, Any], done: FromQuery[str] = "") -> Response[Any]:
    """What to index, by how much, from when; changes nothing."""
    return await _page(request, Typed.of({"what": OFFERS, "round_to_cents": 1}), done=done if done in {OFFERS, SERVICES} else "")


@post("/indexation", status_code=200)
async def press(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """Shown first, with every price or the sums; then decided as it was shown."""
    form = await own_pages.read(request)

    async def again(refused: Refused) -> Response[Any]:
        return await _page(request, form.typed, refused=refused)

    if form.one("decision") == "decide":
        return await pressed(request, actor, {"decide": _decide}, ADDRESS, again)
    try:
        refusing.must_be_short(form)
        return await _page(request, form.typed, seen=await _seen(form))
    except Problem as problem:
        answer = await again(refusing.refused(problem, form, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer


async def _seen(form: Form) -> Any:
    if form.one("what") == SERVICES:
        return await prices.preview(await _of_services(form))
    return await indexations.look(_of_offers(form))


async def _decide(actor: Actor, form: Form) -> str:
    if form.one("what") == SERVICES:
        await prices.index(actor, await _of_services(form), expected=form.one("seen"))
        return SERVICES
    await indexations.decide(actor, _of_offers(form), form.one("seen"))
    return OFFERS


def _said(form: Form, *figures: str) -> dict[str, Any]:
    """What was typed, figures with a point, without what was left empty."""
    said = {name: form.one(name).replace(",", ".") for name in figures} | {name: form.one(name) for name in ("since", "reason")}
    return {name: text for name, text in said.items() if text}


def _of_offers(form: Form) -> OfferIndexation:
    step = form.one("round_to_cents")
    said = _said(form, "percentage", "index_from", "index_to") | {"round_to_cents": int(step) if step.isdecimal() else 0}
    return decoding.convert(OfferIndexation, said | {"product": form.one("product") or None})


async def _of_services(form: Form) -> Indexation:
    product = form.one("product")
    row = await db.fetch_one("SELECT id FROM billing_product WHERE code = $1", product) if product else None
    if product and row is None:
        raise NotFound(what="product", code=product)
    return decoding.convert(Indexation, _said(form, "percentage") | {"product": row["id"] if row else None})


async def _page(
    request: Request[Any, Any, Any], typed: Typed, *, seen: Any = None, done: str = "", refused: Refused = NOTHING
) -> Response[str]:
    return own_pages.shown(
        request,
        "indexation.html",
        typed=typed,
        seen=seen,
        since=date.fromisoformat(typed.one("since")) if seen else None,
        products=await db.fetch("SELECT code, name_nl, name_en FROM billing_product WHERE retired_on IS NULL ORDER BY code"),
        steps=STEPS,
        earliest=clock.today() + LEAST_AHEAD,
        done=done,
        refused=refused,
    )
