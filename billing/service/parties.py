"""Who sends a document and who owes it, as the law wants them on paper, and how this debtor is billed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import db
from partner_portal.kernel.errors import Refused
from tenants.policy import Segment, TenantKind, WhoBills

from ..policy.ledger import Layer
from ..policy.tax import CustomerSeat, Vat, vat_for
from .vat_numbers import is_valid_sql


class IssuerUnknown(Refused):
    """Whoever is to send the invoice has not entered the details that the law wants on it."""


class DebtorIncomplete(Refused):
    """The debtor has no address to put on an invoice."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A name and address with the numbers an invoice shows; kept with the document as they were."""

    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str | None = None
    chamber_number: str | None = None
    email: str | None = None
    number: str | None = None
    iban: str | None = None
    bic: str | None = None
    creditor_id: str | None = None
    endpoint_scheme: str | None = None
    endpoint_id: str | None = None
    address_country: str | None = None
    """Where its address is, if in another country than it is established in, which decides its VAT."""

    @property
    def located_in(self) -> str:
        """The country of its address."""
        return self.address_country or self.country


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """The issuer: its tenant, its code (numbers begin with it), and its terms of payment."""

    tenant: UUID
    code: str
    party: Party
    payment_days: int
    consumer_payment_days: int
    uses_oss: bool


class Debtor(msgspec.Struct, frozen=True, kw_only=True):
    """Who owes: a customer of the tenant, or the partner itself; with how it is taxed and billed."""

    tenant: UUID
    customer: UUID | None
    party: Party
    segment: Segment
    seat: CustomerSeat
    language: str
    payment_days: int | None
    is_collective: bool
    buyer_reference: str | None


_ISSUER = """
SELECT i.*, t.code AS tenant_code, t.id AS issuing FROM billing_issuer i JOIN tenant t ON t.id = i.tenant WHERE i.tenant = $1
"""
_WHO = "SELECT id, kind, bills FROM tenant WHERE id = $1"
_HOUSE = "SELECT id FROM tenant WHERE kind = $1 LIMIT 1"
_CUSTOMER = f"""
SELECT c.id, c.tenant, c.name, c.number, c.segment, c.country, c.vat_id,
       {is_valid_sql(tenant="c.tenant", vat_id="c.vat_id")} AS is_vat_id_valid, c.chamber_number, c.language, l.street, l.postcode, l.city,
       nullif(l.country, c.country) AS address_country,
       coalesce(a.email, m.email) AS email, a.payment_days, coalesce(a.is_collective, true) AS is_collective, a.buyer_reference, a.endpoint_scheme,
       a.endpoint_id
  FROM customer c LEFT JOIN LATERAL (SELECT street, postcode, city, country FROM location l WHERE l.tenant = c.tenant AND l.customer = c.id
                                      ORDER BY l.kind <> 'billing', l.id LIMIT 1) l ON true
  LEFT JOIN LATERAL (SELECT email FROM contact k WHERE k.tenant = c.tenant AND k.customer = c.id AND (k.active_until IS NULL OR k.active_until >= $2)
                      ORDER BY NOT k.is_administrative, NOT k.is_main, k.id LIMIT 1) m ON true
  LEFT JOIN billing_account a ON a.tenant = c.tenant AND a.customer = c.id
 WHERE c.id = ANY($1::uuid[])
"""  # noqa: S608  # names of our own columns
_PARTNER = f"""
SELECT t.id, t.name, t.code, t.country, t.vat_id,
       {is_valid_sql(tenant="t.id", vat_id="t.vat_id")} AS is_vat_id_valid, t.language, t.email AS tenant_email,
       coalesce(a.name, i.name) AS legal_name, coalesce(a.street, nullif(i.street, '')) AS street, coalesce(a.postcode, i.postcode) AS postcode,
       coalesce(a.city, i.city) AS city, nullif(coalesce(a.country, i.country), t.country) AS address_country,
       i.chamber_number, coalesce(a.email, i.email, t.email) AS email, a.payment_days,
       coalesce(a.is_collective, true) AS is_collective, a.buyer_reference, a.endpoint_scheme, a.endpoint_id
  FROM tenant t LEFT JOIN billing_issuer i ON i.tenant = t.id LEFT JOIN billing_account a ON a.tenant = t.id AND a.customer IS NULL
 WHERE t.id = $1
"""  # noqa: S608


async def sender(tenant: UUID, layer: Layer) -> Sender:
    """Whoever sends documents of this layer to the tenant's debtors: the partner where it bills in its own name, else the provider; IssuerUnknown."""
    found = await known_sender(tenant, layer)
    if found is None:
        raise IssuerUnknown(tenant=str(tenant))
    return found


async def known_sender(tenant: UUID, layer: Layer) -> Sender | None:
    """The same; None where its details were never entered."""
    who = await db.fetch_one(_WHO, tenant)
    own_name = who is not None and who["bills"] == WhoBills.OWN_NAME and layer is Layer.CUSTOMER
    house = None if own_name else await db.fetch_one(_HOUSE, TenantKind.HOUSE.value)
    row = await db.fetch_one(_ISSUER, house["id"] if house else tenant)
    if row is None:
        return None
    names = ("name", "street", "postcode", "city", "country", "vat_id", "chamber_number", "email", "iban", "bic", "creditor_id")
    return Sender(
        tenant=row["issuing"],
        code=row["tenant_code"],
        party=Party(**{name: row[name] for name in names}),
        payment_days=row["payment_days"],
        consumer_payment_days=row["consumer_payment_days"],
        uses_oss=row["uses_oss"],
    )


def vat(who: Sender, owes: Debtor, day: date) -> Vat:
    """How what `who` supplies to whoever `owes` is taxed on that day."""
    return vat_for(owes.seat, day, supplier_country=who.party.country, oss=who.uses_oss)


async def debtor(tenant: UUID, customer: UUID | None, today: Any) -> Debtor:
    """Whoever owes: the customer, or the partner itself; DebtorIncomplete without an address."""
    row = await (db.fetch_one(_CUSTOMER, [customer], today) if customer else db.fetch_one(_PARTNER, tenant))
    if row is None or not row["street"]:
        raise DebtorIncomplete(customer=str(customer or tenant))
    return _debtor(row, tenant, customer)


async def debtors(customers: Sequence[UUID], today: Any) -> dict[UUID, Debtor]:
    """The same of many customers at once, by id; those without an address are left out."""
    rows = await db.fetch(_CUSTOMER, list(customers), today)
    return {row["id"]: _debtor(row, row["tenant"], row["id"]) for row in rows if row["street"]}


async def marks(customers: Sequence[UUID], partners: Sequence[UUID], today: Any) -> dict[UUID, str]:
    """For each debtor a few letters that change with its details, by the id of the customer or partner: who keeps a copy sees that it is old."""
    found = await db.fetch(f"SELECT id, md5(f::text) AS mark FROM ({_CUSTOMER}) f", list(customers), today)  # noqa: S608  # our own query
    for one in partners:
        found += await db.fetch(f"SELECT id, md5(f::text) AS mark FROM ({_PARTNER}) f", one)  # noqa: S608
    return {row["id"]: row["mark"] for row in found}


async def partner(tenant: UUID) -> Debtor | None:
    """The partner itself as it owes; None without an address."""
    row = await db.fetch_one(_PARTNER, tenant)
    return _debtor(row, tenant, None) if row and row["street"] else None


def _debtor(row: Any, tenant: UUID, customer: UUID | None) -> Debtor:
    segment = Segment(row["segment"]) if customer else Segment.OTHER_BIZ
    names = ("street", "postcode", "city", "country", "vat_id", "chamber_number", "email", "endpoint_scheme", "endpoint_id",
             "address_country")  # fmt: skip
    name = row["name"] if customer else row["legal_name"] or row["name"]
    return Debtor(
        tenant=tenant,
        customer=customer,
        party=Party(name=name, number=row["number"] if customer else row["code"], **{name: row[name] for name in names}),
        segment=segment,
        seat=CustomerSeat(country=row["country"], is_business=segment is not Segment.CONSUMER, has_valid_vat_id=row["is_vat_id_valid"]),
        language=row["language"],
        payment_days=row["payment_days"],
        is_collective=row["is_collective"],
        buyer_reference=row["buyer_reference"],
    )
