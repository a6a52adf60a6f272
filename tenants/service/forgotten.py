"""A forgotten password: asked for by anybody, chosen anew by whoever reads the mail of the address."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db, outbox, sessions, tokens
from partner_portal.infra.db import NOBODY, Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import NotFound, Refused

from .. import policy
from ..events import PasswordChanged, PasswordForgotten
from . import accounts, passwords
from .accounts import Account

_DOOR = Principal(Door.STAFF, actor="system:password")
_BY_TOKEN = "SELECT id, email, used_at, expires_at FROM password_link WHERE token_sha256 = $1"  # noqa: S105  # a statement


class PasswordLinkNotOpen(Refused):
    """The link was used, another one was, or its hour is over."""


async def ask(email: str) -> None:
    """Whoever reads the mail of this address gets a link, if the address has an account; the same work and no sign of it if it has none."""
    link = new_id()
    async with db.apart(_DOOR):
        found = await accounts.of_address(email)
        await db.execute(
            "INSERT INTO password_link (id, email, token_sha256, expires_at, created_at) VALUES ($1, lower($2), $3, $4, $5)",
            *(link, email, tokens.sha256(tokens.token(link)), clock.now() + policy.PASSWORD_LINK_FOR, clock.now()),
        )
        tenant, account = (found[0].actor.tenant or NOBODY, found[0].actor.trail) if found else (NOBODY, "")
        await outbox.publish(PasswordForgotten(tenant_id=tenant, link_id=link, account=account))


async def must_be_open(token: str) -> None:
    """Nothing for a link that can still be used, which looking does not change; raises NotFound, PasswordLinkNotOpen."""
    async with db.apart(_DOOR):
        _check(await _row(token))


async def choose(token: str, password: str) -> None:
    """The address of the link has this password, all its sessions are over, and its owner is told by mail. Raises NotFound, PasswordLinkNotOpen, Invalid."""
    passwords.check(password)
    await must_be_open(token)
    chosen = await passwords.hashed(password)
    async with db.apart(_DOOR):
        row = await _row(token, lock=True)
        _check(row)
        # One of them was used: none of the others is needed any more.
        await db.execute("UPDATE password_link SET used_at = $2 WHERE email = $1 AND used_at IS NULL", row["email"], clock.now())
        await change(row["email"], chosen)


async def change(email: str, password_hash: str, *, but: str = "") -> None:
    """The address has this password; when that is saved, all sessions of its accounts are over, save the one with the token `but`, and a mail says so.

    In the caller's unit of work, through the staff door.
    """
    await passwords.replace(email, password_hash)
    found = await accounts.of_address(email)
    for account in found:
        db.current().after_commit.append(partial(sessions.revoke_all, account.actor.trail, but=but))
    if found:
        await outbox.publish(_changed(found[0]))


def _changed(account: Account) -> PasswordChanged:
    return PasswordChanged(
        tenant_id=account.actor.tenant or NOBODY, account=account.actor.trail, change_id=new_id(), changed_at=clock.now()
    )


async def open_link(link: UUID) -> Any:
    """The address and the last moment of the link; None once it cannot be used any more. In the caller's unit of work, through the staff door."""
    return await db.fetch_one(
        "SELECT email, expires_at FROM password_link WHERE id = $1 AND used_at IS NULL AND expires_at > $2", link, clock.now()
    )


async def purge(before: datetime) -> int:
    """Links made before this instant are gone; a daily job, through the staff door. Returns how many."""
    tag = await db.execute("DELETE FROM password_link WHERE created_at < $1", before)
    return int(tag.rpartition(" ")[2])


async def _row(token: str, *, lock: bool = False) -> Any:
    row = await db.fetch_one(_BY_TOKEN + (" FOR UPDATE" if lock else ""), tokens.sha256(token))
    if row is None:
        raise NotFound(what="link")
    return row


def _check(row: Any) -> None:
    if row["used_at"] is not None or row["expires_at"] <= clock.now():
        raise PasswordLinkNotOpen
