"""The final bill of a consumer elsewhere in the EU waits until two pieces of evidence say where; the end itself waits for nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.events import CustomerUnparked
from billing.policy.ledger import Kind, LineKind, Unit
from billing.policy.places import Kind as Evidence
from billing.policy.tax import Vat
from billing.service import charges, parking, places, runs
from billing.service.charges import Charge, ChargeWanted
from billing.service.places import PlaceUnknown
from partner_portal.infra import db, outbox
from partner_portal.kernel.errors import NotFound
from tenants.policy import Segment
from terminations.jobs import final_bills as jobs
from tests.billing.money import issue, line
from tests.terminations import ended
from tests.world import FINANCE, STAFF_DOOR, World, make_customer, make_service

LAST_DAY = date(2026, 12, 22)
NEW_YEAR = date(2027, 1, 1)
GERMAN = Vat(country="DE", rate=Decimal(19), prices_include_vat=True)


async def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    async with db.unit_of_work(STAFF_DOOR):
        return [tuple(row) for row in await db.fetch(sql, *values)]


async def leaving(world: World, *, used_cents: int = 0, paid_until: date = date(2026, 12, 23)) -> tuple[UUID, UUID]:
    """A consumer who says to be in Germany, of whom only an address is known; its service has ended, and so much use of it is to be billed."""
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        customer = await make_customer(noord, "Anna Schmidt", segment=Segment.CONSUMER)
        await db.execute("UPDATE customer SET country = 'DE' WHERE id = $1", customer)
        await db.execute("UPDATE location SET country = 'DE' WHERE customer = $1", customer)
        await db.execute("UPDATE contact SET phone = NULL WHERE customer = $1", customer)
        service = await make_service(noord, customer, product="hosting", fee_cents=1190, paid_until=paid_until)
    if used_cents:
        use = Charge(
            key="usage:2026-12", kind=LineKind.USAGE, description="Verkehr", amount_cents=used_cents, unit_price=Decimal(used_cents) / 100,
            bill_from=NEW_YEAR, customer=customer, service=service,
        )  # fmt: skip
        async with db.unit_of_work(STAFF_DOOR):
            await charges.put(noord.id, [use])
    await ended.agreed(noord, service)
    await ended.over(LAST_DAY)
    return customer, service


async def run(day: date) -> None:
    ended.on(day)
    await runs.bill(day)
    await outbox.drain()


DOCUMENTS = """
SELECT i.kind, i.gross_cents, v.country, v.vat_cents FROM billing_invoice i JOIN billing_vat v ON v.invoice = i.id WHERE i.customer = $1 ORDER BY i.id
"""
WAITS = "SELECT reason FROM billing_parked WHERE customer = $1 AND settled_at IS NULL"
ENDED = "SELECT ended_at IS NOT NULL FROM billing_service WHERE id = $1"
DECIDED = "SELECT p.country, p.rule FROM billing_vat_place p JOIN billing_invoice i ON i.id = p.invoice WHERE i.customer = $1"


async def test_the_final_bill_waits_on_the_work_list_and_comes_when_the_evidence_does(world: World) -> None:
    customer, service = await leaving(world, used_cents=1337)
    assert await rows(ENDED, service) == [(True,)], "nothing holds up an end"
    assert await rows(DOCUMENTS, customer) == []
    assert await rows(WAITS, customer) == [("too little evidence",)]

    await run(date(2026, 12, 23))
    await run(date(2026, 12, 24))
    assert await rows(DOCUMENTS, customer) == []
    assert await rows(WAITS, customer) == [("too little evidence",)], "it stands there once"

    async with db.unit_of_work(STAFF_DOOR):
        await places.add(FINANCE, customer, Evidence.BANK, "DE")
    await run(date(2026, 12, 25))

    assert await rows(DOCUMENTS, customer) == [("invoice", 1337, "DE", 213)]
    assert await rows(DECIDED, customer) == [("DE", "two agree")]
    assert await rows(WAITS, customer) == []
    await run(date(2026, 12, 26))
    assert len(await rows(DOCUMENTS, customer)) == 1


async def test_what_a_person_settles_too_early_is_not_lost(world: World) -> None:
    customer, _ = await leaving(world, used_cents=1337)
    async with db.unit_of_work(STAFF_DOOR):
        (waiting,) = [row["id"] for row in await parking.waiting() if row["customer"] == "Anna Schmidt"]
        assert await parking.settle(FINANCE, waiting)
    await outbox.drain()

    assert await rows(DOCUMENTS, customer) == []
    assert await rows(WAITS, customer) == [("too little evidence",)]


async def test_what_only_gives_back_what_was_billed_waits_for_nothing(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        customer = await make_customer(noord, "Anna Schmidt", segment=Segment.CONSUMER)
        await db.execute("UPDATE customer SET country = 'DE' WHERE id = $1", customer)
        await db.execute("UPDATE location SET country = 'DE' WHERE customer = $1", customer)
        service = await make_service(noord, customer, product="hosting", fee_cents=3100, paid_until=date(2026, 12, 1))
    async with db.unit_of_work(STAFF_DOOR):
        await places.add(FINANCE, customer, Evidence.BANK, "DE")
    billed = line(
        3100, kind=LineKind.RECURRING, description="Hosting", service=service, period=(date(2026, 12, 1), NEW_YEAR), unit=Unit.MONTH, vat=GERMAN
    )  # fmt: skip
    invoice = await issue(noord.id, customer, [billed])
    async with db.unit_of_work(STAFF_DOOR):
        await places.add(FINANCE, customer, Evidence.BANK, "FR")
    await ended.agreed(noord, service)
    await ended.over(LAST_DAY)

    found = "SELECT kind, gross_cents, refers_to FROM billing_invoice WHERE customer = $1 AND id <> $2"
    assert await rows(found, customer, invoice) == [(Kind.CREDIT_NOTE, 900, invoice)], "nine of 31 days, at the VAT they were billed with"
    assert await rows(WAITS, customer) == []


async def test_what_is_charged_by_hand_waits_for_the_evidence_too(world: World) -> None:
    customer, _ = await leaving(world)
    async with db.unit_of_work(STAFF_DOOR):
        wanted = ChargeWanted(tenant=world.noord.id, customer=customer, description="Umzug des Servers", unit_price=Decimal("59.50"))
        await charges.enter(FINANCE, wanted)
    await run(date(2026, 12, 27))
    assert await rows(DOCUMENTS, customer) == []
    assert await rows(WAITS, customer) == [("too little evidence",)]

    async with db.unit_of_work(STAFF_DOOR):
        await places.add(FINANCE, customer, Evidence.INTERNET, "DE")
    await run(date(2026, 12, 28))
    assert await rows(DOCUMENTS, customer) == [("invoice", 5950, "DE", 950)]


async def test_no_invoice_goes_out_under_a_guess_whoever_makes_it(world: World) -> None:
    customer, _ = await leaving(world)

    with pytest.raises(PlaceUnknown):
        await issue(world.noord.id, customer, [line(1190, vat=GERMAN)])


async def test_another_tenants_customer_is_not_found(world: World) -> None:
    event = CustomerUnparked(tenant_id=world.zuid.id, customer_id=world.noord.customers["private"], parked_id=world.zuid.id)

    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(NotFound):
            await jobs.bill_what_was_held_back(event)
