"""A customer that cannot pay: what was agreed with it, a payment plan, and reminders that wait; where the partner may decide."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from msgspec import Meta

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed
from tenants.service import customers

from ..policy import instalments
from ..policy.instalments import Ended, Every
from ..service import agreements, open_items, plans
from ..service.agreements import HoldAsked, Note, PlanAsked
from ..service.open_items import LISTING, Filter
from .open_items import HOLDS

_WRITES = [auth.requires(Role.OWNER, Role.CLERK)]
_MOST = 100
EVERY: dict[str, str] = {
    Every.MONTH: sentence("every month"),
    Every.FORTNIGHT: sentence("every two weeks"),
    Every.WEEK: sentence("every week"),
}
ENDED: dict[str, str] = {
    Ended.KEPT: sentence("paid as agreed"),
    Ended.BROKEN: sentence("an instalment did not come"),
    Ended.WITHDRAWN: sentence("withdrawn"),
    Ended.WRITTEN_OFF: sentence("what was left is written off"),
    Ended.CREDITED: sentence("nothing is owed any more: it is credited"),
}


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How the schedule is to be made: so many instalments, from when, how far apart."""

    count: Annotated[int, Meta(ge=1, le=instalments.MOST)]
    first_on: date
    every: Every = Every.MONTH


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """Who promised it, and why in words."""

    agreed_with: Annotated[str, Meta(min_length=2, max_length=200, pattern=r"\S")]
    note: Note


@get("/")
async def look(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """What was agreed with the customer, and what may be agreed."""
    customer = await customers.one(customer_id)
    return await pages.page(
        request,
        "billing/agreements/list.html",
        customer=customer,
        plans=await plans.of_customer(customer_id),
        held=await agreements.holds_of(customer_id),
        may_decide=await agreements.may_decide(customer["tenant"]),
        holds=HOLDS,
        ended=ENDED,
        today=clock.today(),
    )


@get("/plan", guards=_WRITES)
async def ask_plan(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The form of a plan, three monthly instalments over everything that is open unless others are typed."""
    rows = await _open(customer_id)
    first = clock.today() + timedelta(days=14)
    usual = {"count": ["3"], "first_on": [first.isoformat()], "every": [Every.MONTH.value]}
    return await _plan_form(request, customer_id, Typed({"invoices": [str(row["id"]) for row in rows], **usual}), rows)


@post("/plan", guards=_WRITES)
async def agree_plan(request: Request[Any, Any, Any], actor: auth.Acting, customer_id: FromPath[UUID]) -> Response[Any]:
    """The schedule is shown to be looked at and changed; or, once it was, agreed on."""
    form = await forms.read(request)
    try:
        if form.one("decision") != "agree":
            return await _spread(request, customer_id, form)
        asked = _asked(form)
        async with db.savepoint():
            await agreements.plan(actor, customer_id, asked)
    except Invalid as problem:
        errors = forms.errors(_at_fields(problem), actor.language)
        return await _plan_form(request, customer_id, form.typed, await _open(customer_id), errors, 422)
    return pages.to(
        _home(customer_id), said=sentence("The plan stands; the customer gets its schedule by mail and no reminders meanwhile.")
    )


@post("/plans/{plan_id:uuid}/withdrawal", guards=_WRITES)
async def withdraw_plan(actor: auth.Acting, customer_id: FromPath[UUID], plan_id: FromPath[UUID]) -> Response[Any]:
    """The plan is off."""
    await agreements.withdraw(actor, customer_id, plan_id)
    return pages.to(_home(customer_id), said=sentence("The plan is withdrawn; the customer is told and reminders go on."))


@get("/hold", guards=_WRITES)
async def ask_hold(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The form that makes reminders wait."""
    return await _hold_form(request, customer_id, Typed.of({"until": clock.today() + timedelta(days=30)}))


@post("/hold", guards=_WRITES)
async def place_hold(request: Request[Any, Any, Any], actor: auth.Acting, customer_id: FromPath[UUID]) -> Response[Any]:
    """Nothing is sent to the customer about what it owes until the day."""
    form = await forms.read(request)
    try:
        asked = forms.parse(form, HoldAsked)
        async with db.savepoint():
            await agreements.hold(actor, customer_id, asked)
    except Invalid as problem:
        return await _hold_form(request, customer_id, form.typed, forms.errors(problem, actor.language), 422)
    return pages.to(_home(customer_id), said=sentence("Reminders of this customer wait until the day you chose."))


@post("/holds/{hold_id:uuid}/lift", guards=_WRITES)
async def lift_hold(actor: auth.Acting, customer_id: FromPath[UUID], hold_id: FromPath[UUID]) -> Response[Any]:
    """Reminders go on where they were."""
    await agreements.lift(actor, customer_id, hold_id)
    return pages.to(_home(customer_id), said=sentence("Reminders go on where they were."))


def _home(customer: UUID) -> str:
    return f"/portal/open-items/customers/{customer}/agreements"


async def _open(customer: UUID) -> list[Any]:
    """What the customer owes and no plan is about yet."""
    rows = await open_items.page(LISTING.window(limit=_MOST), Filter(customer=customer))
    planned = {invoice for plan in await plans.of_customer(customer) if not plan.ended_on for invoice, _number in plan.invoices}
    return [row for row in rows if row["id"] not in planned]


def _chosen(form: Form, rows: list[Any]) -> list[Any]:
    wanted = set(form.all("invoices"))
    return [row for row in rows if str(row["id"]) in wanted]


async def _spread(request: Request[Any, Any, Any], customer: UUID, form: Form) -> Response[bytes]:
    how = forms.parse(form, Spread)
    rows = await _open(customer)
    owed = sum(row["open_cents"] for row in _chosen(form, rows))
    schedule = instalments.spread(owed, how.count, how.first_on, how.every)
    kept = {name: form.all(name) for name in ("invoices", "count", "first_on", "every", "agreed_with", "note")}
    return await _plan_form(request, customer, Typed({**kept, "schedule": [instalments.written(schedule)]}), rows)


def _asked(form: Form) -> PlanAsked:
    faults: list[Any] = []
    said: Agreed | None = None
    schedule: tuple[instalments.Instalment, ...] = ()
    for read in (lambda: forms.parse(form, Agreed), lambda: instalments.typed(form.one("schedule"))):
        try:
            found: Any = read()
        except Invalid as problem:
            faults += problem.fields
            continue
        if isinstance(found, Agreed):
            said = found
        else:
            schedule = found
    if faults or said is None:
        raise Invalid(*faults)
    return PlanAsked(
        invoices=[_id(one) for one in form.all("invoices")], instalments=schedule, agreed_with=said.agreed_with, note=said.note
    )


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound(what="invoice", id=typed[:40]) from error


def _at_fields(problem: Invalid) -> Invalid:
    """What is wrong with instalments is shown where they are typed."""
    return Invalid(*(msgspec.structs.replace(one, pointer=one.pointer.replace("/instalments", "/schedule")) for one in problem.fields))


async def _plan_form(
    request: Request[Any, Any, Any],
    customer: UUID,
    typed: Typed,
    rows: list[Any],
    errors: Errors = NO_ERRORS,
    status: int = 200,
) -> Response[bytes]:
    found = await customers.one(customer)
    return await pages.page(
        request,
        "billing/agreements/plan.html",
        status=status,
        customer=found,
        rows=rows,
        may_decide=await agreements.may_decide(found["tenant"]),
        typed=typed,
        errors=errors,
        every=[(value, catalogue.text(word, auth.acting(request.scope).language)) for value, word in EVERY.items()],
        grace=plans.GRACE.days,
    )


async def _hold_form(
    request: Request[Any, Any, Any], customer: UUID, typed: Typed, errors: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    found = await customers.one(customer)
    return await pages.page(
        request,
        "billing/agreements/hold.html",
        status=status,
        customer=found,
        may_decide=await agreements.may_decide(found["tenant"]),
        reasons=[
            (one.value, catalogue.text(HOLDS[one], auth.acting(request.scope).language).capitalize(), "") for one in agreements.REASONS
        ],
        typed=typed,
        errors=errors,
        longest=agreements.LONGEST_HOLD.days,
    )


router = Router(
    "/portal/open-items/customers/{customer_id:uuid}/agreements",
    route_handlers=[look, ask_plan, agree_plan, withdraw_plan, ask_hold, place_hold, lift_hold],
    before_request=pages.for_members,
    include_in_schema=False,
)
