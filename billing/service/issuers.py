"""The details with which an organisation sends invoices."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from stdnum import bic as bic_code
from stdnum import iban as iban_code
from stdnum.eu import vat as vat_code

from partner_portal.infra import clock, db, outbox, step_up
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound
from tenants.policy import WhoBills

from ..events import IssuerAccountChanged
from .account_changes import masked

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


class ProviderSendsInvoices(NotAllowed):
    """The provider sends this partner's invoices: there are no details of its own on them."""


class OnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How a partner's invoices are sent: `details` are its own where it sends them itself (None: not entered yet), `code` begins their numbers."""

    is_sender: bool
    code: str
    details: IssuerDetails | None


_OWN = f"""
SELECT t.code, t.bills, i.tenant, {", ".join(f"i.{name}" for name in _COLUMNS)}
  FROM tenant t LEFT JOIN billing_issuer i ON i.tenant = t.id WHERE t.id = $1
"""  # noqa: S608


async def own(actor: Actor) -> OnRecord:
    """How the invoices of the actor's partner are sent."""
    row = await db.fetch_one(_OWN, actor.tenant)
    if row is None:
        raise NotFound(what="tenant", id=str(actor.tenant))
    details = IssuerDetails(**{name: row[name] for name in _COLUMNS}) if row["tenant"] else None
    return OnRecord(is_sender=row["bills"] == WhoBills.OWN_NAME, code=row["code"], details=details)


async def to_be_changed(actor: Actor) -> OnRecord:
    """The same for whoever is about to change it: an owner of a partner that sends its own invoices, whose password was given a moment ago.

    Raises NotAllowed, ProviderSendsInvoices, PasswordNeeded.
    """
    if not actor.has_any(Role.OWNER):
        raise NotAllowed(needs=Role.OWNER.value)
    now = await own(actor)
    if not now.is_sender:
        raise ProviderSendsInvoices
    step_up.required(actor)
    return now


async def change(actor: Actor, details: IssuerDetails) -> None:
    """The partner sends its invoices with these details from now on; another account is told to its owners, also where they were known before.

    Raises what `to_be_changed` does, and Invalid.
    """
    now = await to_be_changed(actor)
    assert actor.tenant is not None  # noqa: S101  # an owner's
    await enter(actor.tenant, details)
    account = iban_code.compact(details.iban)
    if now.details is not None and now.details.iban != account:
        row = await db.fetch_one("SELECT id FROM billing_issuer WHERE tenant = $1", actor.tenant)
        assert row is not None  # noqa: S101  # entered a moment ago
        before, told = masked(now.details.iban), masked(account)
        await outbox.publish(
            IssuerAccountChanged(tenant_id=actor.tenant, issuer_id=row["id"], before=before, now=told, by=actor.label, at=clock.now())
        )


async def address(issuer: UUID) -> str:
    """Where the sender's own mail goes; NotFound for a sender of another tenant."""
    row = await db.fetch_one("SELECT email FROM billing_issuer WHERE id = $1", issuer)
    if row is None:
        raise NotFound(what="issuer", id=str(issuer))
    email: str = row["email"]
    return email
