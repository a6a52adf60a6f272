"""API keys: made, shown once, listed, revoked."""

from __future__ import annotations

from datetime import date
from functools import partial
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, sessions
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from .. import policy
from ..tables import ApiKey


class KeyMadeBefore(Refused):
    """The same form made a key already, whose secret was shown then."""


class MadeKey(msgspec.Struct, frozen=True):
    """A new key; `secret` is shown this once."""

    id: UUID
    secret: str


async def make(actor: Actor, *, name: str, scopes: frozenset[policy.Scope], expires_on: date | None, once: UUID | None = None) -> MadeKey:
    """A key with these scopes exists until `expires_on` (its last day); only an owner makes keys, never with more than its own rights.

    `once` is the id it shall have, for a form that might be sent twice: KeyMadeBefore.
    """
    if not actor.has_any(Role.OWNER):
        raise NotAllowed(needs=Role.OWNER.value)
    if expires_on is not None and expires_on < clock.today():
        raise Invalid(FieldError("/expires_on", "in-the-past", {"today": clock.today().isoformat()}))
    if not scopes:
        raise Invalid(FieldError("/scopes", "empty"))
    new, key = policy.new_key(), once or new_id()
    tag = await db.execute(
        "INSERT INTO api_key (id, name, prefix, secret_sha256, scopes, expires_on, created_by, created_at, tenant)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
        *(key, name, new.prefix, new.sha256, " ".join(sorted(scopes)), expires_on, UUID(actor.id), clock.now(), actor.tenant),
    )
    if tag == "INSERT 0 0":
        raise KeyMadeBefore(name=name)
    return MadeKey(key, new.shown)


async def listed() -> list[ApiKey]:
    """The tenant's keys, newest first, without their secrets."""
    rows: list[ApiKey] = await ApiKey.objects().order_by(ApiKey.created_at, ascending=False)
    return rows


async def one(key: UUID) -> ApiKey:
    """The key without its secret; NotFound when it is not the acting tenant's."""
    return await ApiKey.get(key)


async def revoke(actor: Actor, key: UUID) -> None:
    """The key is of no use from now on; revoking twice changes nothing."""
    if not actor.has_any(Role.OWNER):
        raise NotAllowed(needs=Role.OWNER.value)
    tag = await db.execute("UPDATE api_key SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1", key, clock.now())
    if tag == "UPDATE 0":
        raise NotFound(what="api key", id=str(key))
    # Whose key it is was remembered for a minute: forgotten once the revocation is saved, not before, or it would be remembered again.
    db.current().after_commit.append(partial(sessions.forget, f"{ActorKind.KEY.value}:{key}"))
