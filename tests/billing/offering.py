"""What is on offer in tests."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from billing.policy.terms import Renewal
from billing.service import offers
from billing.service.offers import NewOffer
from billing.service.orders import OrderLineWanted, OrderWanted, show
from partner_portal.infra import db
from tests.world import STAFF_DOOR, Partner

OFFERS = (
    NewOffer(
        code="zakelijk-internet",
        product="internet",
        name_nl="Zakelijk internet",
        name_en="Business internet",
        fee_cents=4500,
        setup_cents=9900,
        wholesale_cents=3000,
        wholesale_setup_cents=5000,
        sold_from=date(2026, 1, 1),
        minimum_months=12,
        renewal=Renewal.INDEF,
        buyout_rule="75 %",
    ),
    NewOffer(
        code="bellen",
        product="telephony",
        name_nl="Zakelijk bellen",
        name_en="Business telephony",
        fee_cents=1250,
        wholesale_cents=800,
        sold_from=date(2026, 1, 1),
    ),
    NewOffer(
        code="thuis-internet",
        product="internet",
        name_nl="Internet thuis",
        name_en="Home internet",
        fee_cents=3995,
        wholesale_cents=2500,
        is_for_consumers=True,
        sold_from=date(2026, 1, 1),
    ),
)


async def on_offer() -> None:
    """The offers are for sale."""
    async with db.unit_of_work(STAFF_DOOR):
        for offer in OFFERS:
            await offers.put_up(offer)


async def location_of(customer: UUID) -> UUID:
    """Where the customer is billed; in the unit of work of the caller."""
    row = await db.fetch_one("SELECT id FROM location WHERE customer = $1", customer)
    assert row
    found: UUID = row["id"]
    return found


async def wanted(partner: Partner, customer: str, *lines: dict[str, Any], **order: Any) -> OrderWanted:
    """An order of this customer whose terms were just shown, in the unit of work of the caller."""
    asked = [OrderLineWanted(**{"starts_on": date(2026, 12, 16), **line}) for line in lines]
    who = partner.customers[customer]
    seen = await show(who, asked)
    return OrderWanted(
        customer_id=who,
        location=await location_of(who),
        lines=asked,
        terms_sha256=seen.sha256,
        **{"accepted_by": "Bram Bakker", **order},
    )
