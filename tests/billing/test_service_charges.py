"""What waits to be billed once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.policy.ledger import LineKind
from billing.policy.tax import Vat
from billing.service import charges
from billing.service.charges import ChargeBilled, ChargeExists, ChargeWanted
from partner_portal.infra import db
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from tests.billing.money import issue
from tests.world import DESK, FINANCE, STAFF_DOOR, World


async def enter(world: World, actor: Any = FINANCE, **given: Any) -> UUID:
    usual: dict[str, Any] = {"tenant": world.noord.id, "customer": world.noord.customers["bakery"], "description": "Monteur op locatie"}
    async with db.unit_of_work(STAFF_DOOR):
        return await charges.enter(actor, ChargeWanted(**{**usual, "unit_price": Decimal("85.50"), **given}))


async def row(charge: UUID) -> Any:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch_one("SELECT * FROM billing_charge WHERE id = $1", charge)


async def drop(charge: UUID, reason: str = "Vergissing", actor: Any = FINANCE) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await charges.drop(actor, charge, reason)


async def test_a_charge_waits_for_the_next_document_and_stands_on_it_once(world: World) -> None:
    charge = await enter(world, quantity=Decimal("2.5"))
    waits = await row(charge)

    line = charges.drafted(waits, Vat())
    await issue(world.noord.id, world.noord.customers["bakery"], [line])

    assert (waits["amount_cents"], waits["bill_from"], waits["layer"]) == (21375, date(2026, 11, 22), "customer")
    assert (line.amount_cents, line.quantity, line.unit_price, line.charge) == (21375, Decimal("2.5"), Decimal("85.5"), charge)
    assert (await row(charge))["line"] is not None


async def test_a_key_is_charged_once(world: World) -> None:
    charge = await enter(world, key="visit 12")
    with pytest.raises(ChargeExists):
        await enter(world, key="visit 12", unit_price=Decimal(1))
    await drop(charge)
    with pytest.raises(ChargeExists):
        await enter(world, key="visit 12")


async def test_what_was_billed_is_not_dropped_and_what_is_dropped_twice_is_dropped(world: World) -> None:
    billed, dropped = await enter(world), await enter(world)
    await issue(world.noord.id, world.noord.customers["bakery"], [charges.drafted(await row(billed), Vat())])

    await drop(dropped)
    await drop(dropped)
    with pytest.raises(ChargeBilled):
        await drop(billed)
    with pytest.raises(NotFound):
        await drop(UUID(int=1))
    with pytest.raises(Invalid):
        await drop(dropped, " ")

    assert (await row(dropped))["dropped_because"] == "Vergissing"


async def test_only_finance_charges_by_hand_and_not_what_belongs_to_an_end(world: World) -> None:
    with pytest.raises(NotAllowed):
        await enter(world, DESK)
    for wrong in ({"kind": LineKind.BUYOUT}, {"key": "termination:1:x"}, {"unit_price": Decimal(-1)}, {"quantity": Decimal("NaN")}):
        with pytest.raises(Invalid):
            await enter(world, **wrong)
    with pytest.raises(NotFound):
        await enter(world, customer=world.zuid.customers["bakery"])
    with pytest.raises(NotAllowed):
        await drop(await enter(world), actor=DESK)


async def test_without_a_customer_the_partner_itself_is_charged(world: World) -> None:
    assert (await row(await enter(world, customer=None)))["layer"] == "partner"
