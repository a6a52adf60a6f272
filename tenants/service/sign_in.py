"""Who is asking: passwords and API keys checked, before any tenant is known."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import argon2
import asyncpg

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind, Role
from partner_portal.kernel.errors import NotAllowed

from .. import policy

_DOOR = Principal(Door.STAFF, actor="system:sign-in")
_hasher = argon2.PasswordHasher()  # Argon2id with the library's parameters (RFC 9106, low-memory profile)
_NOBODY = _hasher.hash("no account has this password")
_USED_STEP = timedelta(minutes=1)  # last use is told to the minute, so that most requests write nothing
_MEMBER = "SELECT m.id, m.tenant, m.name, m.role, m.language, m.password_hash FROM member m JOIN tenant t ON t.id = m.tenant"


class SignInFailed(NotAllowed):
    """E-mail and password do not belong together; which of the two is wrong is not told."""


async def with_password(email: str, password: str) -> Actor:
    """The member with this e-mail and password; SignInFailed after the same work whether or not the account exists."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(_MEMBER + " WHERE lower(m.email) = lower($1) AND m.disabled_at IS NULL AND t.suspended_at IS NULL", email)
    stored = row["password_hash"] if row else None
    if not await verify(stored or _NOBODY, password) or row is None or stored is None:
        raise SignInFailed
    async with db.apart(_DOOR):
        await db.execute("UPDATE member SET signed_in_at = $2 WHERE id = $1", row["id"], clock.now())
    return _member(row)


async def verify(stored: str, password: str) -> bool:
    """Whether `password` is the one behind `stored`; the hashing runs outside the event loop."""
    try:
        return await asyncio.to_thread(_hasher.verify, stored, password)
    except argon2.exceptions.VerificationError:
        return False


async def hash_password(password: str) -> str:
    """The password as it may be stored (Argon2id)."""
    return await asyncio.to_thread(_hasher.hash, password)


async def with_key(key: str) -> Actor | None:
    """The partner's software that holds this key; None when the key is unknown, expired or revoked."""
    prefix = policy.prefix_of(key)
    if prefix is None:
        return None
    async with db.apart(_DOOR):
        row = await db.fetch_one(
            "SELECT k.id, k.tenant, k.name, k.scopes, k.used_at, t.language FROM api_key k JOIN tenant t ON t.id = k.tenant"
            " WHERE k.prefix = $1 AND k.secret_sha256 = $2 AND t.suspended_at IS NULL AND k.revoked_at IS NULL"
            " AND (k.expires_on IS NULL OR k.expires_on >= $3)",
            *(prefix, policy.fingerprint(key), clock.today()),
        )
        if row is None:
            return None
        if row["used_at"] is None or clock.now() - row["used_at"] > _USED_STEP:
            await db.execute("UPDATE api_key SET used_at = $2 WHERE id = $1", row["id"], clock.now())
    roles = policy.roles_of(frozenset(policy.Scope(scope) for scope in row["scopes"].split()))
    return Actor(
        kind=ActorKind.KEY, id=str(row["id"]), tenant=row["tenant"], roles=roles, label=row["name"], channel="api", language=row["language"]
    )


def _member(row: asyncpg.Record) -> Actor:
    role = Role(row["role"])
    roles = frozenset({role.value, *(scope.value for scope in policy.scopes_of(role))})
    return Actor(
        kind=ActorKind.MEMBER,
        id=str(row["id"]),
        tenant=row["tenant"],
        roles=roles,
        label=row["name"],
        channel="portal",
        language=row["language"],
    )


async def member_now(member: UUID) -> Actor | None:
    """The member as it is now; None if it may no longer sign in."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(_MEMBER + " WHERE m.id = $1 AND m.disabled_at IS NULL AND t.suspended_at IS NULL", member)
    return _member(row) if row else None
