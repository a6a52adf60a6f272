"""Finance and the bank, inside the admin's session: statements come in, what nobody knows is decided, files to collect and to pay out leave."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from billing.policy.matching import Match
from billing.service import debits, refunds
from billing.service.statements import booking, importing, read
from partner_portal.infra import db, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Problem
from partner_portal.web import csrf, identity, problems
from partner_portal.web.auth import PerhapsActing
from partner_portal.web.problems import UntrustedOrigin

from . import access, saying
from .form import FINANCE, cents

_STATEMENTS, _DEBITS = "/admin/statements", "/admin/direct-debits"
_DONE = {"import", "accept", "refuse", "book", "account", "return", "ignore", "collect", "pay-out"}
Typed = dict[str, str]
Presses = dict[str, Callable[[Actor, dict[str, str], UploadFile | None], Awaitable[None]]]


@get("/statements")
async def look(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """Statements that do not add up and entries that nobody knows, each with what it may be; decides nothing."""
    return Redirect("/admin/", status_code=303) if _finance(perhaps_actor) is None else await _statements(request, done=done)


@post("/statements", status_code=200, request_max_body_size=read.LARGEST + 1024 * 1024)
async def act(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing) -> Response[Any]:
    """A file is taken in, or a button of one statement or entry was pressed."""
    return await _pressed(request, perhaps_actor, _ON_STATEMENTS, _STATEMENTS, _statements)


@get("/direct-debits")
async def look_at_debits(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, done: FromQuery[str] = "") -> Response[Any]:
    """What can be collected today, and the files that were made; decides nothing."""
    return Redirect("/admin/", status_code=303) if _finance(perhaps_actor) is None else await _debits(request, done=done)


@post("/direct-debits", status_code=200)
async def make_file(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing) -> Response[Any]:
    """Files to collect or to pay out are made."""
    return await _pressed(request, perhaps_actor, _ON_DEBITS, _DEBITS, _debits)


@post("/direct-debits/{file_id:uuid}/file", status_code=200)
async def fetch(request: Request[Any, Any, Any], perhaps_actor: PerhapsActing, file_id: FromPath[UUID]) -> Response[Any]:
    """The file for the bank, as it was made."""
    actor = _finance(perhaps_actor)
    if actor is None:
        return Redirect("/admin/", status_code=303)
    await _sent(request)
    reference, xml = await debits.file(file_id)
    headers = {"content-disposition": f'attachment; filename="{reference}.xml"', "cache-control": "no-store"}
    return Response(xml, media_type="application/xml; charset=utf-8", headers=headers)


def _finance(actor: Actor | None) -> Actor | None:
    if actor is not None and not actor.has_any(*FINANCE):
        raise NotAllowed(requires=sorted(FINANCE))
    return actor


async def _sent(request: Request[Any, Any, Any]) -> tuple[Typed, UploadFile | None]:
    """What was typed, and the file; UntrustedOrigin unless it comes from a page of this session."""
    form = await request.form()
    typed = {name: str(value)[:2000] for name, value in form.multi_items() if not isinstance(value, UploadFile)}
    file = next((value for _name, value in form.multi_items() if isinstance(value, UploadFile) and value.filename), None)
    if not hmac.compare_digest(typed.pop("csrf_token", "").encode(), _token(request).encode()):
        raise UntrustedOrigin
    return typed, file


async def _pressed(
    request: Request[Any, Any, Any],
    perhaps_actor: Actor | None,
    presses: Presses,
    address: str,
    show: Callable[..., Awaitable[Response[Any]]],
) -> Response[Any]:
    actor = _finance(perhaps_actor)
    if actor is None:
        return Redirect("/admin/", status_code=303)
    typed, file = await _sent(request)
    pressed = presses.get(typed.get("decision", ""))
    if pressed is None:
        raise NotFound(what="decision", id=typed.get("decision", "")[:40])
    try:
        async with db.savepoint():
            await pressed(actor, typed, file)
    except Problem as problem:
        answer = await show(request, refused=typed, problem=saying.text(problem, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer
    return Redirect(f"{address}?done={typed['decision']}", status_code=303)


async def _import(actor: Actor, _typed: Typed, file: UploadFile | None) -> None:
    if file is None:
        raise Invalid(FieldError("/file", "choose-a-file"))
    await importing.take(actor, file.filename, await file.read())


async def _accept(actor: Actor, typed: Typed, _file: Any) -> None:
    await importing.decide(actor, _id(typed), accept=True)


async def _refuse(actor: Actor, typed: Typed, _file: Any) -> None:
    await importing.decide(actor, _id(typed), accept=False)


async def _book(actor: Actor, typed: Typed, _file: Any) -> None:
    await booking.settle(actor, _id(typed), parts(typed.get("numbers", "")))


async def _put_on_account(actor: Actor, typed: Typed, _file: Any) -> None:
    await booking.put_on_account(actor, _id(typed), typed.get("customer", ""))


async def _return(actor: Actor, typed: Typed, _file: Any) -> None:
    await booking.take_back(actor, _id(typed), typed.get("payment", ""))


async def _ignore(actor: Actor, typed: Typed, _file: Any) -> None:
    await booking.ignore(actor, _id(typed), typed.get("note", ""))


async def _collect(actor: Actor, typed: Typed, _file: Any) -> None:
    await debits.collect(actor, _id(typed))


async def _pay_out(actor: Actor, typed: Typed, _file: Any) -> None:
    await refunds.pay_out(actor, _id(typed))


_ON_STATEMENTS: Presses = {
    "import": _import,
    "accept": _accept,
    "refuse": _refuse,
    "book": _book,
    "account": _put_on_account,
    "return": _return,
    "ignore": _ignore,
}
_ON_DEBITS: Presses = {"collect": _collect, "pay-out": _pay_out}


def parts(typed: str) -> list[booking.Part]:
    """What was typed as parts of an entry: numbers of invoices, each with an amount behind `=` where it is not all of it."""
    found = []
    for one in typed.replace("\n", ";").replace(",", ";" if "=" not in typed else ",").split(";"):
        number, _, amount = one.partition("=")
        if number.strip():
            found.append(booking.Part(number.strip(), cents(amount, "/numbers") if amount.strip() else None))
    return found


def _id(typed: Typed) -> UUID:
    try:
        return UUID(typed.get("id", ""))
    except ValueError as error:
        raise NotFound(what="entry", id=typed.get("id", "")[:40]) from error


def _token(request: Request[Any, Any, Any]) -> str:
    return csrf.token(request.cookies.get(identity.ADMIN_COOKIE, ""))


async def _statements(request: Any, *, done: str = "", refused: Typed | None = None, problem: str = "") -> Response[Any]:
    rows = await booking.waiting()
    waiting = [(row, msgspec.json.decode(row["found"], type=Match).suggestions if row["found"] != "{}" else ()) for row in rows]
    return _page(
        request, "admin/statements.html", done=done, refused=refused, problem=problem, waiting=waiting, parked=await booking.parked()
    )


async def _debits(request: Any, *, done: str = "", refused: Typed | None = None, problem: str = "") -> Response[Any]:
    issuers = await debits.collecting()
    due = [(row, await debits.due(row["tenant"])) for row in issuers]
    return _page(request, "admin/direct_debits.html", done=done, refused=refused, problem=problem, issuers=due, files=await debits.files())


_NOTHING_TYPED = dict.fromkeys(("id", "decision", "numbers", "customer", "payment", "note"), "")


def _page(request: Any, template: str, *, done: str, refused: Typed | None, **words: object) -> Response[Any]:
    actor = access.acting(request)
    page = templates.render(
        template,
        language=access.spoken(request),
        brand=Brand(name=settings.current().provider_name),
        token=_token(request),
        me=actor.label,
        done=done if done in _DONE else "",
        refused=_NOTHING_TYPED | (refused or {}),
        nothing_typed=_NOTHING_TYPED,
        **words,
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


router = Router("/admin", route_handlers=[look, act, look_at_debits, make_file, fetch], include_in_schema=False)
