"""What the attacks need: a partner with something of everything, a dump of all it has, and bodies for every route."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec

from billing.policy.money_in import BatchKind, Source
from billing.service import announcing, debits, mandates, orders, pauses, pay_links, payments, refunds, reminder_policies
from billing.service.mandates import NewMandate
from billing.service.orders import OrderLineWanted, OrderWanted
from billing.service.pauses import PauseWanted
from billing.service.payments import Debtor, Receipt
from billing.service.port_ins import PortWanted
from partner_portal.infra import clock, db, outbox, settings, tokens
from partner_portal.mailcatcher.catcher import Catcher
from tenants.policy import LocationKind, Scope
from tenants.service import contacts, keys
from tenants.service.webhooks import deliveries, endpoints
from tenants.service.webhooks.endpoints import EndpointChange, NewEndpoint
from terminations.service import bulk, deadline_keeping, drafts, notices
from terminations.service.buyouts import Decision, case_by_number, decide
from terminations.service.notices import Sent
from tests.attack import unpaid
from tests.billing.money import issue, line, pay
from tests.billing.offering import on_offer
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
    invoice: UUID
    order: UUID
    mandate: UUID
    payment: UUID
    plan: UUID
    hold: UUID
    port_in: UUID
    pause: UUID
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
            "invoice_id": self.invoice,
            "order_id": self.order,
            "mandate_id": self.mandate,
            "payment_id": self.payment,
            "plan_id": self.plan,
            "hold_id": self.hold,
            "port_in_id": self.port_in,
            "pause_id": self.pause,
            "endpoint_id": self.endpoint,
            "delivery_id": self.delivery,
            "round_id": self.round,
            "draft_id": self.draft,
            "step": "when",
            "code": NO_PARTNER,  # a partner's public page is everybody's: tests/attack/test_notices.py
            "token": self.document,  # an id is no token
            "number": self.document,  # nor a payment at the gateway
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
    invoice = await issue(noord.id, customer, [line(description="Geheime dienst")])
    await pay(invoice, 100)
    mandate, payment = await _payable(world, customer, invoice)
    plan, hold = await unpaid.remind(noord, invoice, services[0])
    order, port_in = await _ordered(noord, customer)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_vat_check (id, tenant, customer, vat_id, outcome) VALUES (gen_random_uuid(), $1, $2, 'BE0403170701', 'valid')",
            *(noord.id, customer),
        )
        later = PauseWanted(pauses_from=date(2028, 1, 1), resumes_on=date(2028, 2, 1), reason="Geheime verbouwing")
        pause = await pauses.pause(FINANCE, services[1], later)
    await outbox.drain()
    await deadline_keeping.refresh_all()
    async with db.unit_of_work(STAFF_DOOR):
        await reminder_policies.spread()
    assert document
    assert mail
    assert member
    assert invitation
    assert newest
    return Victim(
        customer=customer, service=services[0], spare_service=services[1], quote=UUID(spare["id"]), scheduled=UUID(scheduled["id"]),
        proposed=UUID(proposed["id"]), document=document["document"], key=key.id, contact=contact["id"], member=member["id"],
        invitation=invitation["id"], invoice=invoice, order=order, mandate=mandate, payment=payment, plan=plan, hold=hold, port_in=port_in, pause=pause,
        notice=notice.id, endpoint=endpoint, delivery=delivery, round=together, draft=draft, link=link, link_id=newest["id"], mail=mail["id"], step=1,
        words=["Geheim", "geheim@", "NRD-", str(noord.id), str(customer), str(services[0]), scheduled["id"], str(document["document"])],
    )  # fmt: skip


async def _ordered(noord: Partner, customer: UUID) -> tuple[UUID, UUID]:
    """An order of the customer, and the numbers that come along."""
    await on_offer()
    async with db.unit_of_work(noord.principal()):
        lines = [OrderLineWanted(offer="bellen", starts_on=clock.today(), label="Geheim bellen", port=PORT)]
        terms = (await orders.show(customer, lines)).sha256
        order = OrderWanted(customer_id=customer, location=LocationKind.BILLING, lines=lines, terms_sha256=terms, accepted_by="Geheim")
        made = await orders.place(noord.actor, order)
        port = await db.fetch_one("SELECT id FROM billing_port_in WHERE of_order = $1", made)
    assert port
    return made, port["id"]


PORT = PortWanted(numbers=["0201234567"], donor="Geheime aanbieder", accepts_fee=True)


async def _payable(world: World, customer: UUID, invoice: UUID) -> tuple[UUID, UUID]:
    """A link to pay the invoice, a mandate to collect it with what was announced, an invitation, and money that goes back."""
    async with db.unit_of_work(STAFF_DOOR):
        await pay_links.make(FINANCE, [invoice])
        new = NewMandate(holder=SECRET_NAME, iban="NL91ABNA0417164300", signed_on=date(2026, 11, 1), reference="GEHEIM-1")
        mandate = await mandates.sign(FINANCE, world.noord.id, customer, world.house, new)
        await _collected(world, mandate, invoice)
        await db.execute("UPDATE billing_issuer SET creditor_id = 'NL98ZZZ999999990000' WHERE tenant = $1", world.house)
        await announcing.with_invoices([invoice])
        debtor = Debtor(world.noord.id, customer, world.house)
        receipt = Receipt(
            debtor=debtor, source=Source.MANUAL, source_key="geheim", amount_cents=500, received_on=clock.today(), invoices=()
        )
        payment = await payments.book(FINANCE, receipt)
        await refunds.order(FINANCE, payment, cents=400, iban="NL91ABNA0417164300", holder=SECRET_NAME)
        invitation = tokens.sha256("geheim")
        await db.execute(
            "INSERT INTO billing_mandate_invitation (id, tenant, customer, issuer, email, token_sha256, expires_at, made_by)"
            " VALUES (gen_random_uuid(), $1, $2, $3, 'geheim@geheim.example.com', $4, $5, 'test')",
            *(world.noord.id, customer, world.house, invitation, clock.now()),
        )
    return mandate, payment


async def _collected(world: World, mandate: UUID, invoice: UUID) -> None:
    """A collection on its way to the bank; its account rests for the first days, so the portal itself would not collect yet."""
    batch = uuid4()
    await debits.keep(FINANCE, batch, world.house, BatchKind.DEBIT, clock.today(), [100], "<geheim/>")
    await db.execute(
        "INSERT INTO billing_debit (id, tenant, mandate, invoice, batch, amount_cents, sequence, end_to_end, state, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, 100, 'FRST', $6, 'sent', $7)",
        *(uuid4(), world.noord.id, mandate, invoice, batch, "GEHEIM", clock.now()),
    )


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
    "TermsIn": lambda own: {"customer_id": str(own.get("customer_id", uuid4())), "lines": [{"offer": "bellen", "starts_on": "2026-12-01"}]},
    "OrderIn": lambda own: {
        "customer_id": str(own.get("customer_id", uuid4())),
        "lines": [{"offer": "bellen", "starts_on": "2026-12-01"}],
        "terms_sha256": "0" * 64,
        "accepted_by": "Dief",
    },
    "Given": lambda _own: {"holder": "Dief", "iban": "NL91ABNA0417164300", "agrees": True, "words": "0" * 64},
    "PauseWanted": lambda _own: {"pauses_from": "2028-06-01", "resumes_on": "2028-07-01", "reason": "Verbouwing"},
    "PaymentWanted": lambda own: {"invoice_ids": [str(own.get("invoice_id", uuid4()))]},
    "Usage": lambda _own: {
        "key": "dief-1",
        "description": "Gesprekken",
        "quantity": "1",
        "unit_price": "1",
        "used_from": "2026-11-01",
        "used_to": "2026-11-02",
    },
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
