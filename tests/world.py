"""The small named world of the tests: partners Noord and Zuid (which bills in its own name), their people, customers and services."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from billing.service import issuers, services
from billing.service.issuers import IssuerDetails
from billing.service.services import AgreedTerms
from partner_portal.infra import db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind, Role, StaffRole
from partner_portal.mailcatcher.catcher import Catcher
from tenants.policy import Segment, TenantKind, WhoBills
from tenants.service import customers, members, passwords
from tenants.service.customers import Address, MainContact, NewCustomer

PASSWORD = "correct horse battery"


class Partner(msgspec.Struct, kw_only=True):
    """A partner with the ids and e-mails tests call by name."""

    id: UUID
    owner: str
    clerk: str
    reader: str
    customers: dict[str, UUID] = {}
    services: dict[str, UUID] = {}

    @property
    def actor(self) -> Actor:
        """Its owner, for calls to services."""
        roles = frozenset({Role.OWNER.value, "read", "customers:write", "terminations:write"})
        return Actor(kind=ActorKind.MEMBER, id=str(new_id()), tenant=self.id, roles=roles, label="Olga Owner", channel="portal")

    def principal(self) -> Principal:
        """Its side of the wall."""
        return Principal(Door.TENANT, self.id, "member:test")


class World(msgspec.Struct, kw_only=True):
    """Everything in it."""

    house: UUID
    noord: Partner
    zuid: Partner
    mailbox: Catcher


FINANCE = Actor(
    kind=ActorKind.STAFF, id="1", roles=frozenset({StaffRole.FINANCE.value}), label="Fien Financiën", channel="admin", is_proven=True
)
FINANCE_TOO = Actor(
    kind=ActorKind.STAFF, id="2", roles=frozenset({StaffRole.FINANCE.value}), label="Frits Financiën", channel="admin", is_proven=True
)
DESK = Actor(kind=ActorKind.STAFF, id="3", roles=frozenset({StaffRole.SERVICE_DESK.value}), label="Dirk Desk", channel="admin")
STAFF_DOOR = Principal(Door.STAFF, None, "staff:1")


HOUSE_DETAILS = IssuerDetails(
    name="Kadetel B.V.",
    street="Kade 1",
    postcode="3011 AB",
    city="Rotterdam",
    email="facturen@kadetel.example.com",
    vat_id="NL999999990B29",
    chamber_number="12345678",
    iban="NL05TEST0417164300",
)


async def load(mailbox: Catcher) -> World:
    """The world is there, with nothing else."""
    async with db.unit_of_work(STAFF_DOOR):
        await _catalogue()
        house = await _tenant("HUIS", "Kadetel B.V.", TenantKind.HOUSE, WhoBills.DIRECT)
        noord = await _partner("NRD", "Noord ICT", WhoBills.DIRECT, "noord")
        zuid = await _partner("ZUD", "Zuid Telecom", WhoBills.OWN_NAME, "zuid")
        await issuers.enter(house, HOUSE_DETAILS)
        await issuers.enter(
            zuid.id, msgspec.structs.replace(HOUSE_DETAILS, name="Zuid Telecom B.V.", vat_id="NL100000009B01", iban="NL61BANK0123456780")
        )
    await _fill(noord)
    await _fill(zuid, wholesale=True)
    return World(house=house, noord=noord, zuid=zuid, mailbox=mailbox)


async def _catalogue() -> None:
    for code, kind, extra in (
        ("internet", "ECS", ""),
        ("telephony", "ECS", "numbers"),
        ("hosting", "OTHER", "data"),
        ("domain", "OTHER", "domain"),
        ("cloud", "CLOUD", "data"),
    ):
        await db.execute(
            "INSERT INTO billing_product (id, code, name_nl, name_en, kind, is_domain, has_numbers, has_data) VALUES ($1, $2, $3, $3, $4, $5, $6, $7)",
            *(new_id(), code, code.title(), kind, extra == "domain", extra == "numbers", extra == "data"),
        )
    for name, method, percentage, handling in (("75 %", "FULL_STARTED", 75, 2500), ("100 % by day", "CAL_DAYS", 100, 0)):
        await db.execute(
            "INSERT INTO billing_buyout_rule (id, name, method, scale, percentage, bands, handling_cents, avoided_percentage)"
            " VALUES ($1, $2, $3, 'percentage', $4, '[]', $5, 0)",
            *(new_id(), name, method, percentage, handling),
        )


async def _tenant(code: str, name: str, kind: TenantKind, bills: WhoBills) -> UUID:
    tenant = new_id()
    await db.execute(
        "INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'nl', '#1f4e79', '', 'NL')",
        *(tenant, code, name, kind, bills, f"service@{code.lower()}.example.com"),
    )
    return tenant


@cache
def _hash() -> asyncio.Task[str]:
    return asyncio.create_task(passwords.hashed(PASSWORD))


async def _hashed() -> str:
    # Hashed once per run: the work is meant to be slow.
    return await _hash()


async def _partner(code: str, name: str, bills: WhoBills, short: str) -> Partner:
    tenant = await _tenant(code, name, TenantKind.PARTNER, bills)
    emails = {role: f"{who}@{short}.example.com" for role, who in ((Role.OWNER, "owner"), (Role.CLERK, "clerk"), (Role.READER, "reader"))}
    for role, email in emails.items():
        member = await members.enter(tenant=tenant, email=email, name=f"{role.value.title()} of {name}", role=role)
        await db.execute("UPDATE member SET accepted_as = email WHERE id = $1", member)
        await passwords.replace(email, await _hashed())
    return Partner(id=tenant, owner=emails[Role.OWNER], clerk=emails[Role.CLERK], reader=emails[Role.READER])


async def _fill(partner: Partner, *, wholesale: bool = False) -> None:
    async with db.unit_of_work(partner.principal()):
        partner.customers["bakery"] = await make_customer(partner, "Bakkerij De Korst", segment=Segment.PROTECTED_BIZ)
        partner.customers["private"] = await make_customer(partner, "Pieter Particulier", segment=Segment.CONSUMER)
        bakery = partner.customers["bakery"]
        cents = 6000 if wholesale else None
        # Runs on for an indefinite time: ends a month after notice, nothing to buy out.
        partner.services["free"] = await make_service(partner, bakery, label="Internet bakkerij", wholesale_cents=cents)
        # Bound until 2028: leaving earlier is a buyout.
        partner.services["bound"] = await make_service(
            partner,
            bakery,
            product="hosting",
            label="Webshop hosting",
            fee_cents=8995,
            wholesale_cents=cents,
            starts_on=date(2026, 3, 1),
            minimum_months=24,
            renewal="FIXED",
            renewal_months=12,
            buyout_rule="75 %",
        )


async def make_customer(
    partner: Partner, name: str, *, segment: Segment = Segment.OTHER_BIZ, email: str = "", language: str = "nl"
) -> UUID:
    """A customer of this partner, in the unit of work of the caller."""
    mailbox = email or f"{name.split(maxsplit=1)[0].lower()}@klant.example.com"
    new = NewCustomer(
        name=name,
        segment=segment,
        main_contact=MainContact(f"Contact van {name}", mailbox),
        billing_address=Address("Dorpsstraat 1", "1234 AB", "Utrecht"),
        language=language,
    )
    return await customers.create(partner.actor, new)


async def make_service(partner: Partner, customer: UUID, *, product: str = "internet", **terms: Any) -> UUID:
    """A service with these terms; what is not said: EUR 50 a month since 2024, indefinite, one month's notice, paid until 2026-12-01."""
    usual: dict[str, Any] = {"label": "Dienst", "fee_cents": 5000, "starts_on": date(2024, 1, 1), "paid_until": date(2026, 12, 1)}
    agreed = msgspec.convert({**usual, **terms}, AgreedTerms, strict=False)
    return await services.enter(partner.actor, customer=customer, product=product, terms=agreed)
