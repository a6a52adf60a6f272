"""The accounting link, for finance: connections and how they stand, and what differs between the two books, to be solved by a button."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from billing.policy.accounting import POSSIBLE, Decision, Why
from billing.service.accounting import chosen, connections, deciding, differences, seen
from billing.service.accounting.connections import Connection, ConnectionWanted
from partner_portal.infra import db, formats, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Problem
from partner_portal.kernel.money import Money
from partner_portal.web import csrf, identity, problems
from partner_portal.web.auth import PerhapsActing
from partner_portal.web.problems import UntrustedOrigin

from . import access, saying
from .form import FINANCE

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
ADDRESS = "/admin/accounting"
Typed = dict[str, str]
_NOTHING_TYPED = dict.fromkeys(
    (
        *("id", "decision", "reason", "issuer", "code", "package", "administration", "url", "starts_on", "ledgers", "vat_codes", "options"),
        *("sends_payments", "takes_payments"),
    ),
    "",
)


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
async def look(
    request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "", change: FromQuery[str] = ""
) -> Response[Any]:
    """How each connection stands, and what differs, or one connection to be changed; decides nothing."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _finance_only(perhaps_actor)
    typed = _typed(await connections.called(change)) if change else None
    return await _page(request, perhaps_actor, done=done if done in _PRESSES else "", refused=typed)


@post("/accounting", status_code=200)
async def act(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, data: Form) -> Response[Any]:
    """The button pressed: done, or refused with the reason on the page and everything typed still there."""
    if perhaps_actor is None:
        return Redirect("/admin/", status_code=303)
    _finance_only(perhaps_actor)
    typed = {name: value[:4000].strip() for name, value in data.items()}
    if not hmac.compare_digest(typed.pop("csrf_token", "").encode(), _token(request).encode()):
        raise UntrustedOrigin
    decision = typed.get("decision", "")
    try:
        pressed = _PRESSES.get(decision)
        if pressed is None:
            raise NotFound(what="decision", id=decision[:40])
        async with db.savepoint():
            await pressed(perhaps_actor, typed)
    except Problem as problem:
        answer = await _page(request, perhaps_actor, refused=typed, problem=saying.text(problem, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{ADDRESS}?done={decision}", status_code=303)


async def _solve(actor: Actor, typed: Typed) -> None:
    await deciding.decide(actor, _id(typed), Decision(typed["decision"]), typed.get("reason", ""))


async def _connect(actor: Actor, typed: Typed) -> None:
    tables = {name: connections.codes(typed.get(name, "")) for name in ("ledgers", "vat_codes", "options")}
    plain = {name: typed.get(name, "") for name in ("code", "package", "administration", "url", "starts_on")}
    ways = {name: typed.get(name) == "yes" for name in ("sends_payments", "takes_payments")}
    try:
        wanted = msgspec.convert({**plain, **tables, **ways}, ConnectionWanted)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`") or "code"
        raise Invalid(FieldError(f"/{field}", "invalid")) from error
    await connections.enter(actor, _id(typed, "issuer"), wanted)


async def _look_now(_actor: Actor, typed: Typed) -> None:
    await connections.look_soon(await connections.one(_id(typed)))


async def _pause(actor: Actor, typed: Typed) -> None:
    await connections.pause(actor, _id(typed), _reason(typed))


async def _resume(actor: Actor, typed: Typed) -> None:
    await connections.resume(actor, _id(typed))


async def _end(actor: Actor, typed: Typed) -> None:
    await connections.end(actor, _id(typed), _reason(typed))


_PRESSES: dict[str, Callable[[Actor, Typed], Awaitable[None]]] = {
    **{decision.value: _solve for decision in Decision},
    "connect": _connect,
    "look": _look_now,
    "pause": _pause,
    "resume": _resume,
    "end": _end,
}


def _typed(one: Connection) -> Typed:
    """The connection as it would be typed."""
    tables = {
        name: "\n".join(f"{key} = {code}" for key, code in getattr(one, name).items()) for name in ("ledgers", "vat_codes", "options")
    }
    plain = {name: getattr(one, name) for name in ("code", "package", "administration", "url")}
    ways = {name: "yes" if getattr(one, name) else "" for name in ("sends_payments", "takes_payments")}
    return {"decision": "connect", "issuer": str(one.tenant), "starts_on": one.starts_on.isoformat(), **plain, **tables, **ways}


def _reason(typed: Typed) -> str:
    reason = typed.get("reason", "")
    if len(reason) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/reason", "say-why"))
    return reason


def _id(typed: Typed, name: str = "id") -> UUID:
    try:
        return UUID(typed.get(name, ""))
    except ValueError as error:
        raise NotFound(what=name, id=typed.get(name, "")[:40]) from error


def _finance_only(actor: Actor) -> None:
    if not actor.has_any(*FINANCE):
        raise NotAllowed(requires=sorted(FINANCE))


def _token(request: Request[Any, Any, Any]) -> str:
    return csrf.token(request.cookies.get(identity.ADMIN_COOKIE, ""))


_NOT_SHOWN = {"id", "version", "cents", "method", "invoice"}


_ORDER = ("name", "number", "debtor", "address", "city", "email", "vat", "issued", "total", "open", "booked", "paid")
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
    request: Request[Any, Any, Any], actor: Actor, *, done: str = "", refused: Typed | None = None, problem: str = ""
) -> Response[str]:
    page = templates.render(
        "admin/accounting.html",
        language=access.spoken(request),
        brand=Brand(name=settings.current().provider_name),
        token=_token(request),
        me=actor.label,
        done=done,
        refused=_NOTHING_TYPED | (refused or {}),
        nothing_typed=_NOTHING_TYPED,
        problem=problem,
        connections=await seen.all_of_them(),
        issuers=await seen.issuers(),
        packages=sorted(chosen.PACKAGES),
        differences=[_difference(row, access.spoken(request)) for row in await differences.open_ones()],
        solved=await differences.solved_ones(20),
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


router = Router("/admin", route_handlers=[look, act], include_in_schema=False)
