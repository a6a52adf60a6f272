"""Products, buyout rules, and the services that customers have, with the terms of each."""

from __future__ import annotations

from decimal import Decimal

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, ForeignKey, Integer, Numeric, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Customer, Location, OwnedByTenant

from ..policy import agreed
from ..policy.charges import Proration
from ..policy.terms import Align, CountFrom, NoticeUnit, Renewal


class Product(Table, tablename="billing_product"):
    """What the provider sells; the kind decides which law looks at it."""

    id = UUID(primary_key=True, default=NewId())
    code = Varchar(40, unique=True)
    name_nl = Varchar(200)
    name_en = Varchar(200)
    kind = Varchar(10, default=agreed.ServiceKind.OTHER, choices=agreed.ServiceKind)
    is_domain = Boolean(default=False)
    has_numbers = Boolean(default=False)
    has_data = Boolean(default=False)
    retired_on = Date(null=True, default=None)

    @classmethod
    def get_readable(cls) -> Readable:
        """Products are called by name."""
        return Readable("%s (%s)", [cls.name_nl, cls.code])


class BuyoutRule(Table, tablename="billing_buyout_rule"):
    """How leaving early is priced, as the contract says; never changed, because contracts in force point at it."""

    id = UUID(primary_key=True, default=NewId())
    name = Varchar(100, unique=True)
    method = Varchar(20, default=agreed.Method.FULL_STARTED, choices=agreed.Method)
    scale = Varchar(20, default=agreed.ScaleKind.PERCENTAGE, choices=agreed.ScaleKind)
    percentage = Numeric(digits=(6, 3), default=Decimal(100))
    bands = JSONB(default=[], help_text='Alleen bij een staffel: [{"from_month": 1, "percentage": "75"}]')
    handling_cents = BigInt(default=0)
    avoided_percentage = Numeric(digits=(6, 3), default=Decimal(0))
    created_at = Timestamptz(default=TimestamptzNow())

    buyout_rule_percentages = Check("percentage BETWEEN 0 AND 1000 AND avoided_percentage BETWEEN 0 AND 100 AND handling_cents >= 0")

    @classmethod
    def get_readable(cls) -> Readable:
        """Buyout rules are called by name."""
        return Readable("%s", [cls.name])


class Service(OwnedByTenant, Table, tablename="billing_service"):
    """A service a customer has: what it costs in each price layer, how long it binds, and what the law looks at."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    location = ForeignKey(Location, null=True, default=None, on_delete=OnDelete.restrict)
    product = ForeignKey(Product, null=False, on_delete=OnDelete.restrict)
    number = Varchar(30)
    label = Varchar(200, help_text="Zoals de klant de dienst kent")
    quantity = Integer(default=1)
    fee_cents = BigInt(help_text="Per maand per stuk, naar de klant; voor een consument inclusief btw")
    wholesale_cents = BigInt(null=True, default=None, help_text="Per maand per stuk, naar de partner, exclusief btw")
    price_since = Date(null=True, default=None, help_text="Dag van de laatste prijswijziging die is ingegaan")

    starts_on = Date()
    signed_on = Date()
    channel = Varchar(15, default=agreed.Channel.ONLINE, choices=agreed.Channel)
    minimum_months = Integer(default=0)
    explicit_end = Date(null=True, default=None, help_text="De gedrukte einddatum (t/m) gaat voor")
    renewal = Varchar(10, default=Renewal.INDEF, choices=Renewal)
    renewal_months = Integer(default=0)
    notice_n = Integer(default=1)
    notice_unit = Varchar(5, default=NoticeUnit.MONTHS, choices=NoticeUnit)
    notice_from = Varchar(10, default=CountFrom.NEXT, choices=CountFrom)
    align = Varchar(10, default=Align.NONE, choices=Align)
    billing_months = Integer(default=1)
    billed_from = Date(null=True, default=None)
    paid_until = Date(help_text="Eerste dag die nog niet is gefactureerd")
    in_advance = Boolean(default=True, help_text="Vooraf gefactureerd; anders achteraf")
    cycle_day = SmallInt(null=True, default=None, help_text="Dag van de maand waarop een periode begint; leeg: die van de ingangsdatum")
    proration = Varchar(10, default=Proration.CAL, choices=Proration)
    credit_mode = Varchar(10, default=agreed.CreditMode.CAL, choices=agreed.CreditMode)

    buyout_rule = ForeignKey(BuyoutRule, null=True, default=None, on_delete=OnDelete.restrict)
    pause_months = SmallInt(default=0, help_text="Zoveel maanden per jaar mag de dienst op pauze; 0: niet")
    pause_extends = Boolean(default=True, help_text="Een pauze verlengt de minimale looptijd")
    discount_cents = BigInt(default=0)
    discount_months = Integer(default=0)
    discount_full = Boolean(default=False)
    equipment_cents = BigInt(default=0)
    equipment_months = Integer(default=0)
    equipment_by_day = Boolean(default=False)

    bundle = Varchar(40, null=True, default=None)
    waiver_document = Varchar(100, null=True, default=None)
    long_notice_document = Varchar(100, null=True, default=None)
    provider_notice_months = Integer(null=True, default=None)
    is_m2m = Boolean(default=False)

    ends_on = Date(null=True, default=None)
    billing_ends_on = Date(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())

    billing_service_number_once = Unique(["tenant", "number"])
    billing_service_amounts = Check(
        "quantity >= 1 AND fee_cents >= 0 AND (wholesale_cents IS NULL OR wholesale_cents >= 0) AND discount_cents >= 0 AND equipment_cents >= 0"
    )
    billing_service_terms = Check(
        "minimum_months BETWEEN 0 AND 600 AND renewal_months BETWEEN 0 AND 600 AND notice_n BETWEEN 0 AND 1000 AND billing_months BETWEEN 1 AND 120"
        " AND (renewal <> 'FIXED' OR renewal_months >= 1) AND (renewal = 'INDEF' OR minimum_months >= 1 OR explicit_end IS NOT NULL)"
        " AND (explicit_end IS NULL OR explicit_end >= starts_on)"
    )
    billing_service_cycle = Check("cycle_day IS NULL OR cycle_day BETWEEN 1 AND 31")
    billing_service_parts = Check("(discount_cents = 0 OR discount_months >= 1) AND (equipment_cents = 0 OR equipment_months >= 1)")
    billing_service_end = Check("(ended_at IS NULL OR ends_on IS NOT NULL) AND ((ends_on IS NULL) = (billing_ends_on IS NULL))")

    @classmethod
    def get_readable(cls) -> Readable:
        """Services are called by number and label."""
        return Readable("%s %s", [cls.number, cls.label])


class TermsChange(OwnedByTenant, Table, tablename="billing_terms_change"):
    """A decision to change the terms of a service in force: which values, why; the service follows, the decision stays."""

    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    reason = Text()
    changes = JSONB()
    decided_by = Varchar(120)
    decided_at = Timestamptz(default=TimestamptzNow())


class PriceChange(OwnedByTenant, Table, tablename="billing_price_change"):
    """From `since` on a service costs other amounts; never changed. Before the first of them it cost what that one says it cost until then."""

    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    since = Date()
    fee_cents = BigInt()
    fee_before_cents = BigInt()
    wholesale_cents = BigInt(null=True, default=None)
    wholesale_before_cents = BigInt(null=True, default=None)
    reason = Text()
    decided_by = Varchar(120)
    decided_at = Timestamptz(default=TimestamptzNow())

    billing_price_change_once = Unique(["service", "since"])
    billing_price_change_amounts = Check("fee_cents >= 0 AND fee_before_cents >= 0")
