"""Paying online: the links that lead to it, the attempts at the gateway, and what the built-in gateway remembers."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Date, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Customer, OwnedByTenant, Tenant

from ..policy.money_in import IntentState
from .invoices import Invoice
from .payments import Payment


class PayLink(OwnedByTenant, Table, tablename="billing_pay_link"):
    """A page where anybody who has its address pays certain documents; of the secret in the address the hash is kept."""

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    token_sha256 = Bytea(unique=True)
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())


class PayLinkInvoice(OwnedByTenant, Table, tablename="billing_pay_link_invoice"):
    """One of the documents of a link."""

    link = ForeignKey(PayLink, null=False, on_delete=OnDelete.restrict)
    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)

    billing_pay_link_invoice_once = Unique(["link", "invoice"])


class Intent(OwnedByTenant, Table, tablename="billing_intent"):
    """An attempt to pay a link's documents at the gateway: what was to be paid when it began, and how far it is."""

    link = ForeignKey(PayLink, null=False, on_delete=OnDelete.restrict)
    gateway = Varchar(20)
    gateway_id = Varchar(64, null=True, default=None)
    amount_cents = BigInt()
    shares = JSONB(help_text="Wat van welke factuur openstond toen het begon")
    state = Varchar(10, default=IntentState.NEW, choices=IntentState)
    checkout_url = Text(null=True, default=None)
    payment = ForeignKey(Payment, null=True, default=None, on_delete=OnDelete.restrict)
    made_at = Timestamptz(default=TimestamptzNow())
    checked_at = Timestamptz(null=True, default=None)

    billing_intent_amount = Check("amount_cents > 0")


class SandboxPayment(Table, tablename="billing_sandbox_payment"):
    """What the built-in gateway remembers of a payment: the other side of the wire, played by ourselves."""

    id = UUID(primary_key=True, default=NewId())
    number = Varchar(64, unique=True)
    idempotency_key = Varchar(64, unique=True)
    amount_cents = BigInt()
    description = Varchar(255)
    redirect_url = Text()
    webhook_url = Text()
    state = Varchar(10, default=IntentState.OPEN, choices=IntentState)
    backs = JSONB(default=[], help_text="Terugbetaald en gestorneerd")
    made_at = Timestamptz(default=TimestamptzNow())
    paid_at = Timestamptz(null=True, default=None)
    payout = Varchar(40, null=True, default=None, help_text="Waarin het is uitbetaald")


class SandboxPayout(Table, tablename="billing_sandbox_payout"):
    """What the built-in gateway paid out in one sum, and which of its payments were in it."""

    id = UUID(primary_key=True, default=NewId())
    number = Varchar(64, unique=True)
    day = Date()
    fee_cents = BigInt()
    paid_cents = BigInt()
    parts = JSONB(default=[])
    made_at = Timestamptz(default=TimestamptzNow())
