"""An end is billed to the cent as its cost sheet said: rules 2.3 by the services of the portal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from billing.policy.ledger import Kind, Layer, LineKind, Unit
from billing.policy.tax import Vat
from billing.service import charges, credit_notes, damages, parking, runs
from billing.service.charges import Charge, ChargeWanted
from billing.service.credit_notes import Wanted
from partner_portal.infra import clock, db, outbox
from tenants.policy import Segment
from terminations.events import ServicesEnded
from terminations.jobs import final_bills as jobs
from terminations.service import scheduling
from terminations.tables import Termination
from tests.billing.money import issue, line
from tests.terminations import ended
from tests.world import FINANCE, STAFF_DOOR, World, make_customer, make_service

MID_DECEMBER = date(2026, 12, 15)
BOUND: dict[str, Any] = {
    "product": "hosting",
    "fee_cents": 8995,
    "starts_on": date(2025, 6, 16),
    "minimum_months": 24,
    "renewal": "FIXED",
    "renewal_months": 12,
}


async def documents(where: str = "true", *values: Any) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch(
            f"SELECT i.*, s.open_cents, s.credited_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE {where} ORDER BY i.id",  # noqa: S608  # the tests' own words
            *values,
        )


async def lines(invoice: UUID) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch("SELECT * FROM billing_line WHERE invoice = $1 ORDER BY position", invoice)


async def sums(invoice: UUID) -> list[tuple[str, int]]:
    return [(row["kind"], row["amount_cents"]) for row in await lines(invoice)]


async def paid_until(service: UUID) -> date:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT paid_until FROM billing_service WHERE id = $1", service)
    assert row
    found: date = row["paid_until"]
    return found


async def serve(world: World, customer: str | UUID = "bakery", **terms: Any) -> UUID:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        whose = noord.customers[customer] if isinstance(customer, str) else customer
        return await make_service(noord, whose, **terms)


async def used(world: World, service: UUID, cents: int) -> None:
    use = Charge(
        key="usage:2026-12",
        kind=LineKind.USAGE,
        description="Verbruik nov/dec",
        amount_cents=cents,
        unit_price=Decimal(cents) / 100,
        bill_from=date(2026, 12, 31),
        customer=world.noord.customers["bakery"],
        service=service,
    )
    async with db.unit_of_work(STAFF_DOOR):
        await charges.put(world.noord.id, [use])


async def billed(world: World, service: UUID, cents: int, days: tuple[date, date], months: int = 1, **given: Any) -> UUID:
    recurring = line(
        cents,
        kind=LineKind.RECURRING,
        description="Webshop hosting",
        service=service,
        period=days,
        quantity=Decimal(months),
        unit=Unit.MONTH,
        unit_price=Decimal(cents) / 100 / months,
        **given,
    )
    return await issue(world.noord.id, world.noord.customers["bakery"], [recurring])


async def test_the_typical_final_invoice_is_the_sheet_to_the_cent(world: World) -> None:
    """#14: buyout 6 x 75 %, equipment, handling, usage and credit of what was billed in advance."""
    service = await serve(
        world, **BOUND, buyout_rule="75 %", equipment_cents=24000, equipment_months=24, paid_until=date(2027, 1, 1), label="Webshop"
    )
    december = await billed(world, service, 8995, (date(2026, 12, 1), date(2027, 1, 1)))
    await used(world, service, 1337)

    await ended.agreed(world.noord, service, wished_on=MID_DECEMBER, early=True)
    assert len(await documents()) == 1, "nothing is billed before the last day is over"
    await ended.over(MID_DECEMBER)

    _, final = await documents()
    assert sorted(await sums(final["id"])) == sorted(
        [("buyout", 40478), ("residual", 6000), ("handling", 2500), ("usage", 1337), ("credit", -4643)]
    )
    assert (final["kind"], final["net_cents"], final["vat_cents"], final["gross_cents"]) == (Kind.INVOICE, 45672, 9591, 55263)
    credit = next(row for row in await lines(final["id"]) if row["kind"] == "credit")
    assert (credit["credits"], credit["period_from"], credit["period_until"]) == (
        (await lines(december))[0]["id"],
        date(2026, 12, 16),
        date(2027, 1, 1),
    )
    buyout = next(row for row in await lines(final["id"]) if row["kind"] == "buyout")
    assert "(6 mnd x EUR 89,95 x 75 %)" in buyout["description"]
    why = msgspec.json.decode(buyout["why"])
    assert (why["rule"], why["exact"], why["basis"]) == ("line.buyout.started_months", "404.775000", "volgens uw contract")
    assert await paid_until(service) == date(2026, 12, 16)


async def test_what_is_given_back_of_one_invoice_is_a_credit_note_of_it(world: World) -> None:
    """#12: a quarter was billed, the last day is 15 December: 16/31 of a month."""
    ended.on(date(2026, 11, 15))
    service = await serve(world, fee_cents=8995, billing_months=3, billed_from=date(2026, 10, 1), paid_until=date(2027, 1, 1))
    quarter = await billed(world, service, 26985, (date(2026, 10, 1), date(2027, 1, 1)), months=3)

    await ended.agreed(world.noord, service)
    await ended.over(MID_DECEMBER)

    billed_doc, note = await documents()
    assert (note["kind"], note["refers_to"], note["net_cents"], note["vat_cents"], note["gross_cents"]) == (
        Kind.CREDIT_NOTE,
        quarter,
        4643,
        975,
        5618,
    )
    assert (billed_doc["open_cents"], note["open_cents"]) == (32652 - 5618, 0)
    assert await paid_until(service) == date(2026, 12, 16)


async def test_days_billed_on_several_invoices_are_credited_by_one_note_each(world: World) -> None:
    service = await serve(world, fee_cents=8995, paid_until=date(2027, 2, 1))
    first = await billed(world, service, 8995, (date(2026, 12, 1), date(2027, 1, 1)))
    second = await billed(world, service, 8995, (date(2027, 1, 1), date(2027, 2, 1)))

    await ended.agreed(world.noord, service)
    await ended.over(date(2026, 12, 22))

    notes = await documents("kind = 'credit note'")
    assert {(row["refers_to"], row["net_cents"]) for row in notes} == {(first, 2611), (second, 8995)}
    assert await paid_until(service) == date(2026, 12, 23)


async def test_a_consumer_gets_the_rest_of_a_year_paid_in_advance(world: World) -> None:
    """#13 with a price including VAT: 68/365 of 119.88; it was billed before this portal, so no invoice of ours is credited."""
    service = await serve(
        world,
        "private",
        product="hosting",
        fee_cents=999,
        billing_months=12,
        starts_on=date(2024, 3, 1),
        billed_from=date(2026, 3, 1),
        paid_until=date(2027, 3, 1),
        minimum_months=12,
        renewal="FIXED",
        renewal_months=12,
        credit_mode="365",
    )

    await ended.agreed(world.noord, service)
    await ended.over(date(2026, 12, 22))

    (final,) = await documents()
    assert (final["kind"], final["gross_cents"], final["open_cents"], final["net_cents"]) == (Kind.INVOICE, -2233, -2233, -1845)


async def test_a_belgian_business_pays_its_buyout_without_vat(world: World) -> None:
    """#17: 12 x 250 x 80 %, reverse charge."""
    rule = await ended.rule("80 %", 80)
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, "Brussel NV")
        await db.execute("UPDATE customer SET country = 'BE', vat_id = 'BE0403170701' WHERE id = $1", customer)
    service = await serve(
        world, customer, **{**BOUND, "fee_cents": 25000, "starts_on": date(2025, 12, 16)}, buyout_rule=rule, paid_until=date(2026, 12, 16)
    )

    await ended.agreed(world.noord, service, wished_on=MID_DECEMBER, early=True)
    await ended.over(MID_DECEMBER)

    (final,) = await documents()
    assert (final["net_cents"], final["vat_cents"], final["gross_cents"]) == (240_000, 0, 240_000)
    assert {row["vat_category"] for row in await lines(final["id"])} == {"AE"}


async def test_a_consumer_pays_what_it_was_told(world: World) -> None:
    """#18: 11 x 45.00 including VAT x 70 %."""
    rule = await ended.rule("70 %", 70)
    start = date(2025, 11, 16)
    service = await serve(
        world,
        "private",
        fee_cents=4500,
        starts_on=start,
        signed_on=start,
        minimum_months=24,
        buyout_rule=rule,
        paid_until=date(2026, 12, 16),
    )

    await ended.agreed(world.noord, service, wished_on=MID_DECEMBER, early=True)
    await ended.over(MID_DECEMBER)

    (final,) = await documents()
    assert (final["net_cents"], final["vat_cents"], final["gross_cents"]) == (28636, 6014, 34650)


async def test_damages_stand_on_a_document_of_their_own(world: World) -> None:
    """#19: a buyout with VAT, and damage to a device on loan without."""
    rule = await ended.rule("75 % bare", 75)
    service = await serve(world, **BOUND, buyout_rule=rule, paid_until=date(2026, 12, 16))
    await ended.agreed(world.noord, service, wished_on=MID_DECEMBER, early=True)
    await ended.over(MID_DECEMBER)

    async with db.unit_of_work(STAFF_DOOR):
        note = await damages.claim(
            FINANCE,
            ChargeWanted(
                tenant=world.noord.id,
                customer=world.noord.customers["bakery"],
                description="Schade bruikleenapparaat",
                unit_price=Decimal(150),
            ),
        )

    final, claim = await documents()
    assert (final["net_cents"], final["vat_cents"], claim["id"]) == (40478, 8500, note)
    assert (claim["kind"], claim["number"], claim["gross_cents"], claim["vat_cents"]) == (
        Kind.DAMAGES,
        "HUIS-S2026-000001",
        15000,
        0,
    )
    assert [row["vat_category"] for row in await lines(note)] == ["O"]


async def test_the_sum_that_finance_agreed_to_is_billed_not_the_computed_one(world: World) -> None:
    service = world.noord.services["bound"]
    await ended.agreed(world.noord, service, wished_on=date(2027, 1, 31), early=True, to=50000)
    await ended.over(date(2027, 1, 31))

    (final,) = await documents()
    assert sorted(await sums(final["id"])) == [("buyout", -40201), ("buyout", 87701), ("handling", 2500)]
    assert final["net_cents"] == 50000


async def test_each_layer_has_its_own_bill_and_the_customer_does_not_see_the_partners(world: World) -> None:
    zuid = world.zuid
    service = zuid.services["bound"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = '2027-03-01' WHERE id = $1", service)

    await ended.agreed(zuid, service, wished_on=date(2027, 1, 31), early=True)
    await ended.over(date(2027, 1, 31))

    found = {row["layer"]: row for row in await documents()}
    assert set(found) == {Layer.CUSTOMER, Layer.PARTNER}
    assert (found["partner"]["issuer"], found["partner"]["customer"], found["partner"]["net_cents"]) == (world.house, None, 61000 - 6000)
    assert (found["customer"]["issuer"], found["customer"]["customer"], found["customer"]["net_cents"]) == (
        zuid.id,
        zuid.customers["bakery"],
        87701 + 2500 - 8995,
    )
    assert await paid_until(service) == date(2027, 2, 1)


async def test_what_was_billed_since_the_quote_is_given_back(world: World) -> None:
    """The sheet of November knows of no December bill; the run of 1 December billed all of it."""
    service = world.noord.services["free"]  # EUR 50, paid until 1 December
    await ended.agreed(world.noord, service)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = '2027-01-01' WHERE id = $1", service)
    invoice = await billed(world, service, 5000, (date(2026, 12, 1), date(2027, 1, 1)))

    await ended.over(date(2026, 12, 22))

    _, note = await documents()
    assert (note["refers_to"], note["net_cents"]) == (invoice, 1452)  # 9/31 of 50.00
    assert await paid_until(service) == date(2026, 12, 23)


async def test_a_final_bill_that_lacks_an_address_waits_with_its_reason_and_comes_when_it_is_there(world: World) -> None:
    service, last = world.noord.services["bound"], date(2027, 1, 31)
    bakery, final = world.noord.customers["bakery"], "EXISTS (SELECT 1 FROM billing_line l WHERE l.invoice = i.id AND l.kind = 'buyout')"
    await ended.agreed(world.noord, service, wished_on=last, early=True)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE location SET street = '' WHERE customer = $1", bakery)
    await ended.over(last)

    async with db.unit_of_work(STAFF_DOOR):
        parked = await db.fetch("SELECT reason FROM billing_parked WHERE customer = $1 AND settled_at IS NULL", bakery)
        assert await outbox.dead() == []
        assert await db.fetch("SELECT 1 FROM infra_outbox WHERE done_at IS NULL") == []
    assert [row["reason"] for row in parked] == ["no address"]
    ended.on(last + timedelta(days=2))
    await runs.bill(clock.today())
    await outbox.drain()
    assert await documents(final) == []

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE location SET street = 'Dorpsstraat 1' WHERE customer = $1", bakery)
    ended.on(last + timedelta(days=3))
    await runs.bill(clock.today())
    await outbox.drain()
    assert len(await documents(final)) == 1


async def test_a_final_bill_of_a_partner_that_lacks_an_address_waits_with_its_reason_and_comes_when_it_is_there(world: World) -> None:
    zuid, last = world.zuid, date(2027, 1, 31)
    final = "i.layer = 'partner' AND EXISTS (SELECT 1 FROM billing_line l WHERE l.invoice = i.id AND l.kind = 'buyout')"
    waits = "SELECT reason FROM billing_parked WHERE tenant = $1 AND customer IS NULL AND settled_at IS NULL"
    await ended.agreed(zuid, zuid.services["bound"], wished_on=last, early=True)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET street = '' WHERE tenant = $1", zuid.id)
    await ended.over(last)

    async with db.unit_of_work(STAFF_DOOR):
        assert await outbox.dead() == []
        assert await db.fetch("SELECT handler, last_error FROM infra_outbox WHERE done_at IS NULL") == []
        assert [row["reason"] for row in await db.fetch(waits, zuid.id)] == ["no address"]
        [waiting] = [row["id"] for row in await parking.waiting() if row["customer"] is None]
        assert await parking.settle(FINANCE, waiting), "somebody is too early"
    await outbox.drain()
    for day in (2, 3):
        ended.on(last + timedelta(days=day))
        await runs.bill(clock.today())
        await outbox.drain()
    assert await documents(final) == []
    async with db.unit_of_work(STAFF_DOOR):
        assert [row["reason"] for row in await db.fetch(waits, zuid.id)] == ["no address"], "it stands there once"

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET street = 'Kade 1' WHERE tenant = $1", zuid.id)
    for day in (4, 5):
        ended.on(last + timedelta(days=day))
        await runs.bill(clock.today())
        await outbox.drain()
    (found,) = await documents(final)
    assert (found["customer"], found["issuer"]) == (None, world.house)
    async with db.unit_of_work(STAFF_DOOR):
        assert await db.fetch(waits, zuid.id) == []


async def test_an_end_without_any_cost_makes_no_document(world: World) -> None:
    await ended.agreed(world.noord, world.noord.services["free"])
    await ended.over(date(2026, 12, 22))

    assert await documents() == []


async def test_the_final_bill_is_made_once_however_often_it_is_asked_for(world: World) -> None:
    case = await ended.agreed(world.noord, world.noord.services["bound"], wished_on=date(2027, 1, 31), early=True)
    await ended.over(date(2027, 1, 31))

    for _ in range(2):
        async with db.unit_of_work(STAFF_DOOR):
            await jobs.bill_customer_in_part(ServicesEnded(tenant_id=world.noord.id, termination_id=case))

    assert len(await documents()) == 1


async def test_a_case_taken_back_before_its_end_charges_nothing(world: World) -> None:
    case = await ended.agreed(world.noord, world.noord.services["bound"], wished_on=date(2027, 1, 31), early=True)
    async with db.unit_of_work(STAFF_DOOR):
        waiting = await db.fetch("SELECT key, amount_cents FROM billing_charge WHERE dropped_at IS NULL")
    async with db.unit_of_work(world.noord.principal()):
        assert await scheduling.withdraw(world.noord.actor, await Termination.find(case))
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        left = await db.fetch("SELECT dropped_because FROM billing_charge")
    assert sorted(row["amount_cents"] for row in waiting) == [2500, 87701]
    assert [row["dropped_because"] for row in left] == ["Opzegging NRD-T-00001 is ingetrokken"] * 2
    await ended.over(date(2027, 1, 31))
    assert await documents() == []


async def test_what_was_billed_of_an_end_that_does_not_come_is_credited(world: World) -> None:
    service = world.noord.services["bound"]
    case = await ended.agreed(world.noord, service, wished_on=date(2027, 1, 31), early=True)
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT * FROM billing_charge ORDER BY key")
    early = await issue(world.noord.id, world.noord.customers["bakery"], [charges.drafted(row, Vat()) for row in rows])

    async with db.unit_of_work(world.noord.principal()):
        await scheduling.withdraw(world.noord.actor, await Termination.find(case))
    await outbox.drain()

    invoice, note = await documents()
    assert (note["refers_to"], note["gross_cents"], invoice["open_cents"]) == (early, invoice["gross_cents"], 0)


async def test_what_finance_credited_of_an_end_before_it_was_withdrawn_stops_nothing(world: World) -> None:
    case = await ended.agreed(world.noord, world.noord.services["bound"], wished_on=date(2027, 1, 31), early=True)
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT * FROM billing_charge ORDER BY key")
    early = await issue(world.noord.id, world.noord.customers["bakery"], [charges.drafted(row, Vat()) for row in rows])
    async with db.unit_of_work(STAFF_DOOR):
        await credit_notes.give_back(FINANCE, early, Wanted(reason="Coulance"))

    async with db.unit_of_work(world.noord.principal()):
        await scheduling.withdraw(world.noord.actor, await Termination.find(case))
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        assert await outbox.dead() == []
    assert len(await documents()) == 2


async def test_a_service_that_ends_before_the_others_of_its_case_is_billed_at_once(world: World) -> None:
    noord = world.noord
    free, bound = noord.services["free"], noord.services["bound"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = '2027-01-01' WHERE id = $1", free)
    await ended.agreed(noord, free, bound)

    await ended.over(date(2026, 12, 22))

    (final,) = await documents()
    assert (await sums(final["id"])) == [("credit", -1452)]
    assert clock.today() == date(2026, 12, 23)


@pytest.mark.parametrize("segment", [Segment.CONSUMER])
async def test_a_contract_that_is_undone_gives_everything_back(world: World, segment: Segment) -> None:
    from terminations.policy.facts import Ground  # noqa: PLC0415
    from terminations.service import cases, quotes  # noqa: PLC0415

    assert segment is Segment.CONSUMER
    service = await serve(
        world, "private", fee_cents=4500, starts_on=date(2026, 11, 16), signed_on=date(2026, 11, 16), paid_until=date(2026, 12, 16)
    )
    async with db.unit_of_work(world.noord.principal()):
        request = quotes.Request(services=(service,), received_on=clock.today(), ground=Ground.COOLING_OFF)
        quote = await quotes.keep(world.noord.actor, request)
        filing = cases.Filing(reason=cases.Reason.STOPS, has_mandate=True, by=cases.FiledBy.CUSTOMER)
        filed = await cases.file(world.noord.actor, quote.id, filing)
    await outbox.drain()
    await ended.over(filed.ends_on)

    (final,) = await documents()
    assert final["gross_cents"] == -4500
    assert await paid_until(service) == date(2026, 11, 16)
