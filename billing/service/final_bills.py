"""The final bill of services that end: what the end costs, use not billed yet, and what is given back of days billed in advance."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor

from ..policy.crediting import NothingToCredit, Part
from ..policy.final_bill import Document, Entry, GivenBack, as_billed, documents, given_back, given_back_once
from ..policy.ledger import Kind, Layer, LineKind
from ..policy.recurring import Why
from ..policy.tax import Vat
from . import charges, credit_notes, issuing, parking, parties, places
from .charges import Charge
from .credit_notes import Wanted
from .due import Doubt
from .issuing import Draft
from .parties import Debtor, DebtorIncomplete, IssuerUnknown, Sender
from .places import NoPlace

_REASON = sentence("Final bill: days billed in advance are given back")
_UNDONE = sentence("Withdrawal within the cooling-off period")
_DAYS = (
    "SELECT id, billed_from, paid_until, billing_ends_on, ended_at FROM billing_service WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
)
_WAITING = """
SELECT * FROM billing_charge WHERE tenant = $1 AND layer = $2 AND service = ANY($3::uuid[]) AND line IS NULL AND dropped_at IS NULL
   AND (key LIKE $4 || '%' OR kind = 'usage') ORDER BY created_at, key FOR UPDATE
"""
_OF_CASE = "SELECT * FROM billing_charge WHERE tenant = $1 AND service = ANY($2::uuid[]) AND key LIKE $3 || '%' ORDER BY key FOR UPDATE"
_BILLED = """
SELECT DISTINCT l.invoice FROM billing_line l JOIN billing_invoice i ON i.id = l.invoice
 WHERE l.tenant = $1 AND l.service = $2 AND l.layer = $3 AND l.kind = 'recurring' AND l.period_until > $4
"""
_BILLED_ONCE = """
SELECT l.id, l.invoice FROM billing_charge c JOIN billing_line l ON l.id = c.line
 WHERE c.tenant = $1 AND c.service = $2 AND c.layer = $3 AND c.kind = 'setup' AND starts_with(c.key, 'order:')
"""
_PAID_UNTIL = "UPDATE billing_service SET paid_until = $2, version = version + 1 WHERE id = $1 AND paid_until > $2"
_LINE_OF = "SELECT invoice FROM billing_line WHERE id = $1"


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Of which tenant, customer and price layer a final bill is, and with what its charges' keys begin: one case, one beginning.

    `is_undone`: a consumer withdrew from its contract.
    """

    tenant: UUID
    customer: UUID
    layer: Layer
    key: str
    is_undone: bool = False

    @property
    def debtor(self) -> UUID | None:
        """Who owes: the customer, or (None) the partner itself."""
        return self.customer if self.layer is Layer.CUSTOMER else None


async def billed_days(services: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """Up to when each service was billed; nobody bills them on before this unit of work ends."""
    return {row["id"]: row for row in await db.fetch(_DAYS, list(services))}


async def give_back(tenant: UUID, returned: Sequence[Charge]) -> None:
    """Days billed in advance wait to be credited, and are no longer billed: one charge per service and layer, below zero, with its period.

    After `billed_days`, for all layers of a case together, because a service has one first unbilled day.
    """
    await charges.put(tenant, returned)
    for charge in returned:
        if charge.period:
            await db.execute(_PAID_UNTIL, charge.service, charge.period[0])


async def bill(actor: Actor, whose: Whose, services: Sequence[UUID]) -> tuple[UUID, ...]:
    """What waits for the end of these services is on documents, which are returned; nothing twice, by the keys of the charges.

    Where whoever owes has no address, its issuer none of its details, or nobody knows in which country a consumer is taxed, that is parked and what waits
    goes on waiting: `CustomerUnparked`, or of the partner itself `PartnerUnparked`, asks to come again. What only gives back what was billed needs no
    country. Runs through the staff door.
    """
    waiting = await db.fetch(_WAITING, whose.tenant, whose.layer.value, list(services), whose.key)
    if not waiting:
        return ()
    try:
        async with db.savepoint():
            sender = await parties.sender(whose.tenant, whose.layer)
            debtor = await parties.debtor(whose.tenant, whose.debtor, clock.today())
    except (IssuerUnknown, DebtorIncomplete) as lacking:
        why = Why.NO_ISSUER if isinstance(lacking, IssuerUnknown) else Why.NO_ADDRESS
        await parking.hold(whose.tenant, Doubt(whose.debtor or whose.tenant, None, why))
        return ()
    vat = parties.vat(sender, debtor, clock.today())
    entries = as_billed([entry for row in waiting for entry in await _entries(row, vat, debtor.language)])
    if any(entry.of is None and not entry.is_placed for entry in entries) and await _is_held(whose, debtor, sender):
        return ()
    return tuple([await _issue(actor, whose, document, debtor.language) for document in documents(entries)])


async def _is_held(whose: Whose, debtor: Debtor, sender: Sender) -> bool:
    if whose.debtor is None:
        return False
    place = (await places.judge({whose.debtor: (debtor, sender)}, clock.today())).get(whose.debtor)
    if not isinstance(place, NoPlace):
        return False
    await parking.hold(whose.tenant, Doubt(whose.debtor, None, Why(place.why.value), place.facts))
    return True


async def _entries(row: asyncpg.Record, vat: Vat, language: str) -> list[Entry]:
    whole = charges.drafted(row, vat)
    if whole.kind is not LineKind.CREDIT or whole.service is None:
        return [Entry(line=whole)]
    found: list[Entry] = []
    for part, invoice in await _divided(row, whole.period):
        quantity, unit_price = charges.of_sum(-part.cents)
        line = msgspec.structs.replace(
            whole,
            description=whole.description if part.charged is None else _named(whole.description, part.charged.description, language),
            amount_cents=-part.cents,
            quantity=quantity,
            unit_price=unit_price,
            period=part.period,
            credits=part.charged.id if part.charged else None,
            charge=None if found else whole.charge,
            vat=part.charged.vat if part.charged else vat,
        )
        found.append(Entry(line=line, of=invoice))
    return found


def _named(credit: str, what: str, language: str) -> str:
    return catalogue.text(sentence("%(credit)s (%(what)s)"), language, credit=credit, what=what)


async def _divided(row: asyncpg.Record, days: tuple[date, date] | None) -> list[tuple[GivenBack, UUID | None]]:
    """The credit by the lines that billed its days, or (without days) its set-up, each with its invoice; the invoices are locked."""
    whose = (row["tenant"], row["service"], row["layer"])
    found = await db.fetch(_BILLED, *whose, days[0]) if days else await db.fetch(_BILLED_ONCE, *whose)
    once = set() if days else {one["id"] for one in found}
    heads = await credit_notes.locked([one["invoice"] for one in found])
    lines = {}
    for invoice, head in heads.items():
        for line in await credit_notes.charged(head):
            if line.id in once or (days and line.service == row["service"] and line.period):
                lines[line.id] = (line, invoice)
    billed, cents = [line for line, _ in lines.values()], -row["amount_cents"]
    parts = given_back(cents, days, billed) if days else given_back_once(cents, billed)
    return [(part, lines[part.charged.id][1] if part.charged else None) for part in parts]


async def _issue(actor: Actor, whose: Whose, document: Document, language: str) -> UUID:
    made = await issuing.issue(
        Draft(
            tenant=whose.tenant,
            customer=whose.debtor,
            layer=whose.layer,
            kind=document.kind,
            lines=document.lines,
            refers_to=document.refers_to,
            reason=catalogue.text(_UNDONE if whose.is_undone else _REASON, language) if document.refers_to else None,
        )
    )
    if document.kind is Kind.CREDIT_NOTE and document.refers_to:
        head = (await credit_notes.locked([made]))[made]
        await credit_notes.settle(actor, document.refers_to, made, head["gross_cents"])
    return made


async def take_back(actor: Actor, tenant: UUID, services: Sequence[UUID], key: str, reason: str) -> tuple[UUID, ...]:
    """What these services were to pay for an end that does not come is dropped, or credited where it was billed; returns the credit notes."""
    notes = []
    billed: dict[UUID, list[Part]] = {}
    for row in await db.fetch(_OF_CASE, tenant, list(services), key):
        if row["line"] is None:
            await db.execute(
                "UPDATE billing_charge SET dropped_at = coalesce(dropped_at, $2), dropped_because = coalesce(dropped_because, $3) WHERE id = $1",
                *(row["id"], clock.now(), reason),
            )
        elif row["amount_cents"] > 0 and (line := await db.fetch_one(_LINE_OF, row["line"])):
            billed.setdefault(line["invoice"], []).append(Part(line=row["line"]))
    for invoice, parts in billed.items():
        with suppress(NothingToCredit):  # somebody of finance was first
            notes.append(await credit_notes.give_back(actor, invoice, Wanted(reason=reason, parts=tuple(parts))))
    return tuple(notes)
