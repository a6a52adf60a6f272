"""The accounting link, for finance: connections and how they stand, and what differs between the two books, to be solved by a button."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery

from billing.policy.accounting import POSSIBLE, Decision, Why
from billing.service.accounting import chosen, connections, deciding, differences, seen
from billing.service.accounting.connections import Connection, ConnectionWanted, Place
from partner_portal.infra import formats
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.kernel.money import Money
from partner_portal.web import forms
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form, Typed

from . import access, own_pages, refusing
from .pressing import Presses, pressed
from .refusing import NOTHING, Refused

ADDRESS = "/admin/accounting"
TABLES = ("ledgers", "vat_codes", "options")
_USUAL = {"sends_payments": True, "takes_payments": True}


class Difference(msgspec.Struct, frozen=True):
    """A conflict as the page shows it: the row, what each side says beside each other, and what can be decided."""

    row: Any
    facts: tuple[tuple[str, str, str], ...]
    possible: frozenset[str]

    @property
    def says_there(self) -> bool:
        """Whether the other side says anything."""
        return any(theirs for _name, _ours, theirs in self.facts)


@get("/accounting")
async def look(request: Request[Any, Any, Any], done: FromQuery[str] = "", change: FromQuery[str] = "") -> Response[Any]:
    """How each connection stands, and what differs, or one connection to be changed; decides nothing."""
    return await _page(
        request, done=done if done in _PRESSES else "", entered=_entered(await connections.called(change)) if change else None
    )


@post("/accounting", status_code=200)
async def act(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """The button pressed: done, or refused with the reason at its field and everything typed still there."""

    async def again(refused: Refused) -> Response[Any]:
        return await _page(request, refused=refused)

    return await pressed(request, actor, _PRESSES, ADDRESS, again)


async def _solve(actor: Actor, form: Form) -> None:
    await deciding.decide(actor, own_pages.id_of(form.one("id"), "conflict"), Decision(form.one("decision")), form.one("reason"))


async def _connect(actor: Actor, form: Form) -> None:
    tables: dict[str, dict[str, str]] = {}
    faults = connections.faults(form.one("package"), form.one("url"))
    for name in TABLES:
        try:
            with refusing.called(codes=name):
                tables[name] = connections.codes(form.one(name))
        except Invalid as problem:
            faults += problem.fields
    try:
        place = forms.parse(form, Place)
    except Invalid as problem:
        raise Invalid(*problem.fields, *faults) from problem
    if faults:
        raise Invalid(*faults)
    wanted = msgspec.convert(msgspec.to_builtins(place) | tables, ConnectionWanted)
    await connections.enter(actor, own_pages.id_of(form.one("issuer"), "issuer"), wanted)


async def _look_now(_actor: Actor, form: Form) -> None:
    await connections.look_soon(await connections.one(own_pages.id_of(form.one("id"), "connection")))


async def _pause(actor: Actor, form: Form) -> None:
    await connections.pause(actor, own_pages.id_of(form.one("id"), "connection"), _reason(form))


async def _resume(actor: Actor, form: Form) -> None:
    await connections.resume(actor, own_pages.id_of(form.one("id"), "connection"))


async def _end(actor: Actor, form: Form) -> None:
    await connections.end(actor, own_pages.id_of(form.one("id"), "connection"), _reason(form))


_PRESSES: Presses = {
    **{decision.value: _solve for decision in Decision},
    "connect": _connect,
    "look": _look_now,
    "pause": _pause,
    "resume": _resume,
    "end": _end,
}


def _entered(one: Connection) -> Typed:
    """The connection as it would be typed."""
    tables = {name: "\n".join(f"{key} = {code}" for key, code in getattr(one, name).items()) for name in TABLES}
    return Typed.of({name: getattr(one, name) for name in Place.__struct_fields__} | {"issuer": one.tenant} | tables)


def _reason(form: Form) -> str:
    reason = form.one("reason").strip()
    if len(reason) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/reason", "say-why"))
    return reason


_NOT_SHOWN = {"id", "version", "cents", "method", "invoice"}


_ORDER = ("name", "number", "credit", "debtor", "address", "city", "email", "vat", "issued", "total", "open", "booked", "paid")
_EUROS = re.compile(r"EUR (-?)(\d+)\.(\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _difference(row: Any, language: str) -> Difference:
    ours, theirs = (msgspec.json.decode(row[name], type=dict[str, str]) for name in ("ours", "theirs"))
    names = sorted({*ours, *theirs} - _NOT_SHOWN, key=lambda name: (name not in _ORDER, _ORDER.index(name) if name in _ORDER else 0, name))
    facts = tuple((name, _shown(ours.get(name, ""), language), _shown(theirs.get(name, ""), language)) for name in names)
    return Difference(row, facts, frozenset(decision.value for decision in POSSIBLE[Why(row["why"])]))


def _shown(fact: str, language: str) -> str:
    """An amount or a day as people of this language write it; all else as it is."""
    if euros := _EUROS.fullmatch(fact):
        sign, whole, part = euros.groups()
        return formats.money(Money(int(f"{sign}{whole}{part}")), language)
    return formats.day(date.fromisoformat(fact), language) if _DAY.fullmatch(fact) else fact


async def _page(
    request: Request[Any, Any, Any], *, done: str = "", entered: Typed | None = None, refused: Refused = NOTHING
) -> Response[str]:
    return own_pages.shown(
        request,
        "accounting.html",
        done=done,
        entered=entered,
        usual=Typed.of(_USUAL),
        refused=refused,
        connections=await seen.all_of_them(),
        issuers=[(row["tenant"], row["name"]) for row in await seen.issuers()],
        packages=sorted(chosen.PACKAGES),
        differences=[_difference(row, access.spoken(request)) for row in await differences.open_ones()],
        solved=await differences.solved_ones(20),
    )
