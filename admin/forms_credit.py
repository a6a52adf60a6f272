"""What finance does by hand to what is owed: credit an invoice, charge something once, claim damages."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field
from starlette.requests import Request

from billing.policy.crediting import Part
from billing.service import charges, credit_requests, damages
from billing.service.charges import ChargeWanted
from billing.service.credit_notes import Wanted
from partner_portal.infra import db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web import decoding

from . import access
from .form import FINANCE, Form, cents

_AMOUNT = sentence("Amount in euros, as the debtor's prices are given (business: excluding VAT, consumer: including VAT)")
_PARTNER = sentence("Code of the partner")
_CUSTOMER = sentence("Number of the customer; empty: the partner itself")


class CreditWanted(BaseModel):
    """What to take back of an invoice."""

    invoice: str = Field(title=sentence("Number of the invoice"))
    line: str = Field("", title=sentence("Number of the line; empty: everything that is left of the invoice"))
    amount: str = Field("", title=sentence("Amount of that line, as its price is given; empty: all that is left of it"))
    since: str = Field("", title=sentence("Or its days from this day on, as 2026-12-16"))
    bill_again: bool = Field(default=False, title=sentence("Bill the days that are given back again at the next run"))
    reason: str = Field(title=sentence("Reason (it stands on the credit note)"))


class OnceWanted(BaseModel):
    """What to charge once."""

    partner: str = Field(title=_PARTNER)
    customer: str = Field("", title=_CUSTOMER)
    description: str = Field(title=sentence("Description (it stands on the invoice)"))
    quantity: str = Field("1", title=sentence("Quantity"))
    price: str = Field(title=_AMOUNT)
    bill_from: str = Field("", title=sentence("On an invoice from this day on, as 2026-12-31; empty: at the next run"))
    key: str = Field("", title=sentence("What it is for, in short: the same twice is refused (optional)"))


class DamageWanted(BaseModel):
    """A damage to claim."""

    partner: str = Field(title=_PARTNER)
    customer: str = Field("", title=_CUSTOMER)
    description: str = Field(title=sentence("What was damaged (it stands on the document)"))
    amount: str = Field(title=sentence("Amount in euros; damages carry no VAT"))


class DropWanted(BaseModel):
    """A charge that is not to be billed."""

    key: str = Field(title=sentence("Key of the charge"))
    partner: str = Field(title=_PARTNER)
    reason: str = Field(title=sentence("Reason"))


async def credit(request: Request, data: CreditWanted) -> str:
    """A credit note of the invoice is on its way, or waits for a second person."""
    invoice = await _invoice(data.invoice)
    parts = (await _part(invoice, data),) if data.line.strip() else ()
    wanted = decoding.convert(Wanted, {"reason": data.reason.strip(), "bill_again": data.bill_again})
    note = await credit_requests.credit(
        access.acting(request), invoice, Wanted(reason=wanted.reason, parts=parts, bill_again=wanted.bill_again)
    )
    if note is None:
        return access.say(
            request, sentence("It is above the limit: somebody else of finance has to agree, on the page of credit notes for two people.")
        )
    return access.say(request, sentence("%(number)s is issued and on its way."), number=await _number(note))


async def charge(request: Request, data: OnceWanted) -> str:
    """The charge waits for the debtor's next invoice."""
    tenant, customer = await _debtor(data.partner, data.customer)
    typed = {
        "tenant": tenant,
        "customer": customer,
        "description": data.description.strip(),
        "quantity": data.quantity.strip().replace(",", "."),
        "unit_price": str(cents(data.price, "/price") / 100),
        "bill_from": data.bill_from.strip() or None,
        "key": data.key.strip() or None,
    }
    await charges.enter(access.acting(request), decoding.convert(ChargeWanted, typed))
    return access.say(request, sentence("The charge waits for the next invoice."))


async def claim(request: Request, data: DamageWanted) -> str:
    """A damages note is on its way."""
    tenant, customer = await _debtor(data.partner, data.customer)
    typed = {
        "tenant": tenant,
        "customer": customer,
        "description": data.description.strip(),
        "unit_price": str(cents(data.amount) / 100),
    }
    note = await damages.claim(access.acting(request), decoding.convert(ChargeWanted, typed))
    return access.say(request, sentence("%(number)s is issued and on its way."), number=await _number(note))


async def drop(request: Request, data: DropWanted) -> str:
    """The charge is billed no more."""
    tenant, _ = await _debtor(data.partner, "")
    rows = await db.fetch("SELECT id FROM billing_charge WHERE tenant = $1 AND key = $2", tenant, data.key.strip())
    if not rows:
        raise NotFound(what="charge", number=data.key)
    for row in rows:
        await charges.drop(access.acting(request), row["id"], data.reason)
    return access.say(request, sentence("The charge is dropped."))


async def _invoice(number: str) -> UUID:
    row = await db.fetch_one("SELECT id FROM billing_invoice WHERE number = $1", number.strip().upper())
    if row is None:
        raise NotFound(what="invoice", number=number)
    found: UUID = row["id"]
    return found


async def _part(invoice: UUID, data: CreditWanted) -> Part:
    position = int(data.line) if data.line.strip().isdecimal() else 0
    row = await db.fetch_one("SELECT id FROM billing_line WHERE invoice = $1 AND position = $2", invoice, min(position, 32767))
    if row is None:
        raise Invalid(FieldError("/line", "unknown-line", {"value": data.line}))
    return Part(
        line=row["id"],
        amount_cents=cents(data.amount) if data.amount.strip() else None,
        since=_day("/since", data.since) if data.since.strip() else None,
    )


def _day(pointer: str, typed: str) -> date:
    try:
        return date.fromisoformat(typed.strip())
    except ValueError as error:
        raise Invalid(FieldError(pointer, "not-a-day")) from error


async def _number(invoice: UUID) -> str:
    row = await db.fetch_one("SELECT number FROM billing_invoice WHERE id = $1", invoice)
    return str(row["number"]) if row else ""


async def _debtor(partner: str, customer: str) -> tuple[UUID, UUID | None]:
    tenant = _found(await db.fetch_one("SELECT id FROM tenant WHERE code = $1", partner.strip().upper()), "partner", partner)
    if not customer.strip():
        return tenant, None
    row = await db.fetch_one("SELECT id FROM customer WHERE tenant = $1 AND number = $2", tenant, customer.strip().upper())
    return tenant, _found(row, "customer", customer)


def _found(row: asyncpg.Record | None, what: str, number: str) -> UUID:
    if row is None:
        raise NotFound(what=what, number=number)
    found: UUID = row["id"]
    return found


_OWED = sentence("What is owed")

FORMS = (
    Form(name=sentence("Credit an invoice"), group=_OWED, fields=CreditWanted, roles=FINANCE, act=credit,
         told=sentence("What was billed is taken back by a credit note: whole, of one line, or of its days from a day on; never more than was charged.")),
    Form(name=sentence("Charge once"), group=_OWED, fields=OnceWanted, roles=FINANCE, act=charge,
         told=sentence("It stands on the debtor's next invoice, with VAT as for everything else.")),
    Form(name=sentence("Claim damages"), group=_OWED, fields=DamageWanted, roles=FINANCE, act=claim,
         told=sentence("On a document of its own and without VAT, because nothing was supplied; it is sent at once.")),
    Form(name=sentence("Drop a charge"), group=_OWED, fields=DropWanted, roles=FINANCE, act=drop,
         told=sentence("What waits to be billed is not billed; what was billed is credited instead.")),
)  # fmt: skip
