"""What was paid, and what it settled."""

from __future__ import annotations

from typing import Any

from piccolo.columns import BigInt, Date, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from tenants.tables import Customer, OwnedByTenant, Tenant

from ..policy.money_in import Source
from .invoices import Invoice
from .late import WriteOff


class Payment(OwnedByTenant, Table, tablename="billing_payment"):
    """Money that came in, or went back (below zero, `reverses` says what); never changed. What its allocations leave over is on account.

    A refund below zero that reverses nothing is what a document below zero gave back.

    `tenant` is the partner whose debtor paid, `issuer` whoever got it; without `customer` the partner itself paid.
    """

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    source = Varchar(20, default=Source.MANUAL, choices=Source)
    source_key = Varchar(140, help_text="Waaraan dezelfde betaling wordt herkend")
    method = Varchar(30, default="transfer")
    amount_cents = BigInt()
    received_on = Date()
    reverses: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    note = Text(null=True, default=None)
    booked_by = Varchar(120)
    booked_at = Timestamptz(default=TimestamptzNow())

    billing_payment_once = Unique(["source", "source_key"])
    billing_payment_amount = Check("amount_cents <> 0 AND (amount_cents > 0 OR reverses IS NOT NULL OR method = 'refund')")


class OnAccount(OwnedByTenant, Table, tablename="billing_on_account"):
    """What of a payment settles nothing and did not go back; where that is nothing there is no row. Kept by triggers; the truth are payments and allocations.

    `customer` and `issuer` repeat what the payment says, so that what a debtor has coming is added up without its payments.
    """

    payment = ForeignKey(Payment, null=False, on_delete=OnDelete.restrict, unique=True)
    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    left_cents = BigInt()


class Allocation(OwnedByTenant, Table, tablename="billing_allocation"):
    """So much of a payment, of a document in the debtor's favour or of what is written off settles so much of an invoice; below zero takes it back."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    payment = ForeignKey(Payment, null=True, default=None, on_delete=OnDelete.restrict)
    credit = ForeignKey(Invoice, null=True, default=None, on_delete=OnDelete.restrict)
    write_off = ForeignKey(WriteOff, null=True, default=None, on_delete=OnDelete.restrict)
    amount_cents = BigInt()
    note = Text(null=True, default=None, help_text="Waarom het is losgemaakt, als iemand dat deed")
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())

    billing_allocation_of_one = Check(
        "num_nonnulls(payment, credit, write_off) = 1 AND amount_cents <> 0 AND credit IS DISTINCT FROM invoice"
    )
