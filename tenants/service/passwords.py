"""Passwords: one per address, whatever accounts it has; behind the staff door only, looked at with the same work whether or not there is one."""

from __future__ import annotations

import asyncio

import argon2

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import FieldError, Invalid

from .. import policy

_DOOR = Principal(Door.STAFF, actor="system:sign-in")
_hasher = argon2.PasswordHasher()  # Argon2id with the library's parameters (RFC 9106, low-memory profile)
_NOBODY = _hasher.hash("no account has this password")


def check(password: str, pointer: str = "/password") -> None:
    """Nothing for a password that may be chosen; Invalid at `pointer` for one that is too short or too long."""
    if len(password) not in policy.PASSWORD_LENGTH:
        limits = {"at_least": policy.PASSWORD_LENGTH.start, "at_most": policy.PASSWORD_LENGTH.stop - 1}
        raise Invalid(FieldError(pointer, "password-length", limits))


async def is_right(email: str, password: str) -> bool:
    """Whether `password` is the one of this address; exactly one verification, also where there is none."""
    async with db.apart(_DOOR):
        row = await db.fetch_one("SELECT password_hash FROM credential WHERE email = lower($1)", email)
    return await _verify(row["password_hash"] if row else _NOBODY, password) and row is not None


async def chosen_at(email: str) -> str:
    """When the password of this address was chosen, nothing where it has none; in the caller's unit of work, through the staff door."""
    row = await db.fetch_one("SELECT changed_at FROM credential WHERE email = lower($1)", email)
    return row["changed_at"].isoformat() if row else ""


async def hashed(password: str) -> str:
    """The password as it may be stored (Argon2id); slow on purpose, and outside the event loop: call it before any row is locked."""
    return await asyncio.to_thread(_hasher.hash, password)


async def choose_first(email: str, password_hash: str) -> bool:
    """The address has this password, unless it had one: False then, and nothing changed. In the caller's unit of work, through the staff door."""
    tag = await db.execute(
        "INSERT INTO credential (id, email, password_hash, changed_at) VALUES ($1, lower($2), $3, $4) ON CONFLICT (email) DO NOTHING",
        *(new_id(), email, password_hash, clock.now()),
    )
    return tag == "INSERT 0 1"


async def replace(email: str, password_hash: str) -> None:
    """The address has this password, whatever it had before. In the caller's unit of work, through the staff door."""
    await db.execute(
        "INSERT INTO credential (id, email, password_hash, changed_at) VALUES ($1, lower($2), $3, $4)"
        " ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at",
        *(new_id(), email, password_hash, clock.now()),
    )


async def _verify(stored: str, password: str) -> bool:
    try:
        return await asyncio.to_thread(_hasher.verify, stored, password)
    except argon2.exceptions.VerificationError:
        return False
