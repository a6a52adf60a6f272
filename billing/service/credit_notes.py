"""Credit notes: what was billed is taken back, line by line, on a document of its own that says of which invoice and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import catalogue, db, outbox
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound, Refused

from ..events import InvoicePaid
from ..policy.charges import Proration
from ..policy.crediting import Charged, Part, Taken, drafted, gross, takings
from ..policy.ledger import Kind, Layer, LineKind, Unit
from ..policy.tax import Vat, VatCategory
from . import issuing, write_offs
from .issuing import Draft

Reason = Annotated[str, Meta(min_length=3, max_length=500, pattern=r"\S")]


class NotCreditable(Refused):
    """A credit note takes back invoices and damages notes, not another credit note."""


class LaterDaysBilled(Refused):
    """Days are billed again only from the last ones billed on, and in both price layers together."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be credited of an invoice and why; no parts: all that is left of it.

    `bill_again`: the days given back are billed anew by the next run, as after a mistake; else they are a present.
    """

    reason: Reason
    parts: tuple[Part, ...] = ()
    bill_again: bool = False


_LOCKED = """
SELECT i.id, i.tenant, i.customer, i.layer, i.kind, i.number, i.language, i.prices_include_vat, i.gross_cents, s.credited_cents, s.open_cents
  FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE i.id = ANY($1::uuid[]) ORDER BY i.id FOR UPDATE OF s
"""
_LINES = """
SELECT l.*, coalesce(v.proration, 'CAL') AS proration, coalesce((
         SELECT sum(CASE WHEN d.kind = 'credit note' THEN c.amount_cents ELSE -c.amount_cents END)
           FROM billing_line c JOIN billing_invoice d ON d.id = c.invoice WHERE c.tenant = l.tenant AND c.credits = l.id), 0)::bigint AS credited_cents
  FROM billing_line l LEFT JOIN billing_service v ON v.id = l.service WHERE l.tenant = $1 AND l.invoice = $2 ORDER BY l.position
"""
_SETTLE = """
INSERT INTO billing_allocation (id, tenant, invoice, credit, amount_cents, made_by)
SELECT $1, s.tenant, s.invoice, $3, least(s.open_cents, $4), $5 FROM billing_standing s WHERE s.invoice = $2 AND s.open_cents > 0 AND $4 > 0
"""
# Only days at the end of what was billed, and only where no other layer's line still holds them: they have one first unbilled day together.
_REOPENED = """
UPDATE billing_service s SET paid_until = $2, version = s.version + 1
 WHERE s.id = $1 AND s.paid_until = $3 AND NOT EXISTS (
       SELECT 1 FROM billing_line l WHERE l.tenant = s.tenant AND l.service = s.id AND l.kind = 'recurring' AND l.period_until > $2 AND NOT EXISTS (
              SELECT 1 FROM billing_line c WHERE c.tenant = l.tenant AND c.credits = l.id AND c.period_from <= greatest($2, l.period_from)))
"""
_WHAT = sentence("Credit: %(what)s")


class Found(msgspec.Struct, frozen=True):
    """A locked invoice, and what would be taken back of it."""

    head: asyncpg.Record
    taken: tuple[Taken, ...]

    @property
    def gross_cents(self) -> int:
        """What is given back, VAT included."""
        return gross(self.taken)


async def give_back(actor: Actor, invoice: UUID, wanted: Wanted) -> UUID:
    """A credit note of the invoice is on record and settles what was open of it; the rest stays in the debtor's favour. Returns its id.

    Never credits more than was charged, per line and in all, also when two do it at once. Runs through the staff door; staff come by
    `credit_requests.credit`. Raises NotFound, NotCreditable, LaterDaysBilled, MoreThanCharged, NothingToCredit.
    """
    return await write(actor, await find(invoice, wanted), wanted)


async def find(invoice: UUID, wanted: Wanted) -> Found:
    """What would be taken back of the invoice, which is locked; raises as `give_back`."""
    head = (await locked([invoice])).get(invoice)
    if head is None:
        raise NotFound(what="invoice", id=str(invoice))
    if head["kind"] == Kind.CREDIT_NOTE:
        raise NotCreditable(number=head["number"])
    return Found(head, takings(await charged(head), wanted.parts, left_gross_cents=max(head["gross_cents"], 0) - head["credited_cents"]))


async def write(actor: Actor, found: Found, wanted: Wanted) -> UUID:
    """The credit note of what was found is on record and settles what was open. Returns its id."""
    head, taken, invoice = found.head, found.taken, found.head["id"]
    note = await issuing.issue(
        Draft(
            tenant=head["tenant"],
            customer=head["customer"],
            layer=Layer(head["layer"]),
            kind=Kind.CREDIT_NOTE,
            lines=[drafted(one, describe(one.charged.description, head["language"]), _why(head, one, wanted.reason)) for one in taken],
            refers_to=invoice,
            reason=wanted.reason,
        )
    )
    await settle(actor, invoice, note, gross(taken))
    if wanted.bill_again:
        await _reopen(taken)
    return note


async def locked(invoices: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """These invoices with where they stand; until this unit of work ends nobody else credits or settles them."""
    return {row["id"]: row for row in await db.fetch(_LOCKED, list(invoices))}


async def charged(head: asyncpg.Record) -> list[Charged]:
    """The lines of a locked invoice, with what was credited of each so far."""
    return [_charged(row, prices_include_vat=head["prices_include_vat"]) for row in await db.fetch(_LINES, head["tenant"], head["id"])]


def _charged(row: asyncpg.Record, *, prices_include_vat: bool) -> Charged:
    is_days = row["kind"] == LineKind.RECURRING
    return Charged(
        id=row["id"],
        position=row["position"],
        description=row["description"],
        amount_cents=row["amount_cents"],
        credited_cents=row["credited_cents"],
        vat=Vat(
            category=VatCategory(row["vat_category"]),
            rate=row["vat_rate"],
            country=row["vat_country"],
            prices_include_vat=prices_include_vat,
        ),
        quantity=row["quantity"],
        unit=Unit(row["unit"]),
        unit_price=row["unit_price"],
        service=row["service"],
        period=(row["period_from"], row["period_until"]) if is_days else None,
        proration=Proration(row["proration"]),
    )


def describe(what: str, language: str) -> str:
    """How a credit of a line is called on paper."""
    return catalogue.text(_WHAT, language, what=what)


def _why(head: asyncpg.Record, taken: Taken, reason: str) -> dict[str, str | int]:
    rule = "credit.days" if taken.period and not taken.is_whole else "credit.whole" if taken.is_whole else "credit.amount"
    return {
        "rule": rule,
        "of": head["number"],
        "line": taken.charged.position,
        "charged_cents": taken.charged.amount_cents,
        "reason": reason,
    }


async def settle(actor: Actor, invoice: UUID, note: UUID, cents: int) -> None:
    """The credit note settles what is open of the locked invoice, also what was given up of it; the rest of it stays in the debtor's favour."""
    stands = await db.fetch_one("SELECT open_cents, written_off_cents FROM billing_standing WHERE invoice = $1", invoice)
    assert stands is not None  # noqa: S101  # it is locked
    if (never_owed := min(cents - max(stands["open_cents"], 0), stands["written_off_cents"])) > 0:
        await write_offs.revive_for_credit(actor, invoice, never_owed)
    await db.execute(_SETTLE, new_id(), invoice, note, cents, actor.trail)
    row = await db.fetch_one(
        "SELECT s.tenant FROM billing_standing s JOIN billing_allocation a ON a.tenant = s.tenant AND a.invoice = s.invoice"
        " WHERE s.invoice = $1 AND s.open_cents = 0 AND a.credit = $2",
        *(invoice, note),
    )
    if row is not None:
        await outbox.publish(InvoicePaid(tenant_id=row["tenant"], invoice_id=invoice))


async def _reopen(taken: Sequence[Taken]) -> None:
    """The days given back are unbilled again; LaterDaysBilled where later ones, or those of the other price layer, are billed still."""
    days: dict[UUID, tuple[date, date]] = {}
    for one in taken:
        if one.period and one.charged.service:
            start, until = days.get(one.charged.service, one.period)
            days[one.charged.service] = (min(start, one.period[0]), max(until, one.period[1]))
    for service, (start, until) in days.items():
        if await db.execute(_REOPENED, service, start, until) != "UPDATE 1":
            raise LaterDaysBilled(since=start.isoformat())
