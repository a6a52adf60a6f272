"""The face of a partner: what pages, mails and letters bear."""

from __future__ import annotations

from uuid import UUID

from partner_portal.infra import db
from partner_portal.infra.brand import Brand
from partner_portal.kernel.errors import NotFound

_BRAND = "SELECT name, brand_colour, email, phone, website, address FROM tenant WHERE id = $1"


async def of_tenant(tenant: UUID) -> Brand:
    """The partner's brand; NotFound when it is not the acting tenant."""
    row = await db.fetch_one(_BRAND, tenant)
    if row is None:
        raise NotFound(what="tenant", id=str(tenant))
    return Brand(
        name=row["name"],
        colour=row["brand_colour"],
        email=row["email"] or "",
        phone=row["phone"] or "",
        website=row["website"] or "",
        address=row["address"] or "",
    )
