"""Outward: one object goes to the package, once, whatever dies meanwhile; what cannot go stands on the list of conflicts with the reason.

Before anything is made there it is looked for by our key, so that what was stored before an answer got lost is found and not made twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound, Refused

from ...policy.accounting import CodeMissing, ConnectionState, LinkState, Why
from .. import payments
from ..documents import Document
from ..parties import DebtorIncomplete
from . import connections, differences, going, links
from .connections import Connection
from .differences import Found
from .port import (
    Accounting,
    AccountingRefuses,
    AccountingUnavailable,
    Booking,
    ChangedThere,
    Contact,
    CredentialRefused,
    Remote,
    SalesDocument,
    Settlement,
    Wanted,
    What,
)

log = structlog.get_logger()

_FIRST, _SOON = timedelta(minutes=15), timedelta(seconds=1)


class ComesLater(Refused):
    """Something of ours has to be there first: the debtor of a document, the document of a payment."""


class StoredOtherwise(Refused):
    """Under our number something else is stored there."""

    def __init__(self, theirs: Remote) -> None:
        super().__init__(id=theirs.id)
        self.theirs = theirs


async def want_document(invoice: UUID) -> None:
    """The document will be at its issuer's package, if it has one and the day of issue is not before the connection's first."""
    row = await db.fetch_one("SELECT issuer, issued_on FROM billing_invoice WHERE id = $1", invoice)
    connection = await connections.of_issuer(row["issuer"]) if row else None
    if row and connection and row["issued_on"] >= connection.starts_on:
        await links.want(connection, What.DOCUMENT, [invoice])


_OF_PAYMENT = """
SELECT a.id, p.issuer FROM billing_payment q JOIN billing_payment p ON p.id = coalesce(q.reverses, q.id) JOIN billing_allocation a ON a.payment = p.id
  JOIN billing_invoice i ON i.id = a.invoice
  JOIN billing_accounting_connection c ON c.tenant = p.issuer AND c.state <> 'ended' AND i.issued_on >= c.starts_on AND c.sends_payments
 WHERE q.id = $1 AND q.tenant = $2 AND p.source <> 'accounting' AND p.amount_cents > 0 ORDER BY a.made_at, a.id
"""


async def want_payment(tenant: UUID, payment: UUID) -> None:
    """What the tenant's payment settles will be at the issuer's package, if it has one; not what the package itself told of. NotFound for another's."""
    if (await payments.one(payment))["tenant"] != tenant:
        raise NotFound(what="payment", id=str(payment))
    rows = await db.fetch(_OF_PAYMENT, payment, tenant)
    connection = await connections.of_issuer(rows[0]["issuer"]) if rows else None
    if connection:
        await links.want(connection, What.PAYMENT, [row["id"] for row in rows])


_OF_DOCUMENT = """
SELECT a.id, i.issuer FROM billing_allocation a JOIN billing_invoice i ON i.id = a.invoice JOIN billing_invoice n ON n.id = a.credit
  JOIN billing_accounting_connection c ON c.tenant = i.issuer AND c.state <> 'ended' AND c.sends_payments
   AND i.issued_on >= c.starts_on AND n.issued_on >= c.starts_on
 WHERE a.tenant = $2 AND (a.invoice = $1 OR a.credit = $1) AND n.issuer = i.issuer ORDER BY a.made_at, a.id
"""


async def want_settlements(tenant: UUID, document: UUID) -> None:
    """What the tenant's credit note settles of others, or such notes of an invoice, will be settled at the issuer's package, if payments go there."""
    rows = await db.fetch(_OF_DOCUMENT, document, tenant)
    connection = await connections.of_issuer(rows[0]["issuer"]) if rows else None
    if connection:
        await links.want(connection, What.SETTLEMENT, [row["id"] for row in rows])


async def send(tenant: UUID, link: UUID) -> None:
    """The object is there as it is here; or waits for its next attempt; or stands on the list of conflicts. NotFound for another issuer's."""
    row = await links.locked(link, tenant)
    connection = await connections.one(row["connection"], tenant)
    if row["state"] != LinkState.WAITING or connection.state is not ConnectionState.ACTIVE:
        return
    adapter, what = connections.adapter(connection), What(row["what"])
    if what is What.DOCUMENT and not await debtor_is_there(connection, adapter, row):
        return
    await tried(connection, row, partial(_STEPS[what], connection, adapter, row))


async def tried(connection: Connection, row: Any, step: Callable[[], Awaitable[None]]) -> bool:
    """Whether the step was done; else the link knows why, and nothing of the step is left here."""
    try:
        async with db.savepoint():
            await step()
    except AccountingUnavailable as problem:
        if not await links.later(connection, row, problem):
            await _stuck(connection, row, Why.GIVEN_UP, detail=_detail(problem))
    except ComesLater as problem:
        await links.wait_for(connection, row, str(problem.facts["what"]), _FIRST)
    except (ChangedThere, StoredOtherwise, CodeMissing, AccountingRefuses, DebtorIncomplete) as problem:
        await _refused(connection, row, problem)
    else:
        return True
    return False


async def debtor_is_there(connection: Connection, adapter: Accounting, row: Any) -> bool:
    """The document's debtor is there, made if need be; else the document waits for it, for as long as the debtor itself."""
    found = await going.head(row["subject"], connection.tenant)
    debtor = await links.row_of(connection, What.CONTACT, found.customer or found.tenant)
    if debtor["remote_id"] is not None or row["remote_id"] is not None:
        return True
    if debtor["state"] != LinkState.STUCK and await tried(connection, debtor, partial(_contact, connection, adapter, debtor)):
        return True
    stands = await links.locked(debtor["id"], connection.tenant)
    wait = stands["due_at"] - clock.now() if stands["state"] == LinkState.WAITING else _FIRST
    await links.wait_for(connection, row, "the debtor has to be there first", max(wait, _SOON))
    return False


async def _refused(connection: Connection, row: Any, problem: Refused) -> None:
    if isinstance(problem, CredentialRefused):
        await connections.pause(SYSTEM, connection.id, f"credential: {_detail(problem)}")
        return
    detail = str(problem.facts["wanted"]) if isinstance(problem, CodeMissing) else _detail(problem)
    why = next(why for kind, why in _WHY.items() if isinstance(problem, kind))
    await _stuck(connection, row, why, getattr(problem, "theirs", None), detail=detail)


_WHY: dict[type[Refused], Why] = {
    ChangedThere: Why.CHANGED,
    StoredOtherwise: Why.DIFFERS,
    CodeMissing: Why.NO_CODE,
    AccountingRefuses: Why.REFUSED,
    DebtorIncomplete: Why.REFUSED,
}


def _detail(problem: Any) -> str:
    return str(problem.facts.get("detail") or problem)


async def _contact(connection: Connection, adapter: Accounting, row: Any) -> None:
    ours, mark = await going.debtor(row["subject"])
    if row["remote_id"] is not None:
        known = Remote(id=row["remote_id"], version=row["version"] or "")
        remote = await adapter.change(ours, known, even_if_changed=row["overwrites"])
    else:
        found = await adapter.find(ours)
        if found is not None:
            await not_anothers(connection, What.CONTACT, found, row["id"])
        remote = await (adapter.change(ours, found) if found else adapter.create(ours))
    await links.sent(row["id"], remote, mark)


async def not_anothers(connection: Connection, what: What, remote: Remote, link: UUID) -> None:
    taken = await links.by_remote(connection, what, remote.id)
    if taken is not None and taken["id"] != link:
        raise StoredOtherwise(remote)


async def _document(connection: Connection, adapter: Accounting, row: Any) -> None:
    found = await going.head(row["subject"], connection.tenant)
    if row["remote_id"] is not None:
        await _compare_again(connection, adapter, row, found)
        return
    ours = await as_sent(connection, found)
    await arrived(connection, ours, await _find_or_create(connection, adapter, ours, row["id"]), row["id"])


async def as_sent(connection: Connection, found: Document) -> SalesDocument:
    """The document in the words of the port; ComesLater, CodeMissing, DebtorIncomplete."""
    subject = found.customer or found.tenant
    there = await links.remote_of(connection, What.CONTACT, subject)
    if there is None:
        raise ComesLater(what="the debtor has to be there first")
    owes, _mark = await going.debtor(subject)
    corrected = await links.remote_of(connection, What.DOCUMENT, found.corrects.id) if found.corrects else None
    return await going.document(connection, found, owes, there, corrected)


async def arrived(connection: Connection, ours: SalesDocument, remote: Remote, link: UUID) -> None:
    """The document is there as this; StoredOtherwise where that is another sum, or what another of ours is there."""
    await not_anothers(connection, What.DOCUMENT, remote, link)
    if remote.gross_cents is not None and abs(remote.gross_cents) != abs(ours.gross_cents):
        raise StoredOtherwise(remote)
    await links.sent(link, remote)


async def _find_or_create(connection: Connection, adapter: Accounting, ours: Wanted, link: UUID) -> Remote:
    remote = await adapter.find(ours)
    if remote is None:
        return await adapter.create(ours)
    log.info("accounting.found_there", remote=remote.id)
    await not_anothers(connection, _KINDS[type(ours)], remote, link)
    return remote


async def _compare_again(connection: Connection, adapter: Accounting, row: Any, found: Document) -> None:
    """Documents are never written over: somebody mends what differs there, and says that it is to be looked at again."""
    remote = await adapter.look(What.DOCUMENT, row["remote_id"])
    if remote is None:
        await _stuck(connection, row, Why.GONE)
    elif remote.gross_cents is not None and abs(remote.gross_cents) != abs(found.gross.cents):
        raise ChangedThere(remote)
    else:
        await links.sent(row["id"], remote)


async def _payment(connection: Connection, adapter: Accounting, row: Any) -> None:
    share = await going.allocation(row["subject"], connection.tenant)
    there = await links.remote_of(connection, What.DOCUMENT, share["invoice"])
    owes = await links.remote_of(connection, What.CONTACT, share["customer"] or share["tenant"])
    if there is None:
        raise ComesLater(what=f"{share['number']} is not there yet")
    taken = await going.takes(share)
    for key in taken.keys:
        if not await links.is_done(connection, What.PAYMENT, UUID(key)):
            raise ComesLater(what=f"the payment of {share['number']} that is taken back is not there yet")
    ours = going.booking(connection, share, there, owes or "", taken)
    await links.sent(row["id"], await _find_or_create(connection, adapter, ours, row["id"]))


async def _settlement(connection: Connection, adapter: Accounting, row: Any) -> None:
    share = await going.settled(row["subject"], connection.tenant)
    document = await links.remote_of(connection, What.DOCUMENT, share["invoice"])
    credit = await links.remote_of(connection, What.DOCUMENT, share["credit"])
    if document is None or credit is None:
        raise ComesLater(what=f"{share['number' if document is None else 'credit_number']} is not there yet")
    ours = await going.settlement(connection, share, credit, document)
    await links.sent(row["id"], await _find_or_create(connection, adapter, ours, row["id"]))


_STEPS: dict[What, Callable[[Connection, Accounting, Any], Awaitable[None]]] = {
    What.CONTACT: _contact,
    What.DOCUMENT: _document,
    What.PAYMENT: _payment,
    What.SETTLEMENT: _settlement,
}
_KINDS: dict[type[Any], What] = {Contact: What.CONTACT, SalesDocument: What.DOCUMENT, Booking: What.PAYMENT, Settlement: What.SETTLEMENT}


async def _stuck(connection: Connection, row: Any, why: Why, theirs: Remote | None = None, *, detail: str = "") -> None:
    about, ours = await told(connection, What(row["what"]), row["subject"])
    facts = dict(theirs.says) | {"id": theirs.id, "version": theirs.version} if theirs else {}
    if theirs and theirs.gross_cents is not None:
        facts["total"] = going.cents(theirs.gross_cents)
    found = Found(key=f"{row['id']} {why.value}", why=why, about=about, ours=ours, theirs=facts, detail=detail, link=row["id"])
    await differences.put(connection, found)
    await links.set_state(row["id"], LinkState.STUCK)


async def told(connection: Connection, what: What, subject: UUID) -> tuple[str, dict[str, str]]:
    """What people call an object of ours, and the facts they compare."""
    if what is What.DOCUMENT:
        found = await going.head(subject, connection.tenant)
        return found.number, going.said_document(found)
    if what is What.PAYMENT:
        share = await going.allocation(subject, connection.tenant)
        return share["number"], {
            "number": share["number"],
            "total": going.cents(share["amount_cents"]),
            "paid": share["received_on"].isoformat(),
        }
    if what is What.SETTLEMENT:
        share = await going.settled(subject, connection.tenant)
        facts = {"number": share["number"], "credit": share["credit_number"], "total": going.cents(share["amount_cents"])}
        return f"{share['credit_number']} · {share['number']}", facts
    try:
        async with db.savepoint():
            ours, _mark = await going.debtor(subject)
    except DebtorIncomplete:
        row = await db.fetch_one(
            "SELECT number, name FROM customer WHERE id = $1 UNION ALL SELECT code, name FROM tenant WHERE id = $1", subject
        )
        return (f"{row['number']} {row['name']}", {"name": row["name"]}) if row else (str(subject), {})
    return f"{ours.number} {ours.name}", going.said_contact(ours)
