"""Services from a CSV: all of them, or none and a report of every wrong cell."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from partner_portal.infra import db, spreadsheet
from partner_portal.infra.spreadsheet import ImportRefused, Row, RowError
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError
from tenants.policy import LocationKind

from . import services
from .services import AgreedTerms, Entered, Number


class ServiceRow(AgreedTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service as a row: whose (the customer's number), which product (its code), and the terms."""

    customer: Number
    product: str
    number: Number | None = None
    location: LocationKind | None = None


async def of_services(actor: Actor, text: str) -> int:
    """Every service of the CSV exists; returns how many. ImportRefused names every wrong cell, and nothing is saved.

    By a few statements for a thousand rows, whatever is in them.
    """
    rows, wrong = spreadsheet.read(text, ServiceRow)
    named = list({row.value.customer for row in rows})
    known = {row["number"]: row["id"] for row in await db.fetch("SELECT number, id FROM customer WHERE number = ANY($1::text[])", named)}
    refused = {row.number: error for row in rows if (error := _refusal(actor, row, known))}
    wanted = [row for row in rows if row.number not in refused]
    answers = await services.enter_all(actor, [_entered(row.value, known) for row in wanted])
    wrong += refused.values()
    wrong += [_error(row, fault) for row, answer in zip(wanted, answers, strict=True) if isinstance(answer, list) for fault in answer]
    if wrong:
        raise ImportRefused(*[error.as_field() for error in sorted(wrong, key=lambda error: error.row)])
    return len(rows)


def _refusal(actor: Actor, row: Row[ServiceRow], known: Mapping[str, UUID]) -> RowError | None:
    given = row.value
    if given.customer not in known:
        return RowError(row.number, "customer", "unknown-customer", {"value": given.customer})
    if given.wholesale_cents is not None and actor.kind not in {ActorKind.STAFF, ActorKind.SYSTEM}:
        return RowError(row.number, "wholesale_cents", "set-by-provider")
    return None


def _entered(given: ServiceRow, known: Mapping[str, UUID]) -> Entered:
    terms = AgreedTerms(**{field.name: getattr(given, field.name) for field in msgspec.structs.fields(AgreedTerms)})
    return Entered(customer=known[given.customer], product=given.product, terms=terms, number=given.number, location=given.location)


def _error(row: Row[ServiceRow], fault: FieldError) -> RowError:
    return RowError(row.number, fault.pointer.removeprefix("/terms").strip("/"), fault.code, fault.facts)
