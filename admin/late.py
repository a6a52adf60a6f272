"""What was not paid in time, for finance: payment plans, interest and costs that were charged or let go, and what is written off."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery

from billing.pages.agreements import ENDED, EVERY, Agreed, Spread
from billing.policy import instalments
from billing.policy.interest import RateKind
from billing.policy.late import REVIVING, Uncollectable
from billing.service import interest_rates, late, late_rest, late_told, plans, write_offs
from billing.service.interest_rates import RateWanted
from billing.service.plans import InstalmentWanted
from billing.service.write_offs import WriteOffWanted
from partner_portal.infra import catalogue, clock, db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, Problem
from partner_portal.web import decoding, forms, problems
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form, Typed

from . import access, own_pages, refusing
from .pressing import Presses, pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/late"
SHOWN = ("plans", "costs", "written-off")
REASONS: dict[str, str] = {
    Uncollectable.BANKRUPT: sentence("bankrupt, nothing is to be expected"),
    Uncollectable.UNTRACEABLE: sentence("cannot be found"),
    Uncollectable.NO_MEANS: sentence("has no means"),
    Uncollectable.TOO_SMALL: sentence("costs more to collect than it is"),
    Uncollectable.PRESCRIBED: sentence("prescribed"),
    Uncollectable.OTHER: sentence("another reason"),
    Uncollectable.PAID: sentence("paid after all"),
    Uncollectable.MISTAKE: sentence("written off by mistake"),
}
RATES: dict[str, str] = {RateKind.TRADE: sentence("businesses (trade)"), RateKind.CONSUMER: sentence("consumers")}
DONE: dict[str, str] = {
    "plan": sentence("The plan stands; the debtor gets its schedule by mail."),
    "withdraw": sentence("The plan is withdrawn; the debtor is told and reminders go on."),
    "waive": sentence("No interest and costs are charged for this invoice; what was charged is credited."),
    "rest": sentence("The interest that ran on is charged on a further document."),
    "rate": sentence("The rate is known from now on."),
    "write-off": sentence("What is open of the document is written off."),
    "proposed": sentence("It is above the limit: somebody else of finance has to agree, below."),
    "agree": sentence("It is written off."),
    "decline": sentence("It is not written off."),
    "revive": sentence("It is owed again."),
}


class Numbered(msgspec.Struct, frozen=True):
    """Of which document."""

    number: Annotated[str, msgspec.Meta(min_length=1)]


class Because(Numbered, frozen=True):
    """Of which document, and why."""

    note: Annotated[str, msgspec.Meta(min_length=1)]


class Several(msgspec.Struct, frozen=True):
    """Of which documents."""

    numbers: Annotated[str, msgspec.Meta(min_length=1)]


@get("/late")
async def look(request: Request[Any, Any, Any], actor: Acting, show: FromQuery[str] = "plans", done: FromQuery[str] = "") -> Response[Any]:
    """Plans, costs or write-offs with their forms; decides nothing."""
    return await _page(request, actor, show if show in SHOWN else SHOWN[0], done=done)


@post("/late", status_code=200)
async def decide(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The button pressed: done by the same function as everywhere, or refused with the reason at its field."""
    form = await own_pages.read(request)
    show = _SHOWN_BY.get(form.one("decision"), SHOWN[0])

    async def again(refused: Refused) -> Response[Any]:
        return await _page(request, actor, show, refused=refused)

    if form.one("decision") == "show":
        return await _spread(request, actor, form)
    return await pressed(request, actor, _DEALS, f"{ADDRESS}?show={show}", again)


async def _spread(request: Request[Any, Any, Any], actor: Actor, form: Form) -> Response[Any]:
    try:
        refusing.must_be_short(form)
        several, how = refusing.parse(form, Several, Spread)
        ids = await _invoices(several.numbers)
        rows = await db.fetch("SELECT open_cents FROM billing_standing WHERE invoice = ANY($1)", ids)
    except Problem as problem:
        answer = await _page(request, actor, "plans", refused=refusing.refused(problem, form, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer
    schedule = instalments.spread(sum(max(row["open_cents"], 0) for row in rows), how.count, how.first_on, how.every)
    kept = {name: form.all(name) for name in ("numbers", "count", "first_on", "every", "agreed_with", "note")}
    shown = Refused("plan", typed=Typed({**kept, "schedule": [instalments.written(schedule)]}))
    return await _page(request, actor, "plans", refused=shown)


async def _agree_plan(actor: Actor, form: Form) -> None:
    several, said = refusing.parse(form, Several, Agreed)
    ids = await _invoices(several.numbers)
    wanted = [InstalmentWanted(one.due_on, one.amount_cents) for one in instalments.typed(form.one("schedule"))]
    with refusing.called(instalments="schedule", invoices="numbers"):
        await plans.agree(actor, ids, wanted, note=said.note, agreed_with=said.agreed_with)


async def _withdraw(actor: Actor, form: Form) -> None:
    await plans.withdraw(actor, own_pages.id_of(form.one("id"), "plan"))


async def _waive(actor: Actor, form: Form) -> None:
    said = forms.parse(form, Because)
    invoice = await _invoice(form)
    with refusing.called(reason="note"):
        await late.waive(actor, invoice, said.note)


async def _rest(actor: Actor, form: Form) -> None:
    await late_rest.charge(actor, await _invoice(form))


async def _rate(actor: Actor, form: Form) -> None:
    said = {name: form.one(name) for name in ("kind", "since", "source")} | {"percentage": form.one("percentage").replace(",", ".")}
    await interest_rates.enter(actor, decoding.convert(RateWanted, {name: value for name, value in said.items() if value}))


async def _write_off(actor: Actor, form: Form) -> str:
    _, wanted = refusing.parse(form, Numbered, WriteOffWanted)
    return "write-off" if await write_offs.write_off(actor, await _invoice(form), wanted) else "proposed"


async def _agree(actor: Actor, form: Form) -> None:
    await write_offs.agree(actor, own_pages.id_of(form.one("id"), "proposal"))


async def _decline(actor: Actor, form: Form) -> None:
    await write_offs.decline(actor, own_pages.id_of(form.one("id"), "proposal"))


async def _revive(actor: Actor, form: Form) -> None:
    said = forms.parse(form, Because)
    await write_offs.revive(actor, await _invoice(form), said.note)


_DEALS: Presses = {
    "plan": _agree_plan,
    "withdraw": _withdraw,
    "waive": _waive,
    "rest": _rest,
    "rate": _rate,
    "write-off": _write_off,
    "agree": _agree,
    "decline": _decline,
    "revive": _revive,
}
_SHOWN_BY = dict.fromkeys(("waive", "rest", "rate"), "costs") | dict.fromkeys(("write-off", "agree", "decline", "revive"), "written-off")


async def _invoice(form: Form) -> UUID:
    found = await _invoices(form.one("number"), "/number")
    return found[0]


async def _invoices(typed: str, pointer: str = "/numbers") -> list[UUID]:
    """The documents of these numbers, however they are separated; Invalid at `pointer` for one that is not there, or none typed."""
    numbers = [one.upper() for one in re.split(r"[\s,;]+", typed) if one]
    rows = {
        row["number"]: row["id"] for row in await db.fetch("SELECT id, number FROM billing_invoice WHERE number = ANY($1)", numbers[:100])
    }
    missing = [one for one in numbers if one not in rows]
    if not numbers:
        raise Invalid(FieldError(pointer, "missing"))
    if missing:
        raise Invalid(FieldError(pointer, "no-such-document", {"value": ", ".join(missing)[:60]}))
    return [rows[one] for one in dict.fromkeys(numbers)]


async def _page(request: Request[Any, Any, Any], actor: Actor, show: str, *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    language = access.spoken(request)
    return own_pages.shown(
        request,
        "late.html",
        show=show,
        today=clock.today(),
        done=DONE.get(done, ""),
        refused=refused,
        mine=actor.trail,
        limit=settings.current().four_eyes_limit_cents,
        grace=plans.GRACE.days,
        every=[(value, catalogue.text(word, language)) for value, word in EVERY.items()],
        reasons=[(value, catalogue.text(word, language)) for value, word in REASONS.items() if value not in REVIVING],
        why=REASONS,
        rate_kinds=[(value, catalogue.text(word, language)) for value, word in RATES.items()],
        rate_of=RATES,
        ended=ENDED,
        **await _words(show),
    )


async def _words(show: str) -> dict[str, Any]:
    if show == "plans":
        return {"plans": await plans.everybodys()}
    if show == "costs":
        return {
            "notes": await late_told.charged(),
            "waivers": await late_told.let_go(),
            "unknown": await late_told.unknown(),
            "missing": await interest_rates.missing(),
            "entered": await interest_rates.lately(),
            "rates": await interest_rates.tables(),
        }
    return {"waiting": await write_offs.waiting(), "written_off": await write_offs.done()}
