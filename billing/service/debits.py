"""Collecting by direct debit: what is due goes into files for the bank, and statements say what was collected and what the bank took back.

Through the staff door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import SYSTEM, Actor
from partner_portal.kernel.errors import NotFound, Refused

from ..policy.debit import first_day, sequence
from ..policy.money_in import BatchKind, DebitState, EntryState, Scheme, Source
from ..policy.money_in import Sequence as Turn
from ..policy.settling import MoreThanLeft
from . import mandates, payments, sepa
from .payments import Back, Debtor, Receipt
from .sepa import Own, Taken

_AHEAD = timedelta(days=7)
_ENDS_MANDATE = frozenset({"AC01", "AC04", "AC06", "MD01", "MD07", "AG01"})
"""Why the bank sends it back where it will do so again: no such account, closed, blocked, no mandate, the debtor has died, not allowed."""


class NothingToCollect(Refused):
    """There is nothing to put into a file."""


class CreditorUnknown(Refused):
    """The issuer has not entered its creditor id."""


_DUE = f"""
SELECT i.id, i.number, i.tenant, i.customer, s.open_cents, a.collects_on, m.id AS mandate, m.reference, m.scheme, m.holder, m.iban, m.bic,
       m.signed_on, m.last_used_on
  FROM billing_mandate m JOIN billing_invoice i ON i.tenant = m.tenant AND i.customer IS NOT DISTINCT FROM m.customer AND i.issuer = m.issuer
  JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
  JOIN LATERAL (SELECT * FROM billing_announcement a WHERE a.tenant = i.tenant AND a.invoice = i.id ORDER BY a.id DESC LIMIT 1) a ON true
 WHERE m.issuer = $1 AND m.ended_on IS NULL AND {mandates.LAPSES_ON} > a.collects_on
   AND s.open_cents > 0 AND i.kind <> 'credit note' AND a.mandate = m.id AND a.iban = m.iban AND a.amount_cents = s.open_cents
   AND a.collects_on BETWEEN $3 AND $4 AND (m.rests_until IS NULL OR m.rests_until <= a.collects_on)
   AND NOT EXISTS (SELECT 1 FROM billing_debit d WHERE d.invoice = i.id AND d.state IN ('sent', 'returned'))
   AND NOT EXISTS (SELECT 1 FROM billing_hold h WHERE h.tenant = i.tenant AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $2)
                      AND (h.invoice = i.id OR h.customer = i.customer))
 ORDER BY a.collects_on, i.number
"""  # noqa: S608  # our own words


async def due(issuer: UUID) -> list[Any]:
    """The documents that a file made today would collect: announced for the coming days as they stand now, and never sent back by the bank before.

    None whose mandate will have lapsed on the day of collection.
    """
    today = clock.today()
    return await db.fetch(_DUE, issuer, today, first_day(today), today + _AHEAD)


async def collect(actor: Actor, issuer: UUID) -> list[UUID]:
    """Everything that is due is in files for the bank, one for each scheme, turn and day that was announced; nothing is collected twice.

    NothingToCollect, CreditorUnknown.
    """
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"collect {issuer}")
    rows = await due(issuer)
    if not rows:
        raise NothingToCollect
    own = await own_account(issuer)
    if not own.creditor_id:
        raise CreditorUnknown
    first: set[UUID] = set()
    parts: dict[tuple[Scheme, Turn, date], list[Any]] = {}
    for row in rows:
        turn = sequence(row["last_used_on"] or (clock.today() if row["mandate"] in first else None))
        first.add(row["mandate"])
        parts.setdefault((Scheme(row["scheme"]), turn, row["collects_on"]), []).append(row)
    return [await _file(actor, issuer, own, *kind, part) for kind, part in sorted(parts.items())]


async def own_account(issuer: UUID) -> Own:
    """The account of an issuer, as files for its bank name it; NotFound."""
    row = await db.fetch_one("SELECT name, iban, bic, creditor_id FROM billing_issuer WHERE tenant = $1", issuer)
    if row is None:
        raise NotFound(what="issuer", id=str(issuer))
    return Own(name=row["name"], iban=row["iban"], bic=row["bic"], creditor_id=row["creditor_id"] or "")


async def _file(  # noqa: PLR0913, PLR0917
    actor: Actor, issuer: UUID, own: Own, scheme: Scheme, turn: Turn, day: date, rows: Sequence[Any]
) -> UUID:
    made = new_id()
    ids = [new_id() for _ in rows]
    taken = [
        Taken(
            end_to_end=end_to_end(one), cents=row["open_cents"], holder=row["holder"], iban=row["iban"], bic=row["bic"], mandate=row["reference"],
            signed_on=row["signed_on"], text=row["number"],
        )
        for one, row in zip(ids, rows, strict=True)
    ]  # fmt: skip
    reference = f"B{made.hex}"
    xml = await asyncio.to_thread(sepa.debits, own, reference, day, clock.now(), turn, scheme, taken)
    await keep(actor, made, issuer, BatchKind.DEBIT, day, [one.cents for one in taken], xml)
    await db.execute(
        "INSERT INTO billing_debit (id, tenant, mandate, invoice, batch, amount_cents, sequence, end_to_end, state, changed_at)"
        " SELECT d.id, d.tenant, d.mandate, d.invoice, $1, d.cents, $2, d.e2e, 'sent', $3"
        "   FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::bigint[], $9::text[]) AS d (id, tenant, mandate, invoice, cents, e2e)",
        *(
            made,
            turn.value,
            clock.now(),
            ids,
            [row["tenant"] for row in rows],
            [row["mandate"] for row in rows],
            [row["id"] for row in rows],
        ),
        *([row["open_cents"] for row in rows], [one.end_to_end for one in taken]),
    )
    await db.execute(
        "UPDATE billing_mandate SET last_used_on = greatest(last_used_on, $2) WHERE id = ANY($1::uuid[])",
        [row["mandate"] for row in rows],
        day,
    )
    return made


def end_to_end(row: UUID) -> str:
    """The id of one collection or refund, as it comes back in statements."""
    return f"I{row.hex}"


async def keep(actor: Actor, batch: UUID, issuer: UUID, kind: BatchKind, day: date, cents: Sequence[int], xml: str) -> None:  # noqa: PLR0913, PLR0917
    """The file is on record as it is, for finance to bring to the bank."""
    await db.execute(
        "INSERT INTO billing_bank_batch (id, issuer, kind, reference, executes_on, transactions, total_cents, xml, made_by, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(batch, issuer, kind.value, f"B{batch.hex}", day, len(cents), sum(cents), xml, actor.trail, clock.now()),
    )


async def files() -> list[Any]:
    """The newest files for the bank, without what is in them."""
    return await db.fetch(
        "SELECT b.id, b.issuer, b.kind, b.reference, b.executes_on, b.transactions, b.total_cents, b.made_at, b.downloaded_at, b.refused_at,"
        " b.refused_because, (SELECT count(*) FROM billing_debit d WHERE d.batch = b.id AND d.state = 'sent')"
        " + (SELECT count(*) FROM billing_refund r WHERE r.batch = b.id AND r.state = 'sent') AS under_way,"
        " (SELECT count(*) FROM billing_debit d WHERE d.batch = b.id AND d.state = 'paid') AS paid,"
        " (SELECT count(*) FROM billing_debit d WHERE d.batch = b.id AND d.state = 'returned') AS returned"
        " FROM billing_bank_batch b ORDER BY b.id DESC LIMIT 50"
    )


async def file(batch: UUID) -> tuple[str, str]:
    """The reference and the text of a file, which counts as fetched from now on; NotFound."""
    row = await db.fetch_one(
        "UPDATE billing_bank_batch SET downloaded_at = coalesce(downloaded_at, $2) WHERE id = $1 RETURNING reference, xml",
        batch,
        clock.now(),
    )
    if row is None:
        raise NotFound(what="file", id=str(batch))
    return row["reference"], row["xml"]


_SENT = """
SELECT d.id, d.tenant, d.invoice, d.amount_cents, d.end_to_end, d.payment, d.state, d.mandate, i.customer, i.issuer
  FROM billing_debit d JOIN billing_invoice i ON i.id = d.invoice
"""


async def collected(target: UUID, cents: int, on: date) -> tuple[EntryState, UUID | None]:
    """The bank has collected one debit, or a whole file in one sum; where the sum is another, a person looks."""
    told = await db.fetch(f"{_SENT} WHERE d.id = $1 OR d.batch = $1 ORDER BY d.id FOR UPDATE OF d", target)
    rows = [row for row in told if row["state"] == DebitState.SENT]
    # What was refused before anything was taken is in no sum; what came back is, though it may be seen coming back first.
    back = [row for row in told if row["state"] == DebitState.RETURNED and row["payment"] is not None]
    if not rows and len(back) == len(told) and cents == _total(back) > 0:
        return EntryState.SETTLED, None  # booked both ways when it came back
    # The bank may leave out of the sum what came back before.
    if not rows or cents not in {_total(rows), _total([*rows, *back])}:
        return EntryState.WAITING, None
    made = await payments.book_all(SYSTEM, [_receipt(row, on) for row in rows])
    await db.execute(
        "UPDATE billing_debit d SET state = 'paid', payment = p.payment, changed_at = $3 FROM unnest($1::uuid[], $2::uuid[]) AS p (id, payment)"
        " WHERE d.id = p.id",
        *([row["id"] for row in rows], made, clock.now()),
    )
    return EntryState.BOOKED, made[0] if len(made) == 1 else None


def _total(rows: Sequence[Any]) -> int:
    return sum(row["amount_cents"] for row in rows)


def _receipt(row: Any, on: date) -> Receipt:
    return Receipt(
        debtor=Debtor(row["tenant"], row["customer"], row["issuer"]),
        source=Source.DEBIT,
        source_key=row["end_to_end"],
        amount_cents=row["amount_cents"],
        received_on=on,
        method="direct debit",
        invoices=(row["invoice"],),
    )


async def returned(debit: UUID, key: str, on: date, cents: int, reason: str | None) -> tuple[EntryState, UUID | None]:
    """The bank took a collection back: its invoice is open again. Where that will happen again, the mandate ends."""
    row = await db.fetch_one(f"{_SENT} WHERE d.id = $1 FOR UPDATE OF d", debit)
    if row is None or row["amount_cents"] != cents or row["state"] not in {DebitState.SENT, DebitState.PAID}:
        return EntryState.WAITING, None
    if (
        row["payment"] is None
    ):  # the file's sum has not been seen yet: booked now, and taken back at once, so that both sums are accounted for
        await collected(debit, cents, on)
        row = await db.fetch_one(f"{_SENT} WHERE d.id = $1", debit)
        assert row is not None  # noqa: S101  # it was there a moment ago
    back = Back(payment=row["payment"], source=Source.STATEMENT, source_key=key, on=on, amount_cents=cents, method="return", note=reason)
    try:
        async with db.savepoint():
            payment = await payments.charge_back(SYSTEM, back)
    except MoreThanLeft:  # given back by us as well: a debt that no payment of ours covers, for a person to look at
        return EntryState.WAITING, None
    await _came_back(row, reason)
    return EntryState.BOOKED, payment


async def _came_back(row: Any, reason: str | None) -> None:
    await db.execute(
        "UPDATE billing_debit SET state = 'returned', reason = $2, changed_at = $3 WHERE id = $1", row["id"], reason, clock.now()
    )
    if (reason or "").upper() in _ENDS_MANDATE:
        await mandates.end(row["mandate"], f"returned by the bank: {reason}")


async def refused(row: Any, reason: str) -> None:
    """The bank refused a collection before it took anything: it is not tried again. Where it would refuse that again, the mandate ends."""
    await _came_back(row, reason[:40])


async def taken_back(payment: UUID, reason: str | None) -> None:
    """Where a person said that the bank took this payment back and it was a collection, that is not tried again either."""
    row = await db.fetch_one(f"{_SENT} WHERE d.payment = $1 AND d.state = 'paid' FOR UPDATE OF d", payment)
    if row is not None:
        await _came_back(row, reason)


async def collecting() -> list[Any]:
    """The issuers who collect or have refunds to pay out, with how many of these wait."""
    return await db.fetch(
        "SELECT i.tenant, i.name, i.iban, i.creditor_id, r.refunds FROM billing_issuer i, LATERAL ("
        " SELECT count(*)::int AS refunds FROM billing_refund r JOIN billing_payment p ON p.id = r.payment"
        " WHERE r.state = 'agreed' AND r.way = 'bank' AND p.issuer = i.tenant) r"
        " WHERE r.refunds > 0 OR EXISTS (SELECT 1 FROM billing_mandate m WHERE m.issuer = i.tenant) ORDER BY i.name"
    )
