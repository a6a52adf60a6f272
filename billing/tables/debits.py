"""SEPA: mandates to collect, the files for the bank, and each collection and refund in them."""

from __future__ import annotations

from typing import Any

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Date, ForeignKey, Integer, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Customer, OwnedByTenant, Tenant

from ..policy.money_in import BatchKind, DebitState, RefundState, RefundWay, Scheme, Sequence, Signed
from .invoices import Invoice
from .payments import Payment


class Mandate(OwnedByTenant, Table, tablename="billing_mandate"):
    """A debtor's leave to collect from its account, as it was signed; it ends, also when it was not used for 36 months, and never comes back."""

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    reference = Varchar(35)
    scheme = Varchar(4, default=Scheme.CORE, choices=Scheme)
    holder = Varchar(70)
    iban = Varchar(34)
    bic = Varchar(11, null=True, default=None)
    signed_on = Date()
    signed_how = Varchar(10, default=Signed.PAPER, choices=Signed)
    consent = JSONB(default={}, help_text="Wat er is getoond en aangeklikt, wanneer en vanwaar")
    announced_days = SmallInt(default=14, help_text="Zoveel dagen vooraf wordt een incasso aangekondigd")
    amendments = JSONB(default=[], help_text="Wat er is gewijzigd sinds de ondertekening, en wanneer")
    rests_until = Date(null=True, default=None, help_text="Andere rekening: vóór deze dag wordt er niet van geïncasseerd")
    last_used_on = Date(null=True, default=None)
    ended_on = Date(null=True, default=None)
    ended_because = Text(null=True, default=None)
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())
    version = Integer(default=1)

    billing_mandate_reference_once = Unique(["issuer", "reference"])
    billing_mandate_days = Check("ended_on IS NULL OR ended_on >= signed_on")
    billing_mandate_announced = Check("announced_days BETWEEN 1 AND 60")

    @classmethod
    def get_readable(cls) -> Readable:
        """Mandates are called by reference."""
        return Readable("%s", [cls.reference])


class MandateInvitation(OwnedByTenant, Table, tablename="billing_mandate_invitation"):
    """A page where a debtor gives its mandate, for whoever has its address; of the secret in the address the hash is kept."""

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    email = Varchar(320)
    token_sha256 = Bytea(unique=True)
    expires_at = Timestamptz()
    mandate = ForeignKey(Mandate, null=True, default=None, on_delete=OnDelete.restrict)
    signed_at = Timestamptz(null=True, default=None)
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())


class Announcement(OwnedByTenant, Table, tablename="billing_announcement"):
    """What a debtor was told beforehand of a collection (SEPA pre-notification): with the invoice, or in a mail of its own; never changed."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    mandate = ForeignKey(Mandate, null=False, on_delete=OnDelete.restrict)
    reference = Varchar(35)
    creditor_id = Varchar(35)
    iban = Varchar(34)
    amount_cents = BigInt()
    collects_on = Date()
    is_separate = Boolean(default=False)
    made_on = Date()
    made_at = Timestamptz(default=TimestamptzNow())

    billing_announcement_once = Unique(["invoice", "mandate", "iban", "collects_on", "amount_cents"])
    billing_announcement_amount = Check("amount_cents > 0 AND collects_on > made_on")


class BankBatch(Table, tablename="billing_bank_batch"):
    """A file for an issuer's bank, as it was made and stays; the provider's own."""

    id = UUID(primary_key=True, default=NewId())
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(10, default=BatchKind.DEBIT, choices=BatchKind)
    reference = Varchar(35, unique=True)
    executes_on = Date()
    transactions = Integer()
    total_cents = BigInt()
    xml = Text()
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())
    downloaded_at = Timestamptz(null=True, default=None)
    refused_by = Varchar(120, null=True, default=None, help_text="Wie heeft gemeld dat de bank het bestand niet heeft uitgevoerd")
    refused_at = Timestamptz(null=True, default=None)
    refused_because = Text(null=True, default=None)


class Debit(OwnedByTenant, Table, tablename="billing_debit"):
    """One collection: of which document, by which mandate, in which file, and how far it is."""

    mandate = ForeignKey(Mandate, null=False, on_delete=OnDelete.restrict)
    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    batch = ForeignKey(BankBatch, null=False, on_delete=OnDelete.restrict)
    amount_cents = BigInt()
    sequence = Varchar(4, default=Sequence.RECURRENT, choices=Sequence)
    end_to_end = Varchar(35, unique=True)
    state = Varchar(10, default=DebitState.SENT, choices=DebitState)
    payment = ForeignKey(Payment, null=True, default=None, on_delete=OnDelete.restrict)
    reason = Varchar(40, null=True, default=None)
    changed_at = Timestamptz(default=TimestamptzNow())

    billing_debit_amount = Check("amount_cents > 0")


class Refund(OwnedByTenant, Table, tablename="billing_refund"):
    """Money that is to go back: the payment that says so, by which way, who ordered and who agreed, and how far it is.

    Where it fails or is refused, `undone` is the payment that puts it on account again.
    """

    payment = ForeignKey(Payment, null=False, on_delete=OnDelete.restrict, unique=True)
    way = Varchar(10, default=RefundWay.BANK, choices=RefundWay)
    state = Varchar(10, default=RefundState.AGREED, choices=RefundState)
    amount_cents = BigInt()
    reason = Text(default="")
    holder = Varchar(70, null=True, default=None)
    iban = Varchar(34, null=True, default=None)
    end_to_end = Varchar(35, unique=True)
    not_before = Date(null=True, default=None, help_text="Nieuwe rekening: vóór deze dag wordt er niets naartoe betaald")
    gateway_id = Varchar(64, null=True, default=None)
    batch = ForeignKey(BankBatch, null=True, default=None, on_delete=OnDelete.restrict)
    undone: ForeignKey[Any] = ForeignKey(Payment, null=True, default=None, on_delete=OnDelete.restrict)
    failed_because = Text(null=True, default=None)
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())
    decided_by = Varchar(120, null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    changed_at = Timestamptz(default=TimestamptzNow())
    seen_by = Varchar(120, null=True, default=None, help_text="Wie de mislukte terugbetaling heeft opgepakt")
    seen_at = Timestamptz(null=True, default=None)

    billing_refund_amount = Check("amount_cents > 0")
    billing_refund_account = Check("way = 'gateway' OR iban IS NOT NULL")
    billing_refund_undone = Check("(undone IS NOT NULL) = (state IN ('failed', 'refused'))")
