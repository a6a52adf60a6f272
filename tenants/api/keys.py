"""API keys as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, idempotency
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members

from .. import policy
from ..service import keys


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: frozenset[policy.Scope]
    expires_on: date | None = None


class KeyOut(msgspec.Struct, frozen=True):
    """A key without its secret."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    expires_on: date | None
    used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(msgspec.Struct, frozen=True):
    """A new key; `key` is shown this once."""

    id: UUID
    key: str


@get("/api-keys", guards=[auth.requires(Role.OWNER)])
async def list_keys() -> list[KeyOut]:
    """The partner's API keys, newest first."""
    return [
        KeyOut(key.id, key.name, key.prefix, key.scopes.split(), key.expires_on, key.used_at, key.revoked_at) for key in await keys.listed()
    ]


@post("/api-keys", guards=[auth.requires(Role.OWNER)], opt={idempotency.SECRET_ANSWER: True})
async def make_key(actor: auth.Acting, data: JSONBody[NewKey]) -> KeyMade:
    """A new API key; its secret is shown this once."""
    made = await keys.make(actor, name=data.name, scopes=data.scopes, expires_on=data.expires_on)
    return KeyMade(made.id, made.secret)


@delete("/api-keys/{key_id:uuid}", guards=[auth.requires(Role.OWNER)], status_code=204)
async def revoke_key(actor: auth.Acting, key_id: FromPath[UUID]) -> None:
    """The key is of no use any more."""
    await keys.revoke(actor, key_id)


router = Router(
    "/",
    route_handlers=documented([list_keys, make_key, revoke_key], NotFound, Invalid, NotAllowed),
    before_request=from_members,
    tags=["customers"],
)
