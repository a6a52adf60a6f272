"""Customers from a CSV: all of them, or none and a report of every wrong cell."""

from __future__ import annotations

from partner_portal.infra import db, spreadsheet
from partner_portal.infra.spreadsheet import ImportRefused, RowError
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Invalid

from . import customers
from .customers import NewCustomer

NESTED = ("main_contact", "billing_address", "visit_address")


async def of_customers(actor: Actor, text: str) -> int:
    """Every customer of the CSV exists; returns how many. ImportRefused names every wrong cell, and nothing is saved."""
    rows, wrong = spreadsheet.read(text, NewCustomer, NESTED)
    for row in rows:
        try:
            async with db.savepoint():
                await customers.create(actor, row.value)
        except Invalid as problem:
            wrong += [RowError(row.number, field.pointer.strip("/"), field.code, field.facts) for field in problem.fields]
    if wrong:
        raise ImportRefused(*[error.as_field() for error in sorted(wrong, key=lambda error: error.row)])
    return len(rows)
