"""The details with which an organisation sends invoices."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from stdnum import bic as bic_code
from stdnum import iban as iban_code
from stdnum.eu import vat as vat_code

from partner_portal.infra import db
from partner_portal.kernel.errors import FieldError, Invalid

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class IssuerDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the law wants on an invoice about who sends it, and where it is paid; days are the usual terms of payment."""

    name: Text
    street: Text
    postcode: Annotated[str, Meta(min_length=3, max_length=12)]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    email: Annotated[str, Meta(min_length=6, max_length=320)]
    vat_id: str
    chamber_number: Annotated[str, Meta(pattern="^[0-9]{8}$")]
    iban: str
    bic: str | None = None
    creditor_id: Annotated[str, Meta(max_length=35)] | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "NL"
    payment_days: Annotated[int, Meta(ge=0, le=60)] = 30
    consumer_payment_days: Annotated[int, Meta(ge=0, le=60)] = 14


_COLUMNS = IssuerDetails.__struct_fields__
_ENTER = (
    f"INSERT INTO billing_issuer (tenant, {', '.join(_COLUMNS)}) VALUES ($1, {', '.join(f'${place}' for place in range(2, len(_COLUMNS) + 2))})"  # noqa: S608  # our own fields
    f" ON CONFLICT (tenant) DO UPDATE SET version = billing_issuer.version + 1, {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS)}"
)


async def enter(tenant: UUID, details: IssuerDetails) -> None:
    """The organisation sends its invoices with these details from now on; those it has sent keep theirs. Invalid names what cannot be."""
    checks = (
        ("vat_id", "not-a-vat-id", vat_code.is_valid(details.vat_id)),
        ("iban", "not-an-iban", iban_code.is_valid(details.iban)),
        ("bic", "not-a-bic", details.bic is None or bic_code.is_valid(details.bic)),
    )
    if faults := [FieldError(f"/{name}", code, {"value": str(getattr(details, name))}) for name, code, good in checks if not good]:
        raise Invalid(*faults)
    tidy = msgspec.structs.replace(details, iban=iban_code.compact(details.iban), vat_id=vat_code.compact(details.vat_id))
    await db.execute(_ENTER, tenant, *(getattr(tidy, name) for name in _COLUMNS))
