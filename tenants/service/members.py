"""Members of a partner: entered by staff or an owner, with a password of their own."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import FieldError, Invalid

from .. import policy
from . import sign_in


async def enter(*, tenant: UUID, email: str, name: str, role: Role, language: str = "nl", password: str | None = None) -> UUID:
    """The member exists and, given a password, can sign in; Invalid when the e-mail is taken or the password too short or too long."""
    if password is not None and len(password) not in policy.PASSWORD_LENGTH:
        raise Invalid(
            FieldError(
                "/password", "password-length", {"at_least": policy.PASSWORD_LENGTH.start, "at_most": policy.PASSWORD_LENGTH.stop - 1}
            )
        )
    member = new_id()
    hashed = await sign_in.hash_password(password) if password is not None else None
    try:
        async with db.savepoint():
            await db.execute(
                "INSERT INTO member (id, tenant, email, name, role, language, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                *(member, tenant, email, name, role, language, hashed, clock.now()),
            )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/email", "taken")) from error
    return member
