"""What the demo's customers were billed: every VAT case and every kind of document, some paid, some credited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from billing.policy.late import Charged, Reckoning
from billing.policy.ledger import DraftLine, Kind, Layer, LineKind, Unit
from billing.policy.money_in import Source
from billing.policy.tax import Vat, VatCategory
from billing.service import credit_notes, issuing, late, parties, payments
from billing.service.credit_notes import Wanted
from billing.service.issuing import Draft
from billing.service.late import Note
from billing.service.payments import Debtor, Receipt
from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from partner_portal.kernel.dates import Period, add_months, first_of_month
from tenants.policy import Scope, Segment
from tenants.service import customers
from tenants.service.customers import Address, MainContact, NewCustomer

_OUTSIDE = Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country="NL")
_ABROAD: tuple[tuple[Any, ...], ...] = (
    ("Müller Webdesign GmbH", Segment.OTHER_BIZ, "Jonas Müller", "jonas@mueller.example.com", Address("Hauptstraße 5", "50667", "Köln", "DE"), "DE136695976"),
    ("Brasserie Le Phare SRL", Segment.OTHER_BIZ, "Claire Dupont", "claire@lephare.example.com", Address("Rue du Port 3", "4000", "Liège", "BE"),
     "BE0403019261"),
    ("Anna Schmidt", Segment.CONSUMER, "Anna Schmidt", "anna@schmidt.example.com", Address("Heideweg 17", "51147", "Köln", "DE"), None),
    ("Jean Martin", Segment.CONSUMER, "Jean Martin", "jean@martin.example.com", Address("12 Rue des Lilas", "59000", "Lille", "FR"), None),
    ("Fjord Consulting AS", Segment.OTHER_BIZ, "Ola Nordmann", "ola@fjord.example.com", Address("Havnegata 1", "5003", "Bergen", "NO"), None),
    ("Hudson Media Inc.", Segment.OTHER_BIZ, "Mary Hudson", "mary@hudson.example.com", Address("1 Main Street", "10001", "New York", "US"), None),
)  # fmt: skip
_PHONES = {"DE": "+49 221 5550123", "FR": "+33 3 20 55 50 12"}
"""Beside the address what says where a consumer is, so that it can be billed."""
_SERVICES = """
SELECT s.id, s.label, s.fee_cents, s.wholesale_cents, s.quantity, s.customer FROM billing_service s
 WHERE s.tenant = $1 AND s.ended_at IS NULL AND s.billing_months = 1 AND s.paid_until = $2 AND s.starts_on <= $3 ORDER BY s.number
"""


_BILLED = "UPDATE billing_service SET billed_from = $2 WHERE id = ANY($1::uuid[])"


async def load(tenants: Sequence[UUID]) -> None:
    """Each of these partners has billed this month's services and more, today; its first has customers abroad as well."""
    for nth, tenant in enumerate(tenants):
        abroad = await _enter_abroad(tenant) if nth == 0 else []
        async with db.unit_of_work(Principal(Door.STAFF, tenant, "system:demo")):
            await _bill(tenant, abroad)


async def _enter_abroad(tenant: UUID) -> list[UUID]:
    actor = Actor(kind=ActorKind.SYSTEM, id="demo", tenant=tenant, roles=frozenset({Role.OWNER, *Scope}), label="demo")
    entered = []
    async with db.unit_of_work(Principal(Door.TENANT, tenant, "system:demo")):
        for name, segment, contact, email, address, vat_id in _ABROAD:
            person = MainContact(contact, email, _PHONES.get(address.country))
            new = NewCustomer(name, segment, person, address, language="en", country=address.country, vat_id=vat_id)
            entered.append(await customers.create(actor, new))
    return entered


async def _bill(tenant: UUID, abroad: Sequence[UUID]) -> None:
    bill = Bills(tenant)
    month = first_of_month(clock.today())
    rows = await db.fetch(_SERVICES, tenant, add_months(month, 1), month)
    at_home = list(dict.fromkeys(row["customer"] for row in rows))
    for customer in at_home:
        await bill.months([row for row in rows if row["customer"] == customer], Layer.CUSTOMER)
    if any(row["wholesale_cents"] for row in rows):
        await bill.months([row for row in rows if row["wholesale_cents"]], Layer.PARTNER)
    await db.execute(_BILLED, [row["id"] for row in rows], month)
    for customer in abroad:
        await bill.of(customer, ("Webhosting", 4_450, LineKind.OTHER), ("Domein example.test", 1_250, LineKind.OTHER))
    for customer in [*at_home, *abroad]:
        set_up = await bill.of(
            customer, ("Inrichting op locatie", 12_500, LineKind.SETUP), ("Gesprekken vorige maand", 1_337, LineKind.USAGE)
        )
        await bill.paid(set_up)
        twice = await bill.of(customer, ("Werkzaamheden", 7_500, LineKind.OTHER))
        await credit_notes.give_back(SYSTEM, twice, Wanted(reason="Dubbel in rekening gebracht"))
    for customer in at_home[:2]:
        await bill.of(
            customer,
            ("Afkoop resterende looptijd, 6 mnd x EUR 89,95 x 75 %", 40_478, LineKind.BUYOUT),
            ("Restwaarde router, 6 van 24 maanden", 6_000, LineKind.RESIDUAL),
            ("Administratiekosten bij eerder vertrek", 2_500, LineKind.HANDLING),
            ("Terug: vooruitbetaalde dagen", -4_643, LineKind.CREDIT),
        )
        await bill.of(customer, ("Schade aan router in bruikleen", 15_000, LineKind.DAMAGES), kind=Kind.DAMAGES)
        await bill.paid_too_late(customer)


class Bills:
    """Makes documents for the debtors of one partner, taxed as each of them is."""

    def __init__(self, tenant: UUID) -> None:
        self.tenant = tenant

    async def months(self, rows: Sequence[asyncpg.Record], layer: Layer) -> UUID:
        """This month of these services, on one document."""
        customer = rows[0]["customer"] if layer is Layer.CUSTOMER else None
        month, vat = first_of_month(clock.today()), await self._vat(customer, layer)
        price = "fee_cents" if layer is Layer.CUSTOMER else "wholesale_cents"
        lines = [
            DraftLine(
                kind=LineKind.RECURRING,
                description=row["label"],
                amount_cents=row[price] * row["quantity"],
                quantity=Decimal(row["quantity"]),
                unit=Unit.MONTH,
                unit_price=Decimal(row[price]) / 100,
                vat=vat,
                service=row["id"],
                period=(month, add_months(month, 1)),
                why={"rule": "period", "monthly_cents": row[price], "quantity": row["quantity"], "months": 1},
            )
            for row in rows
        ]
        return await issuing.issue(Draft(tenant=self.tenant, customer=customer, lines=lines, layer=layer))

    async def paid_too_late(self, customer: UUID) -> UUID:
        """Interest and collection costs of an invoice, as after the term of its last letter."""
        invoice = await self.plain(customer, "Werkzaamheden", 22_000)
        row = await db.fetch_one(
            "SELECT issuer, number, gross_cents, debtor_details ->> 'name' AS debtor_name FROM billing_invoice WHERE id = $1", invoice
        )
        assert row is not None  # noqa: S101  # it was just made
        today = clock.today()
        days = Period(today - timedelta(days=40), today)
        reckoned = Reckoning(charged=(Charged(invoice, row["gross_cents"], 214, days),), costs_cents=4_000)
        note = Note(
            letter=new_id(), tenant=self.tenant, customer=customer, issuer=row["issuer"], layer=Layer.CUSTOMER, debtor_name=row["debtor_name"],
            is_consumer=False, sent_on=today - timedelta(days=20), term_ended_on=today - timedelta(days=6), said_costs_cents=4_000,
            numbers={invoice: row["number"]}, reckoned=reckoned,
        )  # fmt: skip
        return await late.issue(note, today)

    async def plain(self, customer: UUID, what: str, cents: int) -> UUID:
        """A document with one line, for work that was done."""
        return await self.of(customer, (what, cents, LineKind.OTHER))

    async def of(self, customer: UUID, *items: tuple[str, int, LineKind], kind: Kind = Kind.INVOICE) -> UUID:
        """A document with these lines: what, for how many cents, and of which kind."""
        vat = _OUTSIDE if kind is Kind.DAMAGES else await self._vat(customer, Layer.CUSTOMER)
        lines = [
            DraftLine(
                kind=line_kind,
                description=what,
                amount_cents=cents,
                quantity=Decimal(1 if cents > 0 else -1),
                unit_price=abs(Decimal(cents)) / 100,
                vat=vat,
            )
            for what, cents, line_kind in items
        ]
        return await issuing.issue(Draft(tenant=self.tenant, customer=customer, lines=lines, kind=kind))

    async def paid(self, invoice: UUID) -> None:
        """It has been paid by transfer, today."""
        row: Any = await db.fetch_one("SELECT customer, issuer, gross_cents FROM billing_invoice WHERE id = $1", invoice)
        await payments.book(
            SYSTEM,
            Receipt(
                debtor=Debtor(self.tenant, row["customer"], row["issuer"]),
                source=Source.MANUAL,
                source_key=f"demo {invoice}",
                amount_cents=row["gross_cents"],
                received_on=clock.today(),
                invoices=(invoice,),
            ),
        )

    async def _vat(self, customer: UUID | None, layer: Layer) -> Vat:
        today = clock.today()
        return parties.vat(await parties.sender(self.tenant, layer), await parties.debtor(self.tenant, customer, today), today)
