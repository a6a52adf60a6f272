"""Ordering for a customer: choose, read the terms, let them be accepted; and what came of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_409_CONFLICT
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.kernel.money import exact_cents
from partner_portal.web import around, auth, forms, lists, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed
from partner_portal.web.lists import Window
from tenants.policy import LocationKind, Segment, WhoBills
from tenants.service import customers

from ..policy.ordering import Offer, ShownTerms, sets_own_price
from ..service import offers, orders, port_ins
from ..service.orders import OrderLineWanted, OrderWanted, Shown, TermsDiffer
from ..service.port_ins import PortWanted
from ..service.services import Label
from ..workflow import PortAction, PortState, legal

_WRITES = [auth.requires(Role.OWNER, Role.CLERK)]
_AMOUNT = re.compile(r"^\d{1,8}(?:[.,]\d{1,2})?$")
_PER_PAGE = 50
PORT_STATES = {
    PortState.REQUESTED: (sentence("asked for"), "wait"),
    PortState.ACCEPTED: (sentence("accepted by the present provider"), "wait"),
    PortState.PLANNED: (sentence("planned"), "wait"),
    PortState.DONE: (sentence("has come along"), "good"),
    PortState.REJECTED: (sentence("refused by the present provider"), "bad"),
    PortState.WITHDRAWN: (sentence("stays where it is"), "calm"),
}
LABELS = {
    "offer": sentence("Offer"),
    "location": sentence("Where"),
    "starts_on": sentence("First day"),
    "setup": sentence("Once"),
    "quantity": sentence("How many"),
    "fee": sentence("Price per month"),
    "numbers": sentence("Numbers"),
    "donor": sentence("Present provider"),
    "wished_on": sentence("Wished day"),
    "accepts_fee": sentence("Costs of the present provider"),
    "accepted_by": sentence("Who accepted"),
}
"""What the fields of an order are called where faults are summed up."""
PLACES = {LocationKind.BILLING: sentence("billing address"), LocationKind.VISIT: sentence("visiting address")}


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the first page asks: what, how many, from when, where; the price where the partner sets it; numbers that come along."""

    offer: Annotated[str, Meta(min_length=1, max_length=40)]
    starts_on: date
    location: UUID
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1
    label: Label | None = None
    fee: Annotated[str, Meta(max_length=12)] | None = None
    setup: Annotated[str, Meta(max_length=12)] | None = None
    numbers: Annotated[str, Meta(max_length=1000)] | None = None
    donor: Annotated[str, Meta(max_length=100)] | None = None
    donor_contract: Annotated[str, Meta(max_length=60)] | None = None
    wished_on: date | None = None
    accepts_fee: bool = False

    def line(self) -> OrderLineWanted:
        """The same as a line of an order; Invalid where the price is no amount or numbers come from nobody."""
        amounts = {"fee": self.fee, "setup": self.setup}
        faults = [FieldError(f"/{name}", "not-an-amount", {}) for name, typed in amounts.items() if typed and not _AMOUNT.match(typed)]
        if self.numbers and not self.donor:
            faults.append(FieldError("/donor", "donor-needed", {}))
        if faults:
            raise Invalid(*faults)
        return OrderLineWanted(
            offer=self.offer,
            starts_on=self.starts_on,
            quantity=self.quantity,
            label=self.label,
            fee_cents=exact_cents(self.fee.replace(",", ".")) if self.fee else None,
            setup_cents=exact_cents(self.setup.replace(",", ".")) if self.setup else 0,
            port=self._port(),
        )

    def _port(self) -> PortWanted | None:
        if not self.numbers or not self.donor:
            return None
        found = [number for number in re.split(r"[\n,;]+", self.numbers) if number.strip()]
        return PortWanted(
            numbers=found, donor=self.donor, donor_contract=self.donor_contract, wished_on=self.wished_on, accepts_fee=self.accepts_fee
        )


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the second page asks: who accepted the terms that it shows; `starts_early` is a consumer's express wish."""

    accepted_by: Annotated[str, Meta(min_length=2, max_length=200)]
    terms_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    once: UUID
    starts_early: bool = False


@get("/customers/{customer_id:uuid}/orders/new", guards=_WRITES)
async def choose(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """What can be ordered for this customer."""
    locations = await _locations(customer_id)
    first = locations[0]["id"] if locations else None
    return await _choice(request, customer_id, Typed.of({"starts_on": clock.today(), "quantity": 1, "location": first}))


@post("/customers/{customer_id:uuid}/orders/new", guards=_WRITES)
async def show(request: Request[Any, Any, Any], customer_id: FromPath[UUID], actor: auth.Acting) -> Response[Any]:
    """The terms of what was chosen, to be accepted; nothing is ordered yet."""
    form = await forms.read(request)
    if form.one("change"):
        return await _choice(request, customer_id, form.typed)
    try:
        seen = await orders.show(customer_id, [forms.parse(form, Choice).line()])
    except Invalid as problem:
        return await _choice(request, customer_id, form.typed, forms.errors(at_fields(problem), actor.language), 422)
    return await _terms(request, customer_id, form, seen)


@post("/customers/{customer_id:uuid}/orders", guards=_WRITES)
async def place(request: Request[Any, Any, Any], customer_id: FromPath[UUID], actor: auth.Acting) -> Response[Any]:
    """The order is placed, if its terms are still those that were accepted."""
    form = await forms.read(request)
    try:
        chosen = forms.parse(form, Choice)
        seen = await orders.show(customer_id, [chosen.line()])
    except Invalid as problem:
        return await _choice(request, customer_id, form.typed, forms.errors(at_fields(problem), actor.language), 422)
    try:
        accepted = forms.parse(form, Acceptance)
        wanted = OrderWanted(
            customer_id=customer_id,
            location=chosen.location,
            lines=[chosen.line()],
            terms_sha256=accepted.terms_sha256,
            accepted_by=accepted.accepted_by,
            starts_early=accepted.starts_early,
        )
        async with db.savepoint():
            made = await orders.place(actor, wanted, accepted.once)
    except TermsDiffer:
        return await _terms(request, customer_id, form, seen, status=HTTP_409_CONFLICT)
    except Invalid as problem:
        return await _terms(request, customer_id, form, seen, status=422, errors=forms.errors(at_fields(problem), actor.language))
    return pages.to(f"/portal/orders/{made}", said=sentence("The order is placed; the first invoice follows at once."))


@get("/customers/{customer_id:uuid}/orders")
async def of_customer(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The customer's orders, the newest first."""
    words = await around.customer(customer_id)
    window, page = await listed_of(request, customer_id)
    return await pages.page(
        request, "billing/orders/of_customer.html", **words, tab="orders", rows=page.rows, pager=pager_of(request, window, page)
    )


@get("/orders")
async def listed(request: Request[Any, Any, Any]) -> Response[bytes]:
    """All orders of the partner's customers, the newest first."""
    window, page = await listed_of(request, None)
    return await pages.page(request, "billing/orders/list.html", rows=page.rows, pager=pager_of(request, window, page))


@get("/orders/{order_id:uuid}")
async def one(request: Request[Any, Any, Any], order_id: FromPath[UUID]) -> Response[bytes]:
    """The order: what was accepted, what came of it, and where the numbers are."""
    order, lines = await orders.one(order_id)
    ports = [(port, steps, legal(PortState(port["state"]))) for port, steps in await port_ins.of_order(order_id)]
    terms = msgspec.json.decode(order["terms"], type=list[ShownTerms])
    return await pages.page(
        request,
        "billing/orders/order.html",
        order=order,
        lines=lines,
        terms=terms,
        ports=ports,
        states=PORT_STATES,
    )


@post("/orders/{order_id:uuid}/port-ins/{port_in_id:uuid}/{step:str}", guards=_WRITES)
async def move(actor: auth.Acting, order_id: FromPath[UUID], port_in_id: FromPath[UUID], step: FromPath[str]) -> Response[Any]:
    """The numbers stay, or are asked for again."""
    action = {"withdrawal": PortAction.WITHDRAW, "request": PortAction.TRY_AGAIN}.get(step)
    if action is None:
        raise NotFound(what="step", id=step[:40])
    await port_ins.move(actor, port_in_id, action)
    said = sentence("The numbers stay where they are.") if action is PortAction.WITHDRAW else sentence("The numbers are asked for again.")
    return pages.to(f"/portal/orders/{order_id}", said=said)


async def _choice(
    request: Request[Any, Any, Any], customer_id: UUID, typed: Typed, errors: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    customer, bills = await _customer(customer_id)
    own, sold = await on_offer(customer["segment"], bills)
    return await pages.page(
        request,
        "billing/orders/new.html",
        status=status,
        customer=customer,
        own=own,
        offers=sold,
        locations=await _locations(customer_id),
        places=PLACES,
        typed=typed,
        labels=LABELS,
        errors=errors,
    )


async def _terms(
    request: Request[Any, Any, Any],
    customer_id: UUID,
    form: Form,
    seen: Shown,
    *,
    status: int = 200,
    errors: Errors = NO_ERRORS,
) -> Response[bytes]:
    customer, _ = await _customer(customer_id)
    return await pages.page(
        request,
        "billing/orders/terms.html",
        status=status,
        customer=customer,
        labels=LABELS,
        seen=seen,
        kept=[(name, form.one(name)) for name in Choice.__struct_fields__ if form.one(name)],
        typed=form.typed,
        errors=errors,
        changed=status == HTTP_409_CONFLICT,
        once=form.one("once") or str(new_id()),
    )


async def on_offer(segment: str, bills: WhoBills) -> tuple[bool, list[Offer]]:
    """Whether the partner itself sets the price, and what can be ordered for a customer of this kind."""
    own = sets_own_price(bills)
    sold = await offers.sold(clock.today(), Segment(segment))
    return own, [offer for offer in sold if not own or offer.wholesale_cents is not None]


async def _customer(customer_id: UUID) -> tuple[Any, WhoBills]:
    customer = await customers.one(customer_id)
    row = await db.fetch_one("SELECT bills FROM tenant WHERE id = $1", customer["tenant"])
    assert row is not None  # noqa: S101  # a customer has its partner
    return customer, WhoBills(row["bills"])


async def _locations(customer_id: UUID) -> list[Any]:
    return await db.fetch("SELECT id, kind, street, postcode, city FROM location WHERE customer = $1 ORDER BY kind DESC, id", customer_id)


def at_fields(problem: Invalid) -> Invalid:
    """The same faults by the fields of the form, which knows one line only."""
    return Invalid(*(msgspec.structs.replace(fault, pointer=_field(fault.pointer)) for fault in problem.fields))


def _field(pointer: str) -> str:
    name = pointer.rpartition("/")[2]
    return f"/{_FIELDS.get(name, name)}"


_FIELDS = {"fee_cents": "fee", "port": "numbers"}


async def listed_of(request: Request[Any, Any, Any], customer: UUID | None) -> tuple[Window, lists.Page[Any]]:
    """The page of orders that the request asks for, of one customer if named."""
    after = request.query_params.get("after") or None
    try:
        window = orders.LISTING.window(after=after, limit=_PER_PAGE, customer=str(customer or ""))
    except Invalid:  # a cursor of another list: the first page
        window = orders.LISTING.window(limit=_PER_PAGE, customer=str(customer or ""))
    return window, window.page(await orders.page(window, customer))


def pager_of(request: Request[Any, Any, Any], window: Window, page: lists.Page[Any]) -> dict[str, str]:
    """The ways to the other pages of a list."""
    path = str(request.scope["path"])
    return {"previous": path if window.last else "", "next": lists.next_address(request, page.next) if page.next else ""}


router = Router(
    "/portal",
    route_handlers=[choose, show, place, of_customer, listed, one, move],
    before_request=pages.for_members,
    include_in_schema=False,
)
