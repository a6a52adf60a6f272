"""Where a consumer elsewhere in the EU is taxed: two pieces of evidence that agree, or a person looks; below the threshold at home."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from billing.policy.places import THRESHOLD_CENTS, Kind, Piece, Place, Rule, Unplaced, country_of_number, place
from billing.policy.tax import CustomerSeat, Vat
from billing.service import orders, places, runs
from billing.service.orders import OrderLineWanted, OrderWanted
from billing.service.places import Facts
from partner_portal.infra import clock, db
from tenants.policy import Segment
from tests.billing.money import issue, line
from tests.billing.offering import location_of, on_offer
from tests.world import FINANCE, STAFF_DOOR, World, make_customer, make_service

GERMANY = CustomerSeat(country="DE", is_business=False)
BILLING, INTERNET, BANK, TELEPHONE, INSTALLATION = Kind


def pieces(**countries: str) -> list[Piece]:
    return [Piece(Kind(kind), country) for kind, country in countries.items()]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ({}, Unplaced.TOO_LITTLE),
        ({"billing": "DE"}, Unplaced.TOO_LITTLE),
        ({"billing": "DE", "bank": "DE"}, (BILLING, BANK)),
        ({"installation": "DE", "telephone": "DE"}, (TELEPHONE, INSTALLATION)),
        ({"internet": "DE", "billing": "DE", "bank": "DE"}, (BILLING, INTERNET)),
        ({"billing": "DE", "bank": "NL"}, Unplaced.CONTRADICTING),
        ({"billing": "NL"}, Unplaced.CONTRADICTING),
        ({"billing": "NL", "bank": "NL"}, Unplaced.CONTRADICTING),
        # One that differs does not undo two that agree; two that agree on another country do.
        ({"billing": "DE", "bank": "DE", "internet": "FR"}, (BILLING, BANK)),
        ({"billing": "DE", "bank": "DE", "internet": "FR", "telephone": "NL"}, (BILLING, BANK)),
        ({"billing": "DE", "bank": "DE", "internet": "NL", "telephone": "NL"}, Unplaced.CONTRADICTING),
        ({"billing": "DE", "internet": "NL", "telephone": "NL", "installation": "NL"}, Unplaced.CONTRADICTING),
    ],
)
def test_two_pieces_of_different_kinds_agree_or_a_person_looks(evidence: dict[str, str], expected: Any) -> None:
    found = place(GERMANY, pieces(**evidence), supplier_country="NL", oss=True, sold_abroad_cents=0)

    if isinstance(expected, Unplaced):
        assert found is expected
    else:
        assert isinstance(found, Place)
        assert (found.country, found.rule, tuple(piece.kind for piece in found.used)) == ("DE", Rule.TWO_AGREE, expected)


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        (0, Place("NL", Rule.BELOW_THRESHOLD)),
        (THRESHOLD_CENTS, Place("NL", Rule.BELOW_THRESHOLD)),
        (THRESHOLD_CENTS + 1, Unplaced.OVER_THRESHOLD),
    ],
)
def test_who_does_not_declare_elsewhere_taxes_at_home_up_to_the_threshold(sold: int, expected: Place | Unplaced) -> None:
    assert place(GERMANY, [], supplier_country="NL", oss=False, sold_abroad_cents=sold) == expected


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+49 221 1234", "DE"),
        ("0032 2 123 45 67", "BE"),
        ("+352 26 12", "LU"),
        ("+31201234567", "NL"),
        ("0201234567", None),
        ("+47 22 33", None),
        (None, None),
    ],
)
def test_an_international_number_names_its_country(number: str | None, country: str | None) -> None:
    assert country_of_number(number) == country


async def german(world: World, *, phone: str | None = None, address: str = "DE", **service: Any) -> UUID:
    """A consumer who says to be in Germany, with a service that is due."""
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, "Anna Schmidt", segment=Segment.CONSUMER)
        await db.execute("UPDATE customer SET country = 'DE' WHERE id = $1", customer)
        await db.execute("UPDATE location SET country = $2 WHERE customer = $1", customer, address)
        await db.execute("UPDATE contact SET phone = $2 WHERE customer = $1", customer, phone)
        await make_service(world.noord, customer, product="hosting", fee_cents=1190, **service)
    return customer


async def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    async with db.unit_of_work(STAFF_DOOR):
        return [tuple(row) for row in await db.fetch(sql, *values)]


DECIDED = (
    "SELECT p.country, p.rule, a.kind, b.kind, i.vat_cents FROM billing_vat_place p JOIN billing_invoice i ON i.id = p.invoice"
    " LEFT JOIN billing_location_evidence a ON a.id = p.first LEFT JOIN billing_location_evidence b ON b.id = p.second WHERE i.customer = $1"
)
PARKED = "SELECT reason, facts FROM billing_parked WHERE customer = $1 AND settled_at IS NULL"


async def test_the_run_names_the_two_pieces_that_decided(world: World) -> None:
    customer = await german(world, phone="+49 221 5550")

    await runs.bill(date(2026, 12, 1))

    assert await rows(DECIDED, customer) == [("DE", "two agree", "billing", "telephone", 190)]
    assert await rows(PARKED, customer) == []


async def test_what_contradicts_is_parked_with_what_points_where_and_billed_once_it_is_clear(world: World) -> None:
    customer = await german(world, phone="+31 20 555 0100")
    await runs.bill(date(2026, 12, 1))
    ((reason, facts),) = await rows(PARKED, customer)
    assert reason == "contradicting evidence"
    assert facts.replace(" ", "") == '{"billing":"DE","customer":"DE","telephone":"NL"}'
    assert await rows(DECIDED, customer) == []

    async with db.unit_of_work(STAFF_DOOR):
        await places.add(FINANCE, customer, Kind.BANK, "DE")
    clock.move_to(date(2026, 12, 2))
    await runs.bill(date(2026, 12, 2))

    assert await rows(DECIDED, customer) == [("DE", "two agree", "billing", "bank", 190)]
    assert await rows(PARKED, customer) == []


async def test_an_address_alone_is_too_little(world: World) -> None:
    customer = await german(world)

    await runs.bill(date(2026, 12, 1))

    assert [reason for reason, _ in await rows(PARKED, customer)] == ["too little evidence"]


async def test_evidence_is_kept_once_and_never_changed(world: World) -> None:
    customer = await german(world, phone="+49 221 5550")
    for day in (date(2026, 12, 1), date(2027, 1, 1)):
        clock.move_to(day)
        await runs.bill(day)

    kept = "SELECT kind, country FROM billing_location_evidence WHERE customer = $1 ORDER BY kind"
    assert await rows(kept, customer) == [("billing", "DE"), ("telephone", "DE")]
    assert len(await rows(DECIDED, customer)) == 2
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await rows("UPDATE billing_location_evidence SET country = 'NL' WHERE customer = $1 RETURNING id", customer)


async def test_an_order_keeps_what_was_told_with_it_and_its_first_invoice_is_decided_by_that(world: World) -> None:
    await on_offer()
    noord = world.noord
    customer = await german(world, starts_on=date(2027, 6, 1), paid_until=date(2027, 6, 1))
    async with db.unit_of_work(noord.principal()):
        lines = [OrderLineWanted(offer="thuis-internet", starts_on=clock.today())]
        wanted = OrderWanted(
            customer_id=customer,
            location=await location_of(customer),
            lines=lines,
            terms_sha256=(await orders.show(customer, lines)).sha256,
            accepted_by="Anna Schmidt",
            whereabouts=Facts(internet="DE", telephone="AT"),
        )
        order = await orders.place(noord.actor, wanted)

    kept = "SELECT kind, country FROM billing_location_evidence WHERE of_order = $1 ORDER BY kind"
    assert await rows(kept, order) == [("billing", "DE"), ("installation", "DE"), ("internet", "DE"), ("telephone", "AT")]
    await runs.bill(clock.today())
    assert [row[:4] for row in await rows(DECIDED, customer)] == [("DE", "two agree", "billing", "internet")]


async def test_at_home_up_to_the_threshold_and_then_a_person_decides(world: World) -> None:
    customer = await german(world)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET uses_oss = false WHERE tenant = $1", world.house)
    await runs.bill(date(2026, 12, 1))
    assert [row[:3] for row in await rows(DECIDED, customer)] == [("NL", "below threshold", None)]

    await issue(world.noord.id, customer, [line(1_210_001, vat=Vat(prices_include_vat=True))])
    clock.move_to(date(2027, 1, 1))
    await runs.bill(date(2027, 1, 1))

    assert [reason for reason, _ in await rows(PARKED, customer)] == ["over threshold"]


async def test_at_home_and_for_businesses_nobody_asks(world: World) -> None:
    await runs.bill(date(2026, 12, 1))

    assert await rows("SELECT 1 FROM billing_vat_place") == []
    assert await rows("SELECT 1 FROM billing_location_evidence") == []
