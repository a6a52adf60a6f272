"""What would be billed, on paper that is no invoice: the very run, of one customer, of which nothing stays."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db
from partner_portal.kernel.errors import FieldError, Invalid, NotFound

from . import documents, faces, paper, runs
from .documents import Document, Rendering

FURTHEST = timedelta(days=366)
"""So far ahead a bill can be looked at."""

_INVOICES = "SELECT id FROM billing_invoice WHERE tenant = $1 AND customer = $2 AND issued_on = $3"


class _Undone(Exception):  # no error: the way out of a savepoint
    pass


async def sheets(customer: UUID, day: date) -> list[str]:
    """What `infra.pdf.write` makes the bill of, a letter for each document that the run of that day would make; no number is used, nothing is kept.

    Through the staff door. Invalid at `/day` before today, further ahead than `FURTHEST`, and where nothing would be billed; NotFound.
    """
    today = clock.today()
    if not today <= day <= today + FURTHEST:
        raise Invalid(FieldError("/day", "not-a-day-ahead", {"first": today, "last": today + FURTHEST}))
    row = await db.fetch_one("SELECT tenant FROM customer WHERE id = $1", customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    found = await _would_be(row["tenant"], customer, day)
    if not found:
        raise Invalid(FieldError("/day", "nothing-due"))
    return [paper.sheets(document, await faces.on_paper(document), Rendering.PRO_FORMA)[0] for document in found]


async def _would_be(tenant: UUID, customer: UUID, day: date) -> list[Document]:
    found: list[Document] = []
    with suppress(_Undone):
        async with db.savepoint():
            before = await _made(tenant, customer, day)
            await runs.bill_at_once(customer, tenant, day)
            found = await documents.several(sorted(await _made(tenant, customer, day) - before))
            raise _Undone
    # In the order of their numbers; number and reference go with a document when it is undone.
    found.sort(key=lambda document: document.number)
    return [msgspec.structs.replace(document, id=None, number="", reference="") for document in found]


async def _made(tenant: UUID, customer: UUID, day: date) -> set[UUID]:
    return {row["id"] for row in await db.fetch(_INVOICES, tenant, customer, day)}
