"""Finance and the bank, inside the admin's session: statements come in, what nobody knows is decided, files to collect and to pay out leave."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from billing.policy.matching import Match
from billing.service import debits, refunds, refused_files
from billing.service.statements import booking, gaps, importing, read
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web.auth import Acting
from partner_portal.web.forms import Form

from . import own_pages
from .form import cents
from .pressing import Presses, pressed
from .refusing import NOTHING, Refused

_STATEMENTS, _DEBITS = "/admin/statements", "/admin/direct-debits"
_DONE = {"import", "known", "accept", "refuse", "book", "account", "return", "ignore", "collect", "pay-out", "refused"}


@get("/statements")
async def look(request: Request[Any, Any, Any], done: FromQuery[str] = "") -> Response[Any]:
    """Statements that do not add up and entries that nobody knows, each with what it may be; decides nothing."""
    return await _statements(request, done=done)


@post("/statements", status_code=200, request_max_body_size=read.LARGEST + 1024 * 1024)
async def act(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """A file is taken in, or a button of one statement or entry was pressed."""

    async def show(refused: Refused) -> Response[Any]:
        return await _statements(request, refused=refused)

    return await pressed(request, actor, _ON_STATEMENTS, _STATEMENTS, show)


@get("/direct-debits")
async def look_at_debits(request: Request[Any, Any, Any], done: FromQuery[str] = "") -> Response[Any]:
    """What can be collected today, and the files that were made; decides nothing."""
    return await _debits(request, done=done)


@post("/direct-debits", status_code=200)
async def make_file(request: Request[Any, Any, Any], actor: Acting) -> Response[Any]:
    """Files to collect or to pay out are made."""

    async def show(refused: Refused) -> Response[Any]:
        return await _debits(request, refused=refused)

    return await pressed(request, actor, _ON_DEBITS, _DEBITS, show)


@post("/direct-debits/{file_id:uuid}/file", status_code=200)
async def fetch(request: Request[Any, Any, Any], file_id: FromPath[UUID]) -> Response[Any]:
    """The file for the bank, as it was made."""
    await own_pages.read(request)
    reference, xml = await debits.file(file_id)
    headers = {"content-disposition": f'attachment; filename="{reference}.xml"', "cache-control": "no-store"}
    return Response(xml, media_type="application/xml; charset=utf-8", headers=headers)


async def _import(actor: Actor, form: Form) -> str | None:
    file = form.file("file")
    if file is None:
        raise Invalid(FieldError("/file", "choose-a-file"))
    taken = await importing.take(actor, file.filename, await file.read())
    return "known" if all(one.is_known for one in taken) else None


async def _accept(actor: Actor, form: Form) -> None:
    await importing.decide(actor, _id(form), accept=True)


async def _refuse(actor: Actor, form: Form) -> None:
    await importing.decide(actor, _id(form), accept=False)


async def _book(actor: Actor, form: Form) -> None:
    await booking.settle(actor, _id(form), parts(form.one("numbers")))


async def _put_on_account(actor: Actor, form: Form) -> None:
    await booking.put_on_account(actor, _id(form), form.one("customer"))


async def _return(actor: Actor, form: Form) -> None:
    await booking.take_back(actor, _id(form), parts(form.one("payment"), "/payment"))


async def _ignore(actor: Actor, form: Form) -> None:
    await booking.ignore(actor, _id(form), form.one("note"))


async def _collect(actor: Actor, form: Form) -> None:
    await debits.collect(actor, _id(form))


async def _pay_out(actor: Actor, form: Form) -> None:
    await refunds.pay_out(actor, _id(form))


async def _refused(actor: Actor, form: Form) -> None:
    ids = form.one("ids").replace(",", " ").replace(";", " ").split()
    if ids:
        await refused_files.some(actor, _id(form), ids, form.one("note"))
    else:
        await refused_files.whole(actor, _id(form), form.one("note"))


_ON_STATEMENTS: Presses = {
    "import": _import,
    "accept": _accept,
    "refuse": _refuse,
    "book": _book,
    "account": _put_on_account,
    "return": _return,
    "ignore": _ignore,
}
_ON_DEBITS: Presses = {"collect": _collect, "pay-out": _pay_out, "refused": _refused}


def parts(typed: str, field: str = "/numbers") -> list[booking.Part]:
    """What was typed as parts of an entry: numbers of invoices (or keys of payments), each with an amount behind `=` where it is not all of it."""
    found = []
    for one in typed.replace("\n", ";").replace(",", ";" if "=" not in typed else ",").split(";"):
        number, _, amount = one.partition("=")
        if number.strip():
            found.append(booking.Part(number.strip(), cents(amount, field) if amount.strip() else None))
    return found


def _id(form: Form) -> UUID:
    return own_pages.id_of(form.one("id"), "entry")


async def _statements(request: Any, *, done: str = "", refused: Refused = NOTHING) -> Response[Any]:
    rows = await booking.waiting()
    waiting = [(row, msgspec.json.decode(row["found"], type=Match)) for row in rows]
    done, parked = done if done in _DONE else "", await booking.parked()
    return own_pages.shown(request, "statements.html", done=done, refused=refused, waiting=waiting, parked=parked, gaps=await gaps.seen())


async def _debits(request: Any, *, done: str = "", refused: Refused = NOTHING) -> Response[Any]:
    issuers = await debits.collecting()
    due = [(row, await debits.due(row["tenant"])) for row in issuers]
    done, files = done if done in _DONE else "", await debits.files()
    return own_pages.shown(request, "direct_debits.html", done=done, refused=refused, issuers=due, files=files)
