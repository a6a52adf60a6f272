"""Indexation in two presses: what it would do, offer by offer and in sums, and then just that."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from billing.policy.indexing import STEPS
from billing.service import indexations, prices
from billing.service.indexations import LEAST_AHEAD, OfferIndexation
from billing.service.prices import Indexation
from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Problem
from partner_portal.web import decoding, problems
from partner_portal.web.auth import PerhapsActing

from . import access, own_pages, saying
from .form import FINANCE

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
ADDRESS = "/admin/indexation"
OFFERS, SERVICES = "offers", "services"


@get("/indexation")
async def look(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """What to index, by how much, from when; changes nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    return await _page(request, {"what": OFFERS, "round_to_cents": "1"}, done=done if done in {OFFERS, SERVICES} else "")


@post("/indexation", status_code=200)
async def press(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """Shown first, with every price or the sums; then decided as it was shown."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    own_pages.only(perhaps_actor, FINANCE)
    typed = own_pages.typed(request, data)
    try:
        async with db.savepoint():
            if typed.get("decision") == "decide":
                await _decide(perhaps_actor, typed)
                return Redirect(f"{ADDRESS}?done={typed['what']}", status_code=303)
            return await _page(request, typed, seen=await _seen(typed))
    except Problem as problem:
        answer = await _page(request, typed, refused=saying.text(problem, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer


async def _seen(typed: dict[str, str]) -> Any:
    if typed.get("what") == SERVICES:
        return await prices.preview(await _of_services(typed))
    return await indexations.look(_of_offers(typed))


async def _decide(actor: Actor, typed: dict[str, str]) -> None:
    if typed.get("what") == SERVICES:
        await prices.index(actor, await _of_services(typed), expected=typed.get("seen", ""))
    else:
        await indexations.decide(actor, _of_offers(typed), typed.get("seen", ""))


def _figures(typed: dict[str, str], *names: str) -> dict[str, Any]:
    return {name: text.replace(",", ".") for name in names if (text := typed.get(name, "").strip())}


def _of_offers(typed: dict[str, str]) -> OfferIndexation:
    said = _figures(typed, "percentage", "index_from", "index_to") | {
        "since": typed.get("since", ""),
        "reason": typed.get("reason", "").strip(),
        "round_to_cents": int(typed["round_to_cents"]) if typed.get("round_to_cents", "").isdecimal() else 0,
        "product": typed.get("product", "").strip() or None,
    }
    return decoding.convert(OfferIndexation, said)


async def _of_services(typed: dict[str, str]) -> Indexation:
    product = typed.get("product", "").strip()
    row = await db.fetch_one("SELECT id FROM billing_product WHERE code = $1", product) if product else None
    if product and row is None:
        raise NotFound(what="product", code=product)
    said: dict[str, Any] = _figures(typed, "percentage") | {"since": typed.get("since", ""), "reason": typed.get("reason", "").strip()}
    return decoding.convert(Indexation, said | {"product": row["id"] if row else None})


async def _page(
    request: Request[Any, Any, Any], typed: dict[str, str], *, seen: Any = None, done: str = "", refused: str = ""
) -> Response[str]:
    return own_pages.shown(
        request,
        "indexation.html",
        typed=typed,
        seen=seen,
        since=date.fromisoformat(typed["since"]) if seen else None,
        products=await db.fetch("SELECT code, name_nl, name_en FROM billing_product WHERE retired_on IS NULL ORDER BY code"),
        steps=STEPS,
        earliest=clock.today() + LEAST_AHEAD,
        done=done,
        refused=refused,
    )
