"""What is left to a person: parked with its reason, retried every day, settled when it is billed or by staff.

A run parks what it does not bill, a final bill what it holds back. When what stood in its way no longer does (an address, a sender, evidence of where
somebody is), that is told: whoever held a document back looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound

from ..events import CustomerUnparked, PartnerUnparked
from ..policy.places import Unplaced
from ..policy.recurring import Why
from .due import Doubt

_OPEN = """
SELECT id, tenant, customer, service, reason FROM billing_parked
 WHERE settled_at IS NULL AND tenant = ANY($1::uuid[]) AND coalesce(customer, tenant) = ANY($2::uuid[])
"""
_PARK = """
INSERT INTO billing_parked (id, tenant, run, customer, service, reason, facts, parked_at)
SELECT id, tenant, $1, customer, service, reason, facts, $2
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::jsonb[]) AS given(id, tenant, customer, service, reason, facts)
"""
_STANDS = "SELECT 1 FROM billing_parked WHERE settled_at IS NULL AND tenant = $1 AND customer IS NOT DISTINCT FROM $2 AND service IS NULL AND reason = $3"
_FOR_ADDRESS = (
    "SELECT id FROM billing_parked WHERE settled_at IS NULL AND tenant = $1 AND customer IS NULL AND service IS NULL AND reason = $2"
)
_OF_TENANT = "SELECT 1 FROM billing_parked WHERE id = $1 AND tenant = $2 AND customer IS NULL"
_SETTLE = """
UPDATE billing_parked SET settled_at = $2, settled_by = $3 WHERE id = ANY($1::uuid[]) AND settled_at IS NULL RETURNING id, tenant, customer, reason
"""
_HELD_BACK = frozenset({*(why.value for why in Unplaced), Why.NO_ADDRESS.value, Why.NO_ISSUER.value})
"""For these reasons not only the run leaves something."""
_OF = """
SELECT p.id FROM billing_parked p JOIN tenant t ON t.id = p.tenant LEFT JOIN customer c ON c.id = p.customer LEFT JOIN billing_service s ON s.id = p.service
 WHERE p.settled_at IS NULL AND (c.number = $1 OR s.number = $1 OR (p.customer IS NULL AND t.code = upper($1))) ORDER BY p.id
"""
WAITING = """
SELECT p.id, p.reason, p.facts, p.parked_at, t.name AS partner, c.name AS customer, c.number AS customer_number, s.number AS service, s.label
  FROM billing_parked p JOIN tenant t ON t.id = p.tenant LEFT JOIN customer c ON c.id = p.customer LEFT JOIN billing_service s ON s.id = p.service
 WHERE p.settled_at IS NULL ORDER BY p.parked_at, p.id LIMIT $1
"""


async def keep(run: UUID | None, looked_at: dict[UUID, UUID], doubts: Sequence[Doubt]) -> int:
    """Of these debtors (with their tenants) exactly these doubts are parked: what is new is added, what no longer holds is settled. Returns how many stand."""
    before = await db.fetch(_OPEN, sorted(set(looked_at.values())), list(looked_at))
    standing = {(row["customer"] or row["tenant"], row["service"], row["reason"]): row["id"] for row in before}
    wanted = {(doubt.debtor, doubt.service, doubt.why.value): doubt for doubt in doubts}
    new = [
        (
            new_id(),
            tenant := looked_at[debtor],
            None if debtor == tenant else debtor,
            service,
            why,
            msgspec.json.encode(doubt.facts).decode(),
        )
        for (debtor, service, why), doubt in wanted.items()
        if (debtor, service, why) not in standing
    ]
    if new:
        await db.execute(_PARK, run, clock.now(), *(list(column) for column in zip(*new, strict=True)))
    if gone := [parked for key, parked in standing.items() if key not in wanted]:
        await _settle(gone, "system:run")
    return len(wanted)


async def hold(tenant: UUID, doubt: Doubt) -> None:
    """A document of this customer, or of the tenant itself, is held back for this reason, and that waits for a person; it does so once.

    The run looks at the debtor every day.
    """
    customer = None if doubt.debtor == tenant else doubt.debtor
    if await db.fetch_one(_STANDS, tenant, customer, doubt.why.value) is None:
        facts = msgspec.json.encode(doubt.facts).decode()
        await db.execute(_PARK, None, clock.now(), [new_id()], [tenant], [customer], [None], [doubt.why.value], [facts])


async def address_given(actor: Actor, tenant: UUID) -> None:
    """What waited for an address of the tenant itself is settled, and looked at again at once."""
    await _settle([row["id"] for row in await db.fetch(_FOR_ADDRESS, tenant, Why.NO_ADDRESS.value)], actor.trail)


async def must_be_of(tenant: UUID, parked: UUID) -> None:
    """Raises NotFound unless this was parked of what the tenant itself owes: through the staff door, whose it is must be asked."""
    if await db.fetch_one(_OF_TENANT, parked, tenant) is None:
        raise NotFound(what="parked", id=str(parked))


async def settle_of(actor: Actor, whose: str) -> int:
    """The same of all that is parked of a customer or service by its number, or of a partner itself by its code; returns how many."""
    return sum([await settle(actor, row["id"]) for row in await db.fetch(_OF, whose)])


async def settle(actor: Actor, parked: UUID) -> bool:
    """A person has dealt with it; if it still does not add up, the next run parks it anew. False when it was settled already."""
    return await _settle([parked], actor.trail) == 1


async def _settle(parked: Sequence[UUID], by: str) -> int:
    rows = await db.fetch(_SETTLE, list(parked), clock.now(), by)
    for row in rows:
        if row["reason"] not in _HELD_BACK:
            continue
        if row["customer"]:
            await outbox.publish(CustomerUnparked(tenant_id=row["tenant"], customer_id=row["customer"], parked_id=row["id"]))
        else:
            await outbox.publish(PartnerUnparked(tenant_id=row["tenant"], parked_id=row["id"]))
    return len(rows)


async def waiting(limit: int = 1000) -> list[asyncpg.Record]:
    """What waits for a person, the oldest first. Through the staff door."""
    return await db.fetch(WAITING, limit)
