"""What the gateway paid out: fetched with all that was in it, held beside what was booked, and found on the bank's statement by its reference.

The payments in it were booked gross when the gateway told of them; the fee is the difference. Each payout is fetched and booked by itself, with nothing open
in the database while the gateway is asked. Through the staff door.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..policy.money_in import PartKind, Source
from .gateways import chosen
from .gateways.port import Gateway, GatewayRefuses, GatewayUnavailable, PaidOut, Settlement

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
    CURRENCY = "currency"  # something in it is no euros, and counts for nothing
    UNREAD = "unread"  # what was in it is not known yet: the gateway did not say, or the books refused it
    UNSEEN = "unseen"  # the bank has not told of it
    BANK = "bank"  # the bank told of another sum


_DOOR = Principal(Door.STAFF, actor="system:daily")
# What could not be read at first is on record, so that somebody sees it; what was said of it then says nothing of what is in it.
_PAYOUT = """
INSERT INTO billing_payout AS p
       (id, gateway, gateway_id, reference, day, gross_cents, fee_cents, paid_cents, payments, foreign_money, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (gateway, gateway_id) WHERE gateway_id IS NOT NULL DO UPDATE
   SET reference = excluded.reference, gross_cents = excluded.gross_cents, fee_cents = excluded.fee_cents, paid_cents = excluded.paid_cents,
       payments = excluded.payments, foreign_money = excluded.foreign_money, unread = NULL, looked_by = NULL, looked_at = NULL
 WHERE p.unread IS NOT NULL RETURNING id
"""
# Its reference may be what the books refuse: until it can be read its id stands for it.
_UNREAD = """
INSERT INTO billing_payout AS p (id, gateway, gateway_id, reference, day, gross_cents, fee_cents, unread, made_at)
VALUES ($1, $2, $3::text, left($3::text, 40), $4, 0, 0, $5, $6)
    ON CONFLICT (gateway, gateway_id) WHERE gateway_id IS NOT NULL DO UPDATE SET unread = excluded.unread WHERE p.unread IS NOT NULL
"""
_KNOWN = "SELECT gateway_id FROM billing_payout WHERE gateway = $1 AND day >= $2 AND unread IS NULL"
# Ours is what was booked under the id at the gateway, or under the key of a refund that we ordered there.
_PARTS = """
INSERT INTO billing_payout_part (id, payout, kind, gateway_id, amount_cents, payment)
SELECT gen_random_uuid(), $1, p.kind, p.gateway_id, p.cents, coalesce(
       (SELECT b.id FROM billing_payment b WHERE b.source = $5 AND b.source_key = $6 || ':' || p.gateway_id),
       (SELECT r.payment FROM billing_refund r WHERE r.gateway_id = p.gateway_id LIMIT 1))
  FROM unnest($2::text[], $3::text[], $4::bigint[]) AS p (kind, gateway_id, cents) ON CONFLICT DO NOTHING
"""


async def fetch() -> int:
    """Every payout of the gateway in use is on record with its parts; returns how many are new.

    Where the gateway does not answer, next time. One that cannot be read or booked is on record with the reason, waits for somebody until it can, and stops
    none of the others. What of it is no euros is in no sum, and waits for somebody.
    """
    gateway = chosen.current()
    if gateway is None:
        return 0
    since = clock.today() - _BACK
    async with db.unit_of_work(_DOOR):
        known = {row["gateway_id"] for row in await db.fetch(_KNOWN, gateway.name, since)}
    try:
        found = await gateway.settlements(since, known)
    except (GatewayUnavailable, GatewayRefuses) as problem:
        log.warning("gateway.settlements", detail=problem.facts.get("detail"))
        return 0
    return sum([await _fetch(gateway, one) for one in found])


async def _fetch(gateway: Gateway, one: PaidOut) -> bool:
    try:
        told = await gateway.settlement(one.id)
    except (GatewayUnavailable, GatewayRefuses) as problem:
        await _leave(gateway, one, str(problem.facts.get("detail") or problem))
        return False
    try:
        async with db.unit_of_work(_DOOR):
            return await _keep(gateway, one, told)
    except asyncpg.exceptions.PostgresError as error:
        await _leave(gateway, one, f"{type(error).__name__}: {error}")
        return False


async def _leave(gateway: Gateway, one: PaidOut, why: str) -> None:
    log.warning("gateway.settlement_left", settlement=one.id, why=why)
    async with db.unit_of_work(_DOOR):
        await db.execute(_UNREAD, new_id(), gateway.name, one.id[:64], one.day, why[:500], clock.now())


async def _keep(gateway: Gateway, one: PaidOut, told: Settlement) -> bool:
    gross, payments = sum(part.cents for part in told.parts), sum(part.kind is PartKind.PAYMENT for part in told.parts)
    made = await db.fetch_one(
        _PAYOUT,
        *(new_id(), gateway.name, one.id[:64], one.reference[:40], one.day, gross, told.fee_cents, told.paid_cents, payments),
        *("\n".join(told.foreign) or None, clock.now()),
    )
    if made is None:
        return False
    columns = ([part.kind.value for part in told.parts], [part.id[:64] for part in told.parts], [part.cents for part in told.parts])
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
    if row["unread"] is not None:  # nothing is known that could add up
        return Shown(row=row, parts=parts, odd=(Odd.UNREAD,))
    found = {
        Odd.SUM: row["gross_cents"] - row["fee_cents"] != row["paid_cents"]
        or sum(part["amount_cents"] for part in parts) != row["gross_cents"],
        Odd.UNKNOWN: any(part["payment"] is None for part in parts),
        Odd.AMOUNT: any(part["payment"] and part["booked_cents"] != part["amount_cents"] for part in parts),
        Odd.CURRENCY: row["foreign_money"] is not None,
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
