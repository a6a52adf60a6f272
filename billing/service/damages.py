"""Damages: what a debtor made us lose, on a document of its own and outside VAT, because nothing was supplied (EN 16931 BR-O-11)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec

from partner_portal.infra import db
from partner_portal.kernel.actor import Actor

from ..policy.ledger import Kind, Layer, LineKind
from ..policy.tax import Vat, VatCategory
from . import charges, issuing, parties
from .charges import ChargeWanted
from .issuing import Draft


async def claim(actor: Actor, wanted: ChargeWanted) -> UUID:
    """The damage is charged and on a damages note at once, whose id is returned; no VAT. Runs through the staff door.

    Raises what `charges.enter` and `issuing.issue` raise.
    """
    layer = Layer.CUSTOMER if wanted.customer else Layer.PARTNER
    sender = await parties.sender(wanted.tenant, layer)
    outside = Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country=sender.party.country)
    charge = await charges.enter(actor, msgspec.structs.replace(wanted, kind=LineKind.DAMAGES))
    row = await db.fetch_one("SELECT * FROM billing_charge WHERE id = $1", charge)
    assert row is not None  # noqa: S101  # it was just entered
    lines = [charges.drafted(row, outside)]
    return await issuing.issue(Draft(tenant=wanted.tenant, customer=wanted.customer, layer=layer, kind=Kind.DAMAGES, lines=lines))
