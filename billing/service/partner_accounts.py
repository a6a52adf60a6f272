"""How a partner that bills its customers in its own name is billed itself: entered by finance, read by the partner."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from tenants.policy import TenantKind, WhoBills
from tenants.service import partners
from tenants.service.customers import Country, Email, Name, VatId

from ..policy import peppol
from ..policy.ledger import Layer
from . import parking, parties
from .parties import Debtor


class BillingDataChanged(Refused):
    """Somebody else changed how the partner is billed since it was read."""


class PartnerBilling(msgspec.Struct, frozen=True, kw_only=True):
    """How a partner is billed; what is empty is as usual: name and address of the sender it is itself, its own e-mail address, the provider's term."""

    name: Name | None = None
    street: Name | None = None
    postcode: Annotated[str, Meta(min_length=2, max_length=12)] | None = None
    city: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    country: Country | None = None
    email: Email | None = None
    vat_id: VatId | None = None
    buyer_reference: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")] | None = None
    endpoint_scheme: Annotated[str, Meta(max_length=4)] | None = None
    endpoint_id: Annotated[str, Meta(max_length=50)] | None = None
    payment_days: Annotated[int, Meta(ge=0, le=120)] | None = None


class OnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record of a partner: `given` was entered, `debtor` is what stands on its next invoice (None: it lacks an address).

    `version` is what a change must name; `usual_days` the provider's own term, where that is known; `waits` counts what is left to a person.
    """

    partner: asyncpg.Record
    given: PartnerBilling
    version: int
    debtor: Debtor | None
    usual_days: int | None
    waits: int


_ADDRESS = ("street", "postcode", "city")
_COLUMNS = tuple(name for name in PartnerBilling.__struct_fields__ if name != "vat_id")
_OWING = """
SELECT t.id, t.code, t.name, t.country, t.vat_id, i.tenant IS NOT NULL AS is_sender, a.id AS account, coalesce(a.version, 0) AS version,
       coalesce(a.street, nullif(i.street, '')) AS street, coalesce(a.postcode, i.postcode) AS postcode, coalesce(a.city, i.city) AS city,
       coalesce(a.email, i.email, t.email) AS email, a.payment_days, waits.count AS waits
  FROM tenant t LEFT JOIN billing_account a ON a.tenant = t.id AND a.customer IS NULL LEFT JOIN billing_issuer i ON i.tenant = t.id
 CROSS JOIN LATERAL (SELECT count(*) AS count FROM billing_parked p WHERE p.tenant = t.id AND p.customer IS NULL AND p.settled_at IS NULL) waits
 WHERE t.kind <> $1 AND (t.bills = $2 OR a.id IS NOT NULL OR waits.count > 0)
"""
_ACCOUNT = f"SELECT version, {', '.join(_COLUMNS)} FROM billing_account WHERE tenant = $1 AND customer IS NULL"  # noqa: S608  # our own fields
_PLACES = ", ".join(f"${place}" for place in range(3, len(_COLUMNS) + 3))
_ENTER = (
    f"INSERT INTO billing_account (id, tenant, is_collective, version, {', '.join(_COLUMNS)}) VALUES ($1, $2, true, 1, {_PLACES})"  # noqa: S608
    " ON CONFLICT (tenant, customer) DO UPDATE SET version = billing_account.version + 1, "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
)


async def owing() -> list[asyncpg.Record]:
    """The partners that the provider bills, by name; of each what is on record and how much waits for a person. Through the staff door."""
    return await db.fetch(f"{_OWING} ORDER BY t.name, t.id", *_WHICH)


_WHICH = (TenantKind.HOUSE.value, WhoBills.OWN_NAME.value)


async def one(tenant: UUID) -> OnRecord:
    """What is on record of one of them; NotFound for whoever is no such partner. Through the staff door."""
    row = await db.fetch_one(f"{_OWING} AND t.id = $3", *_WHICH, tenant)
    if row is None:
        raise NotFound(what="partner", id=str(tenant))
    account = await db.fetch_one(_ACCOUNT, tenant)
    given = {name: account[name] for name in _COLUMNS} if account else {}
    sender = await parties.known_sender(tenant, Layer.PARTNER)
    return OnRecord(
        partner=row,
        given=PartnerBilling(**given, vat_id=row["vat_id"]),
        version=row["version"],
        debtor=await parties.partner(tenant),
        usual_days=sender.payment_days if sender else None,
        waits=row["waits"],
    )


async def enter(actor: Actor, tenant: UUID, version: int, wanted: PartnerBilling) -> None:
    """The partner is billed like this from now on; invoices that were sent keep what they said, and what waited for its address is billed.

    `version` is the one that was read. Raises Invalid, NotFound, BillingDataChanged. Through the staff door.
    """
    await db.execute("SELECT 1 FROM tenant WHERE id = $1 FOR UPDATE", tenant)
    now = await one(tenant)
    if now.version != version:
        raise BillingDataChanged(partner=now.partner["name"])
    complete = _completed(wanted)
    peppol.must_be_one(complete.endpoint_scheme, complete.endpoint_id)
    await partners.has_vat_id(tenant, complete.vat_id)
    await db.execute(_ENTER, new_id(), tenant, *(getattr(complete, name) for name in _COLUMNS))
    if await parties.partner(tenant) is not None:
        await parking.address_given(actor, tenant)


def _completed(wanted: PartnerBilling) -> PartnerBilling:
    """An address has all its parts, or there is none, whatever country was chosen."""
    lacking = [name for name in _ADDRESS if not getattr(wanted, name)]
    if len(lacking) == len(_ADDRESS):
        return msgspec.structs.replace(wanted, country=None)
    if not wanted.country:
        lacking.append("country")
    if lacking:
        raise Invalid(*(FieldError(f"/{name}", "missing") for name in lacking))
    return wanted


async def own(actor: Actor) -> Debtor | None:
    """How the actor's partner is billed by the provider; None where it has no address."""
    assert actor.tenant is not None  # noqa: S101  # a member's
    return await parties.partner(actor.tenant)
