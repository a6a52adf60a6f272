"""What the provider of the demo has on offer."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing.policy.terms import Renewal
from billing.service import offers
from billing.service.offers import NewOffer

from . import people

_YEAR: dict[str, Any] = {"minimum_months": 12, "renewal": Renewal.INDEF, "buyout_rule": people.BUYOUT_RULES[0][0]}


def _on_offer(sold_from: date) -> tuple[NewOffer, ...]:
    return (
        NewOffer(
            code="glasvezel-zakelijk", product="glas-500", name_nl="Glasvezel Zakelijk 1 Gb/s", name_en="Business fibre 1 Gb/s", fee_cents=5995,
            setup_cents=9900, wholesale_cents=4200, wholesale_setup_cents=5000, sold_from=sold_from, **_YEAR,
        ),
        NewOffer(
            code="glasvezel-thuis", product="glas-500", name_nl="Glasvezel Thuis", name_en="Home fibre", is_for_consumers=True, fee_cents=4250,
            wholesale_cents=2700, sold_from=sold_from, **_YEAR,
        ),
        NewOffer(
            code="bellen-zakelijk", product="voip", name_nl="Zakelijk bellen", name_en="Business telephony", fee_cents=1250,
            wholesale_cents=850, sold_from=sold_from,
        ),
        NewOffer(
            code="hosting-basis", product="webhosting", name_nl="Webhosting Basis", name_en="Web hosting basic", fee_cents=995, wholesale_cents=600,
            billing_months=12, sold_from=sold_from,
        ),
    )  # fmt: skip


async def put_up(sold_from: date) -> None:
    """The offers are for sale; their products are there."""
    for offer in _on_offer(sold_from):
        await offers.put_up(offer)
