"""In whose name a document comes: the partner's brand for its customers, the provider's own for what a partner owes itself."""

from __future__ import annotations

from uuid import UUID

import msgspec

from partner_portal.infra import db
from partner_portal.infra.brand import Brand
from tenants.policy import TenantKind
from tenants.service import brands

from ..policy.ledger import Layer

_HOUSE = "SELECT id FROM tenant WHERE kind = $1 LIMIT 1"


async def in_mail(tenant: UUID, layer: Layer) -> Brand:
    """The brand for a mail; the provider's without its logo, which is on file where a partner's mail cannot take it from. Through the staff door."""
    if layer is Layer.CUSTOMER:
        return await brands.of_tenant(tenant)
    return msgspec.structs.replace(await brands.of_tenant(await _house(tenant)), logo=None)


async def on_paper(tenant: UUID, layer: Layer) -> Brand:
    """The brand for a letter, with its logo in it. Through the staff door where it is the provider's."""
    return await brands.for_letter(tenant if layer is Layer.CUSTOMER else await _house(tenant))


async def _house(otherwise: UUID) -> UUID:
    row = await db.fetch_one(_HOUSE, TenantKind.HOUSE)
    return row["id"] if row else otherwise
