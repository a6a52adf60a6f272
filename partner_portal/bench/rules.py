"""The rules alone: the CPU of a calendar beside that of one of the previews it stands for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from time import process_time

from billing.policy.agreed import Method, ScaleKind
from billing.policy.terms import Notice, Renewal, Terms
from partner_portal.kernel.dates import add_months
from tenants.policy import Segment
from terminations.policy.calendar import HORIZON_MONTHS, what_if, wishing
from terminations.policy.facts import Asked, Band, BuyoutRule, Discount, Equipment, Scale, ServiceFacts
from terminations.policy.preview import preview

from .rows import Goal, Measured, beside

_MOST = 40
_TODAY = date(2026, 11, 22)
_ASKED = Asked(received_on=_TODAY, today=_TODAY)
_BUYOUT = BuyoutRule(method=Method.FULL_STARTED, scale=Scale(ScaleKind.PERCENTAGE, (Band(1, Decimal(75)),)), handling_cents=2500)
_OPEN = Terms(start=date(2024, 1, 1), minimum_months=0, renewal=Renewal.INDEF, notice=Notice(1))
_BOUND = Terms(start=date(2026, 3, 1), minimum_months=24, renewal=Renewal.FIXED, renewal_months=12, notice=Notice(1))

SERVICES = {
    "runs on": ServiceFacts(
        ref="1", name="1", terms=_OPEN, monthly_fee_cents=4995, segment=Segment.OTHER_BIZ, paid_until=date(2026, 12, 1)
    ),
    "is bound with a buyout": ServiceFacts(
        ref="2",
        name="2",
        terms=_BOUND,
        monthly_fee_cents=5095,
        segment=Segment.OTHER_BIZ,
        paid_until=date(2026, 12, 1),
        buyout=_BUYOUT,
    ),
    "is bound with a buyout, a discount and equipment": ServiceFacts(
        ref="3",
        name="3",
        terms=_BOUND,
        monthly_fee_cents=5195,
        segment=Segment.OTHER_BIZ,
        paid_until=date(2026, 12, 1),
        buyout=_BUYOUT,
        discount=Discount(12000, 24),
        equipment=Equipment(18000, 36),
    ),
}


def calendars(*, slices: int) -> list[Measured]:
    """Per kind of service, what a calendar of 24 months by day costs beside one preview of a day in its middle."""
    return [
        beside(
            Goal(f"calendar of 24 months by day, of a service that {kind} (floor: one preview)", "ms of CPU", _MOST, "lower"),
            partial(_calendar, service),
            partial(_preview, service),
            slices=slices,
        )
        for kind, service in SERVICES.items()
    ]


def _calendar(service: ServiceFacts) -> float:
    begun = process_time()
    what_if((service,), _ASKED, add_months(_TODAY, HORIZON_MONTHS))
    return (process_time() - begun) * 1000


def _preview(service: ServiceFacts) -> float:
    wished = wishing(_ASKED, add_months(_TODAY, HORIZON_MONTHS // 2))
    begun = process_time()
    for _ in range(_MOST):
        preview((service,), wished)
    return (process_time() - begun) / _MOST * 1000
