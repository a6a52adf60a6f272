"""What is on offer, and an order with numbers on their way."""

from __future__ import annotations

from datetime import timedelta

from billing.policy.terms import Renewal
from billing.service import offers
from billing.service.offers import NewOffer
from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal

from .stage import Stage


async def place(stage: Stage) -> None:
    """Offers are for sale, the customer has ordered, and the numbers have been asked for."""
    today = clock.today()
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:scene")):
        await offers.put_up(
            NewOffer(
                code="zakelijk-internet",
                product="internet",
                name_nl="Zakelijk internet",
                name_en="Business internet",
                fee_cents=4500,
                setup_cents=9900,
                sold_from=today,
                minimum_months=12,
                renewal=Renewal.INDEF,
                buyout_rule="75 %",
            )
        )
    starts_on = str(today + timedelta(days=14))
    asked = {"customer_id": str(stage.things["customer"]), "lines": [{"offer": "zakelijk-internet", "starts_on": starts_on, "quantity": 2}]}
    shown = await stage.change("/api/v1/orders/terms", asked)
    made = await stage.change("/api/v1/orders", {**asked, "terms_sha256": shown["terms_sha256"], "accepted_by": "Linde de Boer"})
    stage.things["order"] = made["id"]
