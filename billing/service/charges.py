"""What waits to be billed once: entered under a key, so that nothing is charged twice, and dropped as long as it was not billed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, StaffRole
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused
from partner_portal.kernel.money import cents

from ..policy.ledger import DraftLine, Layer, LineKind, Unit
from ..policy.tax import Vat

ON_THEIR_OWN = "termination:"
"""Keys that begin so belong to a final bill."""
WHEN_IT_HAS_ENDED = date(9999, 12, 31)
"""`bill_from` of what waits for an end and for no day: a run that bills by days never comes to it."""


class ChargeExists(Refused):
    """Something is charged under this key already."""


class ChargeBilled(Refused):
    """What stands on a document is credited, not dropped."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Something to bill once from `bill_from` on; `amount_cents` as prices are given, below zero (with a quantity below zero) in the debtor's favour."""

    key: str
    kind: LineKind
    description: str
    amount_cents: int
    bill_from: date
    unit_price: Decimal
    customer: UUID | None = None
    service: UUID | None = None
    layer: Layer = Layer.CUSTOMER
    quantity: Decimal = Decimal(1)
    unit: Unit = Unit.PIECE
    period: tuple[date, date] | None = None
    why: dict[str, str | int] = {}


def of_sum(amount_cents: int) -> tuple[Decimal, Decimal]:
    """The quantity and unit price of a sum that is no count of anything: one, or one less, of so much."""
    return Decimal(1 if amount_cents >= 0 else -1), Decimal(abs(amount_cents)).scaleb(-2)


_PUT = """
INSERT INTO billing_charge (id, tenant, key, customer, service, layer, kind, description, quantity, unit, unit_price, amount_cents, bill_from, period_from,
    period_until, why, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (tenant, key, layer) DO NOTHING
"""
_DROP = """
UPDATE billing_charge SET dropped_at = $2, dropped_because = $3 WHERE id = $1 AND line IS NULL AND dropped_at IS NULL RETURNING id
"""


async def put(tenant: UUID, charges: Iterable[Charge]) -> int:
    """Each charge waits to be billed, unless its key was there before (also one that was dropped); returns how many are new."""
    new = 0
    for charge in charges:
        done = await db.execute(
            _PUT,
            *(new_id(), tenant, charge.key, charge.customer, charge.service, charge.layer.value, charge.kind.value, charge.description),
            *(
                charge.quantity,
                charge.unit.value,
                charge.unit_price,
                charge.amount_cents,
                charge.bill_from,
                *(charge.period or (None, None)),
            ),
            *(msgspec.json.encode(charge.why).decode(), clock.now()),
        )
        new += done == "INSERT 0 1"
    return new


class ChargeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody of staff wants to charge a customer, or without one the partner itself; `unit_price` in euros as the debtor's prices are given."""

    tenant: UUID
    description: Annotated[str, Meta(min_length=3, max_length=300, pattern=r"\S")]
    unit_price: Decimal
    quantity: Decimal = Decimal(1)
    customer: UUID | None = None
    service: UUID | None = None
    kind: LineKind = LineKind.OTHER
    bill_from: date | None = None
    key: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 :./_-]*$")] | None = None


_MOST = 1_000_000
_BY_HAND = {LineKind.SETUP, LineKind.USAGE, LineKind.OTHER, LineKind.DAMAGES}


async def enter(actor: Actor, wanted: ChargeWanted) -> UUID:
    """The charge waits for the debtor's next document; returns its id. Runs through the staff door. Raises NotAllowed, Invalid, ChargeExists."""
    must_be_finance(actor)
    if faults := list(_faults(wanted)):
        raise Invalid(*faults)
    layer = Layer.CUSTOMER if wanted.customer else Layer.PARTNER
    key = wanted.key or f"manual:{new_id()}"
    charge = Charge(
        key=key,
        kind=wanted.kind,
        description=wanted.description.strip(),
        amount_cents=cents(wanted.unit_price * wanted.quantity),
        unit_price=wanted.unit_price,
        quantity=wanted.quantity,
        bill_from=wanted.bill_from or clock.today(),
        customer=wanted.customer,
        service=wanted.service,
        layer=layer,
        why={"rule": "charge.manual", "entered_by": actor.label},
    )
    try:
        async with db.savepoint():
            made = await put(wanted.tenant, [charge])
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound(what="customer", id=str(wanted.customer)) from error
    if not made:
        raise ChargeExists(key=key)
    row = await db.fetch_one("SELECT id FROM billing_charge WHERE tenant = $1 AND key = $2 AND layer = $3", wanted.tenant, key, layer.value)
    assert row is not None  # noqa: S101  # it was just written
    found: UUID = row["id"]
    return found


def _faults(wanted: ChargeWanted) -> Iterator[FieldError]:
    if wanted.kind not in _BY_HAND:
        yield FieldError("/kind", "not-by-hand", {"value": wanted.kind.value})
    if wanted.key and wanted.key.startswith(ON_THEIR_OWN):
        yield FieldError("/key", "key-is-reserved", {"value": wanted.key})
    for name in ("unit_price", "quantity"):
        value: Decimal = getattr(wanted, name)
        if not value.is_finite() or not 0 < value <= _MOST:
            yield FieldError(f"/{name}", "not-an-amount")


async def drop(actor: Actor, charge: UUID, reason: str) -> None:
    """The charge is not billed, and why stays on record. Raises NotAllowed, Invalid without a reason, NotFound, ChargeBilled."""
    must_be_finance(actor)
    if not reason.strip():
        raise Invalid(FieldError("/reason", "reason-needed"))
    if await db.fetch_one(_DROP, charge, clock.now(), reason.strip()) is None:
        row = await db.fetch_one("SELECT line, key FROM billing_charge WHERE id = $1", charge)
        if row is None:
            raise NotFound(what="charge", id=str(charge))
        if row["line"] is not None:
            raise ChargeBilled(key=row["key"])


def must_be_finance(actor: Actor) -> None:
    """NotAllowed for whoever is not of finance."""
    if not actor.has_any(StaffRole.FINANCE, StaffRole.ADMINISTRATOR):
        raise NotAllowed(needs=StaffRole.FINANCE.value)


def drafted(row: asyncpg.Record, vat: Vat) -> DraftLine:
    """The line that bills a waiting charge, taxed so."""
    return DraftLine(
        kind=LineKind(row["kind"]),
        description=row["description"],
        amount_cents=row["amount_cents"],
        quantity=row["quantity"],
        unit=Unit(row["unit"]),
        unit_price=row["unit_price"],
        vat=vat,
        service=row["service"],
        period=(row["period_from"], row["period_until"]) if row["period_from"] else None,
        charge=row["id"],
        why=msgspec.json.decode(row["why"]),
    )
