"""What the gateway paid out: fetched with all that was in it, held beside what was booked, and found on the bank's statement by its reference.

The payments in it were booked gross when the gateway told of them; the fee is the difference. Through the staff door.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import structlog

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..policy.money_in import PartKind, Source
from .gateways import chosen
from .gateways.port import Gateway, GatewayRefuses, GatewayUnavailable, Settlement

log = structlog.get_logger(__name__)

_BACK = timedelta(days=45)
"""So far back is looked: what was missed for a while heals itself."""
_SEEN_WITHIN = timedelta(days=5)
"""By then the bank has told of a payout."""


class PayoutLookedAt(Refused):
    """Somebody has looked at this payout, or there is nothing about it to look at."""


class Odd(StrEnum):
    """What about a payout does not add up."""

    SUM = "sum"  # its parts less the fee are not what was paid out
    UNKNOWN = "unknown"  # something in it was never booked here
    AMOUNT = "amount"  # something in it was booked for another sum
    UNSEEN = "unseen"  # the bank has not told of it
    BANK = "bank"  # the bank told of another sum


_PAYOUT = """
INSERT INTO billing_payout (id, gateway, gateway_id, reference, day, gross_cents, fee_cents, paid_cents, payments, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id
"""
# Ours is what was booked under the id at the gateway, or under the key of a refund that we ordered there.
_PARTS = """
INSERT INTO billing_payout_part (id, payout, kind, gateway_id, amount_cents, payment)
SELECT gen_random_uuid(), $1, p.kind, p.gateway_id, p.cents, coalesce(
       (SELECT b.id FROM billing_payment b WHERE b.source = $5 AND b.source_key = $6 || ':' || p.gateway_id),
       (SELECT r.payment FROM billing_refund r WHERE r.gateway_id = p.gateway_id LIMIT 1))
  FROM unnest($2::text[], $3::text[], $4::bigint[]) AS p (kind, gateway_id, cents) ON CONFLICT DO NOTHING
"""


async def fetch() -> int:
    """Every payout of the gateway in use is on record with its parts; returns how many are new. Where the gateway does not answer, next time."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        gateway = chosen.current()
        if gateway is None:
            return 0
        since = clock.today() - _BACK
        known = await db.fetch("SELECT gateway_id FROM billing_payout WHERE gateway = $1 AND day >= $2", gateway.name, since)
        try:
            found = await gateway.settlements(since, {row["gateway_id"] for row in known})
        except (GatewayUnavailable, GatewayRefuses) as problem:
            log.warning("gateway.settlements", detail=problem.facts.get("detail"))
            return 0
        return sum([await _keep(gateway, one) for one in found])


async def _keep(gateway: Gateway, one: Settlement) -> bool:
    made = await db.fetch_one(
        _PAYOUT,
        *(new_id(), gateway.name, one.id[:64], one.reference[:40], one.day, sum(part.cents for part in one.parts), one.fee_cents),
        *(one.paid_cents, sum(part.kind is PartKind.PAYMENT for part in one.parts), clock.now()),
    )
    if made is None:
        return False
    columns = ([part.kind.value for part in one.parts], [part.id[:64] for part in one.parts], [part.cents for part in one.parts])
    await db.execute(_PARTS, made["id"], *columns, Source.GATEWAY.value, gateway.name)
    return True


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A payout with the entry of the bank, its parts, and what does not add up about it (also of what was looked at)."""

    row: Any
    parts: Sequence[Any]
    odd: tuple[Odd, ...]

    @property
    def waits(self) -> bool:
        """Whether somebody should look at it."""
        return bool(self.odd) and self.row["looked_at"] is None


_LISTED = """
SELECT p.*, e.booked_on, e.amount_cents AS bank_cents FROM billing_payout p LEFT JOIN billing_statement_entry e ON e.id = p.entry
 ORDER BY p.day DESC, p.id DESC LIMIT $1
"""
_PARTS_OF = """
SELECT x.*, b.amount_cents AS booked_cents, b.tenant, c.name AS customer_name FROM billing_payout_part x LEFT JOIN billing_payment b ON b.id = x.payment
  LEFT JOIN customer c ON c.id = b.customer WHERE x.payout = ANY($1::uuid[]) ORDER BY x.kind <> 'payment', x.gateway_id
"""


async def listed(limit: int = 60) -> list[Shown]:
    """The newest payouts, each with what does not add up."""
    rows = await db.fetch(_LISTED, limit)
    parts = await db.fetch(_PARTS_OF, [row["id"] for row in rows])
    return [_shown(row, [part for part in parts if part["payout"] == row["id"]]) for row in rows]


def _shown(row: Any, parts: Sequence[Any]) -> Shown:
    found = {
        Odd.SUM: row["gross_cents"] - row["fee_cents"] != row["paid_cents"]
        or sum(part["amount_cents"] for part in parts) != row["gross_cents"],
        Odd.UNKNOWN: any(part["payment"] is None for part in parts),
        Odd.AMOUNT: any(part["payment"] and part["booked_cents"] != part["amount_cents"] for part in parts),
        Odd.UNSEEN: row["entry"] is None and row["day"] + _SEEN_WITHIN < clock.today(),
        Odd.BANK: row["entry"] is not None and row["bank_cents"] != row["paid_cents"],
    }
    return Shown(row=row, parts=parts, odd=tuple(odd for odd, holds in found.items() if holds))


async def look_at(actor: Actor, payout: UUID, note: str) -> None:
    """Somebody looked at what does not add up, and says what it was. Invalid without words, PayoutLookedAt where nothing waits."""
    if len(note.strip()) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/note", "say-why"))
    row = await db.fetch_one(
        "UPDATE billing_payout SET looked_by = $2, looked_at = $3, note = $4 WHERE id = $1 AND looked_at IS NULL RETURNING id",
        *(payout, actor.trail, clock.now(), note.strip()[:2000]),
    )
    if row is None:
        if await db.fetch_one("SELECT 1 FROM billing_payout WHERE id = $1", payout) is None:
            raise NotFound(what="payout", id=str(payout))
        raise PayoutLookedAt
