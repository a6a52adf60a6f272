"""A reminder in words: the same facts for its mail and its letter, as they were when it was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, settings
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.kernel.money import Money
from tenants.policy import TenantKind
from tenants.service import brands

from ..policy.ledger import Layer
from ..policy.reminding import Level
from . import paper, parties, pay_links, reminders
from .parties import Debtor, Party
from .reminders import Stops

MAILS = {
    Level.NOTE: "billing/payment_note",
    Level.FIRST: "billing/reminder_1",
    Level.SECOND: "billing/reminder_2",
}


class ClaimSaid(msgspec.Struct, frozen=True):
    """An invoice as a reminder names it."""

    number: str
    due_on: date
    amount: Money
    reference: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a reminder says; `claims` are all that it asks for, added up in `total`."""

    level: Level
    is_consumer: bool
    debtor: str
    sent_on: date
    claims: Sequence[ClaimSaid]
    total: Money
    payee: str
    iban: str
    pays_by: date | None
    costs: Money
    interest: Money
    stops: Sequence[Stops]
    link: str

    @property
    def first(self) -> ClaimSaid:
        """The oldest of the claims."""
        return self.claims[0]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder with whoever gets it, in whose face, and from which country."""

    said: Said
    debtor: Debtor
    brand: Brand
    documents: Sequence[tuple[UUID, str]]
    sent_from: str


async def made(tenant: UUID, letter_id: UUID) -> Letter | None:
    """The tenant's letter as it is to be sent; None when all of it was paid or held meanwhile. Through the staff door. NotFound."""
    rows = await reminders.letter(letter_id)
    if not rows or rows[0]["tenant"] != tenant:
        raise NotFound(what="letter", id=str(letter_id))
    if all(row["still_open"] <= 0 or row["hold"] for row in rows):
        return None
    first = rows[0]
    debtor = await parties.debtor(first["tenant"], first["customer"], clock.today())
    return Letter(
        said=_said(rows, debtor, await _link(rows)),
        debtor=debtor,
        brand=await _face(first["tenant"], Layer(first["layer"])),
        documents=[(row["document"], f"{row['number']}.pdf") for row in rows if row["document"]],
        sent_from=msgspec.json.decode(first["issuer_details"], type=Party).located_in,
    )


def name_of(said: Said) -> str:
    """Which mail says it."""
    if said.level is not Level.THIRD:
        return MAILS[said.level]
    return "billing/fourteen_day_letter_consumer" if said.is_consumer else "billing/final_notice_business"


async def _face(tenant: UUID, layer: Layer) -> Brand:
    """The brand that the debtor knows: its partner's; the provider's for what the partner owes itself, without its picture, which is not the partner's."""
    if layer is Layer.CUSTOMER:
        return await brands.of_tenant(tenant)
    house = await db.fetch_one("SELECT id FROM tenant WHERE kind = $1 LIMIT 1", TenantKind.HOUSE)
    return msgspec.structs.replace(await brands.of_tenant(house["id"] if house else tenant), logo=None)


async def pay_at(invoices: Sequence[UUID], customer: UUID | None) -> str:
    """Where whoever has the mail pays these invoices, signed in or not; the same for the same. Through the staff door.

    What one link cannot hold (very many, or owed to several) is on the page of what is open.
    """
    try:
        async with db.savepoint():
            return pay_links.address(await pay_links.make(SYSTEM, invoices))
    except Invalid:
        return open_at(customer)


def open_at(customer: UUID | None) -> str:
    """Where the debtor, or its partner, sees what is open; signed in."""
    return f"{settings.current().public_url}/portal/{'own/' if customer else ''}open-items"


_ALSO = "SELECT id FROM billing_invoice WHERE tenant = $1 AND customer IS NOT DISTINCT FROM $2 AND issuer = $3 AND number = ANY($4)"


async def _link(rows: Sequence[asyncpg.Record]) -> str:
    """Where everything that the letter asks for is paid: what it is about, and what it names besides."""
    first = rows[0]
    also = [one.number for one in reminders.words_of(first).also]
    named = await db.fetch(_ALSO, first["tenant"], first["customer"], first["issuer"], also) if also else []
    return await pay_at([*(row["invoice"] for row in rows), *(row["id"] for row in named)], first["customer"])


def _said(rows: Sequence[asyncpg.Record], debtor: Debtor, link: str) -> Said:
    first, words = rows[0], reminders.words_of(rows[0])
    issuer = msgspec.json.decode(first["issuer_details"], type=Party)
    claims = [ClaimSaid(row["number"], row["due_on"], Money(row["open_cents"]), row["reference"]) for row in rows]
    claims += [ClaimSaid(one.number, one.due_on, Money(one.open_cents), one.reference) for one in words.also]
    return Said(
        level=Level(first["level"]),
        is_consumer=words.is_consumer,
        debtor=debtor.party.name,
        sent_on=first["sent_on"],
        claims=sorted(claims, key=lambda claim: (claim.due_on, claim.number)),
        total=Money(sum(claim.amount.cents for claim in claims)),
        payee=issuer.name,
        iban=issuer.iban or "",
        pays_by=first["pays_by"],
        costs=Money(words.costs_cents),
        interest=Money(words.interest_cents),
        stops=[stop for stop in words.stops if stop.on],
        link=link,
    )


def letter_words(letter: Letter, brand: Brand, version: str) -> dict[str, Any]:
    """What the letter on paper needs."""
    return {
        "brand": brand,
        "provider": letter.said.payee,
        "recipient": paper.recipient(letter.debtor.party, letter.sent_from, letter.debtor.language),
        "issued_at": clock.now(),
        "number": letter.said.first.number,
        "said": letter.said,
        "in_fours": paper.in_fours,
        "version": version,
    }
