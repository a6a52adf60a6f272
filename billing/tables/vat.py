"""What the tax authorities of the EU said of debtors' VAT numbers."""

from __future__ import annotations

from piccolo.columns import JSONB, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from tenants.tables import Customer, OwnedByTenant

from ..policy.vat_checks import Outcome


class VatCheck(OwnedByTenant, Table, tablename="billing_vat_check"):
    """One question to VIES about a VAT number, and its answer; never changed. Without `customer` it is the partner's own number.

    `consultation` is the number VIES gives as evidence to whoever names its own number (`requester`); `answer` is what it said, or why it did not.
    """

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    vat_id = Varchar(20)
    requester = Varchar(20, null=True, default=None)
    outcome = Varchar(15, choices=Outcome)
    consultation = Varchar(60, null=True, default=None)
    answer = JSONB(default={})
    asked_at = Timestamptz(default=TimestamptzNow())
