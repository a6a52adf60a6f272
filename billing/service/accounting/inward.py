"""Inward: what was paid and what was changed at the package comes home; each payment once, and what does not fit stands on the list of conflicts."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import structlog

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound

from ...policy.accounting import ConnectionState, LinkState, Why
from ...policy.ledger import Kind
from ...policy.money_in import Source
from .. import payments
from ..payments import Debtor, Receipt
from . import connections, differences, exchanged, going, links, sending, sweeping
from .connections import Connection
from .differences import Found
from .port import Accounting, AccountingRefuses, AccountingUnavailable, Altered, CredentialRefused, Remote, SeenPayment, What

log = structlog.get_logger()
T = TypeVar("T")

_PAGES = 4
_LOOKS = 20


async def look(tenant: UUID, connection: UUID) -> None:
    """What is to be sent is on its way, and what happened there is here; what could not be asked is noted and asked next time. NotFound."""
    found = await connections.one(connection, tenant)
    if found.state is not ConnectionState.ACTIVE:
        return
    is_more = await sweeping.sweep(found)
    adapter = connections.adapter(found)
    heard = await _tried(found, _hear(found, adapter))
    looked = await _tried(found, _look_around(found, adapter))
    taken = await _tried(found, exchanged.take(found, adapter))
    db.current().after_commit.extend(taken or [])
    if heard is not None and looked is not None and taken is not None:
        is_more |= heard
        await _note(found, None, is_more=is_more)
    if is_more:
        await connections.look_on(found)


async def _tried(connection: Connection, part: Awaitable[T]) -> T | None:
    """What a part of the look returned; None where the package did not answer it, which is noted, and nothing of the part is left here."""
    try:
        async with db.savepoint():
            return await part
    except CredentialRefused as problem:
        await connections.pause(SYSTEM, connection.id, f"credential: {problem.facts.get('detail')}")
    except (AccountingUnavailable, AccountingRefuses) as problem:
        log.warning("accounting.not_heard", connection=connection.code, detail=problem.facts.get("detail"))
        await _note(connection, str(problem.facts.get("detail") or problem)[:500])
    return None


async def _note(connection: Connection, error: str | None, *, is_more: bool = False) -> None:
    """Only after a look that left nothing over the connection counts as looked at."""
    await db.execute(
        "UPDATE billing_accounting_connection SET last_error = $2, synced_at = CASE WHEN $4 THEN $3 ELSE synced_at END WHERE id = $1",
        *(connection.id, error, clock.now(), error is None and not is_more),
    )


async def _hear(connection: Connection, adapter: Accounting) -> bool:
    """The news of a few pages are here; returns whether there are more."""
    cursor, is_more = connection.cursor, True
    for _page in range(_PAGES):
        news = await adapter.news(cursor)
        for payment in news.payments:
            await _paid(connection, payment)
        for altered in news.altered:
            await _altered(connection, altered)
        cursor, is_more = news.cursor, news.is_more
        await db.execute("UPDATE billing_accounting_connection SET cursor = $2 WHERE id = $1", connection.id, cursor)
        if not is_more:
            break
    return is_more


# Where nothing below zero is known, taking back removes the payment: that is told, too.
_TAKEN_BACK = """
SELECT 1 FROM billing_allocation a JOIN billing_allocation b ON b.tenant = a.tenant AND b.payment = a.payment AND b.invoice = a.invoice AND b.amount_cents < 0
   AND (b.made_at, b.id) > (a.made_at, a.id) WHERE a.id = $1
"""
_BY_KEY = "SELECT id, amount_cents FROM billing_payment WHERE source = 'accounting' AND source_key = $1"
_STANDS = """
SELECT i.id, i.tenant, i.customer, i.issuer, i.number, i.kind, s.open_cents FROM billing_invoice i
  JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id WHERE i.id = $1 AND i.issuer = $2 FOR UPDATE OF s
"""


def source_key(connection: UUID, remote: str) -> str:
    """By what a payment that the package told of is known here."""
    return f"{connection}:{remote}"


async def _paid(connection: Connection, seen: SeenPayment) -> None:
    document = await links.by_remote(connection, What.DOCUMENT, seen.document)
    if document is None:
        return  # of a document that is none of ours
    ours = await links.by_remote(connection, What.PAYMENT, seen.id) or await _by_key(connection, seen.key)
    if ours is not None:
        if seen.is_gone and ours["state"] == LinkState.SENT and await db.fetch_one(_TAKEN_BACK, ours["subject"]) is None:
            await _lost(connection, ours, seen)
        return
    known = await db.fetch_one(_BY_KEY, source_key(connection.id, seen.id))
    if seen.is_gone:
        if known:
            await _differs(connection, document, seen, Why.PAYMENT_GONE)
    elif known and known["amount_cents"] != seen.amount_cents:
        await _differs(connection, document, seen, Why.PAYMENT_CHANGED, going.cents(known["amount_cents"]))
    elif not known and connection.takes_payments:
        await _book(connection, document, seen)


async def _by_key(connection: Connection, key: str | None) -> Any:
    """The payment that we wrote there, also where the answer got lost."""
    if key is None:
        return None
    try:
        subject = UUID(key)
    except ValueError:
        return None
    return await db.fetch_one(
        "SELECT * FROM billing_accounting_link WHERE connection = $1 AND what = 'payment' AND subject = $2 FOR UPDATE",
        connection.id,
        subject,
    )


async def _book(connection: Connection, document: Any, seen: SeenPayment) -> None:
    row = await db.fetch_one(_STANDS, document["subject"], connection.tenant)
    if row is None:
        raise NotFound(what="invoice", id=str(document["subject"]))
    if seen.currency != "EUR":
        await _differs(connection, document, seen, Why.CURRENCY)
    elif seen.amount_cents <= 0:
        await _differs(connection, document, seen, Why.TAKEN_BACK)
    elif row["kind"] == Kind.CREDIT_NOTE or seen.amount_cents > row["open_cents"]:
        await _differs(connection, document, seen, Why.PAID_MORE, going.cents(row["open_cents"]))
    else:
        await payments.book(SYSTEM, receipt(connection, row, seen.id, seen.amount_cents, seen.on, seen.method))


def receipt(connection: Connection, row: Any, remote: str, cents: int, day: date, method: str) -> Receipt:
    """Money that the package has on a document, as it is booked here."""
    return Receipt(
        debtor=Debtor(row["tenant"], row["customer"], row["issuer"]),
        source=Source.ACCOUNTING,
        source_key=source_key(connection.id, remote),
        amount_cents=cents,
        received_on=day,
        method=method[:30] or "accounting",
        invoices=(row["id"],),
    )


async def _differs(connection: Connection, document: Any, seen: SeenPayment, why: Why, stands: str = "") -> None:
    about, ours = await sending.told(connection, What.DOCUMENT, document["subject"])
    theirs = {
        "id": seen.id,
        "total": going.cents(seen.amount_cents) if seen.currency == "EUR" else f"{seen.currency} {seen.amount_cents / 100:.2f}",
        "paid": seen.on.isoformat(),
        "cents": str(seen.amount_cents),
        "method": seen.method,
        "invoice": str(document["subject"]),
    }
    if stands:
        ours["open" if why is Why.PAID_MORE else "booked"] = stands
    key = f"{why.value} {seen.id} {seen.amount_cents}"
    await differences.put(connection, Found(key=key, why=why, about=about, ours=ours, theirs=theirs, forever=True))


async def _lost(connection: Connection, ours: Any, seen: SeenPayment) -> None:
    about, facts = await sending.told(connection, What.PAYMENT, ours["subject"])
    found = Found(
        key=f"{ours['id']} gone {seen.id}", why=Why.GONE, about=about, ours=facts, theirs={"id": seen.id}, link=ours["id"], forever=True
    )
    await differences.put(connection, found)


async def _altered(connection: Connection, altered: Altered) -> None:
    row = await links.by_remote(connection, altered.what, altered.id)
    if row is not None and altered.payments is not None:
        await _removed(connection, row, altered.payments)
    if row is not None and row["state"] == LinkState.SENT:
        await _compare(connection, altered.what, row, altered.now)


_ON_RECORD = """
SELECT l.remote_id AS id, a.amount_cents, p.received_on FROM billing_allocation a JOIN billing_payment p ON p.id = a.payment
  JOIN billing_accounting_link l ON l.connection = $1 AND l.what = 'payment' AND l.subject = a.id AND l.state = 'sent' WHERE a.invoice = $2
UNION ALL
SELECT substr(p.source_key, length($3) + 1), p.amount_cents, p.received_on FROM billing_payment p
 WHERE p.source = 'accounting' AND p.reverses IS NULL AND left(p.source_key, length($3)) = $3
   AND p.id IN (SELECT a.payment FROM billing_allocation a WHERE a.invoice = $2)
"""


async def _removed(connection: Connection, document: Any, payments_there: frozenset[str]) -> None:
    """What we have of a document's payments and the package has no more was removed there."""
    for row in await db.fetch(_ON_RECORD, connection.id, document["subject"], source_key(connection.id, "")):
        if row["id"] not in payments_there:
            gone = SeenPayment(
                id=row["id"], document=document["remote_id"], amount_cents=row["amount_cents"], on=row["received_on"], is_gone=True
            )
            await _paid(connection, gone)


async def _compare(connection: Connection, what: What, row: Any, now: Remote | None) -> None:
    if now is not None and now.version == row["version"]:
        await links.seen(row["id"])
        return
    why = Why.GONE if now is None else Why.CHANGED
    about, ours = await sending.told(connection, what, row["subject"])
    theirs: dict[str, str] = {"id": row["remote_id"]}
    if now is not None:
        theirs |= dict(now.says) | {"version": now.version}
        if now.gross_cents is not None:
            theirs["total"] = going.cents(now.gross_cents)
    key = f"{row['id']} {why.value} {theirs.get('version', '')}"
    await differences.put(connection, Found(key=key, why=why, about=about, ours=ours, theirs=theirs, link=row["id"]))


_LONGEST_UNSEEN = """
SELECT * FROM billing_accounting_link WHERE connection = $1 AND what = $2 AND state = 'sent' ORDER BY seen_at NULLS FIRST LIMIT $3 FOR UPDATE
"""


async def _look_around(connection: Connection, adapter: Accounting) -> bool:
    """A few documents that were not seen for the longest time are looked at, whatever the news told: what was removed is often not told."""
    for row in await db.fetch(_LONGEST_UNSEEN, connection.id, What.DOCUMENT.value, _LOOKS):
        await _compare(connection, What.DOCUMENT, row, await adapter.look(What.DOCUMENT, row["remote_id"]))
    return True
