"""Whose request this is: a session cookie, an API key or the admin's own session becomes an Actor, and the request is counted."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol

import msgspec

from partner_portal.infra import sessions, step_up
from partner_portal.infra.db import NOBODY, Door, Principal
from partner_portal.infra.redis import StoreUnavailable
from partner_portal.kernel.actor import Actor, ActorKind

from .problems import NotSignedIn, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import Scope

KEY_PREFIX = "pp_"
ADMIN_COOKIE = "id"
"""The name that piccolo-admin gives its session cookie."""

_WINDOW_MS = 60_000
_BY_STAFF_DOOR = frozenset({ActorKind.STAFF, ActorKind.SYSTEM})


class Authenticator(Protocol):
    """What the shell must be told about people; `tenants` knows, `app` brings them together.

    Each method opens a unit of work of its own, for at that moment the request has none.
    """

    async def person(self, session: sessions.Session) -> Actor | None:
        """The member or contact as the database has it now; None if it may no longer come in."""

    async def key(self, token: str) -> Actor | None:
        """Whoever holds this API key; None if it is unknown, expired or revoked. Asked once a minute per key: the moment to note its use."""

    async def staff(self, cookie: str) -> Actor | None:
        """The member of staff whose admin session this is; None if there is none."""


class Identity(msgspec.Struct, frozen=True):
    """What is known about the sender of a request, and what it may still ask this minute."""

    actor: Actor | None = None
    session: sessions.Session | None = None
    token: str = ""
    used: int = 0
    limit: int = 0
    resets_in_ms: int = 0


class Credentials(msgspec.Struct, frozen=True):
    """What a request brought to show who sends it."""

    session: str = ""
    bearer: str = ""
    admin: str = ""
    address: str = ""
    proof: str = ""


def credentials(headers: Mapping[bytes, bytes], scope: Scope, *, session_cookie: str, in_admin: bool) -> Credentials:
    """The credentials in a request's headers; the admin's cookie counts in the admin only, and there nothing else does."""
    client = scope.get("client")
    address = rate_address(client[0]) if client else "local"
    jar = headers.get(b"cookie", b"").decode("latin-1")
    if in_admin:
        return Credentials(admin=cookie(jar, ADMIN_COOKIE), address=address, proof=cookie(jar, step_up.COOKIE))
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, value = authorization.decode("latin-1").partition(" ")
        return Credentials(bearer=(scheme.lower() == "bearer" and value.strip()) or "?", address=address)
    return Credentials(session=cookie(jar, session_cookie), address=address, proof=cookie(jar, step_up.COOKIE))


def cookie(jar: str, name: str) -> str:
    """The value of the cookie `name`, or nothing; of two with the same name, the first."""
    for part in jar.split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value
    return ""


def rate_address(address: str) -> str:
    """What of an address is counted: one IPv6 customer has a whole /64."""
    if ":" not in address:
        return address
    try:
        return ip_address(address.partition("%")[0]).exploded[:19]
    except ValueError:
        return "unknown"


async def identify(given: Credentials, authenticator: Authenticator, *, limit: int) -> Identity:
    """Who sends the request, counted as one of its requests; NotSignedIn for a bad API key, TooManyRequests above `limit` a minute."""
    if given.admin:
        return await _staff(given, authenticator, limit)
    if given.bearer:
        return await _key(given, authenticator, limit)
    found = await _counted(given, limit)
    if found.who is None or found.session is None:
        return Identity(None, None, "", found.used, limit, found.resets_in_ms)
    actor = found.actor
    if actor is None:
        actor = await authenticator.person(found.session)
        if actor is None:
            await sessions.end(given.session)
            return Identity(None, None, "", found.used, limit, found.resets_in_ms)
        await sessions.remember(actor, since=found.since)
    return Identity(_proven(actor, given.proof, given.session), found.session, given.session, found.used, limit, found.resets_in_ms)


async def _key(given: Credentials, authenticator: Authenticator, limit: int) -> Identity:
    if not given.bearer.startswith(KEY_PREFIX):
        await _counted(Credentials(address=given.address), limit)
        raise NotSignedIn
    found = await _counted(given, limit)
    actor = found.actor
    if actor is None:
        actor = await authenticator.key(given.bearer)
        if actor is None:
            raise NotSignedIn
        await sessions.remember(actor, key=given.bearer, since=found.since)
    return Identity(actor, None, "", found.used, limit, found.resets_in_ms)


async def _staff(given: Credentials, authenticator: Authenticator, limit: int) -> Identity:
    found = await _counted(Credentials(address=given.address), limit)
    actor = await authenticator.staff(given.admin)
    return Identity(None if actor is None else _proven(actor, given.proof, given.admin), None, "", found.used, limit, found.resets_in_ms)


def _proven(actor: Actor, proof: str, session: str) -> Actor:
    # Of this request only: what is remembered of a person is remembered for all of its sessions.
    return msgspec.structs.replace(actor, is_proven=True) if proof and step_up.is_proven(proof, session) else actor


async def _counted(given: Credentials, limit: int) -> sessions.Found:
    try:
        found = await sessions.look_up(session=given.session, key=given.bearer, otherwise=given.address, window_ms=_WINDOW_MS)
    except StoreUnavailable:
        if given.session or given.bearer:
            raise
        return sessions.Found(None, None, None, 0, _WINDOW_MS)  # strangers are still served what needs no session
    if found.used > limit:
        raise TooManyRequests(retry_after=max(1, -(-found.resets_in_ms // 1000)), limit=limit)
    return found


def principal(actor: Actor | None, *, in_admin: bool = False) -> Principal:
    """How the database sees this actor: staff by their own door, members within their tenant, contacts within their customer, strangers nowhere."""
    if in_admin or (actor is not None and actor.kind in _BY_STAFF_DOOR):
        return Principal(Door.STAFF, None, actor.trail if actor else "stranger")
    if actor is None:
        return Principal(Door.TENANT, None, "stranger")
    if actor.kind is ActorKind.CONTACT:
        return Principal(Door.TENANT, actor.tenant, actor.trail, actor.customer or NOBODY)
    return Principal(Door.TENANT, actor.tenant, actor.trail)
