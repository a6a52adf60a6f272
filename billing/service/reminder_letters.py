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
from .reminders import Stops, Words

MAILS = {
    Level.NOTE: "billing/payment_note",
    Level.FIRST: "billing/reminder_1",
    Level.SECOND: "billing/reminder_2",
}


class ClaimSaid(msgspec.Struct, frozen=True):
    """An invoice as a reminder names it: whose turn at which level it is (None: only overdue as well), and what it costs should it alone stay unpaid."""

    number: str
    due_on: date
    amount: Money
    reference: str
    level: Level | None = None
    alone: Money | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a reminder says; `claims` are all that it asks for, added up in `total`, and `soon` what is not due yet and only noted."""

    level: Level
    is_consumer: bool
    debtor: str
    sent_on: date
    claims: Sequence[ClaimSaid]
    soon: Sequence[ClaimSaid] = ()
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
        """The oldest of the claims that it is called after."""
        return next((claim for claim in self.claims if claim.level is self.level), self.claims[0])

    @property
    def is_mixed(self) -> bool:
        """Whether it asks for invoices of which something else holds than of the first."""
        return any(claim.level is not self.level for claim in self.claims)

    @property
    def levels(self) -> set[Level | None]:
        """The levels of what it asks for."""
        return {claim.level for claim in self.claims}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder with whoever gets it, in whose face, and from which country."""

    said: Said
    debtor: Debtor
    brand: Brand
    documents: Sequence[tuple[UUID, str]]
    sent_from: str


async def made(tenant: UUID, letter_id: UUID) -> Letter | None:
    """The tenant's letter as it is to be sent; None when all of it was paid or held meanwhile. Through the staff door. NotFound.

    Where that is so of all whose last (or highest) reminder it was, the letter says of the others what holds of them by themselves.
    """
    rows = await reminders.letter(letter_id)
    if not rows or rows[0]["tenant"] != tenant:
        raise NotFound(what="letter", id=str(letter_id))
    owed = [row for row in rows if row["still_open"] > 0 and not row["hold"]]
    if not owed:
        return None
    if _level(owed) < _level(rows):
        rows = owed
    first = rows[0]
    debtor = await parties.debtor(first["tenant"], first["customer"], clock.today())
    return Letter(
        said=_said(rows, debtor, await _link(rows)),
        debtor=debtor,
        brand=await _face(first["tenant"], Layer(first["layer"])),
        documents=[(row["document"], f"{row['number']}.pdf") for row in rows if row["document"]],
        sent_from=msgspec.json.decode(first["issuer_details"], type=Party).located_in,
    )


def _level(rows: Sequence[asyncpg.Record]) -> Level:
    return Level(max(row["level"] for row in rows))


def _words(rows: Sequence[asyncpg.Record]) -> Words:
    """What is kept with those that the letter is called after."""
    return reminders.words_of(max(rows, key=lambda row: row["level"]))


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
    first, level = rows[0], _level(rows)
    also = [one.number for one in _words(rows).also]
    named = await db.fetch(_ALSO, first["tenant"], first["customer"], first["issuer"], also) if also else []
    asked = [row["invoice"] for row in rows if _is_asked(row, level)]
    return await pay_at([*asked, *(row["id"] for row in named)], first["customer"])


def _is_asked(row: asyncpg.Record, level: Level) -> bool:
    """Whether a letter of this level asks for it: not for what is only due soon."""
    return row["level"] > Level.NOTE or level is Level.NOTE


def _said(rows: Sequence[asyncpg.Record], debtor: Debtor, link: str) -> Said:
    level, words = _level(rows), _words(rows)
    head = next(row for row in rows if row["level"] == level)
    issuer = msgspec.json.decode(head["issuer_details"], type=Party)
    claims = [_claim(row, words) for row in rows if _is_asked(row, level)]
    claims += [
        ClaimSaid(one.number, one.due_on, Money(one.open_cents), one.reference, alone=_alone(one.number, words)) for one in words.also
    ]
    return Said(
        level=level,
        is_consumer=words.is_consumer,
        debtor=debtor.party.name,
        sent_on=head["sent_on"],
        claims=sorted(claims, key=lambda claim: (claim.due_on, claim.number)),
        soon=[_claim(row, words) for row in rows if not _is_asked(row, level)],
        total=Money(sum(claim.amount.cents for claim in claims)),
        payee=issuer.name,
        iban=issuer.iban or "",
        pays_by=head["pays_by"],
        costs=Money(words.costs_cents),
        interest=Money(words.interest_cents),
        stops=[stop for stop in words.stops if stop.on],
        link=link,
    )


def _claim(row: asyncpg.Record, words: Words) -> ClaimSaid:
    number = row["number"]
    return ClaimSaid(number, row["due_on"], Money(row["open_cents"]), row["reference"], Level(row["level"]), _alone(number, words))


def _alone(number: str, words: Words) -> Money | None:
    """Only where several bear costs: of one it is all that they are."""
    return Money(words.alone[number]) if number in words.alone and len(words.alone) > 1 else None


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
