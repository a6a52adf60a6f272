"""A customer's own mandate, signed in: how it stands, what will be collected by it, and withdrawing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound

from ..events import MandateWithdrawn
from ..policy.debit import lapses_soon
from ..policy.ledger import Layer
from . import account_changes, announcing, mandate_links, mandates, open_now, parties
from .mandates import MandateEnded
from .parties import Party

_STAFF_DOOR = Principal(Door.STAFF, actor="system:mandates")
_SHOWN = "id, tenant, customer, reference, holder, iban, scheme, signed_on, signed_how, announced_days, rests_until, last_used_on, ended_on"
_NEWEST = f"SELECT {_SHOWN} FROM billing_mandate WHERE customer = $1 ORDER BY ended_on IS NOT NULL, id DESC LIMIT 1"  # noqa: S608  # our own columns
_ONE = f"SELECT {_SHOWN} FROM billing_mandate WHERE id = $1"  # noqa: S608
# What the bank has the file of is collected all the same.
_AT_THE_BANK = """
SELECT i.id, i.number, d.amount_cents,
       (SELECT max(a.collects_on) FROM billing_announcement a WHERE a.tenant = d.tenant AND a.invoice = d.invoice) AS collects_on
  FROM billing_debit d JOIN billing_invoice i ON i.tenant = d.tenant AND i.id = d.invoice WHERE d.mandate = $1 AND d.state = 'sent' ORDER BY i.due_on, i.number
"""
_NOT_COLLECTED = """
SELECT i.id, i.number, s.open_cents AS amount_cents, i.due_on FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE s.open_cents > 0 AND i.id IN (SELECT a.invoice FROM billing_announcement a WHERE a.mandate = $1)
   AND NOT EXISTS (SELECT FROM billing_debit d WHERE d.tenant = i.tenant AND d.invoice = i.id AND d.state = 'sent') ORDER BY i.due_on, i.number LIMIT 100
"""


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that was announced: of which invoice, how much and when; `at_bank` where nothing stops it any more but the payer's own bank."""

    invoice: UUID
    number: str
    amount_cents: int
    on: date
    at_bank: bool


class OwnMandate(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's mandate as its contact sees it.

    `mandate` is the one in force; else `ended` is the last there was, and `text` what giving one means. Without `creditor` nobody collects.
    """

    mandate: Any | None
    ended: Any | None
    creditor: Party | None
    text: str
    collections: Sequence[Coming]

    @property
    def lapses_on(self) -> date | None:
        """The day on which the mandate ends unless it is used before, where that is near."""
        return lapses_soon(self.mandate["signed_on"], self.mandate["last_used_on"], clock.today()) if self.mandate else None

    @property
    def words(self) -> str:
        """The hash of the text, by which the record says what was read."""
        return mandate_links.hashed(self.text)


async def look(actor: Actor) -> OwnMandate:
    """How the mandate of the contact's own organisation stands; changes nothing."""
    assert actor.tenant is not None  # noqa: S101  # contacts have one, and no others come here
    async with db.apart(_STAFF_DOOR):
        sender = await parties.known_sender(actor.tenant, Layer.CUSTOMER)
    newest = await db.fetch_one(_NEWEST, actor.customer)
    is_over = newest is None or newest["ended_on"] is not None
    creditor = sender.party if sender and sender.party.creditor_id else None
    return OwnMandate(
        mandate=None if is_over else newest,
        ended=newest if is_over else None,
        creditor=creditor,
        text=mandate_links.text(creditor, actor.language) if creditor else "",
        collections=await _coming(newest) if newest else (),
    )


async def _coming(mandate: Any) -> list[Coming]:
    """What will be collected by the mandate, or by one that has ended but whose file the bank has, in order of day."""
    rows = await open_now.own()
    told = await announcing.now([row["id"] for row in rows])
    sent = {row["id"]: row for row in await db.fetch(_AT_THE_BANK, mandate["id"])}
    found = [
        Coming(invoice=row["id"], number=row["number"], amount_cents=told[row["id"]].amount_cents, on=told[row["id"]].on, at_bank=False)
        for row in rows
        if row["id"] in told and row["id"] not in sent
    ]
    found += [
        Coming(
            invoice=row["id"], number=row["number"], amount_cents=row["amount_cents"], on=row["collects_on"] or clock.today(), at_bank=True
        )
        for row in sent.values()
    ]
    return sorted(found, key=lambda one: (one.on, one.number))


async def to_withdraw(actor: Actor, mandate: UUID) -> OwnMandate:
    """The same, for a mandate in force that is to be withdrawn; NotFound where it is not the organisation's own, MandateEnded."""
    if await db.fetch_one(f"{_ONE} AND customer = $2", mandate, actor.customer) is None:
        raise NotFound(what="mandate", id=str(mandate))
    found = await look(actor)
    if found.mandate is None or found.mandate["id"] != mandate:
        raise MandateEnded
    return found


async def withdraw(actor: Actor, mandate: UUID) -> None:
    """Nothing is collected by the mandate any more but what the bank has the file of, and a mail says so. Raises as `to_withdraw`."""
    await to_withdraw(actor, mandate)
    async with db.as_the_tenant():
        await db.execute("SELECT 1 FROM billing_mandate WHERE id = $1 FOR UPDATE", mandate)
        await mandates.end(mandate, f"withdrawn by the customer ({actor.label})")
    assert actor.tenant is not None  # noqa: S101  # contacts have one, and no others come here
    await outbox.publish(MandateWithdrawn(tenant_id=actor.tenant, mandate_id=mandate))


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A mandate that was withdrawn, as its debtor is told: what is collected still, and what it has to pay itself now."""

    id: UUID
    customer: str
    creditor: Party
    language: str
    email: str
    reference: str
    account: str
    ended_on: date
    collected: Sequence[Any]
    to_pay: Sequence[Any]


async def withdrawn(mandate: UUID) -> Withdrawn:
    """What there is to tell of a mandate that was withdrawn; NotFound where it is not the asking tenant's or has not ended."""
    row = await db.fetch_one(f"{_ONE} AND ended_on IS NOT NULL AND customer IS NOT NULL", mandate)
    if row is None:
        raise NotFound(what="mandate", id=str(mandate))
    async with db.apart(_STAFF_DOOR):
        sender = await parties.sender(row["tenant"], Layer.CUSTOMER)
        debtor = await parties.debtor(row["tenant"], row["customer"], clock.today())
    return Withdrawn(
        id=mandate,
        customer=debtor.party.name,
        creditor=sender.party,
        language=debtor.language,
        email=debtor.party.email or "",
        reference=row["reference"],
        account=account_changes.masked(row["iban"]),
        ended_on=row["ended_on"],
        collected=await db.fetch(_AT_THE_BANK, mandate),
        to_pay=await db.fetch(_NOT_COLLECTED, mandate),
    )
