"""What people decide about conflicts: send again, take over what is there, or leave it with a reason; each once."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ...policy.accounting import POSSIBLE, Decision, LinkState, Why
from ...policy.money_in import Source
from .. import payments
from ..payments import Back
from . import connections, inward, links
from .connections import Connection
from .port import Remote, What

_SHORTEST_REASON = 3


class ConflictSolved(Refused):
    """Somebody has dealt with this difference already."""


class NotToBeDecided(Refused):
    """That is no way to solve such a difference."""


async def decide(actor: Actor, conflict: UUID, decision: Decision, reason: str = "") -> None:
    """The difference is solved so, by this person. ConflictSolved, NotToBeDecided, NotFound; Invalid where something is left without a reason."""
    connections.guard(actor)
    row = await db.fetch_one("SELECT * FROM billing_accounting_conflict WHERE id = $1 FOR UPDATE", conflict)
    if row is None:
        raise NotFound(what="conflict", id=str(conflict))
    if row["solved_at"] is not None:
        raise ConflictSolved
    if decision not in POSSIBLE[Why(row["why"])]:
        raise NotToBeDecided(decision=decision.value)
    if decision is Decision.LEAVE and len(reason.strip()) < _SHORTEST_REASON:
        raise Invalid(FieldError("/reason", "say-why"))
    connection = await connections.one(row["connection"])
    await db.execute(
        "UPDATE billing_accounting_conflict SET solved_at = $2, solved_by = $3, solution = $4, reason = $5 WHERE id = $1",
        *(conflict, clock.now(), actor.trail, decision.value, reason.strip()[:1000] or None),
    )
    theirs = msgspec.json.decode(row["theirs"], type=dict[str, str])
    await {Decision.AGAIN: _again, Decision.THEIRS: _theirs, Decision.LEAVE: _leave}[decision](actor, connection, row, theirs)


async def _again(_actor: Actor, connection: Connection, row: Any, _facts: dict[str, str]) -> None:
    why = Why(row["why"])
    what = await _what(row["link"])
    await links.want_again(connection, row["link"], overwrites=why is Why.CHANGED and what is What.CONTACT, forgets=why is Why.GONE)


async def _what(link: UUID) -> What:
    row = await db.fetch_one("SELECT what FROM billing_accounting_link WHERE id = $1", link)
    return What(row["what"]) if row else What.DOCUMENT


async def _theirs(actor: Actor, connection: Connection, row: Any, facts: dict[str, str]) -> None:
    why = Why(row["why"])
    if why in {Why.CHANGED, Why.DIFFERS}:
        await _take_over(connection, row, facts)
    elif why is Why.PAID_MORE:
        stands = await db.fetch_one("SELECT id, tenant, customer, issuer FROM billing_invoice WHERE id = $1", UUID(facts["invoice"]))
        day = date.fromisoformat(facts["paid"])
        await payments.book(actor, inward.receipt(connection, stands, facts["id"], int(facts["cents"]), day, facts["method"]))
    elif why is Why.PAYMENT_GONE:
        await _take_back(actor, await _booked(inward.source_key(connection.id, facts["id"])), f"{connection.id}:gone:{facts['id']}", None)
    else:
        key = inward.source_key(connection.id, facts["id"])
        await _take_back(actor, await _only_payment_of(UUID(facts["invoice"])), key, -int(facts["cents"]))


async def _take_over(connection: Connection, row: Any, facts: dict[str, str]) -> None:
    remote = Remote(id=facts["id"], version=facts["version"])
    taken = await links.by_remote(connection, await _what(row["link"]), remote.id)
    if taken is not None and taken["id"] != row["link"]:
        raise NotToBeDecided(decision=Decision.THEIRS.value)
    await links.sent(row["link"], remote)


async def _booked(key: str) -> UUID:
    row = await db.fetch_one("SELECT id FROM billing_payment WHERE source = $1 AND source_key = $2", Source.ACCOUNTING.value, key)
    if row is None:
        raise NotFound(what="payment", id=key)
    found: UUID = row["id"]
    return found


async def _only_payment_of(invoice: UUID) -> UUID:
    rows = await db.fetch(
        "SELECT payment FROM billing_allocation WHERE invoice = $1 AND payment IS NOT NULL GROUP BY payment HAVING sum(amount_cents) > 0",
        invoice,
    )
    if len(rows) != 1:
        raise NotToBeDecided(decision=Decision.THEIRS.value)
    found: UUID = rows[0]["payment"]
    return found


async def _take_back(actor: Actor, payment: UUID, key: str, cents: int | None) -> None:
    back = Back(payment=payment, source=Source.ACCOUNTING, source_key=key, on=clock.today(), amount_cents=cents, method="accounting")
    await payments.charge_back(actor, back)


async def _leave(_actor: Actor, connection: Connection, row: Any, facts: dict[str, str]) -> None:
    if row["link"] is None:
        return
    if Why(row["why"]) is Why.CHANGED:
        await _take_over(connection, row, facts)  # known as it is, so that only a further change is told
    else:
        await links.set_state(row["link"], LinkState.LEFT)
