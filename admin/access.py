"""Who of the provider's staff comes in, and what each role may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import asyncpg
from piccolo.apps.user.tables import BaseUser
from starlette.exceptions import HTTPException
from starlette.requests import Request

from partner_portal.infra import catalogue, db, rates
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.formats import LANGUAGES
from partner_portal.kernel.actor import Actor, ActorKind, StaffRole
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import language
from tenants import policy

from .tables import fingerprint, naive_now

LANGUAGE_COOKIE = "admin_language"
"""Set by the admin's script from the choice made in its menu, so that labels and pages follow it."""

_DOOR = Principal(Door.STAFF, actor="system:sign-in")
_WHO = """
SELECT u.id, u.username, u.first_name, u.last_name, array_remove(array_agg(r.role), NULL) AS roles
  FROM staff_session s JOIN piccolo_user u ON u.id = s.user_id LEFT JOIN staff_role r ON r.user = u.id
 WHERE s.token = $1 AND s.expiry_date > $2 AND s.max_expiry_date > $2 AND u.active AND u.admin
 GROUP BY u.id
"""

caller: ContextVar[str] = ContextVar("caller", default="")
"""The address from which the request came, for counting attempts to sign in."""


class Account(BaseUser, tablename="piccolo_user"):
    """An account of the provider's staff, as the admin signs it in: Piccolo's own table, with the portal's rules for passwords."""

    _min_password_length = policy.PASSWORD_LENGTH.start
    _max_password_length = policy.PASSWORD_LENGTH.stop - 1

    @classmethod
    async def login(cls, username: str, password: str) -> int | None:
        """The id of the active account with this password; None after the same work otherwise. 429 when it was tried too often."""
        account = f"staff {username}"
        if wait := await rates.attempt(account, caller.get()):
            raise HTTPException(429, "Too many attempts", {"retry-after": str(wait)})
        if len(password) > cls._max_password_length:
            return None
        row = await db.fetch_one("SELECT id, password, active AND admin AS may_enter FROM piccolo_user WHERE username = $1", username)
        known = await asyncio.to_thread(cls._is_password, row["password"] if row else None, password)
        if row is None or not known or not row["may_enter"]:
            return None
        await rates.succeeded(account, caller.get())
        await cls.update({cls.last_login: naive_now()}).where(cls.id == row["id"])
        found: int = row["id"]
        return found

    @classmethod
    def _is_password(cls, stored: str | None, password: str) -> bool:
        """The hashing takes a third of a second: never on the event loop, and never skipped for unknown names."""
        if stored is None:
            cls.hash_password(password)
            return False
        _algorithm, iterations, salt, _hashed = cls.split_stored_password(stored)
        return bool(cls.hash_password(password, salt, int(iterations)) == stored)


async def staff(cookie: str) -> Actor | None:
    """Whoever of the staff is signed in with this cookie, as things are now; None when nobody is."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(_WHO, fingerprint(cookie), naive_now())
    if row is None:
        return None
    name = f"{row['first_name'] or ''} {row['last_name'] or ''}".strip()
    return Actor(
        kind=ActorKind.STAFF,
        id=str(row["id"]),
        roles=frozenset(row["roles"]),
        label=name or row["username"],
        channel="admin",
        language="nl",
    )


async def enter(*, username: str, email: str, name: str, roles: frozenset[StaffRole], password: str) -> int:
    """The account exists and can sign in with these roles; Invalid when name or e-mail is taken or the password too short or too long."""
    if len(password) not in policy.PASSWORD_LENGTH:
        limits = {"at_least": policy.PASSWORD_LENGTH.start, "at_most": policy.PASSWORD_LENGTH.stop - 1}
        raise Invalid(FieldError("/password", "password-length", limits))
    first, _, last = name.strip().partition(" ")
    hashed = await asyncio.to_thread(Account.hash_password, password)
    try:
        async with db.savepoint():
            row = await db.fetch_one(
                "INSERT INTO piccolo_user (username, password, first_name, last_name, email, active, admin, superuser)"
                " VALUES ($1, $2, $3, $4, $5, true, true, false) RETURNING id",
                *(username, hashed, first, last, email),
            )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/username", "taken", {"value": username})) from error
    assert row is not None  # noqa: S101  # RETURNING answers with the row
    for role in sorted(roles):
        await db.execute('INSERT INTO staff_role (id, "user", role) VALUES ($1, $2, $3)', uuid4(), row["id"], role.value)
    user: int = row["id"]
    return user


async def people(trails: Iterable[str | None]) -> dict[str, str]:
    """What those of the staff are called who are kept by kind and id; of others, and of accounts that are gone, nothing."""
    wanted = {trail: int(trail.partition(":")[2]) for trail in trails if trail and trail.startswith("staff:") and trail[6:].isdecimal()}
    rows = await db.fetch("SELECT id, username, first_name, last_name FROM piccolo_user WHERE id = ANY($1::int[])", list(wanted.values()))
    names = {row["id"]: f"{row['first_name'] or ''} {row['last_name'] or ''}".strip() or row["username"] for row in rows}
    return {trail: names[user] for trail, user in wanted.items() if user in names}


async def close(user: int) -> None:
    """Every session of the account is over, in whatever browser."""
    await db.execute("DELETE FROM staff_session WHERE user_id = $1", user)


def acting(request: Request | Any) -> Actor:
    """Who uses the admin in this request; 401 for a stranger."""
    actor: Actor | None = request.scope["state"]["identity"].actor
    if actor is None:
        raise HTTPException(401, "Auth failed")
    return actor


def spoken(request: Request | Any) -> str:
    """The language chosen in the admin's menu, else the browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else language.choose(None, request.headers.get("accept-language", ""))


def say(request: Request | Any, msgid: str, **words: object) -> str:
    """The sentence in the language of the request."""
    return catalogue.text(msgid, spoken(request), **words)
