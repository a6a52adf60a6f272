"""What debtors are told before money is collected (SEPA pre-notification): with the invoice, or in a mail of its own where that came too early or says less.

Only what was announced is collected, on that day, that sum, from that account. Through the staff door.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import NotFound

from ..events import CollectionAnnounced
from ..policy.debit import Collection, collection_day, first_day, holds_on
from ..policy.money_in import Scheme
from . import mandates

# ruff: noqa: S608  # nothing but queries and columns of our own is put into them

_AHEAD = timedelta(days=14)
"""So long before it would be time, what was not announced yet is announced."""
_AT_A_TIME = 1000

# A mandate of the same debtor and issuer that has not lapsed; what is disputed or waits for a person is not collected either.
_COLLECTABLE = f"""
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
  JOIN billing_mandate m ON m.tenant = i.tenant AND m.customer IS NOT DISTINCT FROM i.customer AND m.issuer = i.issuer
  JOIN billing_issuer o ON o.tenant = i.issuer
 WHERE s.open_cents > 0 AND i.kind <> 'credit note' AND m.ended_on IS NULL AND coalesce(o.creditor_id, '') <> ''
   AND {mandates.LAPSES_ON} > $1::date
"""
_FREE = """
   AND NOT EXISTS (SELECT 1 FROM billing_debit d WHERE d.invoice = i.id AND d.state IN ('sent', 'returned'))
   AND NOT EXISTS (SELECT 1 FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $1)
                      AND (h.invoice = i.id OR h.customer = i.customer))
"""
_WANTED = """
SELECT i.id, i.tenant, i.issued_on, i.due_on, s.open_cents, m.id AS mandate, m.reference, m.iban, m.announced_days, m.rests_until, m.signed_on,
       m.last_used_on, o.creditor_id
"""
_WITH_INVOICES = f"{_WANTED} {_COLLECTABLE} AND i.id = ANY($2::uuid[])"
_UNTOLD = f"""
{_WANTED} {_COLLECTABLE} {_FREE} AND i.due_on <= $1::date + m.announced_days + $2::int AND (i.due_on, i.id) > ($4::date, $5::uuid) AND NOT EXISTS (
    SELECT 1 FROM (SELECT a.* FROM billing_announcement a WHERE a.tenant = i.tenant AND a.invoice = i.id ORDER BY a.id DESC LIMIT 1) a
     WHERE a.mandate = m.id AND a.iban = m.iban AND a.amount_cents = s.open_cents AND a.collects_on >= $3
       AND (m.rests_until IS NULL OR m.rests_until <= a.collects_on))
 ORDER BY i.due_on, i.id LIMIT {_AT_A_TIME}
"""
_INSERT = """
INSERT INTO billing_announcement (id, tenant, invoice, mandate, reference, creditor_id, iban, amount_cents, collects_on, is_separate, made_on, made_at)
SELECT a.id, a.tenant, a.invoice, a.mandate, a.reference, a.creditor_id, a.iban, a.cents, a.day, $10, $11, $12
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::date[])
       AS a (id, tenant, invoice, mandate, reference, creditor_id, iban, cents, day)
    ON CONFLICT (invoice, mandate, iban, collects_on, amount_cents) DO NOTHING RETURNING id, tenant, mandate, iban, collects_on
"""


async def with_invoices(invoices: Sequence[UUID]) -> None:
    """Of these documents, issued in this unit of work, those whose debtor has a mandate say when and by which mandate they will be collected."""
    rows = await db.fetch(_WITH_INVOICES, clock.today(), list(invoices))
    await _write([row for row in rows if row["open_cents"] > 0], is_separate=False)


async def announce() -> int:
    """Whatever would be collected soon and was not announced as it would be now, is, with a mail to follow; returns how many. A missed day heals itself.

    What one mandate collects on one day is announced by one mail.
    """
    total, last = 0, (date.min, UUID(int=0))
    while True:
        async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
            today = clock.today()
            rows = await db.fetch(_UNTOLD, today, _AHEAD.days, first_day(today), *last)
            made = await _write(rows, is_separate=True)
            await outbox.publish_all(_events(made))
        total += len(made)
        if len(rows) < _AT_A_TIME:
            return total
        last = (rows[-1]["due_on"], rows[-1]["id"])


def _events(made: Sequence[Any]) -> list[CollectionAnnounced]:
    mails: dict[tuple[UUID, str, date], list[Any]] = defaultdict(list)
    for row in made:
        mails[row["mandate"], row["iban"], row["collects_on"]].append(row)
    return [
        CollectionAnnounced(tenant_id=first["tenant"], announcement_id=first["id"], together=tuple(row["id"] for row in others))
        for first, *others in mails.values()
    ]


async def _write(rows: Sequence[Any], *, is_separate: bool) -> list[Any]:
    today = clock.today()
    told = [
        (*(new_id(), row["tenant"], row["id"], row["mandate"], row["reference"], row["creditor_id"], row["iban"], row["open_cents"]), day)
        for row in rows
        # A mandate that will have lapsed by then collects nothing: the debtor is asked to pay.
        if holds_on(day := _day(row, today), row["signed_on"], row["last_used_on"])
    ]
    if not told:
        return []
    return await db.fetch(_INSERT, *(list(column) for column in zip(*told, strict=True)), is_separate, today, clock.now())


def _day(row: Any, today: date) -> date:
    """As agreed so many days after it is told, and not before a changed account may be used."""
    due_on = max(row["due_on"], row["rests_until"] or row["due_on"])
    return collection_day(today, due_on, today, row["announced_days"])


_COLLECTION = "a.collects_on AS on, a.amount_cents, a.reference AS mandate, a.creditor_id, a.iban, m.scheme"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement by mail: of which invoice, and what is announced; `is_current` where it is still what will be done."""

    invoice: UUID
    number: str
    customer: UUID | None
    collection: Collection
    is_current: bool


_NOTICES = f"""
SELECT a.invoice, i.number, i.customer, {_COLLECTION}, s.open_cents,
       a.id = (SELECT max(n.id::text)::uuid FROM billing_announcement n WHERE n.invoice = a.invoice) AS is_newest
  FROM billing_announcement a JOIN billing_invoice i ON i.id = a.invoice JOIN billing_standing s ON s.invoice = a.invoice
  JOIN billing_mandate m ON m.id = a.mandate WHERE a.id = ANY($1::uuid[]) AND a.tenant = $2 ORDER BY i.due_on, i.number
"""


async def notices(tenant: UUID, announcements: Sequence[UUID]) -> list[Notice]:
    """The announcements, the oldest invoice first; NotFound where one is not this tenant's."""
    rows = await db.fetch(_NOTICES, list(announcements), tenant)
    if len(rows) < len(set(announcements)):
        raise NotFound(what="announcement", id=str(announcements[0]))
    return [
        Notice(
            **{name: row[name] for name in ("invoice", "number", "customer")},
            collection=collection(row),
            is_current=row["is_newest"] and row["open_cents"] == row["amount_cents"],
        )
        for row in rows
    ]


def collection(row: Any) -> Collection:
    """An announcement's row as its debtor is told."""
    said = {name: row[name] for name in Collection.__struct_fields__}
    return Collection(**said | {"scheme": Scheme(row["scheme"])})


_NOW = f"""
SELECT i.id AS invoice, {_COLLECTION} FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
  JOIN LATERAL (SELECT * FROM billing_announcement a WHERE a.tenant = i.tenant AND a.invoice = i.id ORDER BY a.id DESC LIMIT 1) a ON true
  JOIN billing_mandate m ON m.tenant = a.tenant AND m.id = a.mandate
 WHERE i.id = ANY($1::uuid[]) AND s.open_cents > 0 AND m.ended_on IS NULL AND a.iban = m.iban AND a.amount_cents = s.open_cents
   AND {mandates.LAPSES_ON} > a.collects_on
   AND NOT EXISTS (SELECT 1 FROM billing_debit d WHERE d.invoice = i.id AND d.state = 'returned')
   AND (a.collects_on >= $2 OR EXISTS (SELECT 1 FROM billing_debit d WHERE d.invoice = i.id AND d.state = 'sent'))
"""


async def now(invoices: Sequence[UUID]) -> dict[UUID, Collection]:
    """Of these documents those that will be collected as their debtor was told last, or that the bank has the file of already."""
    return {row["invoice"]: collection(row) for row in await db.fetch(_NOW, list(invoices), clock.today())} if invoices else {}
