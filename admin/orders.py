"""Orders by the provider's staff: found, placed for any partner's customer as its partner places them, and numbers moved on their way."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_409_CONFLICT

from billing.pages.orders import LABELS, PLACES, PORT_STATES, Acceptance, Choice, at_fields, on_offer
from billing.policy.agreed import Channel
from billing.policy.ordering import ShownTerms
from billing.service import orders, port_ins
from billing.service.orders import OrderWanted, Shown, TermsDiffer
from billing.workflow import PortAction, PortState, legal
from partner_portal.infra import clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.web import forms
from partner_portal.web.auth import Acting
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed
from partner_portal.web.lists import contains
from tenants.policy import WhoBills

from . import access, masters, own_pages
from .pressing import pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/orders"
_MOST_FOUND = 20
_CUSTOMERS = """
SELECT c.id, c.number, c.name, t.name AS partner FROM customer c JOIN tenant t ON t.id = c.tenant
 WHERE c.number = upper($1) OR c.name ILIKE $2 ORDER BY c.number <> upper($1), c.name, c.id LIMIT $3
"""
_CUSTOMER = """
SELECT c.id, c.tenant, c.number, c.name, c.segment, t.name AS partner, t.bills FROM customer c JOIN tenant t ON t.id = c.tenant WHERE c.id = $1
"""
CHANNELS = {
    Channel.DISTANCE: sentence("by telephone or mail"),
    Channel.OFF_PREMISES: sentence("at the customer's, or elsewhere outside a shop"),
    Channel.ON_PREMISES: sentence("in person with us or in a shop"),
}
"""How staff conclude a contract: what a consumer can withdraw from depends on it."""
STEPS = {
    PortAction.ACCEPT: sentence("The present provider accepts"),
    PortAction.PLAN: sentence("Plan the day"),
    PortAction.REJECT: sentence("The present provider refuses"),
    PortAction.FINISH: sentence("The numbers have come"),
    PortAction.TRY_AGAIN: sentence("Ask for the numbers again"),
    PortAction.WITHDRAW: sentence("Leave the numbers where they are"),
}


class How(msgspec.Struct, frozen=True):
    """How the contract was concluded."""

    channel: Channel = Channel.DISTANCE


class Step(msgspec.Struct, frozen=True):
    """What happened to numbers on their way; the day where it was planned."""

    step: PortAction
    planned_on: date | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get("/orders")
async def look(request: Request[Any, Any, Any], q: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[Any]:
    """Numbers that wait for a step of ours, the newest orders of all partners, and the customers that were looked for."""
    sought = q.strip()[:100]
    try:
        window = orders.LISTING.window(after=after or None)
    except Invalid:  # a cursor of another list: the first page
        window = orders.LISTING.window()
    page = window.page(await orders.page(window))
    return own_pages.shown(
        request,
        "orders.html",
        q=sought,
        found=await db.fetch(_CUSTOMERS, sought, contains(sought), _MOST_FOUND) if sought else [],
        waiting=await port_ins.waiting(),
        states=PORT_STATES,
        rows=page.rows,
        next=page.next,
    )


@get("/orders/new")
async def choose(request: Request[Any, Any, Any], customer: FromQuery[str] = "") -> Response[Any]:
    """What can be ordered for this customer."""
    who = await _customer(customer)
    locations = await _locations(who["id"])
    usual = {
        "starts_on": clock.today(),
        "quantity": 1,
        "location": locations[0]["id"] if locations else None,
        "channel": Channel.DISTANCE.value,
    }
    return await _choice(request, who, Typed.of(usual))


@post("/orders/new", status_code=200)
async def show(request: Request[Any, Any, Any]) -> Response[Any]:
    """The terms of what was chosen, to be told to the customer; nothing is ordered yet."""
    form, who = await _read(request)
    if form.one("change"):
        return await _choice(request, who, form.typed)
    try:
        seen = await orders.show(who["id"], [forms.parse(form, Choice).line()], forms.parse(form, How).channel)
    except Invalid as problem:
        return await _choice(request, who, form.typed, _errors(request, problem), 422)
    return _terms(request, who, form, seen)


@post("/orders", status_code=200)
async def place(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The order is placed by the same function as a partner's, in the name of whoever of staff pressed the button."""
    form, who = await _read(request)
    try:
        chosen, channel = forms.parse(form, Choice), forms.parse(form, How).channel
        seen = await orders.show(who["id"], [chosen.line()], channel)
    except Invalid as problem:
        return await _choice(request, who, form.typed, _errors(request, problem), 422)
    try:
        accepted = forms.parse(form, Acceptance)
        wanted = OrderWanted(
            customer_id=who["id"],
            location=chosen.location,
            lines=[chosen.line()],
            terms_sha256=accepted.terms_sha256,
            accepted_by=accepted.accepted_by,
            channel=channel,
            starts_early=accepted.starts_early,
        )
        await masters.acting_for(who["tenant"])
        async with db.savepoint():
            made = await orders.place(msgspec.structs.replace(actor, tenant=who["tenant"]), wanted, accepted.once)
    except TermsDiffer:
        return _terms(request, who, form, seen, status=HTTP_409_CONFLICT)
    except Invalid as problem:
        return _terms(request, who, form, seen, status=422, errors=_errors(request, problem))
    return Redirect(f"{ADDRESS}/{made}?done=placed", status_code=303)


@get("/orders/{order_id:uuid}")
async def one(request: Request[Any, Any, Any], order_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[Any]:
    """The order: who placed and who accepted it, on which terms, what came of it, and where the numbers are."""
    return await _order(request, order_id, done=done if done in {"placed", "moved"} else "")


@post("/orders/{order_id:uuid}/port-ins/{port_in_id:uuid}", status_code=200)
async def move(request: Request[Any, Any, Any], actor: Acting, order_id: FromPath[UUID], port_in_id: FromPath[UUID]) -> Response[Any]:
    """The numbers took a step; customer and partner are told."""

    async def step(actor: Actor, form: Form) -> str:
        wanted = forms.parse(form, Step)
        planned_on = wanted.planned_on if wanted.step is PortAction.PLAN else None
        await port_ins.move(actor, port_in_id, wanted.step, note=wanted.note, planned_on=planned_on)
        return "moved"

    async def show(refused: Refused) -> Response[Any]:
        return await _order(request, order_id, refused=refused)

    return await pressed(request, actor, {"move": step}, f"{ADDRESS}/{order_id}", show)


async def _read(request: Request[Any, Any, Any]) -> tuple[Form, Any]:
    form = await own_pages.read(request)
    return form, await _customer(form.one("customer"))


async def _customer(typed: str) -> Any:
    row = await db.fetch_one(_CUSTOMER, own_pages.id_of(typed, "customer"))
    if row is None:
        raise NotFound(what="customer", id=typed)
    return row


async def _locations(customer: UUID) -> list[Any]:
    return await db.fetch("SELECT id, kind, street, postcode, city FROM location WHERE customer = $1 ORDER BY kind DESC, id", customer)


def _errors(request: Request[Any, Any, Any], problem: Invalid) -> Errors:
    return forms.errors(at_fields(problem), access.spoken(request))


async def _choice(request: Request[Any, Any, Any], who: Any, typed: Typed, errors: Errors = NO_ERRORS, status: int = 200) -> Response[str]:
    own, sold = await on_offer(who["segment"], WhoBills(who["bills"]))
    answer = own_pages.shown(
        request,
        "order_new.html",
        customer=who,
        own=own,
        offers=sold,
        locations=await _locations(who["id"]),
        places=PLACES,
        labels=LABELS,
        channels=CHANNELS,
        typed=typed,
        errors=errors,
    )
    answer.status_code = status
    return answer


def _terms(
    request: Request[Any, Any, Any],
    who: Any,
    form: Form,
    seen: Shown,
    *,
    status: int = 200,
    errors: Errors = NO_ERRORS,
) -> Response[str]:
    names = (*Choice.__struct_fields__, "channel", "customer")
    answer = own_pages.shown(
        request,
        "order_terms.html",
        customer=who,
        seen=seen,
        kept=[(name, form.one(name)) for name in names if form.one(name)],
        labels=LABELS,
        typed=form.typed,
        errors=errors,
        changed=status == HTTP_409_CONFLICT,
        once=form.one("once") or str(new_id()),
    )
    answer.status_code = status
    return answer


async def _order(
    request: Request[Any, Any, Any],
    order_id: UUID,
    *,
    done: str = "",
    refused: Refused = NOTHING,
) -> Response[str]:
    order, lines = await orders.one(order_id)
    return own_pages.shown(
        request,
        "order.html",
        order=order,
        lines=lines,
        terms=msgspec.json.decode(order["terms"], type=list[ShownTerms]),
        ports=[(port, steps, legal(PortState(port["state"]))) for port, steps in await port_ins.of_order(order_id)],
        states=PORT_STATES,
        steps=STEPS,
        channels=CHANNELS,
        done=done,
        refused=refused,
    )
