"""Loads the demo's world once, through the same use cases as everybody else."""

from __future__ import annotations

from uuid import UUID

import msgspec

from admin import access
from billing.service import issuers, services
from billing.service.services import AgreedTerms
from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.infra.settings import Settings
from partner_portal.kernel.actor import Actor, ActorKind, Role
from tenants.policy import LocationKind, Scope, TenantKind, WhoBills
from tenants.service import customers, members, passwords
from tenants.service.customers import Address, MainContact, NewCustomer

from . import accounting, bills, money, offers, people
from .people import Client, Organisation

_STAFF_DOOR = Principal(Door.STAFF, actor="system:demo")


async def load() -> None:
    """The world is there; one that is there already stays as it was left."""
    async with db.unit_of_work(_STAFF_DOOR):
        if await db.fetch_one("SELECT 1 FROM tenant LIMIT 1"):
            return
        await _catalogue()
        await offers.put_up(clock.today())
        house = await _house()
        tenants = {partner.code: await _partner(partner) for partner in (people.NOORDERLICHT, people.ZUIDERZEE)}
        await issuers.enter(tenants[people.ZUIDERZEE.code], people.ZUIDERZEE_DETAILS)
        for username, name, roles in people.STAFF:
            await access.enter(
                username=username, email=f"{username}@voorbeeldhosting.example.com", name=name, roles=roles, password=people.PASSWORD
            )
    entered: dict[str, list[UUID]] = {}
    for code, clients in people.clients(clock.today()).items():
        async with db.unit_of_work(Principal(Door.TENANT, tenants[code], "system:demo")):
            entered[code] = [await _client(tenants[code], client) for client in clients]
    noord = tenants[people.NOORDERLICHT.code]
    await money.play(noord, house, entered[people.NOORDERLICHT.code])
    await bills.load(tuple(tenants.values()))
    async with db.unit_of_work(_STAFF_DOOR):
        for email in people.SIGN_IN_TOO:
            await passwords.choose_first(email, await passwords.hashed(people.PASSWORD))
            await db.execute("UPDATE contact SET accepted_as = email WHERE email = $1", email)
        await accounting.connect(house)


async def _catalogue() -> None:
    for code, dutch, english, kind, extra in people.PRODUCTS:
        await db.execute(
            "INSERT INTO billing_product (id, code, name_nl, name_en, kind, is_domain, has_numbers, has_data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(new_id(), code, dutch, english, kind, extra == "domain", extra == "numbers", extra == "data"),
        )
    for name, method, scale, percentage, bands, handling in people.BUYOUT_RULES:
        await db.execute(
            "INSERT INTO billing_buyout_rule (id, name, method, scale, percentage, bands, handling_cents, avoided_percentage)"
            " VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7, 0)",
            *(new_id(), name, method, scale, percentage, bands, handling),
        )
    for language, audience, question, answer in people.ARTICLES:
        await db.execute(
            "INSERT INTO knowledge_base_article (id, language, audience, question, answer, published_at, review_on, created_at, changed_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $6)",
            *(new_id(), language, audience, question, answer, clock.now(), people.review_day(clock.today())),
        )


async def _house() -> UUID:
    house = Organisation(
        code="HUIS",
        name="Voorbeeld Hosting B.V.",
        bills=WhoBills.DIRECT,
        colour="#1f4e79",
        email="klanten@voorbeeldhosting.example.com",
        phone="+31101234567",
        address="Serverlaan 1\n3011 AB  Rotterdam",
        members=(),
    )
    tenant = await _partner(house, TenantKind.HOUSE)
    await issuers.enter(tenant, people.HOUSE_DETAILS)
    return tenant


async def _partner(partner: Organisation, kind: TenantKind = TenantKind.PARTNER) -> UUID:
    tenant = new_id()
    await db.execute(
        "INSERT INTO tenant (id, code, name, kind, bills, brand_colour, email, phone, address, language, country, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'nl', 'NL', $10)",
        *(
            tenant,
            partner.code,
            partner.name,
            kind,
            partner.bills,
            partner.colour,
            partner.email,
            partner.phone,
            partner.address,
            clock.now(),
        ),
    )
    for someone in partner.members:
        await members.enter(tenant=tenant, email=someone.email, name=someone.name, role=someone.role, password=people.PASSWORD)
    return tenant


async def _client(tenant: UUID, client: Client) -> UUID:
    actor = Actor(kind=ActorKind.SYSTEM, id="demo", tenant=tenant, roles=frozenset({Role.OWNER, *Scope}), label="demo")
    new = NewCustomer(
        name=client.name,
        segment=client.segment,
        main_contact=MainContact(client.contact, client.email),
        billing_address=Address(client.street, client.postcode, client.city),
        language=client.language,
    )
    customer = await customers.create(actor, new)
    for product, label, terms in client.services:
        agreed = msgspec.convert({"label": label, **terms}, AgreedTerms)
        await services.enter(actor, customer=customer, product=product, terms=agreed, location=LocationKind.BILLING)
    return customer


def doors(settings: Settings) -> list[str]:
    """Where to look, and as whom; lines for the console."""
    owner = people.NOORDERLICHT.members[0]
    return [
        "[bold]Look around[/bold]",
        f"  Staff admin     {settings.public_url}/admin/   as fien, frits (finance), dirk (service desk), eva (editor), beheer (administrator)",
        f"  Partners        {settings.public_url}/portal   as {owner.email}, niels@... (clerk), zeno@zuiderzee.example.com (another partner)",
        f"  Customers       {settings.public_url}/portal   as {', '.join(people.SIGN_IN_TOO[:2])}",
        f"  Partners' API   {settings.public_url}/schema",
        f"  Every mail      {settings.mailcatcher_url}",
        f"  Everybody's password is {people.PASSWORD}",
    ]
