"""What a customer would be billed, for the provider's finance: a PDF of every document, which says of each that it is no invoice."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post

from billing.service import pro_formas
from partner_portal.infra import clock, db, pdf
from partner_portal.kernel.errors import FieldError, Invalid, Problem
from partner_portal.web import answers, forms, problems

from . import access, own_pages, refusing
from .refusing import NOTHING, Refused

ADDRESS = "/admin/pro-forma"


class Wanted(msgspec.Struct, frozen=True):
    """Whose bill, by the customer's number, and on which day."""

    customer: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    day: date


@get("/pro-forma")
async def look(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form."""
    return _page(request, NOTHING)


@post("/pro-forma", status_code=200)
async def make(request: Request[Any, Any, Any]) -> Response[Any]:
    """The PDF of what would be billed; nothing changes."""
    form = await own_pages.read(request)
    try:
        async with db.savepoint():
            refusing.must_be_short(form)
            first, *following = await _sheets(forms.parse(form, Wanted))
    except Problem as problem:
        answer = _page(request, refusing.refused(problem, form, access.spoken(request)))
        answer.status_code = problems.status(type(problem))
        return answer
    return answers.fresh_pdf("pro-forma", await pdf.write(first, following=following))


async def _sheets(wanted: Wanted) -> list[str]:
    row = await db.fetch_one("SELECT id FROM customer WHERE number = upper($1)", wanted.customer.strip())
    if row is None:
        raise Invalid(FieldError("/customer", "no-customer-of-that-number", {"value": wanted.customer}))
    return await pro_formas.sheets(row["id"], wanted.day)


def _page(request: Request[Any, Any, Any], refused: Refused) -> Response[str]:
    typed = refused.typed if refused else forms.Typed.of({"day": clock.today()})
    return own_pages.shown(request, "pro_forma.html", typed=typed, refused=refused)
