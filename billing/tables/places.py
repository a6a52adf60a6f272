"""Where consumers elsewhere in the EU are: what points at which country, and which pieces decided the VAT of a document."""

from __future__ import annotations

from piccolo.columns import ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Unique
from piccolo.table import Table

from tenants.tables import Customer, OwnedByTenant

from ..policy import places
from .invoices import Invoice
from .orders import Order


class LocationEvidence(OwnedByTenant, Table, tablename="billing_location_evidence"):
    """One piece of evidence of the country in which a customer is; never changed, the next of its kind takes its place."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    of_order = ForeignKey(Order, null=True, default=None, on_delete=OnDelete.restrict)
    kind = Varchar(15, choices=places.Kind)
    country = Varchar(2)
    recorded_by = Varchar(120)
    seen_at = Timestamptz(default=TimestamptzNow())


class VatPlace(OwnedByTenant, Table, tablename="billing_vat_place"):
    """In which country a document to a consumer elsewhere is taxed, by which rule, and which two pieces of evidence said so; never changed."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    rule = Varchar(20, choices=places.Rule)
    country = Varchar(2)
    first = ForeignKey(LocationEvidence, null=True, default=None, on_delete=OnDelete.restrict)
    second = ForeignKey(LocationEvidence, null=True, default=None, on_delete=OnDelete.restrict)

    billing_vat_place_once = Unique(["invoice"])
