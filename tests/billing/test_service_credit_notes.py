"""What was billed is taken back: line by line, never more, on a document of its own."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from billing.policy.crediting import MoreThanCharged, NothingToCredit, Part
from billing.policy.ledger import Kind, Layer, LineKind
from billing.policy.tax import Vat
from billing.service import credit_notes
from billing.service.credit_notes import LaterDaysBilled, NotCreditable, Wanted
from partner_portal.infra import db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound
from tests.billing.money import issue, line, pay
from tests.world import FINANCE, STAFF_DOOR, World

DECEMBER = (date(2026, 12, 1), date(2027, 1, 1))


async def credit(invoice: UUID, *parts: Part, actor: Actor = FINANCE, again: bool = False) -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        return await credit_notes.give_back(actor, invoice, Wanted(reason="Verkeerd berekend", parts=parts, bill_again=again))


async def found(sql: str, *values: Any) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch(sql, *values)


async def head(invoice: UUID) -> Any:
    (row,) = await found("SELECT * FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id WHERE i.id = $1", invoice)
    return row


async def line_ids(invoice: UUID) -> list[UUID]:
    return [row["id"] for row in await found("SELECT id FROM billing_line WHERE invoice = $1 ORDER BY position", invoice)]


def monthly(service: UUID, period: tuple[date, date] = DECEMBER, cents: int = 8995, **given: Any) -> Any:
    return line(cents, kind=LineKind.RECURRING, description="Webshop hosting", service=service, period=period, **given)


async def test_a_credit_note_refers_to_the_invoice_and_each_line_and_settles_what_is_open(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000), line(5000)])

    note = await head(await credit(invoice))

    assert (note["number"], note["kind"], note["refers_to"]) == ("HUIS-C2026-000001", Kind.CREDIT_NOTE, invoice)
    assert (note["gross_cents"], note["open_cents"], note["reason"]) == (18150, 0, "Verkeerd berekend")
    billed = await head(invoice)
    assert (billed["open_cents"], billed["credited_cents"], billed["paid_on"]) == (0, 18150, date(2026, 11, 22))
    lines = await found(
        "SELECT credits, description, amount_cents, why FROM billing_line WHERE invoice = $1 ORDER BY position", note["invoice"]
    )
    assert [row["credits"] for row in lines] == await line_ids(invoice)
    assert [row["description"] for row in lines] == ["Creditering: Werkzaamheden"] * 2
    assert '"of":"HUIS-F2026-000001"' in lines[0]["why"].replace(" ", "")


async def test_what_was_paid_stays_in_the_debtors_favour(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000)])
    await pay(invoice, 10000)

    note = await head(await credit(invoice, Part(line=(await line_ids(invoice))[0], amount_cents=5000)))

    assert ((await head(invoice))["open_cents"], note["gross_cents"], note["open_cents"]) == (0, 6050, 3950)


async def test_days_are_given_back_by_the_contracts_way_of_counting(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [monthly(noord.services["bound"])])

    note = await credit(invoice, Part(line=(await line_ids(invoice))[0], since=date(2026, 12, 16)))

    (row,) = await found("SELECT net_cents, period_from, period_until, kind FROM billing_line WHERE invoice = $1", note)
    assert (row["net_cents"], row["period_from"], row["period_until"], row["kind"]) == (
        4643,
        date(2026, 12, 16),
        date(2027, 1, 1),
        "credit",
    )
    assert ((await head(note))["gross_cents"], (await head(note))["period_from"]) == (5618, date(2026, 12, 16))


async def test_more_than_was_charged_is_never_credited_of_a_line(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000), line(5000)])
    first, second = await line_ids(invoice)
    await credit(invoice, Part(line=first, amount_cents=9000))

    with pytest.raises(MoreThanCharged):
        await credit(invoice, Part(line=first, amount_cents=1001))
    await credit(invoice, Part(line=second))
    await credit(invoice)
    with pytest.raises(NothingToCredit):
        await credit(invoice)

    assert (await head(invoice))["credited_cents"] == 18150


async def test_two_at_once_credit_a_line_once(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000)])

    done = await asyncio.gather(*(credit(invoice) for _ in range(4)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in done) == ["NothingToCredit"] * 3 + ["UUID"]
    assert (await head(invoice))["credited_cents"] == 12100


async def test_credit_of_a_credit_note_and_of_nothing_is_refused(world: World) -> None:
    noord = world.noord
    invoice = await issue(noord.id, noord.customers["bakery"], [line(10000)])
    note = await credit(invoice)

    with pytest.raises(NotCreditable):
        await credit(note)
    with pytest.raises(NotFound):
        await credit(UUID(int=1))


async def test_a_period_credited_whole_can_be_billed_again_and_else_only_once(world: World) -> None:
    noord = world.noord
    bound, bakery = noord.services["bound"], noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = $2 WHERE id = $1", bound, DECEMBER[1])
    invoice = await issue(noord.id, bakery, [monthly(bound)])
    with pytest.raises(asyncpg.UniqueViolationError):
        await issue(noord.id, bakery, [monthly(bound)])

    await credit(invoice, again=True)
    (service,) = await found("SELECT paid_until FROM billing_service WHERE id = $1", bound)
    second = await issue(noord.id, bakery, [monthly(bound, cents=7995)])

    assert service["paid_until"] == DECEMBER[0]
    assert [row["turn"] for row in await found("SELECT turn FROM billing_line WHERE invoice = $1", second)] == [2]
    with pytest.raises(asyncpg.UniqueViolationError):
        await issue(noord.id, bakery, [monthly(bound)])


async def test_days_before_others_that_are_billed_are_not_billed_again(world: World) -> None:
    noord = world.noord
    bound, bakery = noord.services["bound"], noord.customers["bakery"]
    january = (date(2027, 1, 1), date(2027, 2, 1))
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = $2 WHERE id = $1", bound, january[1])
    invoice = await issue(noord.id, bakery, [monthly(bound), monthly(bound, january)])

    with pytest.raises(LaterDaysBilled):
        await credit(invoice, Part(line=(await line_ids(invoice))[0]), again=True)
    await credit(invoice, again=True)

    (service,) = await found("SELECT paid_until FROM billing_service WHERE id = $1", bound)
    assert service["paid_until"] == DECEMBER[0]


async def test_days_billed_in_both_layers_are_billed_again_when_both_are_credited(world: World) -> None:
    zuid = world.zuid
    bound = zuid.services["bound"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = $2 WHERE id = $1", bound, DECEMBER[1])
        await db.execute(
            "INSERT INTO billing_issuer (id, tenant, name, street, postcode, city, email, vat_id, chamber_number, iban)"
            " SELECT gen_random_uuid(), $1, 'Zuid', 'Weg 1', '1234 AB', 'Sittard', 'z@example.com', 'NL100000009B01', '12345678', 'NL61BANK0123456780'"
            " ON CONFLICT DO NOTHING",
            zuid.id,
        )
    toward_customer = await issue(zuid.id, zuid.customers["bakery"], [monthly(bound)])
    toward_partner = await issue(zuid.id, None, [monthly(bound, cents=6000)], layer=Layer.PARTNER)

    with pytest.raises(LaterDaysBilled):
        await credit(toward_customer, again=True)
    await credit(toward_customer)
    await credit(toward_partner, again=True)

    (service,) = await found("SELECT paid_until FROM billing_service WHERE id = $1", bound)
    assert service["paid_until"] == DECEMBER[0]


async def test_a_consumers_price_is_given_back_including_vat(world: World) -> None:
    noord = world.noord

    vat = Vat(prices_include_vat=True)
    invoice = await issue(noord.id, noord.customers["private"], [line(4500, vat=vat, quantity=Decimal(1)), line(999, vat=vat)])

    await credit(invoice, Part(line=(await line_ids(invoice))[0], amount_cents=3333))
    await credit(invoice)

    assert ((await head(invoice))["credited_cents"], (await head(invoice))["open_cents"]) == (5499, 0)
