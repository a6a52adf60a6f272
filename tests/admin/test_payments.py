"""Finance and payments in the admin: found by what they settled, read with every step, and taken off an invoice that they were not for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from billing.service import holds, plans, reminders
from billing.service.plans import InstalmentWanted
from partner_portal.infra import clock, db
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.admin.test_bank import page, press
from tests.billing.test_service_payments import left, open_cents
from tests.billing.test_service_reminders import START
from tests.billing.test_statements import rows
from tests.billing.test_taking_off import mails, owed, paid
from tests.world import FINANCE, STAFF_DOOR, World

PAYMENTS = "/admin/payments"


@pytest_asyncio.fixture(loop_scope="session")
async def fien(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


async def seen(client: httpx.AsyncClient, address: str) -> str:
    return (await page(client, address)).replace("\xa0", " ")


async def test_a_payment_is_found_by_its_invoice_and_moved_to_the_right_one(world: World, fien: httpx.AsyncClient) -> None:
    (wrong, number), (right, right_number) = await owed(world), await owed(world, 5_000)
    payment = await paid(world, 12_100, wrong)
    assert f'href="/admin/payments?q={number}"' in await page(fien, "/admin/invoices")
    assert f"{PAYMENTS}/{payment}" in await page(fien, f"{PAYMENTS}?q={number.lower()}")
    assert f"{PAYMENTS}/{payment}" not in await page(fien, f"{PAYMENTS}?q={right_number}")
    assert f"{PAYMENTS}/{payment}/{wrong}" in await page(fien, f"{PAYMENTS}/{payment}")

    ask = f"{PAYMENTS}/{payment}/{wrong}"
    told = await seen(fien, ask)
    for what in ("EUR 121,00", "een mail dat de factuur is betaald", "De herinneringen beginnen"):
        assert what in told, what
    refused = [
        await press(fien, "take-off", ask, reason="", numbers="X-1"),
        await press(fien, "take-off", ask, reason="Verkeerd", numbers="HUIS-F2026-999999"),
        await press(fien, "take-off", ask, reason="Verkeerd", amount="veel"),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 422]
    assert 'value="X-1"' in refused[0].text, "nothing typed is lost"
    assert await open_cents(wrong) == [0]

    done = await press(fien, "take-off", ask, reason="Was voor de andere", numbers=right_number)

    assert (done.status_code, done.headers["location"]) == (303, f"{PAYMENTS}/{payment}?done=take-off")
    assert (await open_cents(wrong, right), await left(payment)) == ([12_100, 0], 6_050)
    assert (await mails(wrong))[-1] == "invoice_open_again"
    after = await seen(fien, f"{PAYMENTS}/{payment}?done=take-off")
    for what in ("Was voor de andere", "Fien van Kadetel", f"EUR 121,00 losgemaakt van {number}", "EUR 60,50 staat op rekening"):
        assert what in after, what
    assert "vereffent niets meer" in await seen(fien, ask)


async def test_the_page_says_what_follows_for_plans_holds_and_services(world: World, fien: httpx.AsyncClient) -> None:
    wrong, _number = await owed(world)
    async with db.unit_of_work(STAFF_DOOR):
        await plans.agree(FINANCE, [wrong], [InstalmentWanted(clock.today().replace(day=28), 12_100)], agreed_with="Bea", note="Later")
    payment = await paid(world, 12_100, wrong)
    ask = f"{PAYMENTS}/{payment}/{wrong}"
    held = await seen(fien, ask)
    assert "iemand houdt ze aan" in held
    assert "kan de regeling" in held

    async with db.unit_of_work(STAFF_DOOR):
        await plans.watch()
        for hold in await holds.standing():
            await holds.lift(FINANCE, hold["id"])
    assert "is geëindigd" in await seen(fien, ask)


async def test_the_page_says_that_reminders_go_on_and_services_stop_for_what_is_overdue(world: World, staff: SignsIn) -> None:
    wrong, _number = await owed(world)
    for days in (24, 33, 44, 51):
        clock.move_to(START + timedelta(days=days))
        await reminders.run()
    payment = await paid(world, 12_100, wrong)

    told = await seen(await staff(StaffRole.FINANCE, name="fien"), f"{PAYMENTS}/{payment}/{wrong}")

    for what in ("te laat sinds", "van de 3 zijn verstuurd", "Heeft de debiteur tijd nodig"):
        assert what in told, what


async def test_what_is_free_of_a_payment_is_moved_to_the_customer_whose_money_it_is(world: World, fien: httpx.AsyncClient) -> None:
    wrong, _number = await owed(world)
    right, _number = await owed(world, who="private")
    (other,) = await rows("SELECT number, name FROM customer WHERE id = $1", world.noord.customers["private"])
    (own,) = await rows("SELECT number FROM customer WHERE id = $1", world.noord.customers["bakery"])
    payment = await paid(world, 12_100, wrong)
    ask = f"{PAYMENTS}/{payment}/move"
    assert ask not in await page(fien, f"{PAYMENTS}/{payment}"), "it is in use"
    assert "kan niet worden verplaatst" in await page(fien, ask)
    await press(fien, "take-off", f"{PAYMENTS}/{payment}/{wrong}", reason="Was niet van de bakker")

    assert f'href="{ask}"' in await page(fien, f"{PAYMENTS}/{payment}")
    for number, why in (("X-1", "geen klant met dit nummer"), (own["number"], "staat al op rekening van")):
        assert why in await page(fien, f"{ask}?to={number}")
    told = await seen(fien, f"{ask}?to={other['number']}")
    for what in (other["name"], "EUR 121,00", "telt daar als ontvangen op"):
        assert what in told, what
    refused = [
        await press(fien, "move", f"{ask}?to={other['number']}", to=other["number"], left="12100", reason="", amount="12,10"),
        await press(fien, "move", f"{ask}?to={other['number']}", to=other["number"], left="12100", reason="Buurman", amount="veel"),
        await press(fien, "move", f"{ask}?to={other['number']}", to=other["number"], left="12099", reason="Van de buurman"),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 409]
    assert 'value="12,10"' in refused[0].text, "nothing typed is lost"
    assert "Er is intussen iets veranderd" in refused[2].text
    assert await left(payment) == 12_100

    done = await press(fien, "move", f"{ask}?to={other['number']}", to=other["number"], left="12100", reason="Van de buurman")

    assert (done.status_code, done.headers["location"]) == (303, f"{PAYMENTS}/{payment}?done=move")
    made = (await rows("SELECT id FROM billing_payment WHERE customer = $1", world.noord.customers["private"]))[0]["id"]
    after, there = await seen(fien, f"{PAYMENTS}/{payment}?done=move"), await seen(fien, f"{PAYMENTS}/{made}")
    for what in (f"EUR 121,00 naar {other['name']}", "Van de buurman", "Fien van Kadetel", f'href="{PAYMENTS}/{made}"'):
        assert what in after, what
    for what in (f'href="{PAYMENTS}/{payment}"', "Van de buurman", "EUR 121,00 staat op rekening"):
        assert what in there, what
    assert await open_cents(wrong, right) == [12_100, 12_100]
    assert (await press(fien, "settle", "/admin/refunds", id=str(made))).status_code == 303
    assert await open_cents(right) == [0]


@pytest.mark.parametrize(
    "address",
    [PAYMENTS, f"{PAYMENTS}/{UUID(int=7)}", f"{PAYMENTS}/{UUID(int=7)}/{UUID(int=8)}", f"{PAYMENTS}/{UUID(int=7)}/move"],
)
async def test_nobody_but_finance_sees_payments(world: World, staff: SignsIn, address: str) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="sef")
    assert (await desk.get(address)).status_code == 403
    stranger = await staff(name="niemand")
    assert (await stranger.get(address)).status_code == 403


async def test_what_is_not_there_is_not_found(world: World, fien: httpx.AsyncClient) -> None:
    wrong, _number = await owed(world)
    other, _number = await owed(world)
    payment = await paid(world, 12_100, wrong)
    back = (await rows("SELECT id FROM billing_invoice WHERE id = $1", other))[0]["id"]
    for address in (
        f"{PAYMENTS}/{UUID(int=7)}",
        f"{PAYMENTS}/{payment}/{back}",
        f"{PAYMENTS}/{UUID(int=7)}/{wrong}",
        f"{PAYMENTS}/{UUID(int=7)}/move",
    ):
        assert (await fien.get(address)).status_code == 404, address
    assert "Er is geen betaling gevonden" in await page(fien, f"{PAYMENTS}?q=%25xyzzy")
    assert str(payment) in await page(fien, f"{PAYMENTS}?q=korst")
