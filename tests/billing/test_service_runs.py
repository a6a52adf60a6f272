"""The daily run: what is due becomes documents, once; what does not add up is parked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from billing.policy import tax
from billing.policy.drafting import amounts, payment_reference, unit_price
from billing.policy.ledger import DraftLine, Kind, Layer, LineKind, Unit
from billing.policy.places import Kind as Evidence
from billing.policy.recurring import Why
from billing.service import parking, parties, places, prices, runs
from billing.service.prices import PriceChangeWanted
from billing.service.runs import RunUnderWay
from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from tenants.policy import Segment
from tests.billing.money import issue
from tests.world import FINANCE, STAFF_DOOR, World, make_customer, make_service

DAY = date(2026, 12, 1)


async def rows(sql: str, *given: Any) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return list(await db.fetch(sql, *given))


async def lines(customer: UUID | None = None) -> list[tuple[Any, ...]]:
    """What stands on documents, of one customer or of the partner layer: service, first and first later day, cents."""
    found = await rows(
        "SELECT s.number, l.period_from, l.period_until, l.amount_cents FROM billing_line l JOIN billing_invoice i ON i.id = l.invoice"
        " LEFT JOIN billing_service s ON s.id = l.service WHERE i.customer IS NOT DISTINCT FROM $1 ORDER BY l.period_from, s.number, l.position",
        customer,
    )
    return [tuple(row) for row in found]


async def test_what_is_due_becomes_one_invoice_per_customer_with_its_days_moved_on(world: World) -> None:
    noord = world.noord

    report = await runs.bill(DAY)

    bakery = await lines(noord.customers["bakery"])
    assert [line[1:] for line in bakery] == [(DAY, date(2027, 1, 1), 5000), (DAY, date(2027, 1, 1), 8995)]
    made = await rows("SELECT * FROM billing_invoice WHERE customer = $1", noord.customers["bakery"])
    assert [(row["net_cents"], row["vat_cents"], row["period_from"], row["issued_on"], row["due_on"]) for row in made] == [
        (13995, 2939, DAY, DAY, date(2026, 12, 31))
    ]
    moved = await rows("SELECT billed_from, paid_until FROM billing_service")
    assert {tuple(row) for row in moved} == {(DAY, date(2027, 1, 1))}
    assert (report.services, report.invoices, report.parked) == (4, 3, {})
    run = await rows("SELECT services, done, invoices, parked, gross_cents, finished_at IS NOT NULL AS finished FROM billing_run")
    assert [tuple(row) for row in run] == [(4, 4, 3, 0, report.gross_cents, True)]
    told = await rows("SELECT payload ->> 'invoice_id' AS id FROM infra_outbox WHERE topic = 'InvoiceIssued'")
    assert not told or {row["id"] for row in told} == {str(row["id"]) for row in await rows("SELECT id FROM billing_invoice")}


async def test_a_second_run_of_the_day_bills_nothing(world: World) -> None:
    await runs.bill(DAY)
    before = await rows("SELECT id FROM billing_line")

    again = await runs.bill(DAY)

    assert (again.services, again.invoices) == (0, 0)
    assert await rows("SELECT id FROM billing_line") == before


async def test_a_partner_that_bills_in_its_own_name_gets_one_invoice_ex_vat_and_its_customers_theirs(world: World) -> None:
    zuid = world.zuid

    await runs.bill(DAY)

    found = await rows(
        "SELECT layer, number, customer, gross_cents, net_cents FROM billing_invoice WHERE tenant = $1 ORDER BY layer", zuid.id
    )
    assert [tuple(row) for row in found] == [
        ("customer", "ZUD-F2026-000001", zuid.customers["bakery"], 16934, 13995),
        ("partner", "HUIS-F2026-000002", None, 14520, 12000),
    ]
    wholesale = await rows("SELECT description, amount_cents, layer FROM billing_line WHERE layer = 'partner' ORDER BY position")
    assert [tuple(row) for row in wholesale] == [
        ("Bakkerij De Korst: Internet bakkerij", 6000, "partner"),
        ("Bakkerij De Korst: Webshop hosting", 6000, "partner"),
    ]
    assert await rows("SELECT 1 FROM billing_charge WHERE line IS NULL") == []


async def test_numbers_have_no_gap_over_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with db.unit_of_work(world.noord.principal()):
        for nth in range(7):
            customer = await make_customer(world.noord, f"Klant {nth}", email=f"klant{nth}@klant.example.com")
            await make_service(world.noord, customer)
    monkeypatch.setattr(runs, "CHUNK", 2)

    await runs.bill(DAY)

    found = await rows("SELECT i.issuer, i.sequence, i.number, i.reference FROM billing_invoice i ORDER BY i.issuer, i.sequence")
    for issuer in {row["issuer"] for row in found}:
        counted = [row["sequence"] for row in found if row["issuer"] == issuer]
        assert counted == list(range(1, len(counted) + 1))
    assert all(row["reference"] == payment_reference(row["number"]) for row in found)


async def test_a_dry_run_says_what_would_be_billed_and_writes_nothing(world: World) -> None:
    async def everything() -> list[Any]:
        tables = ("billing_invoice", "billing_line", "billing_charge", "billing_run", "billing_parked", "billing_series", "infra_outbox")
        return [await rows(f"SELECT count(*) FROM {table}") for table in tables] + [  # noqa: S608  # names of our own
            await rows("SELECT id, paid_until FROM billing_service ORDER BY id")
        ]

    before = await everything()

    rehearsed = await runs.rehearse(DAY)

    assert await everything() == before
    billed = await runs.bill(DAY)
    assert msgspec.structs.replace(rehearsed, is_dry=False) == billed
    assert rehearsed.is_dry


async def test_one_invoice_per_service_where_the_account_says_so(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_account (tenant, customer, is_collective, payment_days) VALUES ($1, $2, false, 8)", world.noord.id, bakery
        )

    await runs.bill(DAY)

    found = await rows("SELECT gross_cents, due_on FROM billing_invoice WHERE customer = $1 ORDER BY gross_cents", bakery)
    assert [tuple(row) for row in found] == [(6050, date(2026, 12, 9)), (10884, date(2026, 12, 9))]


async def test_what_waits_is_billed_along_from_its_day_on(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        for key, bill_from, kind in (("now", DAY, "setup"), ("later", DAY + timedelta(days=1), "setup"), ("damage", DAY, "damages")):
            await db.execute(
                "INSERT INTO billing_charge (tenant, key, customer, kind, description, unit_price, amount_cents, bill_from)"
                " VALUES ($1, $2, $3, $4, 'Aansluiten', 25, 2500, $5)",
                *(world.noord.id, key, bakery, kind, bill_from),
            )

    await runs.bill(DAY)

    waits = await rows("SELECT c.key, i.kind, i.vat_cents FROM billing_charge c LEFT JOIN billing_line l ON l.id = c.line"
                       " LEFT JOIN billing_invoice i ON i.id = l.invoice ORDER BY c.key")  # fmt: skip
    assert [tuple(row) for row in waits if row["key"] != "x"][:3] == [
        ("damage", "damages", 0),
        ("later", None, None),
        ("now", "invoice", 3464),
    ]


async def parked() -> dict[str, int]:
    found = await rows("SELECT reason, count(*) AS n FROM billing_parked WHERE settled_at IS NULL GROUP BY reason")
    return {row["reason"]: row["n"] for row in found}


async def test_what_does_not_add_up_is_parked_retried_and_billed_once_it_does(world: World) -> None:
    noord, zuid = world.noord, world.zuid
    bakery = noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        address = await db.fetch_one("SELECT * FROM location WHERE customer = $1", bakery)
        await db.execute("DELETE FROM location WHERE customer = $1", bakery)
        await db.execute("UPDATE billing_service SET wholesale_cents = NULL WHERE id = $1", zuid.services["free"])
        await db.execute(
            "UPDATE billing_service SET paid_until = '2025-01-01', starts_on = '2024-01-01' WHERE id = $1", zuid.services["bound"]
        )
    assert address

    report = await runs.bill(DAY)
    again = await runs.bill(DAY + timedelta(days=1))

    expected = {Why.NO_ADDRESS.value: 1, Why.NO_PARTNER_PRICE.value: 1, Why.FAR_BEHIND.value: 1}
    assert report.parked == again.parked == await parked() == expected
    assert {(one.why, one.service) for one in report.examples} == {
        (Why.NO_ADDRESS, ""),
        (Why.NO_PARTNER_PRICE, "ZUD-S-00001"),
        (Why.FAR_BEHIND, "ZUD-S-00002"),
    }
    assert await rows("SELECT 1 FROM billing_invoice") == []

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO location (id, tenant, customer, kind, street, postcode, city) VALUES ($1, $2, $3, 'billing', 'Kade 2', '1234 AB', 'Utrecht')",
            *(new_id(), noord.id, bakery),
        )
        await db.execute("UPDATE billing_service SET wholesale_cents = 100 WHERE id = $1", zuid.services["free"])
        await db.execute("UPDATE billing_service SET paid_until = '2026-12-01' WHERE id = $1", zuid.services["bound"])
    await runs.bill(DAY + timedelta(days=2))
    assert await parked() == {}
    assert len(await rows("SELECT 1 FROM billing_line WHERE layer = 'customer'")) == 4


async def test_staff_settles_what_was_parked_and_the_next_run_looks_again(world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE tenant SET bills = 'own name' WHERE id = $1", world.noord.id)
    await runs.bill(DAY)
    async with db.unit_of_work(STAFF_DOOR):
        waiting = await parking.waiting()
        assert {row["reason"] for row in waiting} == {Why.NO_ISSUER.value}
        assert [await parking.settle(FINANCE, row["id"]) for row in waiting] == [True] * len(waiting)
        assert not await parking.settle(FINANCE, waiting[0]["id"])

    await runs.bill(DAY)

    assert await parked() == {Why.NO_ISSUER.value: len(waiting)}


async def test_days_that_stand_on_a_document_are_not_billed_again_unless_credited(world: World) -> None:
    noord, service = world.noord, world.noord.services["free"]
    await runs.bill(DAY)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = '2026-12-01' WHERE id = $1", service)

    report = await runs.bill(DAY)

    assert (report.services, report.parked) == (0, {Why.BILLED_ALREADY.value: 1})
    billed = await rows("SELECT l.id, l.invoice FROM billing_line l WHERE l.service = $1", service)

    back = DraftLine(
        kind=LineKind.CREDIT, description="Terug", amount_cents=5000, unit_price=Decimal(50), vat=tax.Vat(), service=service,
        period=(DAY, date(2027, 1, 1)), credits=billed[0]["id"],
    )  # fmt: skip
    await issue(noord.id, noord.customers["bakery"], [back], kind=Kind.CREDIT_NOTE, refers_to=billed[0]["invoice"], reason="Onterecht")
    await runs.bill(DAY)
    turns = await rows("SELECT turn FROM billing_line WHERE service = $1 AND kind = 'recurring' ORDER BY turn", service)
    assert [row["turn"] for row in turns] == [1, 2]
    assert await parked() == {}


async def test_two_runs_at_once_bill_everything_once(world: World) -> None:
    async def one() -> bool:
        try:
            await runs.bill(DAY)
        except RunUnderWay:
            return False
        return True

    billed = await asyncio.gather(one(), one(), one())

    assert any(billed)
    assert len(await rows("SELECT 1 FROM billing_line WHERE layer = 'customer'")) == 4


async def test_missed_days_are_caught_up_in_one_run(world: World) -> None:
    await runs.bill(date(2027, 3, 2))

    months = [line[1:3] for line in await lines(world.noord.customers["bakery"])]
    assert sorted(months) == sorted(
        2
        * [
            (DAY, date(2027, 1, 1)),
            (date(2027, 1, 1), date(2027, 2, 1)),
            (date(2027, 2, 1), date(2027, 3, 1)),
            (date(2027, 3, 1), date(2027, 4, 1)),
        ]
    )
    assert len(await rows("SELECT 1 FROM billing_invoice WHERE customer = $1", world.noord.customers["bakery"])) == 1


async def test_billing_goes_on_to_its_own_end_after_the_service_ended_and_stops_there(world: World) -> None:
    service = world.noord.services["free"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "UPDATE billing_service SET ends_on = '2026-12-05', billing_ends_on = '2027-01-15', ended_at = now() WHERE id = $1", service
        )
        await db.execute(
            "UPDATE billing_service SET ends_on = '2026-11-30', billing_ends_on = '2026-11-30' WHERE id = $1", world.noord.services["bound"]
        )

    for month in (12, 13, 14):
        await runs.bill(date(2026 + month // 13, (month - 1) % 12 + 1, 1))

    billed = [line[1:] for line in await lines(world.noord.customers["bakery"])]
    assert billed == [(DAY, date(2027, 1, 1), 5000), (date(2027, 1, 1), date(2027, 1, 16), 2419)]


async def test_a_price_change_inside_a_period_is_two_lines(world: World) -> None:
    service = world.noord.services["free"]
    async with db.unit_of_work(STAFF_DOOR):
        await prices.change(FINANCE, service, PriceChangeWanted(since=date(2026, 12, 11), fee_cents=6200, reason="Sneller abonnement"))

    await runs.bill(DAY)

    billed = [line[1:] for line in await lines(world.noord.customers["bakery"]) if line[0] == "NRD-S-00001"]
    assert billed == [(DAY, date(2026, 12, 11), 1613), (date(2026, 12, 11), date(2027, 1, 1), 4200)]
    await runs.bill(date(2027, 1, 1))
    assert (await rows("SELECT fee_cents FROM billing_service WHERE id = $1", service))[0]["fee_cents"] == 6200
    assert [line[3] for line in await lines(world.noord.customers["bakery"]) if line[0] == "NRD-S-00001"][2:] == [6200]


def services(chance: random.Random) -> Iterable[dict[str, Any]]:
    for _ in range(chance.randint(1, 4)):
        start = date(2026, 12, 1) - timedelta(days=chance.randint(1, 700))
        yield {
            "label": f"Dienst {chance.randint(1, 99)}",
            "fee_cents": chance.choice([0, 1, 333, 995, 4999, 8995, chance.randint(1, 300_000)]),
            "quantity": chance.choice([1, 1, 2, 7]),
            "starts_on": start,
            "billing_months": chance.choice([1, 1, 1, 3, 12]),
            "paid_until": max(start, DAY - timedelta(days=chance.randint(0, 40))),
        }


async def test_documents_of_the_run_are_those_that_the_rules_draft(world: World) -> None:
    """SQL and Python agree to the cent on random invoices: consumers and businesses, at home and abroad."""
    chance = random.Random(7)
    async with db.unit_of_work(world.noord.principal()):
        for nth in range(40):
            segment = chance.choice([Segment.CONSUMER, Segment.OTHER_BIZ])
            customer = await make_customer(world.noord, f"Klant {nth}", email=f"klant{nth}@klant.example.com", segment=segment)
            country = chance.choice(["NL", "NL", "DE", "FI", "AT", "US"])
            await db.execute(
                "UPDATE customer SET country = $2, vat_id = $3 WHERE id = $1", customer, country, chance.choice([None, "DE136695976"])
            )
            await db.execute("UPDATE location SET country = $2 WHERE customer = $1", customer, country)
            await places.add(world.noord.actor, customer, Evidence.BANK, country)
            for terms in services(chance):
                await make_service(world.noord, customer, **terms)

    await runs.bill(DAY)

    found = await rows("SELECT * FROM billing_invoice WHERE layer = 'customer'")
    assert len(found) > 35
    for made in found:
        async with db.unit_of_work(STAFF_DOOR):
            debtor = await parties.debtor(made["tenant"], made["customer"], DAY)
            sender = await parties.sender(made["tenant"], Layer.CUSTOMER)
            written = await db.fetch("SELECT * FROM billing_line WHERE invoice = $1 ORDER BY position", made["id"])
            taxed = await db.fetch("SELECT category, rate, country, base_cents, vat_cents FROM billing_vat WHERE invoice = $1", made["id"])
        vat = tax.vat_for(debtor.seat, DAY)
        drafted = [
            DraftLine(
                kind=LineKind(line["kind"]), description=line["description"], amount_cents=line["amount_cents"], quantity=line["quantity"],
                unit=Unit(line["unit"]), unit_price=line["unit_price"], vat=vat,
            )
            for line in written
        ]  # fmt: skip
        sums = amounts(drafted)
        assert (made["net_cents"], made["vat_cents"], made["gross_cents"]) == (sums.net_cents, sums.vat_cents, sums.gross_cents)
        assert tuple(line["net_cents"] for line in written) == sums.nets
        assert [tuple(row) for row in taxed] == [
            (total.vat.category.value, total.vat.rate, total.vat.country, total.base_cents, total.vat_cents) for total in sums.totals
        ]
        for line, draft, net in zip(written, drafted, sums.nets, strict=True):
            assert abs(line["unit_price"] - unit_price(draft, net)) <= Decimal("0.000001")
            assert vat.prices_include_vat or round(line["quantity"] * line["unit_price"] * 100) == net
        assert msgspec.json.decode(made["debtor_details"], type=parties.Party) == debtor.party
        assert msgspec.json.decode(made["issuer_details"], type=parties.Party) == sender.party
        assert (made["language"], made["prices_include_vat"]) == (debtor.language, vat.prices_include_vat)


async def test_the_day_is_todays_by_default(world: World) -> None:
    clock.move_to(DAY)
    assert not await runs.was_billed(clock.today())
    await runs.bill(clock.today())
    assert await runs.was_billed(clock.today())


async def test_one_customer_is_billed_at_once_and_the_run_bills_the_others(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(STAFF_DOOR):
        written = await runs.bill_at_once(noord.customers["bakery"], noord.id, DAY)

    report = await runs.bill(DAY)

    assert (written.invoices, written.gross_cents) == (1, 16934)
    assert (report.services, report.invoices) == (2, 2)
