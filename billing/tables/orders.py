"""What is on offer at which prices, what was ordered on which terms, and numbers on their way to us."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, ForeignKey, Integer, Numeric, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import Customer, Location, OwnedByTenant

from ..policy import agreed
from ..policy.charges import Proration
from ..policy.terms import Align, NoticeUnit, Renewal
from ..workflow import PortAction, PortState
from .agreed import BuyoutRule, Product, Service


class Offer(Table, tablename="billing_offer"):
    """A product on certain terms. Orders point at it: its terms never change, another offer takes its place; only its last day of sale is set."""

    id = UUID(primary_key=True, default=NewId())
    code = Varchar(40, unique=True)
    product = ForeignKey(Product, null=False, on_delete=OnDelete.restrict)
    name_nl = Varchar(200)
    name_en = Varchar(200)
    is_for_consumers = Boolean(default=False, help_text="Dan zijn de prijzen inclusief btw")
    minimum_months = Integer(default=0)
    renewal = Varchar(10, default=Renewal.INDEF, choices=Renewal)
    renewal_months = Integer(default=0)
    notice_n = Integer(default=1)
    notice_unit = Varchar(5, default=NoticeUnit.MONTHS, choices=NoticeUnit)
    align = Varchar(10, default=Align.NONE, choices=Align)
    billing_months = Integer(default=1)
    in_advance = Boolean(default=True)
    proration = Varchar(10, default=Proration.CAL, choices=Proration)
    credit_mode = Varchar(10, default=agreed.CreditMode.CAL, choices=agreed.CreditMode)
    buyout_rule = ForeignKey(BuyoutRule, null=True, default=None, on_delete=OnDelete.restrict)
    pause_months = SmallInt(default=0, help_text="Zoveel maanden per jaar mag de dienst op pauze; 0: niet")
    pause_extends = Boolean(default=True, help_text="Een pauze verlengt de minimale looptijd")
    sold_from = Date()
    sold_until = Date(null=True, default=None, help_text="Laatste verkoopdag")

    billing_offer_terms = Check(
        "minimum_months BETWEEN 0 AND 36 AND renewal_months BETWEEN 0 AND 36 AND notice_n BETWEEN 0 AND 365 AND billing_months BETWEEN 1 AND 36"
        " AND (renewal <> 'FIXED' OR renewal_months >= 1) AND (renewal = 'INDEF' OR minimum_months >= 1)"
    )

    @classmethod
    def get_readable(cls) -> Readable:
        """Offers are called by name."""
        return Readable("%s (%s)", [cls.name_nl, cls.code])


class OfferIndexation(Table, tablename="billing_offer_indexation"):
    """A decision that offers cost so many per cent more from a day on, announced beforehand; never changed."""

    id = UUID(primary_key=True, default=NewId())
    percentage = Numeric(digits=(7, 4))
    since = Date()
    round_to_cents = SmallInt(default=1)
    index_from = Numeric(digits=(10, 3), null=True, default=None, help_text="Indexcijfer van de vorige keer")
    index_to = Numeric(digits=(10, 3), null=True, default=None)
    reason = Text()
    decided_by = Varchar(120)
    decided_by_label = Varchar(200)
    decided_at = Timestamptz(default=TimestamptzNow())

    @classmethod
    def get_readable(cls) -> Readable:
        """Indexations are called by their day."""
        return Readable("%s: %s %%", [cls.since, cls.percentage])


class OfferPrice(Table, tablename="billing_offer_price"):
    """What an offer costs from a day on; never changed, the next one takes its place."""

    id = UUID(primary_key=True, default=NewId())
    offer = ForeignKey(Offer, null=False, on_delete=OnDelete.restrict)
    since = Date()
    fee_cents = BigInt(help_text="Per maand per stuk; voor consumenten inclusief btw")
    setup_cents = BigInt(default=0)
    wholesale_cents = BigInt(null=True, default=None, help_text="Per maand per stuk, naar een partner die zelf factureert, exclusief btw")
    wholesale_setup_cents = BigInt(default=0)
    indexation = ForeignKey(OfferIndexation, null=True, default=None, on_delete=OnDelete.restrict)

    billing_offer_price_once = Unique(["offer", "since"])
    billing_offer_price_amounts = Check(
        "fee_cents >= 0 AND setup_cents >= 0 AND (wholesale_cents IS NULL OR wholesale_cents >= 0) AND wholesale_setup_cents >= 0"
    )


class Order(OwnedByTenant, Table, tablename="billing_order"):
    """What a customer ordered and the terms it accepted, as they were shown; never changed."""

    number = Varchar(30)
    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    location = ForeignKey(Location, null=False, on_delete=OnDelete.restrict)
    channel = Varchar(15, default=agreed.Channel.ONLINE, choices=agreed.Channel)
    language = Varchar(5, default="nl")
    terms = JSONB()
    terms_sha256 = Varchar(64)
    accepted_by = Varchar(200, help_text="Wie namens de klant akkoord ging")
    starts_early = Boolean(default=False, help_text="De consument vroeg uitdrukkelijk om te beginnen binnen de bedenktijd")
    placed_by = Varchar(120)
    placed_by_label = Varchar(200)
    once = UUID(default=NewId())
    placed_at = Timestamptz(default=TimestamptzNow())

    billing_order_number_once = Unique(["tenant", "number"])
    billing_order_sent_once = Unique(["tenant", "once"])

    @classmethod
    def get_readable(cls) -> Readable:
        """Orders are called by number."""
        return Readable("%s", [cls.number])


class OrderLine(OwnedByTenant, Table, tablename="billing_order_line"):
    """One offer of an order, and the service that came of it."""

    of_order = ForeignKey(Order, null=False, on_delete=OnDelete.restrict)
    position = SmallInt()
    offer = ForeignKey(Offer, null=False, on_delete=OnDelete.restrict)
    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    setup_cents = BigInt(default=0)
    wholesale_setup_cents = BigInt(default=0)

    billing_order_line_position_once = Unique(["of_order", "position"])


class PortIn(OwnedByTenant, Table, tablename="billing_port_in"):
    """Telephone numbers that the customer takes along from another provider."""

    of_order = ForeignKey(Order, null=False, on_delete=OnDelete.restrict)
    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    numbers = Varchar(400)
    donor = Varchar(100, help_text="De huidige aanbieder")
    donor_contract = Varchar(60, null=True, default=None)
    wished_on = Date(null=True, default=None)
    planned_on = Date(null=True, default=None)
    state = Varchar(12, default=PortState.REQUESTED, choices=PortState)

    @classmethod
    def get_readable(cls) -> Readable:
        """Port-ins are called by their numbers."""
        return Readable("%s", [cls.numbers])


class PortInStep(OwnedByTenant, Table, tablename="billing_port_in_step"):
    """What happened to a port-in, by whom and why; never changed."""

    port_in = ForeignKey(PortIn, null=False, on_delete=OnDelete.restrict)
    nth = SmallInt()
    action = Varchar(12, choices=PortAction)
    state = Varchar(12, choices=PortState)
    note = Text(default="")
    planned_on = Date(null=True, default=None)
    actor = Varchar(120)
    actor_label = Varchar(200)
    at = Timestamptz(default=TimestamptzNow())

    billing_port_in_step_once = Unique(["port_in", "nth"])
