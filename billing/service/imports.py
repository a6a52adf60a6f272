"""Services from a CSV: all of them, or none and a report of every wrong cell."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from partner_portal.infra import db, spreadsheet
from partner_portal.infra.spreadsheet import ImportRefused, Row, RowError
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import Invalid
from tenants.policy import LocationKind

from . import services
from .services import AgreedTerms, Number


class ServiceRow(AgreedTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service as a row: whose (the customer's number), which product (its code), and the terms."""

    customer: Number
    product: str
    number: Number | None = None
    location: LocationKind | None = None


async def of_services(actor: Actor, text: str) -> int:
    """Every service of the CSV exists; returns how many. ImportRefused names every wrong cell, and nothing is saved."""
    rows, wrong = spreadsheet.read(text, ServiceRow)
    known = {row["number"]: row["id"] for row in await db.fetch("SELECT number, id FROM customer")}
    for row in rows:
        wrong += await _enter(actor, row, known)
    if wrong:
        raise ImportRefused(*[error.as_field() for error in sorted(wrong, key=lambda error: error.row)])
    return len(rows)


async def _enter(actor: Actor, row: Row[ServiceRow], known: Mapping[str, UUID]) -> list[RowError]:
    given = row.value
    customer = known.get(given.customer)
    if customer is None:
        return [RowError(row.number, "customer", "unknown-customer", {"value": given.customer})]
    if given.wholesale_cents is not None and actor.kind not in {ActorKind.STAFF, ActorKind.SYSTEM}:
        return [RowError(row.number, "wholesale_cents", "set-by-provider")]
    terms = AgreedTerms(**{field.name: getattr(given, field.name) for field in msgspec.structs.fields(AgreedTerms)})
    try:
        async with db.savepoint():
            await services.enter(actor, customer=customer, product=given.product, terms=terms, number=given.number, location=given.location)
    except Invalid as problem:
        return [RowError(row.number, field.pointer.removeprefix("/terms").strip("/"), field.code, field.facts) for field in problem.fields]
    return []
