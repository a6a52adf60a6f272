"""Mandates as staff look them up: all of them, one with everything that was done by it, and one that came in on paper. Through the staff door."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound

from ..policy.debit import lapses_on, lapses_soon
from ..policy.ledger import Layer
from . import mandates, parties
from .mandates import NewMandate

_LISTED = """
SELECT m.*, c.name AS customer_name, c.number AS customer_number, t.name AS partner, o.name AS issuer_name FROM billing_mandate m
  JOIN tenant t ON t.id = m.tenant JOIN billing_issuer o ON o.tenant = m.issuer LEFT JOIN customer c ON c.id = m.customer
"""
_FOUND = """
 WHERE $1 = '' OR m.reference ILIKE $2 OR m.holder ILIKE $2 OR m.iban ILIKE $2 OR c.name ILIKE $2 OR c.number ILIKE $2 OR t.name ILIKE $2
 ORDER BY m.ended_on IS NOT NULL, m.id DESC LIMIT $3
"""
_DEBITS = """
SELECT d.*, i.number, b.executes_on, b.reference AS file FROM billing_debit d JOIN billing_invoice i ON i.id = d.invoice
  JOIN billing_bank_batch b ON b.id = d.batch
 WHERE d.mandate = $1 ORDER BY d.id DESC LIMIT 50
"""
_ANNOUNCED = """
SELECT a.*, i.number FROM billing_announcement a JOIN billing_invoice i ON i.id = a.invoice WHERE a.mandate = $1 ORDER BY a.id DESC LIMIT 50
"""


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """One mandate: as it is, the accounts it had, what the debtor was shown and pressed, what was announced and what was collected."""

    row: Any
    earlier: Sequence[dict[str, str]]
    consent: dict[str, str]
    announced: Sequence[Any]
    debits: Sequence[Any]

    @property
    def lapses_on(self) -> Any:
        """The day on which it ends unless it is used before."""
        return lapses_on(self.row["signed_on"], self.row["last_used_on"])

    @property
    def is_near(self) -> bool:
        """Whether that day is near: what is collected on it or later is not, by this mandate."""
        return near(self.row) is not None


def near(row: Any) -> date | None:
    """The day on which a mandate ends unless it is used before, where it is in force and that day is near."""
    return None if row["ended_on"] else lapses_soon(row["signed_on"], row["last_used_on"], clock.today())


async def listed(q: str = "", limit: int = 200) -> list[Any]:
    """Mandates in force first, the newest first; those whose reference, holder, account, customer or partner has these words in it."""
    plain = q.strip().replace("\\", "").replace("%", "").replace("_", "")
    return await db.fetch(_LISTED + _FOUND, plain, f"%{plain}%", limit)


async def one(mandate: UUID) -> Dossier:
    """The mandate with its history; NotFound."""
    row = await db.fetch_one(f"{_LISTED} WHERE m.id = $1", mandate)
    if row is None:
        raise NotFound(what="mandate", id=str(mandate))
    return Dossier(
        row=row,
        earlier=json.loads(row["amendments"]),
        consent=json.loads(row["consent"]),
        announced=await db.fetch(_ANNOUNCED, mandate),
        debits=await db.fetch(_DEBITS, mandate),
    )


async def enter(actor: Actor, customer_number: str, new: NewMandate) -> UUID:
    """A mandate that came in on paper is on record, for whoever sends this customer its invoices; raises as `mandates.sign`, Invalid for no customer."""
    found = await db.fetch("SELECT id, tenant FROM customer WHERE number = $1", customer_number.strip())
    if len(found) != 1:
        raise Invalid(FieldError("/customer", "no-customer-of-that-number", {"value": customer_number[:40]}))
    sender = await parties.sender(found[0]["tenant"], Layer.CUSTOMER)
    return await mandates.sign(actor, found[0]["tenant"], found[0]["id"], sender.tenant, new)


async def revoke(actor: Actor, mandate: UUID, because: str) -> None:
    """Nothing is collected by it any more, for this reason; Invalid without one, MandateEnded, NotFound."""
    if len(because.strip()) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/note", "say-why"))
    row = await db.fetch_one("SELECT ended_on FROM billing_mandate WHERE id = $1 FOR UPDATE", mandate)
    if row is None:
        raise NotFound(what="mandate", id=str(mandate))
    if row["ended_on"] is not None:
        raise mandates.MandateEnded(on=clock.today().isoformat())
    await mandates.end(mandate, f"{because.strip()[:500]} ({actor.label})")
