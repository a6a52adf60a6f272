"""What people set for themselves: language, explanations put away, password."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from partner_portal.infra import db, sessions
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed

from . import accounts, forgotten, passwords
from .accounts import Account

MOST_HINTS = 100


async def account(actor: Actor) -> Account:
    """The account of whoever acts, with its address; NotAllowed once it may no longer come in."""
    found = await accounts.now(actor.trail)
    if found is None:
        raise NotAllowed
    return found


async def others(actor: Actor) -> list[Account]:
    """The other accounts of the same address, the one used last first."""
    email = (await account(actor)).email
    async with db.apart(accounts.DOOR):
        return [one for one in await accounts.of_address(email) if one.actor.trail != actor.trail]


async def speak(actor: Actor, language: str) -> None:
    """Pages and mails speak this language to the person from now on."""
    await db.execute(f"UPDATE {_table(actor)} SET language = $2 WHERE id = $1", UUID(actor.id), language)  # noqa: S608  # one of our tables
    _seen_at_once(actor)


async def put_away(actor: Actor, hint: str) -> None:
    """The explanation called `hint` is not shown to the person again; putting it away twice changes nothing."""
    await db.execute(
        f"UPDATE {_table(actor)} SET seen_hints = array_append(seen_hints, $2)"  # noqa: S608  # one of our tables
        " WHERE id = $1 AND $2 <> ALL(seen_hints) AND cardinality(seen_hints) < $3",
        *(UUID(actor.id), hint, MOST_HINTS),
    )
    _seen_at_once(actor)


async def show_again(actor: Actor) -> None:
    """Every explanation is shown to the person again."""
    await db.execute(f"UPDATE {_table(actor)} SET seen_hints = '{{}}' WHERE id = $1", UUID(actor.id))  # noqa: S608  # one of our tables
    _seen_at_once(actor)


async def change_password(email: str, old: str, new: str, *, here: str) -> None:
    """The person's password is `new`; every session of its accounts is over but the one with the token `here`, and a mail says so.

    Invalid when `old` is not the password, or `new` cannot be one.
    """
    passwords.check(new, "/new")
    if not await passwords.is_right(email, old):
        raise Invalid(FieldError("/old", "wrong-password"))
    chosen = await passwords.hashed(new)
    async with db.apart(Principal(Door.STAFF, actor="system:password")):
        await forgotten.change(email, chosen, but=here)


def _table(actor: Actor) -> str:
    return "contact" if actor.kind is ActorKind.CONTACT else "member"


def _seen_at_once(actor: Actor) -> None:
    db.current().after_commit.append(partial(sessions.forget, actor.trail))
