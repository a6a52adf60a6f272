"""SEPA: mandates to collect, the files for the bank, and each collection and refund in them."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Customer, OwnedByTenant, Tenant

from ..policy.money_in import BatchKind, DebitState, Scheme, Sequence
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

    @classmethod
    def get_readable(cls) -> Readable:
        """Mandates are called by reference."""
        return Readable("%s", [cls.reference])


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
    """Money that is to go back by transfer: the payment that says so, to which account, and in which file it left."""

    payment = ForeignKey(Payment, null=False, on_delete=OnDelete.restrict, unique=True)
    amount_cents = BigInt()
    holder = Varchar(70)
    iban = Varchar(34)
    end_to_end = Varchar(35, unique=True)
    not_before = Date(null=True, default=None, help_text="Nieuwe rekening: vóór deze dag wordt er niets naartoe betaald")
    batch = ForeignKey(BankBatch, null=True, default=None, on_delete=OnDelete.restrict)
    made_at = Timestamptz(default=TimestamptzNow())

    billing_refund_amount = Check("amount_cents > 0")
