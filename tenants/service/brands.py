"""The face of a partner: what pages, mails and letters bear; its owners choose it."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import db, files, pictures
from partner_portal.infra.brand import Brand, hexed
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound

from .customers import Email, Phone

LOGO_WIDTH, LOGO_HEIGHT = 480, 160
"""Pixels at most; twice what pages show, so that it is sharp on every screen."""

_BRANDS = """
SELECT id, coalesce(shown_name, name) AS name, code, brand_colour, email, phone, website, address, logo, logo_mark FROM tenant WHERE id = ANY($1::uuid[])
"""


class BrandChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A brand as its owner wants it; without `shown_name` the partner's own name is shown."""

    colour: Annotated[str, Meta(pattern=r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]
    email: Email
    shown_name: Annotated[str, Meta(max_length=80)] | None = None
    phone: Phone | None = None
    website: Annotated[str, Meta(max_length=200, pattern=r"^https?://[^\s/]+\.[^\s]+$")] | None = None


async def of_tenant(tenant: UUID) -> Brand:
    """The partner's brand; NotFound when it is not the acting tenant."""
    return (await of_tenants({tenant}))[tenant]


async def of_tenants(wanted: Collection[UUID]) -> dict[UUID, Brand]:
    """The brands of these partners; NotFound when one of them is not the acting tenant."""
    found = {row["id"]: _brand(row) for row in await db.fetch(_BRANDS, list(wanted))}
    for tenant in wanted:
        if tenant not in found:
            raise NotFound(what="tenant", id=str(tenant))
    return found


def _brand(row: asyncpg.Record) -> Brand:
    return Brand(
        name=row["name"],
        code=row["code"],
        colour=row["brand_colour"],
        email=row["email"] or "",
        phone=row["phone"] or "",
        website=row["website"] or "",
        address=row["address"] or "",
        logo=row["logo"],
        logo_url=f"/brand/{row['id']}/{row['logo_mark']}.png" if row["logo_mark"] else "",
    )


async def for_letter(tenant: UUID) -> Brand:
    """The partner's brand with its logo in it, for letters, which load nothing."""
    brand = await of_tenant(tenant)
    if brand.logo is None:
        return brand
    document, content = await files.fetch(brand.logo)
    return msgspec.structs.replace(brand, picture=f"data:{document.media_type};base64,{base64.b64encode(content).decode()}")


async def on_record(actor: Actor) -> BrandChange:
    """What the acting partner's owner chose last."""
    row = await db.fetch_one("SELECT shown_name, brand_colour, email, phone, website FROM tenant WHERE id = $1", actor.tenant)
    if row is None:
        raise NotFound(what="tenant", id=str(actor.tenant))
    return BrandChange(row["brand_colour"].lower(), row["email"], row["shown_name"], row["phone"], row["website"])


async def change(actor: Actor, wanted: BrandChange) -> None:
    """The acting partner's brand is as `wanted`, from the next page and mail on; its logo stays."""
    _may(actor)
    await db.execute(
        "UPDATE tenant SET shown_name = $2, brand_colour = $3, email = $4, phone = $5, website = $6 WHERE id = $1",
        *(actor.tenant, wanted.shown_name, hexed(wanted.colour), wanted.email, wanted.phone, wanted.website),
    )


async def set_logo(actor: Actor, content: bytes) -> None:
    """The picture is the acting partner's logo, drawn anew; Invalid, at its field, for what is none or cannot be used."""
    _may(actor)
    try:
        drawn = await pictures.as_png(content, width=LOGO_WIDTH, height=LOGO_HEIGHT)
    except pictures.NotAPicture as error:
        raise Invalid(FieldError("/logo", error.why)) from error
    document = await files.store("logo", "logo.png", drawn, "image/png")
    await db.execute("UPDATE tenant SET logo = $2, logo_mark = $3 WHERE id = $1", actor.tenant, document.id, document.sha256.hex())


async def remove_logo(actor: Actor) -> None:
    """The acting partner's name stands where its logo was; mails that were sent keep theirs."""
    _may(actor)
    await db.execute("UPDATE tenant SET logo = NULL, logo_mark = NULL WHERE id = $1", actor.tenant)


async def logo(tenant: UUID, mark: str) -> bytes:
    """The logo with this hash that the partner has or had, for whoever asks; NotFound."""
    async with db.apart(Principal(Door.TENANT, tenant, "system:logo")):
        row = await db.fetch_one("SELECT id FROM infra_document WHERE kind = 'logo' AND sha256 = decode($1, 'hex')", mark)
        if row is None:
            raise NotFound(what="logo", id=mark)
        _document, content = await files.fetch(row["id"])
    return content


def _may(actor: Actor) -> None:
    if not actor.has_any(Role.OWNER):
        raise NotAllowed(needs=Role.OWNER.value)
