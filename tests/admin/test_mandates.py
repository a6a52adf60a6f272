"""Finance and mandates, refunds and payouts in the admin: entered, read, ended; agreed to by two; what failed is taken up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest_asyncio

from billing.policy.money_in import Source
from billing.service import credit_notes, issuers, payments
from billing.service.credit_notes import Wanted
from billing.service.payments import Debtor, Receipt
from partner_portal.infra import clock, db, settings
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.admin.test_bank import page, press
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, pay
from tests.billing.test_statements import rows
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

MANDATES, REFUNDS, PAYOUTS = "/admin/mandates", "/admin/refunds", "/admin/payouts"


@pytest_asyncio.fixture(loop_scope="session")
async def fien(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


async def number_of(world: World) -> str:
    found = await rows("SELECT number FROM customer WHERE id = $1", world.noord.customers["bakery"])
    number: str = found[0]["number"]
    return number


async def entered(world: World, fien: httpx.AsyncClient, **given: str) -> httpx.Response:
    typed: dict[str, Any] = {
        "customer": await number_of(world),
        "holder": "De Korst",
        "iban": PAYER_IBAN,
        "signed_on": "2026-11-01",
        "scheme": "CORE",
    }
    return await press(fien, "enter", MANDATES, **(typed | {"announced_days": "10"} | given))


async def test_a_mandate_on_paper_is_entered_found_read_and_ended_with_a_reason(world: World, fien: httpx.AsyncClient) -> None:
    wrong = await entered(world, fien, iban="NL00TEST0417164300")
    unknown = await entered(world, fien, customer="NIEMAND")
    made = await entered(world, fien)
    twice = await entered(world, fien)
    assert [answer.status_code for answer in (wrong, unknown, made, twice)] == [422, 422, 303, 409]
    assert 'value="De Korst"' in wrong.text, "nothing typed is lost"
    mandate = (await rows("SELECT id, reference, announced_days, signed_how FROM billing_mandate"))[0]
    assert (mandate["announced_days"], mandate["signed_how"]) == (10, "paper")

    assert mandate["reference"] in await page(fien, f"{MANDATES}?q=korst")
    assert mandate["reference"] not in await page(fien, f"{MANDATES}?q=%25xyzzy")
    one = f"{MANDATES}/{mandate['id']}"
    assert "10 dagen vooraf" in await page(fien, one)
    assert (await press(fien, "revoke", one, note="")).status_code == 422
    assert (await press(fien, "revoke", one, note="Klant belde")).status_code == 303
    assert "Beëindig de machtiging" not in await page(fien, one)
    assert "Klant belde" in await page(fien, one)
    assert (await fien.get(f"{MANDATES}/{UUID(int=7)}")).status_code == 404


async def test_another_account_wants_the_password_again(world: World, fien: httpx.AsyncClient) -> None:
    await entered(world, fien)
    mandate = (await rows("SELECT id FROM billing_mandate"))[0]["id"]

    fien.headers["accept"] = "text/html"
    moved = await press(fien, "move", f"{MANDATES}/{mandate}", iban="NL20INGB0001234567")

    assert moved.status_code == 303
    assert "password" in moved.headers["location"]
    assert (await rows("SELECT iban FROM billing_mandate"))[0]["iban"] == PAYER_IBAN


async def on_account(world: World) -> UUID:
    debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
    receipt = Receipt(debtor=debtor, source=Source.MANUAL, source_key="k", amount_cents=5000, received_on=clock.today(), invoices=())
    async with db.unit_of_work(STAFF_DOOR):
        return await payments.book(FINANCE, receipt)


async def known_account(world: World, fien: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
    await entered(world, fien)


async def test_a_large_refund_is_ordered_by_one_and_agreed_to_by_another(world: World, staff: SignsIn, fien: httpx.AsyncClient) -> None:
    payment = await on_account(world)
    await known_account(world, fien)
    frits = await staff(StaffRole.FINANCE, name="frits")
    with settings.use(four_eyes_limit_cents=1000):
        assert "EUR 50,00" in await page(fien, REFUNDS)
        bad = await press(fien, "order", REFUNDS, id=str(payment), amount="veel", iban=PAYER_IBAN)
        ordered = await press(fien, "order", REFUNDS, id=str(payment), amount="20,00", iban=PAYER_IBAN, reason="Dubbel betaald")
        refund = (await rows("SELECT id FROM billing_refund"))[0]["id"]
        own = await press(fien, "agree", REFUNDS, id=str(refund))
        other = await press(frits, "agree", REFUNDS, id=str(refund))

    assert [answer.status_code for answer in (bad, ordered, own, other)] == [422, 303, 409, 303]
    assert (await rows("SELECT state FROM billing_refund"))[0]["state"] == "agreed"
    made = await press(fien, "pay-out", "/admin/direct-debits", id=str(world.house))
    assert made.status_code == 303, made.text
    assert "onderweg" in await page(fien, REFUNDS)


async def test_what_is_on_account_settles_what_is_open_or_says_that_nothing_is(world: World, fien: httpx.AsyncClient) -> None:
    payment = await on_account(world)
    nothing = await press(fien, "settle", REFUNDS, id=str(payment))
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])

    settled = await press(fien, "settle", REFUNDS, id=str(payment))

    assert [answer.status_code for answer in (nothing, settled)] == [409, 303]
    assert [row["open_cents"] for row in await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice)] == [0]
    assert "EUR 37,90" in await page(fien, REFUNDS)


async def test_a_credit_note_of_what_was_paid_is_put_on_account_and_given_back_from_there(world: World, fien: httpx.AsyncClient) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await pay(invoice, 1210)
    async with db.unit_of_work(STAFF_DOOR):
        note = await credit_notes.give_back(FINANCE, invoice, Wanted(reason="Dubbel"))
    assert "HUIS-C2026-000001" in await page(fien, REFUNDS)

    nothing = await press(fien, "settle-document", REFUNDS, id=str(note))
    put = await press(fien, "account", REFUNDS, id=str(note))
    again = await press(fien, "account", REFUNDS, id=str(note))

    assert [answer.status_code for answer in (nothing, put, again)] == [409, 303, 409]
    seen = await page(fien, REFUNDS)
    assert "HUIS-C2026-000001" not in seen
    assert "EUR 12,10" in seen


async def test_one_that_failed_asks_for_attention_until_somebody_deals_with_it(world: World, fien: httpx.AsyncClient) -> None:
    payment = await on_account(world)
    await known_account(world, fien)
    await press(fien, "order", REFUNDS, id=str(payment), iban=PAYER_IBAN)
    await press(fien, "pay-out", "/admin/direct-debits", id=str(world.house))
    refund: Any = (await rows("SELECT id FROM billing_refund"))[0]["id"]
    from billing.service import refunds  # noqa: PLC0415  # what the bank's statement does, see tests/billing/test_refunds.py

    async with db.unit_of_work(STAFF_DOOR):
        await refunds.came_back(refund, 5000, "AC04")

    assert "Ik pak het op" in await page(fien, REFUNDS)
    assert (await press(fien, "take-up", REFUNDS, id=str(refund))).status_code == 303
    seen = await page(fien, REFUNDS)
    assert "Ik pak het op" not in seen
    assert "AC04" in seen


async def test_payouts_are_shown_and_a_difference_is_looked_at(fien: httpx.AsyncClient) -> None:
    assert "Er is nog niets uitbetaald" in await page(fien, PAYOUTS)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_payout (id, gateway, gateway_id, reference, day, gross_cents, fee_cents, paid_cents, payments)"
            " VALUES (gen_random_uuid(), 'mollie', 'stl_1', 'REF1', $1, 1000, 29, 970, 1)",
            clock.today(),
        )
    payout = (await rows("SELECT id FROM billing_payout"))[0]["id"]

    assert "de delen min de kosten zijn niet wat is uitbetaald" in await page(fien, PAYOUTS)
    assert (await press(fien, "look", PAYOUTS, id=str(payout), note="")).status_code == 422
    assert (await press(fien, "look", PAYOUTS, id=str(payout), note="Een cent afronding")).status_code == 303
    assert "Een cent afronding" in await page(fien, PAYOUTS)


async def test_what_is_no_euros_and_what_could_not_be_read_is_shown_with_the_reason(fien: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        for number, foreign, unread in (("stl_1", "tr_9 50.00 USD", None), ("stl_2", None, "503 Service Unavailable")):
            await db.execute(
                "INSERT INTO billing_payout (id, gateway, gateway_id, reference, day, gross_cents, fee_cents, paid_cents, payments, foreign_money, unread)"
                " VALUES (gen_random_uuid(), 'mollie', $1, $1, $2, 0, 0, 0, 0, $3, $4)",
                *(number, clock.today(), foreign, unread),
            )

    shown = await page(fien, PAYOUTS)

    assert "iets erin is geen euro" in shown
    assert "tr_9 50.00 USD" in shown
    assert "wat erin zat, kon nog niet worden gelezen" in shown
    assert "503 Service Unavailable" in shown
    assert shown.count("Ik heb ernaar gekeken") == 2


async def test_only_finance_sees_them(staff: SignsIn, stranger: httpx.AsyncClient) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")
    for address in (MANDATES, REFUNDS, PAYOUTS):
        assert (await desk.get(address)).status_code == 403
        assert (await stranger.get(address)).status_code == 303
