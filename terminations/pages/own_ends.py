"""A customer ends its own services: which, when with dates and costs, check, done; or withdraws from a new contract in two presses.

Nothing is kept on the way: every step stands in the address. No offer to stay comes between the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from billing.policy.ledger import Layer
from partner_portal.infra import clock, db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, Refused
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors
from tenants.service import contacts

from ..policy.cooling_off import refund_by
from ..policy.cost_sheet import LineCode
from ..policy.early_use import WhyFree
from ..service import bills, cases, choices, drafts, explain, letters, notices, own_ends
from ..service.bills import BillWords
from ..service.choices import Choice, Look, When
from ..service.quotes import Shown
from .own import HOME, SIGNS, reader, said_of
from .wizard import answers, words

Page = Response[Any]
_WHY_FREE = frozenset(why.value for why in WhyFree)
PATH = f"{HOME}/end"
DONE = sentence("Done: everybody gets the confirmation by mail.")
TOO_LATE = sentence("The days to withdraw from the contract without a reason are over; you can end it by notice.")
ASKED = sentence("Your request is filed. Nothing ends before you have said yes.")


@get("/")
async def choose(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """Which services are to end; whoever may not sign sees who may."""
    return await _choose(request, actor)


async def _choose(
    request: Request[Any, Any, Any], actor: Actor, *, wrong: Errors = NO_ERRORS, refused: str = "", status: int = 200
) -> Page:
    found = await own_ends.services(actor)
    chosen = set(answers.services_marked(request.query_params.getall("service", [])))
    return await pages.page(
        request,
        "terminations/own/choose.html",
        status=status,
        found=found,
        chosen=chosen,
        errors=wrong,
        refused=refused,
        **await reader(actor, found.parties),
    )


@get("/when", guards=SIGNS)
async def when(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """When, with what each day costs."""
    chosen = answers.services_marked(request.query_params.getall("service", []))
    if not chosen:
        wrong = forms.errors(Invalid(FieldError("/services", "choose-a-service")), actor.language)
        return await _choose(request, actor, wrong=wrong, status=422)
    try:
        await choices.must_be_free(chosen)
        look = await choices.look(actor, chosen, Choice())
    except (Refused, Invalid) as problem:
        return await _choose(request, actor, refused=_why(problem, actor), status=409)
    return await _when(request, actor, look)


async def _when(request: Request[Any, Any, Any], actor: Actor, look: Look) -> Page:
    wrong = NO_ERRORS
    try:
        wanted = answers.tried(request)
        if wanted is not None and wanted.when is not When.FREE:
            choices.must_fit(look.shown, wanted)
        look = choices.otherwise(look, wanted) if wanted else look
    except Invalid as problem:
        wrong = forms.errors(problem, actor.language)
    kept = [("service", str(service)) for service in look.shown.request.services]
    return await pages.page(
        request,
        "terminations/own/when.html",
        block="bill",
        status=422 if wrong and "hx-request" not in request.headers else 200,
        errors=wrong,
        kept=kept,
        tried=f"{PATH}/when?{urlencode(kept)}",
        back=f"{PATH}?{urlencode(kept)}",
        customer_pays=look.shown.parties.payer_layer is Layer.CUSTOMER,
        **_own(words.looked(look, request, actor.language)),
    )


def _own(said: dict[str, Any]) -> dict[str, Any]:
    """The same without what the provider charges the partner, which is none of the customer's."""
    ways = {name: msgspec.structs.replace(said[name], partner_pays=None) for name in ("free", "early", "chosen") if said[name]}
    return said | ways | {"bills": _own_bills(said["bills"])}


@get("/check", guards=SIGNS)
async def check(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """All of it once more, before the button that counts."""
    chosen = answers.services_marked(request.query_params.getall("service", []))
    if not chosen:
        return pages.to(PATH)
    try:
        await choices.must_be_free(chosen)
        look = await choices.look(actor, chosen, Choice())
        wanted = answers.choice_of(lambda name: request.query_params.get(name, ""))
        if wanted.when is not When.FREE:
            choices.must_fit(look.shown, wanted)
    except (Refused, Invalid) as problem:
        if isinstance(problem, Refused):
            return await _choose(request, actor, refused=_why(problem, actor), status=409)
        return pages.to(f"{PATH}/when?{request.url.query}")
    return await _check(request, actor, chosen, choices.otherwise(look, wanted))


async def _check(
    request: Request[Any, Any, Any], actor: Actor, chosen: Sequence[UUID], look: Look, *, refused: str = "", status: int = 200
) -> Page:
    way, found = look.chosen, look.chosen.preview
    until = way.ends[0] - timedelta(days=settings.current().withdrawal_free_days)
    customer_pays = way.shown.parties.payer_layer is Layer.CUSTOMER
    kept = [*(("service", str(service)) for service in chosen), *_fields(way.choice)]
    return await pages.page(
        request,
        "terminations/own/check.html",
        status=status,
        refused=refused,
        services=found.services,
        way=words.way_words(way),
        bills=_own_bills(bills.bills(way.shown, actor.language)) if customer_pays else (),
        customer_pays=customer_pays,
        promise=drafts.seen(way.shown).promise,
        kept=kept,
        back=f"{PATH}/when?{urlencode(kept)}",
        needs_finance=cases.needs_finance(found),
        withdraw_until=until if until >= clock.today() else None,
    )


def _own_bills(found: Sequence[BillWords]) -> list[BillWords]:
    """What the provider charges the partner is none of the customer's."""
    return [bill for bill in found if bill.layer is Layer.CUSTOMER]


def _fields(choice: Choice) -> list[tuple[str, str]]:
    day = choice.wished_on.isoformat() if choice.wished_on else ""
    name = {When.EARLY: "early_on", When.DATE: "wished_on"}.get(choice.when)
    return [("when", choice.when.value), *([(name, day)] if name else [])]


@post("/", guards=SIGNS)
async def end(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """The button that counts: planned at once, or with finance; a second press finds the case that the first one made."""
    form = await forms.read(request)
    chosen = answers.services_marked(form.all("service"))
    try:
        wanted = answers.choice_of(form.one)
        async with db.savepoint():
            case = await own_ends.end(actor, chosen, wanted, promise=form.one("promise"))
    except (Refused, Invalid) as problem:
        return await _end_again(request, actor, chosen, form, problem)
    return pages.to(f"{HOME}/terminations/{case.id}", said=ASKED if case.is_buyout else DONE)


async def _end_again(request: Request[Any, Any, Any], actor: Actor, chosen: Sequence[UUID], form: Any, problem: Refused | Invalid) -> Page:
    if isinstance(problem, cases.ServiceAlreadyEnding) and (held := await choices.holder(chosen)):
        return pages.to(f"{HOME}/terminations/{held}", said=sentence("This was filed already."))
    if isinstance(problem, own_ends.OfferChanged):
        look = await choices.look(actor, chosen, Choice())
        shown = choices.otherwise(look, answers.choice_of(form.one))
        return await _check(request, actor, chosen, shown, refused=_why(problem, actor), status=409)
    return await _choose(request, actor, refused=_why(problem, actor), status=409)


def _why(problem: Refused | Invalid, actor: Actor) -> str:
    if isinstance(problem, Invalid):
        return " ".join(told for _field, told in forms.errors(problem, actor.language))
    return said_of(problem, actor.language)


withdrawal_path = f"{HOME}/services/{{service_id:uuid}}/withdrawal"


@get("/", guards=SIGNS)
async def ask_withdrawal(request: Request[Any, Any, Any], actor: auth.Acting, service_id: FromPath[UUID]) -> Page:
    """The second step of the withdrawal function: what is declared, by whom, for which contract; and the button that confirms it."""
    try:
        return await _withdrawal(request, actor, service_id)
    except own_ends.CoolingOffOver:
        return pages.to(f"{HOME}/services/{service_id}", said=TOO_LATE, good=False)


async def _withdrawal(request: Request[Any, Any, Any], actor: Actor, service_id: UUID, *, refused: str = "", status: int = 200) -> Page:
    found, one = await own_ends.service(actor, service_id)
    until = own_ends.withdraw_until(found, one)
    if until is None:
        raise own_ends.CoolingOffOver
    customer_pays = found.parties.payer_layer is Layer.CUSTOMER
    shown = None if one.held else await own_ends.shown_withdrawal(actor, service_id)
    return await pages.page(
        request,
        "terminations/own/withdrawal.html",
        status=status,
        refused=refused,
        found=found,
        one=one,
        until=until,
        refund_by=refund_by(clock.today()),
        ends_on=shown.previews[Layer.CUSTOMER].services[0].ending.ends_on if shown else None,
        bills=_own_bills(bills.bills(shown, actor.language)) if shown and customer_pays else (),
        customer_pays=customer_pays,
        **_days_used(shown, actor.language),
        promise=drafts.seen(shown).promise if shown else "",
        confirms=letters.masked((await contacts.one(found.parties.customer_id, UUID(actor.id)))["email"]),
        public_page=f"/withdraw-contract/{await notices.code_of(one.row['tenant'])}" if one.held else "",
    )


def _days_used(shown: Shown | None, language: str) -> dict[str, Any]:
    """Whether days used are taken off what is paid back; where none are although the service ran, why."""
    services = shown.previews[Layer.CUSTOMER].services if shown else ()
    return {
        "pays_days": any(line.code is LineCode.EARLY_USE for one in services for line in one.ending.sheet.lines),
        "notes": [explain.applied(note, language) for one in services for note in one.notes if note.key in _WHY_FREE],
    }


@post("/", guards=SIGNS)
async def withdraw(request: Request[Any, Any, Any], actor: auth.Acting, service_id: FromPath[UUID]) -> Page:
    """Confirmed: the contract is undone, received at this moment, and everybody gets it in writing."""
    form = await forms.read(request)
    try:
        async with db.savepoint():
            case = await own_ends.withdraw(actor, service_id, promise=form.one("promise"))
    except cases.ServiceAlreadyEnding:
        held = await choices.holder([service_id])
        return pages.to(f"{HOME}/terminations/{held}", said=sentence("This was filed already."))
    except own_ends.CoolingOffOver:
        return pages.to(f"{HOME}/services/{service_id}", said=TOO_LATE, good=False)
    except Refused as problem:
        return await _withdrawal(request, actor, service_id, refused=_why(problem, actor), status=409)
    return pages.to(
        f"{HOME}/terminations/{case.id}", said=sentence("Your withdrawal is received. The confirmation is on its way to you by mail.")
    )


routers = [
    Router(PATH, route_handlers=[choose, when, check, end], before_request=pages.for_contacts, include_in_schema=False),
    Router(withdrawal_path, route_handlers=[ask_withdrawal, withdraw], before_request=pages.for_contacts, include_in_schema=False),
]
