"""Another bank account of a debtor: used only after some days, and told where the debtor was known before, so that a thief is found out in time.

Bank statements are seen through the staff door only; anywhere else a debtor is known by its mandates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
from stdnum import iban as iban_code

from partner_portal.infra import clock, db, outbox, step_up
from partner_portal.infra.db import Door
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound

from ..events import AccountChanged
from .payments import Debtor

RESTS_FOR = timedelta(days=5)
"""So long nothing is collected from, or paid to, an account that a debtor was not known by: time to read a mail and object."""
TOLD_BACK = timedelta(days=30)
"""Addresses that were changed so lately are told as well: whoever changes an account often changes the address first."""

# What was moved to another customer's account was booked on the wrong one: this is not where it pays from.
_PAID_FROM = """
SELECT 1 FROM billing_statement_entry e JOIN billing_payment p ON p.id = e.payment
 WHERE e.iban = $4 AND p.tenant = $1 AND p.customer IS NOT DISTINCT FROM $2 AND p.issuer = $3 AND p.amount_cents > 0
   AND NOT EXISTS (SELECT FROM billing_payment m WHERE m.tenant = p.tenant AND m.reverses = p.id AND m.method = 'moved') LIMIT 1
"""
_SIGNED_FOR = """
SELECT 1 FROM billing_mandate m WHERE m.iban = $4 AND m.tenant = $1 AND m.customer IS NOT DISTINCT FROM $2 AND m.issuer = $3
   AND (m.rests_until IS NULL OR m.rests_until <= $5) LIMIT 1
"""
_OTHERS = """
SELECT iban FROM billing_mandate WHERE tenant = $1 AND customer IS NOT DISTINCT FROM $2 AND issuer = $3 AND iban <> $4 ORDER BY id DESC LIMIT 1
"""
_EARLIER = """
SELECT DISTINCT lower(a.changes -> 'email' ->> 0) AS email FROM infra_audit a
 WHERE a.tenant = $1 AND a.at > $3 AND a.action = 'update' AND a.changes ? 'email' AND a.changes -> 'email' ->> 0 <> ''
   AND (a.relation = 'contact' AND a."row" IN (SELECT k.id FROM contact k WHERE k.tenant = $1 AND k.customer = $2)
        OR a.relation = 'billing_account' AND a."row" IN (SELECT o.id FROM billing_account o WHERE o.tenant = $1 AND o.customer IS NOT DISTINCT FROM $2)
        OR $2::uuid IS NULL AND a.relation IN ('tenant', 'billing_issuer'))
 ORDER BY 1
"""


class ChangeTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a debtor is told: which account took the place of which (enough of them to know them by), and from which day on it is used."""

    before: str
    now: str
    used_from: date
    at: datetime
    is_refund: bool


def masked(iban: str) -> str:
    """Enough of an account to know one's own by, not enough to use it."""
    return f"{iban[:4]} •••• {iban[-4:]}" if iban else ""


async def known_until_now(debtor: Debtor, iban: str) -> bool:
    """Whether the debtor is known by this account: it paid from it, or has a mandate for it that no longer rests."""
    of = (debtor.tenant, debtor.customer, debtor.issuer, iban_code.compact(iban))
    if await db.fetch(_SIGNED_FOR, *of, clock.today()):
        return True
    return db.current().principal.door is Door.STAFF and bool(await db.fetch(_PAID_FROM, *of))


async def for_refund(actor: Actor, debtor: Debtor, iban: str, about: UUID) -> date | None:
    """Before which day nothing is paid back to this account; None for one the debtor is known by.

    Any other needs the password again (PasswordNeeded), and the debtor is told; `about` is the refund.
    """
    if await known_until_now(debtor, iban):
        return None
    step_up.required(actor)
    return await _announce(debtor, iban, about, is_refund=True)


async def for_mandate(debtor: Debtor, iban: str, about: UUID, *, before: str = "") -> date | None:
    """Before which day nothing is collected from this account; None where it is the debtor's first, or one it is known by. Else the debtor is told."""
    if not before:
        rows = await db.fetch(_OTHERS, debtor.tenant, debtor.customer, debtor.issuer, iban_code.compact(iban))
        before = rows[0]["iban"] if rows else ""
    if not before or await known_until_now(debtor, iban):
        return None
    return await _announce(debtor, iban, about, before=before)


async def _announce(debtor: Debtor, iban: str, about: UUID, *, before: str = "", is_refund: bool = False) -> date:
    used_from = clock.today() + RESTS_FOR
    await outbox.publish(
        AccountChanged(
            tenant_id=debtor.tenant,
            customer_id=debtor.customer,
            about_id=about,
            before=masked(before),
            now=masked(iban_code.compact(iban)),
            used_from=used_from,
            at=clock.now(),
            is_refund=is_refund,
        )
    )
    return used_from


async def earlier_addresses(tenant: UUID, customer: UUID | None) -> Sequence[str]:
    """Where the debtor was written to lately and is no longer; NotFound for a customer of another tenant."""
    if customer and await db.fetch_one("SELECT 1 FROM customer WHERE id = $1 AND tenant = $2", customer, tenant) is None:
        raise NotFound(what="customer", id=str(customer))
    rows: list[asyncpg.Record] = await db.fetch(_EARLIER, tenant, customer, clock.now() - TOLD_BACK)
    return [row["email"] for row in rows]
