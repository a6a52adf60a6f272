"""What the attacks need: a partner with something of everything, a dump of all it has, and bodies for every route."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.mailcatcher.catcher import Catcher
from tenants.policy import Scope
from tenants.service import contacts, keys
from tenants.service.webhooks import deliveries, endpoints
from tenants.service.webhooks.endpoints import EndpointChange, NewEndpoint
from terminations.service import bulk, deadline_keeping, drafts, notices
from terminations.service.buyouts import Decision, case_by_number, decide
from terminations.service.notices import Sent
from tests.billing.money import issue, line, pay
from tests.conftest import browser
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, Partner, World, make_customer, make_service

SECRET_NAME = "Geheim & Zonen"
NO_PARTNER = "NIEMAND"


class Victim(msgspec.Struct, kw_only=True):
    """Ids of a partner's things, one of each kind, and words that must be read nowhere else."""

    customer: UUID
    service: UUID
    spare_service: UUID
    quote: UUID
    scheduled: UUID
    proposed: UUID
    document: UUID
    key: UUID
    contact: UUID
    member: UUID
    invitation: UUID
    notice: UUID
    endpoint: UUID
    delivery: UUID
    round: UUID
    draft: UUID
    link: str
    link_id: UUID
    mail: UUID
    step: int
    words: list[str]

    def ids(self, termination: UUID) -> dict[str, object]:
        """What to fill into paths, by the parameter's name."""
        return {
            "customer_id": self.customer,
            "service_id": self.service,
            "quote_id": self.quote,
            "termination_id": termination,
            "document_id": self.document,
            "key_id": self.key,
            "contact_id": self.contact,
            "member_id": self.member,
            "notice_id": self.notice,
            "endpoint_id": self.endpoint,
            "delivery_id": self.delivery,
            "round_id": self.round,
            "draft_id": self.draft,
            "step": "when",
            "code": NO_PARTNER,  # a partner's public page is everybody's: tests/attack/test_notices.py
            "token": self.document,  # an id is no token
        }


async def victim(world: World, client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> Victim:
    """Noord with a scheduled case and its confirmation, a proposed buyout, an open quote, a key: something of everything."""
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        customer = await make_customer(noord, SECRET_NAME, email="geheim@geheim.example.com")
        services = [await make_service(noord, customer, label=f"Geheime dienst {nth}") for nth in range(2)]
        bound = await make_service(noord, customer, label="Geheime binding", **BOUND)
        key = await keys.make(noord.actor, name="Geheime sleutel", scopes=frozenset(Scope), expires_on=None)
    scheduled = await people.filed(client, services[0])
    link = people.link_in(people.newest(world.mailbox, "geheim@"))
    await people.press(stranger, link, "approve")
    spare = await people.quote(client, services[1])
    proposed = await people.filed(client, bound, early=True, wished_on="2026-12-31")
    async with db.unit_of_work(STAFF_DOOR):
        await decide(FINANCE, await case_by_number(proposed["number"]), Decision.APPROVE)
    await outbox.drain()
    async with db.unit_of_work(noord.principal()):
        document = await db.fetch_one("SELECT document FROM termination WHERE id = $1", UUID(scheduled["id"]))
        mail = await db.fetch_one("SELECT id FROM infra_mail LIMIT 1")
        contact = await db.fetch_one("SELECT id FROM contact WHERE customer = $1", customer)
        member = await db.fetch_one("SELECT id FROM member WHERE email = $1", noord.clerk)
        assert contact
        await contacts.invite(noord.actor, customer, contact["id"])
        notice = await notices.receive(noord.actor, Sent(name=SECRET_NAME, contract="Geheim contract"))
        endpoint, delivery = await _webhook(noord)
        together = await bulk.begin(noord.actor, services)
        draft = await drafts.begin(noord.actor, customer, (services[1],))
        invitation = await db.fetch_one("SELECT id FROM invitation")
        newest = await db.fetch_one("SELECT id FROM termination_decision_link WHERE decided_at IS NULL AND replaced_at IS NULL")
    await pay(await issue(noord.id, customer, [line(description="Geheime dienst")]), 100)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_vat_check (id, tenant, customer, vat_id, outcome) VALUES (gen_random_uuid(), $1, $2, 'BE0403170701', 'valid')",
            *(noord.id, customer),
        )
    await outbox.drain()
    await deadline_keeping.refresh_all()
    assert document
    assert mail
    assert member
    assert invitation
    assert newest
    return Victim(
        customer=customer, service=services[0], spare_service=services[1], quote=UUID(spare["id"]), scheduled=UUID(scheduled["id"]),
        proposed=UUID(proposed["id"]), document=document["document"], key=key.id, contact=contact["id"], member=member["id"],
        invitation=invitation["id"], notice=notice.id, endpoint=endpoint, delivery=delivery, round=together,
        draft=draft, link=link, link_id=newest["id"], mail=mail["id"], step=1,
        words=["Geheim", "geheim@", "NRD-", str(noord.id), str(customer), str(services[0]), scheduled["id"], str(document["document"])],
    )  # fmt: skip


async def _webhook(noord: Partner) -> tuple[UUID, UUID]:
    """An endpoint, switched off so that nothing leaves for it, and what was announced before it was."""
    made = await endpoints.add(noord.actor, NewEndpoint(url="https://geheim.example.com/hook", description="Geheime koppeling"))
    await deliveries.announce(noord.id, "termination.scheduled", {"geheim": "Geheim"}, key="geheim", at=clock.now())
    await endpoints.change(noord.actor, await endpoints.find(made.id), EndpointChange(on=False))
    delivery = await db.fetch_one("SELECT id FROM webhook_delivery")
    assert delivery
    return made.id, delivery["id"]


BOUND: dict[str, Any] = {
    "product": "hosting",
    "fee_cents": 2000,
    "starts_on": "2026-03-01",
    "minimum_months": 12,
    "renewal": "FIXED",
    "renewal_months": 12,
    "buyout_rule": "75 %",
}


async def dump(tenant: UUID, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Every row of every table that the partner has, as its owner sees it."""
    connection = await asyncpg.connect(settings.current().database_url)
    try:
        tables = await connection.fetch(
            "SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'tenant' AND c.relkind = 'r'"
        )
        rows = {}
        for name in {table["name"] for table in tables} - set(but):
            held = await connection.fetch(f"SELECT t::text AS said FROM {name} t WHERE tenant = $1 ORDER BY said", tenant)  # noqa: S608  # names from the catalogue
            rows[name] = [row["said"] for row in held]
        rows["tenant"] = [str(await connection.fetchval("SELECT t::text FROM tenant t WHERE id = $1", tenant))]
        return rows
    finally:
        await connection.close()


async def key_client(partner: Partner, *scopes: Scope) -> httpx.AsyncClient:
    """Software of the partner with a key of these scopes."""
    async with db.unit_of_work(partner.principal()):
        made = await keys.make(partner.actor, name="Koppeling", scopes=frozenset(scopes), expires_on=None)
    return browser(headers={"authorization": f"Bearer {made.secret}"})


ADDRESS = {"street": "Straat 1", "postcode": "1234 AB", "city": "Stad"}
PERSON = {"name": "Iemand", "email": "iemand@klant.example.com"}
Body = Callable[[dict[str, Any]], Any]
BODIES: dict[str, Body] = {
    "CustomerChange": lambda _own: {"name": "Overgenomen"},
    "NewCustomer": lambda _own: {"name": "Nieuw", "segment": "OTHER_BIZ", "main_contact": PERSON, "billing_address": ADDRESS},
    "NewService": lambda _own: {
        "product": "internet",
        "terms": {"label": "Dienst", "fee_cents": 100, "starts_on": "2026-01-01", "paid_until": "2026-12-01"},
    },
    "NewContact": lambda _own: PERSON,
    "ContactChange": lambda _own: {"name": "Overgenomen", "email": "dief@example.com"},
    "NewMember": lambda _own: PERSON | {"role": "owner"},
    "MemberChange": lambda _own: {"role": "owner", "disabled": True},
    "NewEndpoint": lambda _own: {"url": "https://dief.example.com/hook"},
    "EndpointChange": lambda _own: {"url": "https://dief.example.com/hook", "on": True},
    "NewSecret": lambda _own: {"at_once": True},
    "Since": lambda _own: {"since": "2026-01-01T00:00:00Z"},
    "NewKey": lambda _own: {"name": "Sleutel", "scopes": ["read"]},
    "Ask": lambda own: {"service_ids": [str(own["service_id"])]},
    "AskPreview": lambda own: {"service_ids": [str(own["service_id"])]},
    "File": lambda own: {"quote_id": str(own["quote_id"]), "reason": "price"},
    "Remark": lambda _own: {"note": "binnengedrongen"},
    "Counter": lambda _own: {"amount": {"amount": "1.00", "currency": "EUR"}},
    "SignIn": lambda _own: {"email": "niemand@example.com", "password": "x" * 12},
}
"""A good body for every kind of body that a route takes, by the name of its Struct."""


def body_of(kind: Any, own: dict[str, Any]) -> dict[str, Any]:
    """What to send, as httpx takes it; a Struct that is not in BODIES fails the test: give it one."""
    if kind is None:
        return {}
    if kind == dict[str, str]:
        return {"data": {"decision": "approve", "text_version": "0" * 64}}
    assert kind.__name__ in BODIES, f"{kind.__name__}: give the walk a body of this kind"
    return {"content": json.dumps(BODIES[kind.__name__](own)).encode(), "headers": {"content-type": "application/json", "if-match": "*"}}


def arrivals(mailbox: Catcher) -> int:
    """How many mails have been taken."""
    return len(mailbox.mailbox.arrivals)
