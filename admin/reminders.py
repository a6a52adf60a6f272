"""Reminding, for finance: what tonight would send, what is held and why, by which policy, and who owes how long."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery
from markupsafe import Markup

from billing.pages.open_items import HOLDS, LEVELS, picture
from billing.policy.reminding import Held, Policy
from billing.service import holds, late, late_rest, open_items, plans, reminder_policies, reminders, suspensions
from billing.service.open_items import Aged, Ageing
from billing.service.reminder_policies import PolicyWanted
from billing.service.statement_letters import AGES
from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import decoding, forms
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import access, own_pages, refusing
from .form import cents
from .pressing import Presses, pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/reminders"
SHOWN = ("tonight", "held", "debtors", "policies")
_MOST_LETTERS = 200


class HoldWanted(msgspec.Struct, frozen=True):
    """What is to be held, why and until when, as it is typed."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    reason: Held
    until: date | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class PolicyTyped(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is typed: the amount in euros, and a line per product that stops later."""

    note_days: int
    first_days: int
    second_days: int
    third_days: int
    suspend_days: int
    consumer_suspend_days: int
    threshold: str
    lead_days: str = ""
    charge_days: int | None = None
    partner_agrees: bool = False
    follows_provider: bool = False


@get("/reminders")
async def look(request: Request[Any, Any, Any], show: FromQuery[str] = "tonight", done: FromQuery[str] = "") -> Response[Any]:
    """What would be sent, what is held, who owes, by which policy; decides nothing."""
    return await _page(request, show if show in SHOWN else SHOWN[0], done=done if done in _DEALS else "")


@post("/reminders", status_code=200)
async def decide(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The button pressed: done by the same function as everywhere, or refused with the reason at its field."""
    form = await own_pages.read(request)
    show = "policies" if form.one("decision") == "policy" else "held"

    async def again(refused: Refused) -> Response[Any]:
        return await _page(request, show, refused=refused)

    return await pressed(request, actor, _DEALS, f"{ADDRESS}?show={show}", again)


async def _hold(actor: Actor, form: Form) -> None:
    wanted = forms.parse(form, HoldWanted)
    customer = await db.fetch_one("SELECT id FROM customer WHERE number = $1", wanted.number)
    if customer is not None and wanted.reason is not Held.BOUNCED:
        await holds.on_customer(actor, customer["id"], wanted.reason, note=wanted.note, until=wanted.until)
        return
    row = await db.fetch_one("SELECT id FROM billing_invoice WHERE number = $1", wanted.number)
    if row is None:
        code = "no-such-document" if wanted.reason is Held.BOUNCED else "no-document-or-customer"
        raise Invalid(FieldError("/number", code, {"value": wanted.number}))
    if wanted.reason is Held.BOUNCED:
        await holds.came_back(actor, row["id"], note=wanted.note)
    else:
        await holds.on_invoice(actor, row["id"], wanted.reason, note=wanted.note, until=wanted.until)


async def _lift(actor: Actor, form: Form) -> None:
    await holds.lift(actor, own_pages.id_of(form.one("id"), "hold"))


async def _policy(actor: Actor, form: Form) -> None:
    typed = forms.parse(form, PolicyTyped)
    days = msgspec.structs.asdict(typed)
    amount = cents(days.pop("threshold"), "/threshold")
    with refusing.called(threshold_cents="threshold", lead_days="lead_days"):
        wanted = decoding.convert(PolicyWanted, {**days, "lead_days": _lead_days(typed.lead_days), "threshold_cents": amount})
        await reminder_policies.decide(actor, own_pages.id_of(form.one("id"), "policy"), wanted)


def _lead_days(typed: str) -> dict[str, int | None]:
    """One product a line: its code and so many days, or its code and a dash for never; Invalid names the first line that is not so."""
    found: dict[str, int | None] = {}
    for nth, line in enumerate(typed.splitlines(), 1):
        code, colon, days = (part.strip() for part in line.partition(":"))
        if not (colon and code and (days in {"", "-"} or days.isdecimal())) and line.strip():
            raise Invalid(FieldError("/lead_days", "not-days-of-a-product", {"line": nth}))
        if code:
            found[code] = None if days in {"", "-"} else int(days)
    return found


_DEALS: Presses = {"hold": _hold, "lift": _lift, "policy": _policy}


async def _page(request: Request[Any, Any, Any], show: str, *, done: str = "", refused: Refused = NOTHING) -> Response[str]:
    return own_pages.shown(
        request,
        "reminders.html",
        show=show,
        today=clock.today(),
        done=done,
        refused=refused,
        ages=AGES,
        levels=LEVELS,
        holds=HOLDS,
        **await _words(show, access.spoken(request)),
    )


async def _words(show: str, language: str) -> dict[str, Any]:
    if show == "tonight":
        coming = (await plans.coming())[:_MOST_LETTERS]
        found = await plans.some([plan for plan, _ in coming])
        return {
            "outcome": await reminders.preview(most=_MOST_LETTERS),
            "most": _MOST_LETTERS,
            "charges": [*await late.preview(most=_MOST_LETTERS), *await late_rest.preview(most=_MOST_LETTERS)],
            "plans": [(found[plan], kind) for plan, kind in coming],
            "stops": await suspensions.preview(most=_MOST_LETTERS),
        }
    if show == "held":
        return {"held": await holds.standing()}
    if show == "policies":
        rows = await reminder_policies.everybodys()
        return {"policies": [(row, policy, _as_typed(policy)) for row in rows for policy in [reminder_policies.of_row(row)]]}
    partners = await open_items.by_partner()
    return {
        "debtors": await open_items.by_debtor(),
        "partners": partners,
        "whole": whole(partners),
        "picture": _picture(partners, language),
    }


def _as_typed(policy: Policy) -> dict[str, object]:
    """The policy as it would be typed."""
    first, second, third = policy.reminder_days
    lead = "\n".join(f"{code}: {'-' if days is None else days}" for code, days in policy.lead_days.items())
    return {
        **{name: getattr(policy, name) for name in ("note_days", "suspend_days", "consumer_suspend_days", "charge_days", "partner_agrees")},
        "first_days": first,
        "second_days": second,
        "third_days": third,
        "lead_days": lead,
        "threshold": f"{policy.threshold_cents / 100:.2f}".replace(".", ","),
    }


def whole(partners: list[open_items.Owing]) -> Ageing:
    """What all partners' debtors owe by age."""
    columns = zip(*(owing.ageing.buckets for owing in partners), strict=True)
    return Ageing([Aged(one[0].bucket, sum(part.cents for part in one), sum(part.count for part in one)) for one in columns])


def _picture(partners: list[open_items.Owing], language: str) -> Markup | None:
    return picture(whole(partners), language) if partners else None
