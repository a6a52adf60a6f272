"""What the bank says: statements, their entries and what became of each, and what the gateway paid out. The provider's own."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Tenant

from ..policy.money_in import EntryState, PartKind, StatementState
from .payments import Payment


class Statement(Table, tablename="billing_statement"):
    """A statement of an issuer's account as it was read from a file; the same one is read once, by its `key`."""

    id = UUID(primary_key=True, default=NewId())
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    key = Varchar(64, unique=True)
    file_name = Varchar(200)
    format = Varchar(20)
    account = Varchar(34)
    number = Varchar(70)
    day = Date(null=True, default=None)
    opening_cents = BigInt(null=True, default=None)
    closing_cents = BigInt(null=True, default=None)
    sum_cents = BigInt(default=0)
    entries = Integer(default=0)
    skipped = Integer(default=0, help_text="Al bekend, of nog niet geboekt door de bank")
    state = Varchar(10, default=StatementState.ACCEPTED, choices=StatementState)
    imported_by = Varchar(120)
    imported_at = Timestamptz(default=TimestamptzNow())
    decided_by = Varchar(120, null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)


class StatementEntry(Table, tablename="billing_statement_entry"):
    """An entry that the bank booked: what it says of itself, by what it was known, and what became of it; read once, by its `key`."""

    id = UUID(primary_key=True, default=NewId())
    statement = ForeignKey(Statement, null=False, on_delete=OnDelete.restrict)
    position = Integer()
    key = Varchar(100, unique=True)
    booked_on = Date()
    amount_cents = BigInt(help_text="Boven nul: bij; onder nul: af")
    name = Varchar(140, null=True, default=None)
    iban = Varchar(34, null=True, default=None)
    end_to_end = Varchar(70, null=True, default=None)
    reference = Varchar(35, null=True, default=None)
    batch = Varchar(70, null=True, default=None)
    mandate = Varchar(35, null=True, default=None)
    text = Text(default="")
    is_return = Boolean(default=False)
    return_reason = Varchar(40, null=True, default=None)
    is_bundle = Boolean(default=False, help_text="Meer betalingen in één bedrag, zonder de bedragen apart")
    state = Varchar(10, default=EntryState.NEW, choices=EntryState)
    rule = Varchar(12, null=True, default=None)
    found = JSONB(default={}, help_text="Waar het bij hoort, of kan horen, en waarom")
    payment = ForeignKey(Payment, null=True, default=None, on_delete=OnDelete.restrict)
    decided_by = Varchar(120, null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    note = Text(null=True, default=None)

    billing_statement_entry_amount = Check("amount_cents <> 0")


class Payout(Table, tablename="billing_payout"):
    """What the gateway paid out in one sum: payments less what went back and the gateway's fee. The provider's own."""

    id = UUID(primary_key=True, default=NewId())
    gateway = Varchar(20)
    gateway_id = Varchar(64, null=True, default=None)
    reference = Varchar(40, unique=True)
    day = Date()
    gross_cents = BigInt(help_text="Betalingen min wat is teruggegaan")
    fee_cents = BigInt()
    paid_cents = BigInt(default=0, help_text="Wat volgens de betaaldienst is uitbetaald")
    payments = Integer(default=0)
    unread = Text(null=True, default=None, help_text="Waarom nog niet bekend is wat erin zat")
    foreign_money = Text(null=True, default=None, help_text="Wat geen euro's is, en in geen bedrag meetelt")
    entry = ForeignKey(StatementEntry, null=True, default=None, on_delete=OnDelete.restrict)
    looked_by = Varchar(120, null=True, default=None)
    looked_at = Timestamptz(null=True, default=None)
    note = Text(null=True, default=None)
    made_at = Timestamptz(default=TimestamptzNow())


class PayoutPart(Table, tablename="billing_payout_part"):
    """One payment, refund or chargeback in a payout, as the gateway told of it, and what we booked for it."""

    id = UUID(primary_key=True, default=NewId())
    payout = ForeignKey(Payout, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(10, default=PartKind.PAYMENT, choices=PartKind)
    gateway_id = Varchar(64)
    amount_cents = BigInt(help_text="Boven nul: bij; onder nul: terug")
    payment = ForeignKey(Payment, null=True, default=None, on_delete=OnDelete.restrict)

    billing_payout_part_once = Unique(["payout", "gateway_id"])
