"""Usage that somebody measured: entered under the sender's own key, so that a message that comes twice is charged once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.kernel.money import cents

from ..policy.ledger import Layer, LineKind, Unit
from . import charges
from .charges import Charge

_SERVICE = "SELECT id, tenant, customer, starts_on FROM billing_service WHERE id = $1"
_ENTERED = """
SELECT c.id, c.description, c.quantity, c.unit_price, c.amount_cents, c.bill_from, c.period_from, c.period_until, c.line IS NOT NULL AS is_billed
  FROM billing_charge c WHERE c.tenant = $1 AND c.key = $2 AND c.layer = $3
"""
_LARGEST_CENTS = 100_000_000_00


class Usage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units at a price in euros as the customer's prices are given, used from `used_from` up to and including `used_to`; `key` is the sender's own."""

    key: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 .:/_-]*$")]
    description: Annotated[str, Meta(min_length=3, max_length=200, pattern=r"\S")]
    quantity: Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,4})?$", examples=["1234.5"])]
    unit_price: Annotated[str, Meta(pattern=r"^\d{1,7}(\.\d{1,6})?$", examples=["0.004215"])]
    used_from: date
    used_to: date
    bill_from: date | None = None


class UsageDiffers(Refused):
    """Something else was entered under this key."""


async def enter(actor: Actor, service: UUID, usage: Usage) -> tuple[Any, bool]:
    """The usage waits for the customer's next document; returns what was entered, and whether it is new: the same again changes nothing.

    Raises NotFound, Invalid, UsageDiffers when the key was used for something else.
    """
    row = await db.fetch_one(_SERVICE, service)
    if row is None:
        raise NotFound(what="service", id=str(service))
    charge = _charge(row, usage, actor)
    is_new = bool(await charges.put(row["tenant"], [charge]))
    entered = await db.fetch_one(_ENTERED, row["tenant"], charge.key, Layer.CUSTOMER.value)
    assert entered is not None  # noqa: S101  # it was just written, or there before
    said = (entered["description"], entered["quantity"], entered["unit_price"], (entered["period_from"], entered["period_until"]))
    if said != (charge.description, charge.quantity, charge.unit_price, charge.period):
        raise UsageDiffers(key=usage.key)
    return entered, is_new


def _charge(row: Any, usage: Usage, actor: Actor) -> Charge:
    quantity, unit_price = Decimal(usage.quantity), Decimal(usage.unit_price)
    amount = cents(quantity * unit_price)
    faults = [
        ("used_from", "before-start", usage.used_from < row["starts_on"]),
        ("used_to", "before-start", usage.used_to < usage.used_from),
        ("used_to", "in-the-future", usage.used_to > clock.today()),
        ("quantity", "nothing-used", not quantity),
        ("quantity", "too-much", amount > _LARGEST_CENTS),
    ]
    if wrong := [FieldError(f"/{name}", code) for name, code, is_wrong in faults if is_wrong]:
        raise Invalid(*wrong)
    return Charge(
        key=f"usage:{row['id']}:{usage.key}",
        kind=LineKind.USAGE,
        description=usage.description.strip(),
        amount_cents=amount,
        unit_price=unit_price,
        quantity=quantity,
        unit=Unit.PIECE,
        bill_from=max(usage.bill_from or clock.today(), clock.today()),
        customer=row["customer"],
        service=row["id"],
        period=(usage.used_from, date.fromordinal(usage.used_to.toordinal() + 1)),
        why={"rule": "usage", "entered_by": actor.trail, "key": usage.key},
    )
