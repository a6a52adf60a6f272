"""Customers with their contacts and addresses: listed, created, changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from partner_portal.infra import clock, db, numbers, search, sessions
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web.lists import Column, Listing, Window

from .. import policy

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Email = Annotated[str, Meta(max_length=320, pattern=r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+$")]
Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
Language = Annotated[str, Meta(pattern=r"^(nl|en)$")]
VatId = Annotated[str, Meta(max_length=20)]
ChamberNumber = Annotated[str, Meta(pattern=r"^[0-9]{8}$")]
StaffCount = Annotated[int, Meta(ge=0, le=10_000_000)]
Number = Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]*$")]


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a customer is billed or visited."""

    street: Name
    postcode: Annotated[str, Meta(min_length=2, max_length=12)]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    country: Country = "NL"


class MainContact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The person who is asked to confirm."""

    name: Name
    email: Email
    phone: Phone | None = None


class NewCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer as a partner, an import or staff enters it; without a number it gets one."""

    name: Name
    segment: policy.Segment
    main_contact: MainContact
    billing_address: Address
    visit_address: Address | None = None
    number: Number | None = None
    language: Language = "nl"
    country: Country = "NL"
    vat_id: VatId | None = None
    chamber_number: ChamberNumber | None = None
    staff_count: StaffCount | None = None


class CustomerChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays, and null takes away."""

    name: Name | UnsetType = UNSET
    segment: policy.Segment | UnsetType = UNSET
    main_contact: MainContact | UnsetType = UNSET
    billing_address: Address | UnsetType = UNSET
    visit_address: Address | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    vat_id: VatId | UnsetType | None = UNSET
    chamber_number: ChamberNumber | UnsetType | None = UNSET
    staff_count: StaffCount | UnsetType | None = UNSET


_COLUMNS = ("name", "segment", "language", "country", "vat_id", "chamber_number", "staff_count")

LISTING = Listing(
    "customers",
    {"name": Column("c.name", "varchar", "name"), "number": Column("c.number", "varchar", "number")},
    usual="name",
    id_sql="c.id",
)
LIST = """
SELECT c.id, c.number, c.name, c.segment, c.language, c.country, m.name AS contact_name, m.email AS contact_email
  FROM customer c LEFT JOIN contact m ON m.tenant = c.tenant AND m.customer = c.id AND m.is_main
"""
_ONE = """
SELECT c.*, m.name AS contact_name, m.email AS contact_email, m.phone AS contact_phone,
       (SELECT jsonb_object_agg(l.kind, jsonb_build_object('street', l.street, 'postcode', l.postcode, 'city', l.city, 'country', l.country))
          FROM location l WHERE l.customer = c.id AND l.tenant = c.tenant) AS addresses
  FROM customer c LEFT JOIN contact m ON m.tenant = c.tenant AND m.customer = c.id AND m.is_main
 WHERE c.id = $1
"""


FOUND_AS = ("customer", "contact")
"""A customer is found by its own words and by those of its contacts."""


async def page(window: Window, *, q: str = "") -> list[asyncpg.Record]:
    """The acting tenant's customers in the window; `q`: those that have every word of it, as infra/search.py finds them."""
    unseen, values = window.where(1)
    sought = await search.understand(q, FOUND_AS)
    if q and sought.is_hopeless:
        return []
    found = "".join(f" AND {with_word(beginnings, values)}" for beginnings in sought.words)
    return await db.fetch(f"{LIST} WHERE {unseen}{found} ORDER BY {window.order}", *values)  # fragments are ours, values are bound


def with_word(beginnings: Sequence[str], values: list[Any]) -> str:
    """The SQL condition that customer c has a word that begins like one of these; what it needs is added to `values`, the first of which is $1."""
    own, contacts = (search.one(beginnings, kind, values) for kind in FOUND_AS)
    return f"(c.id IN ({own}) OR c.id IN (SELECT k.customer FROM contact k WHERE k.id IN ({contacts})))"  # noqa: S608  # fragments are ours


async def one(customer: UUID) -> asyncpg.Record:
    """The customer with its main contact and addresses; NotFound when it is not the acting tenant's."""
    row = await db.fetch_one(_ONE, customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    return row


async def create(actor: Actor, new: NewCustomer) -> UUID:
    """The customer exists with its main contact and addresses; Invalid when its number is taken, or its VAT number is none."""
    customer = new_id()
    values = {name: getattr(new, name) for name in _COLUMNS} | {"vat_id": policy.vat_id(new.vat_id, new.country)}
    number = new.number or await numbers.next_in("C")
    try:
        async with db.savepoint():
            await db.execute(
                "INSERT INTO customer (id, number, name, segment, language, country, vat_id, chamber_number, staff_count, version, created_at, tenant)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11)",
                *(customer, number, *values.values(), clock.now(), actor.tenant),
            )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/number", "taken", {"value": number})) from error
    await _put_contact(actor, customer, new.main_contact)
    await _put_address(actor, customer, policy.LocationKind.BILLING, new.billing_address)
    if new.visit_address:
        await _put_address(actor, customer, policy.LocationKind.VISIT, new.visit_address)
    return customer


async def version_of(customer: UUID) -> int:
    """The customer's version, its row locked: whoever changes it compares first. NotFound when it is not the acting tenant's."""
    row = await db.fetch_one("SELECT version FROM customer WHERE id = $1 FOR UPDATE", customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    version: int = row["version"]
    return version


async def change(actor: Actor, customer: UUID, wanted: CustomerChange) -> None:
    """The locked customer is as `wanted`, its version one higher; Invalid for an address taken away where a service stands, and for what is no VAT number."""
    changes: dict[str, Any] = {name: value for name in _COLUMNS if (value := getattr(wanted, name)) is not UNSET}
    if "vat_id" in changes:
        changes["vat_id"] = policy.vat_id(changes["vat_id"], changes.get("country") or await _country(customer))
    columns = "".join(f", {name} = ${place}" for place, name in enumerate(changes, 2))
    await db.execute(f"UPDATE customer SET version = version + 1{columns} WHERE id = $1", customer, *changes.values())  # noqa: S608  # column names are ours
    if wanted.main_contact is not UNSET:
        await _put_contact(actor, customer, wanted.main_contact)
    for kind, address in ((policy.LocationKind.BILLING, wanted.billing_address), (policy.LocationKind.VISIT, wanted.visit_address)):
        if address is None:
            await _remove_address(customer, kind)
        elif address is not UNSET:
            await _put_address(actor, customer, kind, address)


async def _country(customer: UUID) -> str:
    row = await db.fetch_one("SELECT country FROM customer WHERE id = $1", customer)
    return row["country"] if row else ""


async def _put_contact(actor: Actor, customer: UUID, contact: MainContact) -> None:
    """The main user is called and reached like this; one who gets another address is signed out, and can come in again when invited there."""
    row = await db.fetch_one(
        "WITH before AS (SELECT id, email FROM contact WHERE customer = $2 AND is_main)"
        " INSERT INTO contact (id, customer, name, email, phone, is_main, created_at, tenant) VALUES ($1, $2, $3, $4, $5, true, $6, $7)"
        " ON CONFLICT (tenant, customer) WHERE is_main DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,"
        " version = contact.version + 1 RETURNING (SELECT id FROM before) AS id, (SELECT email FROM before) AS email",
        *(new_id(), customer, contact.name, contact.email, contact.phone, clock.now(), actor.tenant),
    )
    if row is not None and row["id"] is not None and row["email"].lower() != contact.email.lower():
        db.current().after_commit.append(partial(sessions.revoke_all, f"{ActorKind.CONTACT.value}:{row['id']}"))


async def _put_address(actor: Actor, customer: UUID, kind: policy.LocationKind, address: Address) -> None:
    tag = await db.execute(
        "UPDATE location SET street = $3, postcode = $4, city = $5, country = $6 WHERE customer = $1 AND kind = $2",
        *(customer, kind, address.street, address.postcode, address.city, address.country),
    )
    if tag == "UPDATE 0":
        await db.execute(
            "INSERT INTO location (id, customer, kind, street, postcode, city, country, tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(new_id(), customer, kind, address.street, address.postcode, address.city, address.country, actor.tenant),
        )


async def _remove_address(customer: UUID, kind: policy.LocationKind) -> None:
    try:
        async with db.savepoint():
            await db.execute("DELETE FROM location WHERE customer = $1 AND kind = $2", customer, kind)
    except (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError) as error:
        raise Invalid(FieldError(f"/{kind}_address", "in-use")) from error
