"""Who is asking: passwords and API keys checked, before any tenant is known."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from partner_portal.infra import clock, db, settings
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import NotAllowed, Refused

from .. import policy
from . import accounts, passwords
from .accounts import DOOR, Account

_USED_STEP = timedelta(minutes=1)  # last use is told to the minute, so that most requests write nothing
_SIGNATURE = 32


class SignInFailed(NotAllowed):
    """E-mail and password do not belong together; which of the two is wrong is not told."""


class ChooseAccount(Refused):
    """The password is right, and the address has several accounts: `accounts` names them, one must be chosen."""


async def prove(email: str, password: str) -> list[Account]:
    """The accounts, at least one, that this address with this password opens; SignInFailed after the same work whether or not there is any."""
    found: list[Account] = []
    if await passwords.is_right(email, password):
        async with db.apart(DOOR):
            found = await accounts.of_address(email)
    if not found:
        raise SignInFailed
    return found


async def with_password(email: str, password: str, account: UUID | None = None) -> Actor:
    """The person with this e-mail and password, as its only account or as `account`; raises SignInFailed, ChooseAccount."""
    found = await prove(email, password)
    if account is None and len(found) > 1:
        raise ChooseAccount(
            accounts=[
                {"id": one.actor.id, "kind": one.actor.kind.value, "organisation": one.organisation, "partner": one.partner}
                for one in found
            ]
        )
    return await come_in(found, account)


async def come_in(found: list[Account], account: UUID | None = None) -> Actor:
    """The account among `found` is signed in to, the first where none is named; SignInFailed when it is not among them."""
    chosen = next((one.actor for one in found if account is None or one.actor.id == str(account)), None)
    if chosen is None:
        raise SignInFailed
    async with db.apart(DOOR):
        await accounts.note_sign_in(chosen)
    return chosen


async def proof(email: str) -> str:
    """What a page may bear for some minutes instead of the password just typed, while an account is chosen; a new password makes it worthless."""
    async with db.apart(DOOR):
        chosen_at = await passwords.chosen_at(email)
    said = f"{(clock.now() + policy.CHOOSING).isoformat()} {chosen_at} {email}".encode()
    return base64.urlsafe_b64encode(_signed(said) + said).decode()


async def proven(given: str) -> list[Account]:
    """The accounts of the address that a proof names; SignInFailed when it is none of ours, or no longer holds."""
    try:
        raw = base64.urlsafe_b64decode(given.encode())
        signature, said = raw[:_SIGNATURE], raw[_SIGNATURE:]
    except ValueError as error:
        raise SignInFailed from error
    if not hmac.compare_digest(signature, _signed(said)):
        raise SignInFailed
    until, chosen_at, email = said.decode().split(" ", 2)
    async with db.apart(DOOR):
        if datetime.fromisoformat(until) < clock.now() or chosen_at != await passwords.chosen_at(email):
            raise SignInFailed
        return await accounts.of_address(email)


def _signed(said: bytes) -> bytes:
    return hmac.digest(settings.current().secret_key.encode(), b"chooses an account " + said, hashlib.sha256)


async def with_key(key: str) -> Actor | None:
    """The partner's software that holds this key; None when the key is unknown, expired or revoked."""
    prefix = policy.prefix_of(key)
    if prefix is None:
        return None
    async with db.apart(DOOR):
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
