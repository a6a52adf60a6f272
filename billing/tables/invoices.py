"""What is owed: issuers and their numbers, invoices with lines and VAT that never change, what waits to be billed, and where each invoice stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, ForeignKey, Integer, Numeric, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Customer, OwnedByTenant, Tenant

from ..policy.ledger import Kind, Layer, LineKind, Unit
from .agreed import Service


class Issuer(OwnedByTenant, Table, tablename="billing_issuer"):
    """What the law wants on an invoice about who sends it (Wet OB 1968 art. 35a), and where it is paid; one per tenant that invoices."""

    name = Varchar(200)
    street = Varchar(200)
    postcode = Varchar(12)
    city = Varchar(100)
    country = Varchar(2, default="NL")
    email = Varchar(320)
    vat_id = Varchar(20)
    chamber_number = Varchar(12)
    iban = Varchar(34)
    bic = Varchar(11, null=True, default=None)
    creditor_id = Varchar(35, null=True, default=None, help_text="Incassant-ID")
    payment_days = SmallInt(default=30)
    consumer_payment_days = SmallInt(default=14)
    uses_oss = Boolean(default=True)
    version = Integer(default=1)

    billing_issuer_once = Unique(["tenant"])
    billing_issuer_days = Check("payment_days BETWEEN 0 AND 60 AND consumer_payment_days BETWEEN 0 AND 60")

    @classmethod
    def get_readable(cls) -> Readable:
        """Issuers are called by name."""
        return Readable("%s", [cls.name])


class Series(OwnedByTenant, Table, tablename="billing_series"):
    """The last number an issuer gave in a series and year; counted in the transaction that uses it, so that none is left out."""

    series = Varchar(2)
    year = SmallInt()
    last = Integer(default=0)

    billing_series_once = Unique(["tenant", "series", "year"])


class Account(OwnedByTenant, Table, tablename="billing_account"):
    """How a debtor is billed, where it differs from the usual; without a customer it is the partner itself.

    Only a partner has a name and an address here, where they are not those with which it sends its own invoices; a customer's are its location's.
    """

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    payment_days = SmallInt(null=True, default=None)
    is_collective = Boolean(default=True, help_text="Eén factuur voor alle diensten; anders één per dienst")
    email = Varchar(320, null=True, default=None, help_text="Waar facturen naartoe gaan; leeg: de administratieve contactpersoon")
    buyer_reference = Varchar(100, null=True, default=None)
    endpoint_scheme = Varchar(4, null=True, default=None, help_text="Peppol: 0106 (KvK), 0190 (OIN), 9944 (btw)")
    endpoint_id = Varchar(50, null=True, default=None)
    name = Varchar(200, null=True, default=None)
    street = Varchar(200, null=True, default=None)
    postcode = Varchar(12, null=True, default=None)
    city = Varchar(100, null=True, default=None)
    country = Varchar(2, null=True, default=None)
    version = Integer(default=1)

    billing_account_address = Check(
        "num_nulls(street, postcode, city, country) IN (0, 4) AND (customer IS NULL OR num_nonnulls(name, street) = 0)"
    )
    billing_account_days = Check("payment_days IS NULL OR payment_days BETWEEN 0 AND 120")


class Run(Table, tablename="billing_run"):
    """One daily run over all partners: what it was to bill, and what came of it. The provider's own."""

    id = UUID(primary_key=True, default=NewId())
    day = Date()
    started_at = Timestamptz(default=TimestamptzNow())
    finished_at = Timestamptz(null=True, default=None)
    services = Integer(default=0, help_text="Te factureren")
    done = Integer(default=0)
    invoices = Integer(default=0)
    parked = Integer(default=0)
    gross_cents = BigInt(default=0)


class Invoice(OwnedByTenant, Table, tablename="billing_invoice"):
    """A document that was sent, with its number and everybody's details as they were; never changed.

    `tenant` is the partner whose debtor it is, `issuer` whoever sends it; without `customer` the partner itself owes it. Amounts of a credit note are
    positive, as are those of an invoice unless more is given back than billed.
    """

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    issuer = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict)
    layer = Varchar(10, default=Layer.CUSTOMER, choices=Layer)
    kind = Varchar(15, default=Kind.INVOICE, choices=Kind)
    series = Varchar(2)
    year = SmallInt()
    sequence = Integer()
    number = Varchar(30)
    reference = Varchar(25, help_text="RF-kenmerk (ISO 11649)")
    issued_on = Date()
    due_on = Date()
    period_from = Date(null=True, default=None)
    period_until = Date(null=True, default=None)
    language = Varchar(5, default="nl")
    prices_include_vat = Boolean(default=False)
    net_cents = BigInt()
    vat_cents = BigInt()
    gross_cents = BigInt()
    issuer_details = JSONB()
    debtor_details = JSONB()
    buyer_reference = Varchar(100, null=True, default=None)
    refers_to: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    reason = Text(null=True, default=None)
    run = ForeignKey(Run, null=True, default=None, on_delete=OnDelete.restrict)
    issued_at = Timestamptz(default=TimestamptzNow())

    billing_invoice_number_once = Unique(["issuer", "number"])
    billing_invoice_sequence_once = Unique(["issuer", "series", "year", "sequence"])
    billing_invoice_sums = Check("gross_cents = net_cents + vat_cents AND due_on >= issued_on AND sequence >= 1")
    billing_invoice_refers = Check("(kind = 'credit note') = (refers_to IS NOT NULL)")

    @classmethod
    def get_readable(cls) -> Readable:
        """Invoices are called by number."""
        return Readable("%s", [cls.number])


class Line(OwnedByTenant, Table, tablename="billing_line"):
    """A line of an invoice; never changed. A service's days are billed once per layer, and once more after each time they were credited whole (`turn`)."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    position = SmallInt()
    kind = Varchar(10, default=LineKind.RECURRING, choices=LineKind)
    layer = Varchar(10, default=Layer.CUSTOMER, choices=Layer)
    service = ForeignKey(Service, null=True, default=None, on_delete=OnDelete.restrict)
    description = Text()
    quantity = Numeric(digits=(14, 4), default=Decimal(1))
    unit = Varchar(3, default=Unit.PIECE, choices=Unit)
    unit_price = Numeric(digits=(16, 6), help_text="In euro, exclusief btw; nooit negatief")
    net_cents = BigInt()
    amount_cents = BigInt(help_text="Zoals de prijs is genoemd: voor een consument inclusief btw")
    vat_category = Varchar(2)
    vat_rate = Numeric(digits=(5, 2))
    vat_country = Varchar(2)
    period_from = Date(null=True, default=None)
    period_until = Date(null=True, default=None)
    turn = SmallInt(default=1)
    credits: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    why = JSONB(default={})

    billing_line_position_once = Unique(["invoice", "position"])
    billing_line_price = Check("unit_price >= 0")
    billing_line_period = Check(
        "(period_from IS NULL) = (period_until IS NULL) AND (period_until IS NULL OR period_until > period_from)"
        " AND (kind <> 'recurring' OR (service IS NOT NULL AND period_from IS NOT NULL))"
    )


class VatLine(OwnedByTenant, Table, tablename="billing_vat"):
    """The VAT of an invoice per category, rate and country, on the sum of its lines; never changed."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    category = Varchar(2)
    rate = Numeric(digits=(5, 2))
    country = Varchar(2)
    base_cents = BigInt()
    vat_cents = BigInt()

    billing_vat_once = Unique(["invoice", "category", "rate", "country"])


class Charge(OwnedByTenant, Table, tablename="billing_charge"):
    """What waits to be billed once: set-up, usage, what an end costs. `key` says what it is for, so that nothing is charged twice."""

    key = Varchar(120)
    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    service = ForeignKey(Service, null=True, default=None, on_delete=OnDelete.restrict)
    layer = Varchar(10, default=Layer.CUSTOMER, choices=Layer)
    kind = Varchar(10, default=LineKind.OTHER, choices=LineKind)
    description = Text()
    quantity = Numeric(digits=(14, 4), default=Decimal(1))
    unit = Varchar(3, default=Unit.PIECE, choices=Unit)
    unit_price = Numeric(digits=(16, 6))
    amount_cents = BigInt()
    bill_from = Date(help_text="Vanaf deze dag op een factuur")
    period_from = Date(null=True, default=None)
    period_until = Date(null=True, default=None)
    why = JSONB(default={})
    line = ForeignKey(Line, null=True, default=None, on_delete=OnDelete.restrict)
    dropped_at = Timestamptz(null=True, default=None)
    dropped_because = Text(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    billing_charge_key_once = Unique(["tenant", "key", "layer"])
    billing_charge_price = Check("unit_price >= 0 AND (line IS NULL OR dropped_at IS NULL)")


class Parked(OwnedByTenant, Table, tablename="billing_parked"):
    """What was not billed because it does not add up, by a run or (without one) by a bill that came at once: why, and what a person decided."""

    run = ForeignKey(Run, null=True, default=None, on_delete=OnDelete.restrict)
    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    service = ForeignKey(Service, null=True, default=None, on_delete=OnDelete.restrict)
    reason = Varchar(40)
    facts = JSONB(default={})
    parked_at = Timestamptz(default=TimestamptzNow())
    settled_at = Timestamptz(null=True, default=None)
    settled_by = Varchar(120, null=True, default=None)


class Standing(OwnedByTenant, Table, tablename="billing_standing"):
    """Where an invoice stands: what is open of it, and what was made of it and sent. Kept by triggers from allocations; the truth are those.

    `due_on` and `owed_by` repeat what the invoice says, so that everything open is read along one index; a credit note has no `due_on`.
    """

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict, unique=True)
    due_on = Date(null=True, default=None)
    owed_by = UUID(null=True, default=None)
    open_cents = BigInt()
    paid_on = Date(null=True, default=None)
    credited_cents = BigInt(default=0)
    written_off_cents = BigInt(default=0)
    document = UUID(null=True, default=None)
    einvoice = UUID(null=True, default=None)
    paid_document = UUID(null=True, default=None)
    mailed_at = Timestamptz(null=True, default=None)
    bounced_at = Timestamptz(null=True, default=None)
    overdue_told_on = Date(null=True, default=None)
