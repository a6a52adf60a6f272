"""The work list of finance, inside the admin's session: read, and decide where you read."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, Router, get, post
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler

from billing.service import interest_rates
from partner_portal.infra import clock, settings
from partner_portal.kernel.actor import Actor, StaffRole
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form
from terminations.service import buyouts
from terminations.service.buyouts import Decision

from . import (
    access,
    accounting,
    bank,
    form,
    forms,
    four_eyes,
    giving_back,
    indexation,
    invoices,
    late,
    mandates,
    notices,
    orders,
    overview,
    own_pages,
    partner_billing,
    password_again,
    payments,
    pro_forma,
    reminders,
    work_list,
)
from .pressing import pressed
from .refusing import NOTHING, Refused
from .screens import Roles

_ADDRESS = "/admin/work-list"


@get("/work-list")
async def look(request: Request[Any, Any, Any], actor: Acting, done: FromQuery[str] = "", number: FromQuery[str] = "") -> Response[Any]:
    """The cases that wait, with their sums and why, and the rates of interest that nobody entered; decides nothing."""
    return await _page(request, actor, done=done if done in _DONE else "", number=number[:30])


@post("/work-list", status_code=200)
async def decide(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The button pressed: decided by the same function as everywhere, or refused with the reason at its field."""
    number = (await own_pages.read(request)).one("id")
    asked: Any = request  # the forms of the generated screens know Starlette's

    async def show(refused: Refused) -> Response[Any]:
        return await _page(request, actor, refused=refused)

    async def allow(_actor: Actor, typed: Form) -> None:
        await forms.answer_withdrawal(asked, number, typed.one("reason"), is_allowed=True)

    async def deny(_actor: Actor, typed: Form) -> None:
        await forms.answer_withdrawal(asked, number, typed.one("reason"), is_allowed=False)

    presses = {"allow": allow, "deny": deny, **dict.fromkeys((decision.value for decision in Decision), _act)}
    return await pressed(request, actor, presses, f"{_ADDRESS}?number={quote(number[:30])}", show)


async def _act(actor: Actor, typed: Form) -> str:
    decision = Decision(typed.one("decision"))
    amount = form.cents(typed.one("amount")) if decision is Decision.ADJUST and typed.one("amount") else None
    case = await buyouts.case_by_number(typed.one("id"))
    settled = await buyouts.decide(actor, case, decision, amount_cents=amount, reason=typed.one("reason"))
    return decision.value if settled else "first"


_DONE = {"allow", "deny", *(decision.value for decision in Decision), "first"}


async def _page(
    request: Request[Any, Any, Any], actor: Actor, *, done: str = "", number: str = "", refused: Refused = NOTHING
) -> Response[str]:
    return own_pages.shown(
        request,
        "work_list.html",
        waiting=await work_list.waiting(actor, access.spoken(request), clock.now()),
        limit=settings.current().four_eyes_limit_cents,
        missing=await interest_rates.missing(),
        rate_of=late.RATES,
        done=done,
        number=number,
        refused=refused,
    )


def _only(roles: Roles, *handlers: ControllerRouterHandler) -> Router:
    return Router("/admin", before_request=own_pages.for_roles(roles), route_handlers=handlers, include_in_schema=False)


routers = [
    _only(
        form.FINANCE,
        overview.look,
        overview.choose,
        look,
        decide,
        reminders.look,
        reminders.decide,
        pro_forma.look,
        pro_forma.make,
        four_eyes.look,
        four_eyes.decide,
        indexation.look,
        indexation.press,
        partner_billing.look,
        partner_billing.read,
        partner_billing.enter,
        mandates.look,
        mandates.enter,
        mandates.read,
        mandates.change,
        payments.look,
        payments.read,
        payments.ask,
        payments.take_off,
        payments.ask_where,
        payments.move,
        giving_back.look,
        giving_back.decide,
        giving_back.look_at_payouts,
        giving_back.look_into,
        late.look,
        late.decide,
        bank.look,
        bank.act,
        bank.look_at_debits,
        bank.make_file,
        bank.fetch,
        accounting.look,
        accounting.act,
    ),
    _only(
        form.DESK,
        notices.look,
        notices.deal,
        orders.look,
        orders.choose,
        orders.show,
        orders.place,
        orders.one,
        orders.move,
    ),
    _only(
        invoices.READERS,
        invoices.look,
        invoices.read,
    ),
    _only(
        frozenset(StaffRole),
        password_again.ask_again,
        password_again.prove_again,
    ),
]
