"""A final bill of a customer that is taxed in another way than when its days were billed: what was billed is given back as it was billed."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from billing.policy.ledger import Kind, LineKind, Unit
from billing.policy.tax import Vat
from billing.service import documents, ubl
from billing.service.documents import Document
from partner_portal.infra import db
from tenants.policy import Segment
from tests.billing import validator
from tests.billing.money import issue, line
from tests.terminations import ended
from tests.world import STAFF_DOOR, World, make_customer, make_service

EARLY, LAST_DAY = date(2026, 12, 15), date(2026, 12, 22)
DECEMBER = (date(2026, 12, 1), date(2027, 1, 1))


async def left(world: World, segment: Segment, vat: Vat, moved: str, **terms: Any) -> tuple[UUID, list[Document]]:
    """Its December was billed so; then `moved` changed who it is, and its service ended early: the invoice, and what the end brought."""
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        customer = await make_customer(noord, "Verhuisd", segment=segment)
        usual: dict[str, Any] = {
            "product": "hosting", "fee_cents": 8995, "starts_on": date(2025, 6, 16), "paid_until": DECEMBER[1], "label": "Webshop",
        }  # fmt: skip
        service = await make_service(noord, customer, **(usual | terms))
    recurring = line(
        8995, kind=LineKind.RECURRING, description="Webshop", service=service, period=DECEMBER, unit=Unit.MONTH, vat=vat
    )  # fmt: skip
    billed = await issue(noord.id, customer, [recurring])
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(f"UPDATE customer SET {moved} WHERE id = $1", customer)  # noqa: S608  # the tests' own words
    if terms:
        await ended.agreed(noord, service, wished_on=EARLY, early=True)
    else:
        await ended.agreed(noord, service)
    await ended.over(EARLY if terms else LAST_DAY)
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT id FROM billing_invoice WHERE customer = $1 AND id <> $2 ORDER BY id", customer, billed)
        return billed, await documents.several([row["id"] for row in rows])


BOUND: dict[str, Any] = {"minimum_months": 24, "renewal": "FIXED", "renewal_months": 12, "buyout_rule": "75 %"}


@validator.needed
async def test_one_that_moved_out_of_the_eu_gets_dutch_vat_back_apart_from_a_buyout_without(world: World) -> None:
    billed, made = await left(world, Segment.OTHER_BIZ, Vat(), "country = 'GB'", **BOUND)

    found = {one.kind: one for one in made}
    assert set(found) == {Kind.INVOICE, Kind.CREDIT_NOTE}
    note, final = found[Kind.CREDIT_NOTE], found[Kind.INVOICE]
    assert note.corrects
    assert (note.corrects.id, note.net.cents, note.vat.cents) == (billed, 4643, 975)
    assert (final.vat.cents, {str(one) for one in final.categories}) == (0, {"O"})
    assert [validator.fatal(ubl.render(one)) for one in made] == [[], []]


@pytest.mark.parametrize(
    ("before", "vat", "moved", "net", "tax"),
    [
        (Segment.CONSUMER, Vat(prices_include_vat=True), "segment = 'OTHER_BIZ'", 2158, 453),
        (Segment.OTHER_BIZ, Vat(), "segment = 'CONSUMER'", 2611, 548),
    ],
)
async def test_days_are_given_back_at_the_price_they_were_billed_at(
    world: World, before: Segment, vat: Vat, moved: str, net: int, tax: int
) -> None:
    billed, made = await left(world, before, vat, moved)

    notes = [one for one in made if one.kind is Kind.CREDIT_NOTE]
    assert [(one.corrects and one.corrects.id, one.net.cents, one.vat.cents) for one in notes] == [(billed, net, tax)]
