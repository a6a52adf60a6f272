"""Everything the law and the arithmetic look at for one service in one price layer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from billing.policy.agreed import Channel, ClawbackMode, CreditMode, Method, ResidualMode, ScaleKind, ServiceKind
from billing.policy.charges import Proration
from billing.policy.tax import Vat
from billing.policy.terms import Notice, Terms
from partner_portal.kernel.dates import NO_EXTRA_HOLIDAYS
from partner_portal.kernel.errors import Invalid
from tenants.policy import Segment


class BandsOutOfOrder(Invalid):
    """The bands of a scale begin at rising months, the first at month 1 or later."""


class Ground(StrEnum):
    """Why a service ends otherwise than by an ordinary notice."""

    CHANGE = "CHANGE"
    PRICE_3M = "PRICE_3M"
    NON_CONFORMITY = "NON_CONFORMITY"
    FORCE_MAJEURE = "FORCE_MAJEURE"
    UNFORESEEN = "UNFORESEEN"
    RELOCATION = "RELOCATION"
    DEATH = "DEATH"
    BANKRUPTCY = "BANKRUPTCY"
    PORT_OUT = "PORT_OUT"
    NON_PAYMENT = "NON_PAYMENT"
    COOLING_OFF = "COOLING_OFF"


class Band(msgspec.Struct, frozen=True):
    """A percentage from a contract month on (1 is the first)."""

    from_month: int
    percentage: Decimal


class Scale(msgspec.Struct, frozen=True):
    """The percentages of a buyout; months before the first band cost nothing."""

    kind: ScaleKind
    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        """Refuse bands that do not rise."""
        starts = [band.from_month for band in self.bands]
        if not starts or starts[0] < 1 or sorted(set(starts)) != starts:
            raise BandsOutOfOrder(from_months=starts)


def flat(percentage: Decimal | int | str) -> Scale:
    """Return the scale with one percentage for all remaining time."""
    return Scale(ScaleKind.PERCENTAGE, (Band(1, Decimal(percentage)),))


class BuyoutRule(msgspec.Struct, frozen=True, kw_only=True):
    """What the contract asks for leaving early; no scale means no buyout at all."""

    method: Method = Method.FULL_STARTED
    scale: Scale | None = None
    handling_cents: int = 0
    avoided_cost_percentage: Decimal = Decimal(0)
    relocation_percentage: Decimal | None = None


class Discount(msgspec.Struct, frozen=True):
    """A discount really received, earned over so many months from the contract's start."""

    given_cents: int
    total_months: int
    mode: ClawbackMode = ClawbackMode.PRO_RATA


class Equipment(msgspec.Struct, frozen=True):
    """Equipment kept by the customer, written off in a straight line over so many months from the contract's start."""

    value_cents: int
    total_months: int
    mode: ResidualMode = ResidualMode.MONTHS


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """What limits buyout, handling, claw-back and residual value together; exit rights, P14 and the cooling-off period add theirs by themselves."""

    whole_contract: bool = True
    eecc_equipment: bool = False
    consumer_zero: bool = False
    undone: bool = False


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What the order of a service says where its contract is withdrawn from; cents as prices of the layer are given.

    `asked_early`: the consumer expressly asked for a start within the cooling-off period. `told`: it was told of its right and of what early use costs,
    on a durable medium, when it ordered. `delivered_from`: the first day it had the service; None while its numbers have not come. `setup_cents` was
    agreed once for setting up; `setup_billed_cents` is what was billed of it and not given back.
    """

    asked_early: bool
    told: bool
    delivered_from: date | None
    setup_cents: int = 0
    setup_billed_cents: int = 0


class ServiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One service as the rules see it. Money in cents; `paid_until` is the first day not paid; documents are true when on file.

    `monthly_fee_cents` is per unit. `usage_cents` is rated use up to the end, not yet billed. `signed_on` is the
    signing of the contract now running; None means the day it began. `beside` are the other running services of its bundle
    that are not asked to end with it: the bundle's terms look at them too. `ordered` is looked up where the contract is
    withdrawn from; None where no order made the service.
    """

    ref: str
    name: str
    terms: Terms
    monthly_fee_cents: int
    segment: Segment = Segment.UNKNOWN
    kind: ServiceKind = ServiceKind.OTHER
    quantity: int = 1
    signed_on: date | None = None
    channel: Channel = Channel.ON_PREMISES
    bundle: str | None = None
    term_restart_agreed: bool = False
    waiver_on_file: bool = False
    long_notice_request_on_file: bool = False
    provider_notice: Notice | None = None
    m2m: bool = False
    is_domain: bool = False
    withdrawal_right_told_on: date | None = None
    billed_from: date | None = None
    paid_until: date | None = None
    credit_mode: CreditMode = CreditMode.CAL
    proration: Proration = Proration.CAL
    buyout: BuyoutRule = BuyoutRule()
    discount: Discount | None = None
    equipment: Equipment | None = None
    usage_cents: int = 0
    caps: Caps = Caps()
    vat: Vat = Vat()
    extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS
    beside: tuple[ServiceFacts, ...] = ()
    ordered: Ordered | None = None

    @property
    def fee_cents(self) -> int:
        """The fee of one month for all units, in cents."""
        return self.monthly_fee_cents * self.quantity

    @property
    def charged_until(self) -> date:
        """The first day whose fee is still to pay."""
        return self.terms.start if self.paid_until is None else self.paid_until


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer asks: when the notice was received, from when the service need not run, why, and on which day we look.

    `early` says that a buyout is wanted: the service then ends on `wished_on` even while a commitment runs.
    `ground_told_on` and `ground_effective_on` date the event behind a ground: announced, and taking effect.
    """

    received_on: date
    today: date
    wished_on: date | None = None
    early: bool = False
    ground: Ground | None = None
    ground_told_on: date | None = None
    ground_effective_on: date | None = None
    evidence_on_file: bool = False

    @property
    def first_day(self) -> date:
        """The first day a service can still end on before its lawful end: not before receipt, nor in the past."""
        return max(self.received_on, self.today)


class Applied(msgspec.Struct, frozen=True):
    """A rule that had effect, or a note worth knowing: its key, its source, and the facts its sentence names."""

    key: str
    law: str
    parameters: dict[str, str | int | bool] = {}
