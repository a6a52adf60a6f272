"""A document gets its number, and never changes."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from billing.policy.drafting import MixedPrices, NothingToBill
from billing.policy.ledger import Kind, Layer, LineKind
from billing.policy.tax import Vat, VatCategory
from billing.service import issuing
from billing.service.issuing import Draft
from billing.service.parties import DebtorIncomplete, IssuerUnknown
from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from tests.billing.money import issue, line, pay
from tests.counting import counted
from tests.world import STAFF_DOOR, World


async def row(invoice: UUID) -> Any:
    async with db.unit_of_work(STAFF_DOOR):
        found = await db.fetch_one(
            "SELECT i.*, s.open_cents, s.paid_on, s.credited_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE i.id = $1",
            invoice,
        )
    assert found
    return found


async def test_an_invoice_has_number_reference_sums_and_both_parties(world: World) -> None:
    noord = world.noord

    made = await row(await issue(noord.id, noord.customers["bakery"], [line(8995), line(1005)]))

    assert (made["number"], made["reference"]) == ("HUIS-F2026-000001", "RF71HUISF2026000001")
    assert (made["net_cents"], made["vat_cents"], made["gross_cents"], made["open_cents"]) == (10000, 2100, 12100, 12100)
    assert (made["issued_on"], made["due_on"]) == (date(2026, 11, 22), date(2026, 12, 22))
    assert "NL999999990B29" in made["issuer_details"]
    assert "Dorpsstraat 1" in made["debtor_details"]


async def test_numbers_have_no_gap_when_one_is_rolled_back_and_many_are_made_at_once(world: World) -> None:
    noord = world.noord
    bakery = noord.customers["bakery"]

    async def once(nth: int) -> None:
        try:
            async with db.unit_of_work(STAFF_DOOR):
                await issuing.issue(Draft(tenant=noord.id, customer=bakery, lines=[line()]))
                if nth % 3 == 0:
                    raise LookupError
        except LookupError:
            pass

    async with asyncio.TaskGroup() as group:
        for nth in range(12):
            group.create_task(once(nth))

    async with db.unit_of_work(STAFF_DOOR):
        found = await db.fetch("SELECT sequence FROM billing_invoice ORDER BY sequence")
    assert [made["sequence"] for made in found] == list(range(1, 9))


async def test_kinds_and_issuers_count_apart(world: World) -> None:
    noord, zuid = world.noord, world.zuid
    first = await issue(noord.id, noord.customers["bakery"])
    credit = await issue(noord.id, noord.customers["bakery"], kind=Kind.CREDIT_NOTE, refers_to=first, reason="Dubbel")
    own = await issue(zuid.id, zuid.customers["bakery"])
    wholesale = await issue(zuid.id, None, layer=Layer.PARTNER)

    numbers = [(await row(made))["number"] for made in (first, credit, own, wholesale)]

    assert numbers == ["HUIS-F2026-000001", "HUIS-C2026-000001", "ZUD-F2026-000001", "HUIS-F2026-000002"]


@pytest.mark.parametrize("table", ["billing_invoice", "billing_line", "billing_vat"])
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant = tenant", "DELETE FROM {}"])
@pytest.mark.usefixtures("world")
async def test_a_document_is_never_changed(world: World, running: Any, table: str, change: str) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"])
    owner = await asyncpg.connect(running.database_url)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=r"append-only|never changed"):
        await owner.execute(change.format(table))

    await owner.close()


async def test_what_was_paid_and_credited_is_no_longer_open(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000)])

    await pay(invoice, 2100)
    part = await row(invoice)
    await pay(invoice, 10000)
    whole = await row(invoice)

    assert (part["open_cents"], part["paid_on"]) == (10000, None)
    assert (whole["open_cents"], whole["paid_on"]) == (0, date(2026, 11, 22))


async def test_more_than_was_billed_is_never_credited(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000)])
    await issue(noord.id, noord.customers["bakery"], [line(9000)], kind=Kind.CREDIT_NOTE, refers_to=invoice, reason="Deels")

    with pytest.raises(asyncpg.CheckViolationError):
        await issue(noord.id, noord.customers["bakery"], [line(1001)], kind=Kind.CREDIT_NOTE, refers_to=invoice, reason="Te veel")

    assert (await row(invoice))["credited_cents"] == 10890


async def test_what_cannot_be_a_document_is_refused(world: World) -> None:
    noord = world.noord
    bakery = noord.customers["bakery"]
    outside = line(vat=Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Vat().rate * 0))
    async with db.unit_of_work(noord.principal()):
        await db.execute("DELETE FROM location WHERE customer = $1", bakery)

    with pytest.raises(NothingToBill):
        async with db.unit_of_work(STAFF_DOOR):
            await issuing.issue(Draft(tenant=noord.id, customer=bakery, lines=[]))
    with pytest.raises(MixedPrices):
        await issue(noord.id, bakery, [line(), outside])
    with pytest.raises(DebtorIncomplete):
        await issue(noord.id, bakery)
    with pytest.raises(DebtorIncomplete):
        await issue(noord.id, None, layer=Layer.PARTNER)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE tenant SET bills = 'own name' WHERE id = $1", noord.id)
    with pytest.raises(IssuerUnknown):
        await issue(noord.id, noord.customers["private"])


async def test_a_document_is_written_by_as_many_statements_however_long_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines, its VAT of several rates, and what waited to be billed."""
    sent = counted(monkeypatch)
    counts = []
    for many in (1, 2, 60):
        charges = [await _charge(world) for _ in range(many)]
        lines = [line(100 + nth, charge=one, vat=Vat(rate=Decimal(21 if nth % 2 else 9))) for nth, one in enumerate(charges)]
        sent.clear()
        made = await issue(world.noord.id, world.noord.customers["bakery"], lines)
        counts.append(len(sent))
        async with db.unit_of_work(STAFF_DOOR):
            written = await db.fetch(
                "SELECT id, position, amount_cents, vat_rate FROM billing_line WHERE invoice = $1 ORDER BY position", made
            )
            billed = await db.fetch("SELECT id, line FROM billing_charge WHERE id = ANY($1::uuid[])", charges)
        assert [(row["position"], row["amount_cents"]) for row in written] == [(nth + 1, 100 + nth) for nth in range(many)]
        assert {row["id"]: row["line"] for row in billed} == dict(zip(charges, (row["id"] for row in written), strict=True))

    assert len(set(counts)) == 1, counts


async def _charge(world: World) -> UUID:
    made = new_id()
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_charge (id, tenant, key, customer, description, unit_price, amount_cents, bill_from)"
            " VALUES ($1, $2, $3, $4, 'Werk', 1, 100, $5)",
            *(made, world.noord.id, str(made), world.noord.customers["bakery"], clock.today()),
        )
    return made


async def test_days_that_are_given_back_and_billed_again_on_one_document_are_billed_a_second_time(world: World) -> None:
    """A line sees what stands before it on its own document, as it sees every other document."""
    noord, days = world.noord, (date(2026, 12, 1), date(2027, 1, 1))
    recurring: dict[str, Any] = {"kind": LineKind.RECURRING, "service": noord.services["bound"], "period": days}
    first = await issue(noord.id, noord.customers["bakery"], [line(8995, **recurring)])
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT id FROM billing_line WHERE invoice = $1", first)
    assert row
    back = line(-8995, kind=LineKind.CREDIT, service=noord.services["bound"], period=days, credits=row["id"])

    again = await issue(noord.id, noord.customers["bakery"], [back, line(9995, **recurring)])

    async with db.unit_of_work(STAFF_DOOR):
        written = await db.fetch("SELECT kind, turn FROM billing_line WHERE invoice = $1 ORDER BY position", again)
    assert [(row["kind"], row["turn"]) for row in written] == [("credit", 1), ("recurring", 2)]
