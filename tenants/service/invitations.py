"""Invitations: a link by which a member or a contact takes its account, once, within some days."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox, tokens
from partner_portal.infra.brand import Brand
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import NotAllowed, NotFound, Refused

from .. import policy
from ..events import PersonInvited
from . import accounts, brands, passwords

_LOOK = Principal(Door.STAFF, actor="system:invitation")

# Members and contacts alike: whom it is for, where, and whether that person may still come in.
_FOUND = """
SELECT i.id, i.tenant, i.member, i.contact, i.email, i.expires_at, i.used_at, i.replaced_at,
       coalesce(m.name, k.name) AS name, m.role, k.is_main, c.name AS customer,
       coalesce(m.language, k.language, c.language) AS language,
       lower(coalesce(m.email, k.email)) = lower(i.email) AND t.suspended_at IS NULL AND m.disabled_at IS NULL
           AND (k.active_until IS NULL OR k.active_until >= $1) AS is_wanted
  FROM invitation i JOIN tenant t ON t.id = i.tenant
  LEFT JOIN member m ON m.tenant = i.tenant AND m.id = i.member
  LEFT JOIN contact k ON k.tenant = i.tenant AND k.id = i.contact
  LEFT JOIN customer c ON c.tenant = k.tenant AND c.id = k.customer
"""


class Standing(StrEnum):
    """What an invitation still can do."""

    OPEN = "open"
    USED = "used"
    REPLACED = "replaced"
    EXPIRED = "expired"
    OVER = "over"  # the person was taken off, or has another address now


class InvitationNotOpen(Refused):
    """The invitation was used, replaced or has expired; `standing` says which."""


class WrongPassword(NotAllowed):
    """The address has a password already, and this is another."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation as its page shows it; `knows_password`: the address has one, which then proves the person."""

    standing: Standing
    email: str
    name: str
    brand: Brand
    customer: str | None
    language: str
    knows_password: bool


async def make(actor: Actor, *, email: str, member: UUID | None = None, contact: UUID | None = None) -> UUID:
    """An invitation for this member or contact exists, replaces every earlier one and will be mailed; returns its id."""
    await db.execute(
        "UPDATE invitation SET replaced_at = $3 WHERE (member = $1 OR contact = $2) AND used_at IS NULL AND replaced_at IS NULL",
        *(member, contact, clock.now()),
    )
    assert actor.tenant is not None  # noqa: S101  # whoever invites belongs to one
    invitation = new_id()
    await db.execute(
        "INSERT INTO invitation (id, tenant, member, contact, email, token_sha256, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(invitation, actor.tenant, member, contact, email, tokens.sha256(tokens.token(invitation))),
        *(clock.now() + policy.INVITED_FOR, clock.now()),
    )
    await outbox.publish(PersonInvited(tenant_id=actor.tenant, invitation_id=invitation))
    return invitation


async def found(token: str) -> Invitation:
    """The invitation with this token, whoever asks; looking at it uses nothing up. NotFound when it is nobody's."""
    async with db.apart(_LOOK):
        row = await _row(token)
        knows = bool(await passwords.chosen_at(row["email"]))
        brand = await brands.of_tenant(row["tenant"])
    return Invitation(
        standing=_standing(row),
        email=row["email"],
        name=row["name"],
        brand=brand,
        customer=row["customer"],
        language=row["language"],
        knows_password=knows,
    )


async def accept(token: str, password: str) -> Actor:
    """The person has its account, and the password where the address had none; returns who signs in with it.

    Where the address has a password, it must be this one. Raises NotFound, InvitationNotOpen, WrongPassword, Invalid.
    """
    seen = await found(token)
    if seen.standing is not Standing.OPEN:
        raise InvitationNotOpen(standing=seen.standing.value)
    chosen = ""
    if seen.knows_password:
        if not await passwords.is_right(seen.email, password):
            raise WrongPassword
    else:
        passwords.check(password)
        chosen = await passwords.hashed(password)
    who = await _take(token, chosen)
    account = await accounts.now(who)
    if account is None:
        raise InvitationNotOpen(standing=Standing.OVER.value)
    async with db.apart(accounts.DOOR):
        await accounts.note_sign_in(account.actor)
    return account.actor


async def _take(token: str, chosen: str) -> str:
    async with db.apart(_LOOK):
        row = await _row(token, lock=True)
        if (standing := _standing(row)) is not Standing.OPEN:
            raise InvitationNotOpen(standing=standing.value)
        if chosen and not await passwords.choose_first(row["email"], chosen):
            raise WrongPassword  # by another invitation, this very moment
        await db.execute("UPDATE invitation SET used_at = $2 WHERE id = $1", row["id"], clock.now())
        table, account = ("member", row["member"]) if row["member"] else ("contact", row["contact"])
        await db.execute(f"UPDATE {table} SET accepted_as = $2 WHERE id = $1", account, row["email"])  # noqa: S608  # one of our tables
    kind = ActorKind.MEMBER if row["member"] else ActorKind.CONTACT
    return f"{kind.value}:{account}"


async def _row(token: str, *, lock: bool = False) -> asyncpg.Record:
    row = await db.fetch_one(
        _FOUND + " WHERE i.token_sha256 = $2" + (" FOR UPDATE OF i" if lock else ""), clock.today(), tokens.sha256(token)
    )
    if row is None:
        raise NotFound(what="invitation")
    return row


def _standing(row: asyncpg.Record) -> Standing:
    if row["used_at"] is not None:
        return Standing.USED
    if row["replaced_at"] is not None:
        return Standing.REPLACED
    if not row["is_wanted"]:
        return Standing.OVER
    return Standing.EXPIRED if row["expires_at"] <= clock.now() else Standing.OPEN


async def one(invitation: UUID) -> asyncpg.Record | None:
    """The invitation as its mail tells it; None when it can no longer be taken. NotFound when it is not the acting tenant's."""
    row = await db.fetch_one(_FOUND + " WHERE i.id = $2", clock.today(), invitation)
    if row is None:
        raise NotFound(what="invitation", id=str(invitation))
    return row if _standing(row) is Standing.OPEN else None
