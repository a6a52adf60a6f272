"""A debtor's other bank account: the password first, days of rest, and mail to where the debtor was known before."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from billing.policy.money_in import Source
from billing.service import debits, issuers, mandates, payments, refunds
from billing.service.debits import NothingToCollect
from billing.service.mandates import NewMandate
from billing.service.payments import Debtor, Receipt
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.step_up import PasswordNeeded
from tests.billing.bank import PAYER_IBAN
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

OTHER_IBAN = "NL20INGB0001234567"
UNPROVEN = msgspec.structs.replace(FINANCE, is_proven=False)


async def signed(world: World, iban: str = PAYER_IBAN, **more: object) -> UUID:
    new = NewMandate(holder="Bakkerij De Korst", iban=iban, signed_on=clock.today(), **more)  # type: ignore[arg-type]
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        return await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, new)


async def rests_until(mandate: UUID) -> date | None:
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT rests_until FROM billing_mandate WHERE id = $1", mandate)
    assert row
    day: date | None = row["rests_until"]
    return day


async def told(world: World) -> dict[str, str]:
    """To whom mails about accounts went, with their text."""
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT recipient, subject, text FROM infra_mail WHERE name = 'billing/account_changed' ORDER BY recipient")
    return {row["recipient"]: f"{row['subject']} {row['text']}" for row in rows}


async def test_another_account_of_a_mandate_needs_the_password_and_rests(world: World) -> None:
    mandate = await signed(world)
    assert await rests_until(mandate) is None, "the first account of a debtor is no change"

    with pytest.raises(PasswordNeeded):
        async with db.unit_of_work(STAFF_DOOR):
            await mandates.move(UNPROVEN, mandate, iban=OTHER_IBAN)
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.move(FINANCE, mandate, iban=OTHER_IBAN)

    assert await rests_until(mandate) == clock.today() + timedelta(days=5)


async def test_the_debtor_is_told_with_enough_to_know_the_accounts_by(world: World) -> None:
    mandate = await signed(world)
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.move(FINANCE, mandate, iban=OTHER_IBAN)

    mails = await told(world)

    (text,) = mails.values()
    assert "NL20 •••• 4567" in text
    assert OTHER_IBAN not in text
    assert PAYER_IBAN not in text


async def test_an_address_that_was_changed_lately_is_told_as_well(world: World) -> None:
    mandate = await signed(world)
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(world.noord.principal()):
        before = await db.fetch_one("SELECT id, email FROM contact WHERE customer = $1 AND is_main", bakery)
        assert before
        await db.execute("UPDATE contact SET email = 'dief@elders.example.com' WHERE id = $1", before["id"])
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.move(FINANCE, mandate, iban=OTHER_IBAN)

    assert sorted(await told(world)) == sorted([before["email"], "dief@elders.example.com"])


async def test_a_new_mandate_from_another_account_rests_and_one_from_the_same_does_not(world: World) -> None:
    first = await signed(world)
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.end(first, "opgezegd")
    again = await signed(world)
    async with db.unit_of_work(STAFF_DOOR):
        await mandates.end(again, "opgezegd")
    other = await signed(world, OTHER_IBAN)

    assert await rests_until(again) is None
    assert await rests_until(other) == clock.today() + timedelta(days=5)


async def test_money_goes_back_at_once_to_a_known_account_and_after_days_to_another(world: World) -> None:
    await signed(world)
    debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
    receipt = Receipt(debtor=debtor, source=Source.MANUAL, source_key="k", amount_cents=5000, received_on=clock.today(), invoices=())
    async with db.unit_of_work(STAFF_DOOR):
        payment = await payments.book(FINANCE, receipt)
    with pytest.raises(PasswordNeeded):
        async with db.unit_of_work(STAFF_DOOR):
            await refunds.order(UNPROVEN, payment, cents=1000, iban=OTHER_IBAN)
    async with db.unit_of_work(STAFF_DOOR):
        await refunds.order(UNPROVEN, payment, cents=1000, iban=PAYER_IBAN)
        await refunds.order(FINANCE, payment, cents=2000, iban=OTHER_IBAN)

    async with db.unit_of_work(STAFF_DOOR):
        await refunds.pay_out(FINANCE, world.house)
        with pytest.raises(NothingToCollect):
            await refunds.pay_out(FINANCE, world.house)
    clock.move_to(clock.today() + timedelta(days=5))
    async with db.unit_of_work(STAFF_DOOR):
        await refunds.pay_out(FINANCE, world.house)
        sums = [row["total_cents"] for row in await debits.files()]

    assert sums == [2000, 1000]
    assert "terug" in next(iter((await told(world)).values()))
