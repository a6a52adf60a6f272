"""The accounts that an address signs in to: as a member of partners, as a contact of customers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind, Role

from .. import policy

DOOR = Principal(Door.STAFF, actor="system:sign-in")

# Whoever was invited at one address and has another now has not accepted as that one.
_MEMBER = """
SELECT m.id, m.tenant, m.email, m.name, m.role, m.language, m.seen_hints, m.signed_in_at, t.name AS organisation, t.name AS partner
  FROM member m JOIN tenant t ON t.id = m.tenant
 WHERE m.disabled_at IS NULL AND t.suspended_at IS NULL AND lower(m.accepted_as) = lower(m.email)
"""
_CONTACT = """
SELECT k.id, k.tenant, k.customer, k.email, k.name, k.is_main, k.is_administrative, k.is_technical, k.may_sign, k.seen_hints, k.signed_in_at,
       coalesce(k.language, c.language) AS language, c.name AS organisation, t.name AS partner
  FROM contact k JOIN customer c ON c.tenant = k.tenant AND c.id = k.customer JOIN tenant t ON t.id = k.tenant
 WHERE (k.active_until IS NULL OR k.active_until >= $2) AND t.suspended_at IS NULL AND lower(k.accepted_as) = lower(k.email)
"""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may come in: as whom, at which organisation, under which partner."""

    actor: Actor
    email: str
    organisation: str
    partner: str


async def of_address(email: str) -> list[Account]:
    """Every account that this address may sign in to now, the one used last first. In the caller's unit of work, through the staff door."""
    members = await db.fetch(_MEMBER + " AND lower(m.email) = lower($1)", email)
    contacts = await db.fetch(_CONTACT + " AND lower(k.email) = lower($1)", email, clock.today())
    rows = [(row, _member(row)) for row in members] + [(row, _contact(row)) for row in contacts]
    rows.sort(
        key=lambda found: (found[0]["signed_in_at"] is None, -(found[0]["signed_in_at"] or clock.now()).timestamp(), found[1].organisation)
    )
    return [account for _row, account in rows]


async def now(who: str) -> Account | None:
    """The account that an actor's trail names ("member:<id>"), as it is now; None if it may no longer come in. Opens a unit of work of its own."""
    kind, _, marked = who.partition(":")
    async with db.apart(DOOR):
        if kind == ActorKind.CONTACT:
            row = await db.fetch_one(_CONTACT + " AND k.id = $1", UUID(marked), clock.today())
            return _contact(row) if row else None
        row = await db.fetch_one(_MEMBER + " AND m.id = $1", UUID(marked))
        return _member(row) if row else None


async def note_sign_in(actor: Actor) -> None:
    """It is on record when the account was last signed in to. In the caller's unit of work, through the staff door."""
    table = "contact" if actor.kind is ActorKind.CONTACT else "member"
    await db.execute(f"UPDATE {table} SET signed_in_at = $2 WHERE id = $1", UUID(actor.id), clock.now())  # noqa: S608  # one of our tables


def _member(row: asyncpg.Record) -> Account:
    role = Role(row["role"])
    roles = frozenset({role.value, *(scope.value for scope in policy.scopes_of(role))})
    return _account(row, Actor(kind=ActorKind.MEMBER, roles=roles, **_of_both(row)))


def _contact(row: asyncpg.Record) -> Account:
    rights = policy.rights_of(
        is_main=row["is_main"], is_administrative=row["is_administrative"], is_technical=row["is_technical"], may_sign=row["may_sign"]
    )
    roles = frozenset(right.value for right in rights)
    return _account(row, Actor(kind=ActorKind.CONTACT, roles=roles, customer=row["customer"], **_of_both(row)))


def _of_both(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "tenant": row["tenant"],
        "label": row["name"],
        "channel": "portal",
        "language": row["language"],
        "seen_hints": frozenset(row["seen_hints"]),
    }


def _account(row: asyncpg.Record, actor: Actor) -> Account:
    return Account(actor=actor, email=row["email"], organisation=row["organisation"], partner=row["partner"])
