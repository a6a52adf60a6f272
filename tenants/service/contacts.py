"""The people at a customer and what they may do: one main user always, managed by the partner and by the main user itself."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from partner_portal.infra import clock, db, sessions
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind, ContactRight, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from .. import policy
from . import invitations
from .customers import Email, Language, Name, Phone
from .members import AccountClosed, HasAccount


class MainUserStays(Refused):
    """A customer always has a main user: make somebody else the main user first."""


class ContactEnded(Refused):
    """The contact's access has ended or is to end: take that back first."""


class TooManyContacts(Refused):
    """The customer has as many contacts as it can have."""


class NewContact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person at a customer with its rights; without a language it reads the customer's."""

    name: Name
    email: Email
    phone: Phone | None = None
    language: Language | None = None
    is_administrative: bool = False
    is_technical: bool = False
    may_sign: bool = False


class ContactChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays. `active_until` is the last day of access, null for no end."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone: Phone | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    is_administrative: bool | UnsetType = UNSET
    is_technical: bool | UnsetType = UNSET
    may_sign: bool | UnsetType = UNSET
    active_until: date | UnsetType | None = UNSET


_COLUMNS = tuple(ContactChange.__struct_fields__)
_SEEN = """
SELECT k.id, k.customer, k.name, k.email, k.phone, k.language, k.is_main, k.is_administrative, k.is_technical, k.may_sign, k.active_until,
       k.signed_in_at, k.version, lower(k.accepted_as) = lower(k.email) AS has_account, k.active_until IS NOT NULL AND k.active_until < $2 AS is_over,
       (SELECT max(i.expires_at) FROM invitation i WHERE i.tenant = k.tenant AND i.contact = k.id AND i.used_at IS NULL AND i.replaced_at IS NULL)
           AS invited_until
  FROM contact k WHERE k.customer = $1
"""


def may_manage(actor: Actor) -> bool:
    """Whether the actor manages contacts: a partner's owner or clerk, its software with that scope, the customer's main user."""
    return actor.has_any(Role.OWNER, Role.CLERK, policy.Scope.CUSTOMERS, ContactRight.MAIN)


async def listed(customer: UUID) -> list[asyncpg.Record]:
    """The customer's contacts: the main user first, those whose access is over last. NotFound when the customer is not the actor's to see."""
    if await db.fetch_one("SELECT 1 FROM customer WHERE id = $1", customer) is None:
        raise NotFound(what="customer", id=str(customer))
    return await db.fetch(_SEEN + " ORDER BY is_over, NOT k.is_main, lower(k.name), k.id", customer, clock.today())


async def signers(customer: UUID) -> list[asyncpg.Record]:
    """Who can answer for the customer: its main user first, then those who may sign. NotFound as `listed`."""
    return [row for row in await listed(customer) if row["is_main"] or (row["may_sign"] and row["email"] and not row["is_over"])]


async def one(customer: UUID, contact: UUID) -> asyncpg.Record:
    """The contact of this customer; NotFound when there is none, or none that the actor may see."""
    return await _row(customer, contact, "")


async def add(actor: Actor, customer: UUID, new: NewContact) -> UUID:
    """The customer has this contact; it is invited apart. Raises NotAllowed, NotFound, TooManyContacts."""
    _must_manage(actor)
    # Locked before it is counted, in two statements: two who add at once count one after the other.
    if not await _lock_all(customer):
        raise NotFound(what="customer", id=str(customer))  # for every customer has a main user
    known = await db.fetch("SELECT id FROM contact WHERE customer = $1", customer)
    if len(known) >= policy.MOST_CONTACTS:
        raise TooManyContacts(most=policy.MOST_CONTACTS)
    contact = new_id()
    await db.execute(
        "INSERT INTO contact (id, tenant, customer, name, email, phone, language, is_administrative, is_technical, may_sign, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(contact, actor.tenant, customer, new.name, new.email, new.phone, new.language),
        *(new.is_administrative, new.is_technical, new.may_sign, clock.now()),
    )
    return contact


async def version_of(customer: UUID, contact: UUID) -> int:
    """The contact's version, its row locked: whoever changes it compares first. NotFound as `one`."""
    version: int = (await _locked(customer, contact))["version"]
    return version


async def change(actor: Actor, customer: UUID, contact: UUID, wanted: ContactChange) -> None:
    """The contact is as `wanted`; whoever gets another e-mail address is signed out and must be invited there.

    Raises NotAllowed, NotFound, MainUserStays, Invalid for a last day that has passed.
    """
    _must_manage(actor)
    if isinstance(wanted.active_until, date) and wanted.active_until < clock.today():
        raise Invalid(FieldError("/active_until", "in-the-past"))
    row = await _locked(customer, contact)
    if isinstance(wanted.active_until, date) and row["is_main"]:
        raise MainUserStays(name=row["name"])
    values: dict[str, Any] = {name: value for name in _COLUMNS if (value := getattr(wanted, name)) is not UNSET}
    assigned = "".join(f", {name} = ${place}" for place, name in enumerate(values, 2))
    await db.execute(f"UPDATE contact SET version = version + 1{assigned} WHERE id = $1", contact, *values.values())  # noqa: S608  # names of our own columns
    changed(contact, signed_out=values.get("email", row["email"]).lower() != row["email"].lower())


async def end(actor: Actor, customer: UUID, contact: UUID) -> None:
    """The contact's access is over at once, and so is every session of it; ending it twice changes nothing. Raises NotAllowed, NotFound, MainUserStays."""
    _must_manage(actor)
    row = await _locked(customer, contact)
    if row["is_main"]:
        raise MainUserStays(name=row["name"])
    if not row["is_over"]:
        yesterday = clock.today() - timedelta(days=1)
        await db.execute("UPDATE contact SET version = version + 1, active_until = $2 WHERE id = $1", contact, yesterday)
    changed(contact, signed_out=True)


async def make_main(actor: Actor, customer: UUID, contact: UUID) -> None:
    """This contact is the customer's main user and nobody else is; the former one keeps every right but that. Raises NotAllowed, NotFound, ContactEnded."""
    _must_manage(actor)
    await _lock_all(customer)  # whoever transfers at the same time waits, and finds the main user of then
    row = await _locked(customer, contact)
    if row["active_until"] is not None:
        raise ContactEnded(name=row["name"])
    if row["is_main"]:
        return
    former = await db.fetch(
        "UPDATE contact SET is_main = false, is_administrative = true, is_technical = true, may_sign = true, version = version + 1"
        " WHERE customer = $1 AND is_main RETURNING id",
        customer,
    )
    await db.execute("UPDATE contact SET is_main = true, version = version + 1 WHERE id = $1", contact)
    for one_of_two in (contact, *(row["id"] for row in former)):
        changed(one_of_two, signed_out=False)


async def invite(actor: Actor, customer: UUID, contact: UUID) -> None:
    """An invitation is mailed, and every earlier one is worth nothing. Raises NotAllowed, NotFound, HasAccount, AccountClosed."""
    _must_manage(actor)
    row = await _locked(customer, contact)
    if row["is_over"]:
        raise AccountClosed(name=row["name"])
    if row["has_account"]:
        raise HasAccount(name=row["name"])
    await invitations.make(actor, email=row["email"], contact=contact)


def changed(contact: UUID, *, signed_out: bool) -> None:
    """When the change is saved, it counts at once."""
    end = sessions.revoke_all if signed_out else sessions.forget
    db.current().after_commit.append(partial(end, f"{ActorKind.CONTACT.value}:{contact}"))


async def _lock_all(customer: UUID) -> bool:
    """In one order, so that nobody waits for somebody who waits; tells whether there are any."""
    return bool(await db.fetch("SELECT id FROM contact WHERE customer = $1 ORDER BY id FOR UPDATE", customer))


async def _locked(customer: UUID, contact: UUID) -> asyncpg.Record:
    return await _row(customer, contact, " FOR UPDATE OF k")


async def _row(customer: UUID, contact: UUID, lock: str) -> asyncpg.Record:
    row = await db.fetch_one(_SEEN + " AND k.id = $3" + lock, customer, clock.today(), contact)
    if row is None:
        raise NotFound(what="contact", id=str(contact))
    return row


def _must_manage(actor: Actor) -> None:
    if not may_manage(actor):
        raise NotAllowed(needs=[Role.OWNER.value, Role.CLERK.value, ContactRight.MAIN.value])
