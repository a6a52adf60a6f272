"""Members of a partner: invited, changed, closed out; there is always an owner who can come in."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from partner_portal.infra import clock, db, sessions
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from .. import policy
from . import invitations, passwords
from .customers import Email, Language, Name


class LastOwner(Refused):
    """Nobody else could manage the partner's members: somebody must be an owner first."""


class HasAccount(Refused):
    """The person has taken its account already; there is nothing to invite it to."""


class AccountClosed(Refused):
    """The account is closed: open it first."""


class NewMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to be invited."""

    name: Name
    email: Email
    role: Role
    language: Language = "nl"


class MemberChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


_SEEN = """
SELECT m.id, m.name, m.email, m.role, m.language, m.signed_in_at, m.disabled_at, m.version, lower(m.accepted_as) = lower(m.email) AS has_account,
       (SELECT max(i.expires_at) FROM invitation i WHERE i.tenant = m.tenant AND i.member = m.id AND i.used_at IS NULL AND i.replaced_at IS NULL)
           AS invited_until
  FROM member m
"""
# Staff see every tenant's rows, so the tenant is named.
_WAITING = """
UPDATE member SET email = $2, name = $3, role = $4, language = $5, version = version + 1
 WHERE tenant = $1 AND lower(email) = lower($2) AND accepted_as IS NULL AND disabled_at IS NULL RETURNING id
"""
_OWNERS = """
SELECT id FROM member WHERE tenant = $1 AND role = 'owner' AND disabled_at IS NULL AND lower(accepted_as) = lower(email) ORDER BY id FOR UPDATE
"""


async def enter(*, tenant: UUID, email: str, name: str, role: Role, language: str = "nl", password: str | None = None) -> UUID:
    """The member exists and, given a password, can sign in with it; in the caller's unit of work, with a password through the staff door.

    Invalid when the partner has a member with this e-mail, when the person has a password of its own already, or when this one is too short or long.
    """
    if password is not None:
        passwords.check(password)
    member = new_id()
    try:
        async with db.savepoint():
            await db.execute(
                "INSERT INTO member (id, tenant, email, name, role, language, accepted_as, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                *(member, tenant, email, name, role, language, email if password is not None else None, clock.now()),
            )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/email", "taken")) from error
    if password is not None and not await passwords.choose_first(email, await passwords.hashed(password)):
        raise Invalid(FieldError("/password", "has-password"))
    return member


async def listed() -> list[asyncpg.Record]:
    """The acting tenant's members, those who can come in first, by name."""
    return await db.fetch(_SEEN + " ORDER BY m.disabled_at IS NOT NULL, lower(m.name), m.id")


async def one(member: UUID) -> asyncpg.Record:
    """The member; NotFound when it is not the acting tenant's."""
    row = await db.fetch_one(_SEEN + " WHERE m.id = $1", member)
    if row is None:
        raise NotFound(what="member", id=str(member))
    return row


async def invite(actor: Actor, new: NewMember) -> UUID:
    """The person is a member as soon as it takes the invitation that is mailed to it; whoever was invited before and did not come is asked anew.

    Raises NotAllowed, Invalid.
    """
    _must_manage(actor)
    assert actor.tenant is not None  # noqa: S101  # whoever manages members does it for one
    waiting = await db.fetch_one(_WAITING, actor.tenant, new.email, new.name, new.role, new.language)
    member: UUID = (
        waiting["id"] if waiting else await enter(tenant=actor.tenant, email=new.email, name=new.name, role=new.role, language=new.language)
    )
    await invitations.make(actor, email=new.email, member=member)
    return member


async def invite_again(actor: Actor, member: UUID) -> None:
    """A new invitation is mailed and every earlier one is worth nothing. Raises NotAllowed, NotFound, HasAccount, AccountClosed."""
    _must_manage(actor)
    row = await _locked(member)
    if row["has_account"]:
        raise HasAccount(name=row["name"])
    if row["disabled_at"] is not None:
        raise AccountClosed(name=row["name"])
    await invitations.make(actor, email=row["email"], member=member)


async def version_of(actor: Actor, member: UUID) -> int:
    """The member's version, its row locked: whoever changes it compares first. NotFound when it is not the acting tenant's."""
    await db.fetch(_OWNERS, actor.tenant)  # before the member, as everybody locks them
    version: int = (await _locked(member))["version"]
    return version


async def change(actor: Actor, member: UUID, wanted: MemberChange) -> None:
    """The member is as `wanted`; a closed account is signed out at once. Raises NotAllowed, NotFound, LastOwner."""
    _must_manage(actor)
    assert actor.tenant is not None  # noqa: S101  # owners belong to one
    values: dict[str, Any] = {name: value for name in ("name", "role", "language") if (value := getattr(wanted, name)) is not UNSET}
    # The owners before the member, as everybody locks them.
    await keep_an_owner(actor.tenant, member, role=values.get("role"), disabled=wanted.disabled is True)
    row = await _locked(member)
    if wanted.disabled is not UNSET:
        values["disabled_at"] = (row["disabled_at"] or clock.now()) if wanted.disabled else None
    assigned = "".join(f", {name} = ${place}" for place, name in enumerate(values, 2))
    await db.execute(f"UPDATE member SET version = version + 1{assigned} WHERE id = $1", member, *values.values())  # noqa: S608  # names of our own columns
    changed(member, disabled_at=values.get("disabled_at"))


async def keep_an_owner(tenant: UUID, member: UUID, *, role: str | None, disabled: bool) -> None:
    """Nothing if the partner keeps an owner who can come in when this member gets that role or is closed out; LastOwner otherwise. Locks the owners."""
    if not disabled and role in (None, Role.OWNER):
        return
    owners = {row["id"] for row in await db.fetch(_OWNERS, tenant)}
    if owners == {member}:
        raise LastOwner


def changed(member: UUID, *, disabled_at: datetime | None) -> None:
    """When the change is saved, it counts at once: a closed account is signed out everywhere."""
    end = sessions.revoke_all if disabled_at else sessions.forget
    db.current().after_commit.append(partial(end, f"{ActorKind.MEMBER.value}:{member}"))


async def _locked(member: UUID) -> asyncpg.Record:
    row = await db.fetch_one(_SEEN + " WHERE m.id = $1 FOR UPDATE OF m", member)
    if row is None:
        raise NotFound(what="member", id=str(member))
    return row


def _must_manage(actor: Actor) -> None:
    # Staff does it in the admin, where each form names the roles that may use it.
    if not actor.has_any(policy.MANAGES_MEMBERS) and actor.kind is not ActorKind.STAFF:
        raise NotAllowed(needs=policy.MANAGES_MEMBERS.value)
