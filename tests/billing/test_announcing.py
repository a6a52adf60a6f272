"""A debtor knows beforehand what will be collected and when, and nothing else is collected."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from billing.policy.reminding import Held
from billing.service import announcing, debits, holds, issuers, mandates, statement_letters
from billing.service.debits import NothingToCollect
from billing.service.mandates import NewMandate
from partner_portal.infra import clock, db, outbox
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line, pay
from tests.billing.test_statements import rows
from tests.terminations.customer import baker
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

BAKER = "bakkerij@"


@pytest_asyncio.fixture(loop_scope="session")
async def invoice(world: World) -> UUID:
    """Issued on 22 November, due on 22 December, before there was a mandate; the mandate is there now."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
    made = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    async with db.unit_of_work(STAFF_DOOR):
        new = NewMandate(holder="Bakkerij De Korst", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))
        await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, new)
    await outbox.drain()
    return made


async def announced() -> list[Any]:
    return await rows("SELECT collects_on, amount_cents, is_separate, made_on FROM billing_announcement ORDER BY id")


async def mailed(world: World) -> list[str]:
    await outbox.drain()
    return [
        mail.subject for mail in reversed(world.mailbox.mailbox.mails(BAKER)) if "afschrijv" in mail.subject or "schrijven" in mail.subject
    ]


async def collect(world: World) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        await debits.collect(FINANCE, world.house)
    return await rows("SELECT d.amount_cents, b.executes_on FROM billing_debit d JOIN billing_bank_batch b ON b.id = d.batch")


async def test_what_its_invoice_did_not_say_is_told_by_a_mail_of_its_own_and_then_collected(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 23))
    assert await announcing.announce() == 0, "too early: it would be forgotten by then"
    clock.move_to(date(2026, 11, 25))

    assert await announcing.announce() == 1
    assert await announcing.announce() == 0

    assert [tuple(row) for row in await announced()] == [(date(2026, 12, 22), 12100, True, date(2026, 11, 25))]
    assert await mailed(world) == ["Wij schrijven op 22 december 2026 EUR 121,00 af: Factuur HUIS-F2026-000001"]
    clock.move_to(date(2026, 12, 18))
    assert [tuple(row) for row in await collect(world)] == [(12100, date(2026, 12, 22))]


async def test_partner_and_contact_read_how_it_is_collected(world: World, invoice: UUID, noord: httpx.AsyncClient) -> None:
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()

    told = (await noord.get(f"/api/v1/invoices/{invoice}")).json()["collection"]
    assert (told["on"], told["amount"]["amount"], told["account"]) == ("2026-12-22", "121.00", "NL91 •••• 4300")
    async with baker(world) as contact:
        page = await contact.get(f"/portal/own/invoices/{invoice}")
        owed = await contact.get("/portal/own/pay")
        account = await contact.get("/portal/own/open-items")
    assert "wordt op 22 december 2026 van rekening NL91 •••• 4300 afgeschreven" in page.text
    assert f"/portal/own/pay?invoice={invoice}" not in page.text, "nobody is asked to pay what will be collected"
    assert "checked" not in owed.text
    assert 'id="by-transfer"' not in account.text
    async with db.unit_of_work(world.noord.principal()):
        _, words = await statement_letters.words(world.noord.id, world.noord.customers["bakery"], "nl")
    assert (words["accounts"], list(words["collected"])) == ([], [invoice]), "nor does its statement of account ask for a transfer"


async def test_an_unannounced_invoice_is_not_collected(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 12, 19))

    with pytest.raises(NothingToCollect):
        await collect(world)


async def test_another_sum_is_announced_again_and_collected_fourteen_days_later(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    await outbox.drain()
    clock.move_to(date(2026, 12, 15))
    await pay(invoice, 2100)
    with pytest.raises(NothingToCollect):
        await collect(world)

    await announcing.announce()

    assert [tuple(row)[:2] for row in await announced()] == [(date(2026, 12, 22), 12100), (date(2026, 12, 29), 10000)]
    assert len(await mailed(world)) == 2
    clock.move_to(date(2026, 12, 24))
    assert [tuple(row) for row in await collect(world)] == [(10000, date(2026, 12, 29))]


async def test_a_day_that_was_missed_is_announced_anew(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    clock.move_to(date(2026, 12, 22))

    with pytest.raises(NothingToCollect):
        await collect(world)
    await announcing.announce()

    assert [row["collects_on"] for row in await announced()] == [date(2026, 12, 22), date(2027, 1, 5)]


async def test_another_account_is_told_before_it_is_used(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    mandate = (await rows("SELECT id FROM billing_mandate"))[0]["id"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_mandate SET iban = 'NL20INGB0001234567' WHERE id = $1", mandate)
    clock.move_to(date(2026, 12, 19))

    with pytest.raises(NothingToCollect):
        await collect(world)
    await announcing.announce()

    assert len(await announced()) == 2


async def test_what_is_disputed_is_neither_announced_nor_collected(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    async with db.unit_of_work(STAFF_DOOR):
        await holds.on_invoice(FINANCE, invoice, Held.DISPUTED, note="Klopt niet")
    clock.move_to(date(2026, 12, 19))

    with pytest.raises(NothingToCollect):
        await collect(world)
    await pay(invoice, 100)
    assert await announcing.announce() == 0


async def test_as_agreed_in_the_mandate_fewer_days_suffice(world: World, invoice: UUID) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_mandate SET announced_days = 5")
    clock.move_to(date(2026, 12, 22))

    await announcing.announce()

    assert [row["collects_on"] for row in await announced()] == [date(2026, 12, 28)]


async def test_what_was_paid_meanwhile_is_not_announced_by_a_mail_that_comes_late(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    await pay(invoice, 12100)

    assert await mailed(world) == []


async def test_what_one_mandate_collects_on_a_day_is_announced_in_one_mail_with_the_sum_and_each_invoice(
    world: World, invoice: UUID
) -> None:
    await before_the_mandate(world, [20_000, 30_000])
    clock.move_to(date(2026, 11, 25))

    assert await announcing.announce() == 3
    assert await announcing.announce() == 0

    assert await mailed(world) == ["Wij schrijven op 22 december 2026 EUR 726,00 af: 3 facturen, de oudste HUIS-F2026-000001"]
    (mail,) = [one for one in world.mailbox.mailbox.mails(BAKER) if "EUR 726,00" in one.subject]
    assert [amount in mail.text for amount in ("EUR 121,00", "EUR 242,00", "EUR 363,00")] == [True] * 3
    clock.move_to(date(2026, 12, 18))
    assert sorted(row["amount_cents"] for row in await collect(world)) == [12_100, 24_200, 36_300]


async def test_of_invoices_announced_together_only_what_still_holds_is_told(world: World, invoice: UUID) -> None:
    others = await before_the_mandate(world, [20_000, 30_000])
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    await pay(others[0], 24_200)
    await pay(others[1], 100)

    assert await mailed(world) == ["Wij schrijven op 22 december 2026 EUR 121,00 af: Factuur HUIS-F2026-000001"]


async def test_what_is_collected_on_another_day_has_a_mail_of_its_own(world: World, invoice: UUID) -> None:
    clock.move_to(date(2026, 11, 24))
    await before_the_mandate(world, [20_000])
    clock.move_to(date(2026, 11, 27))

    assert await announcing.announce() == 2

    assert await mailed(world) == [
        "Wij schrijven op 22 december 2026 EUR 121,00 af: Factuur HUIS-F2026-000001",
        "Wij schrijven op 24 december 2026 EUR 242,00 af: Factuur HUIS-F2026-000002",
    ]


async def before_the_mandate(world: World, amounts: list[int]) -> list[UUID]:
    """Invoices of today that say nothing of being collected: their announcements are still to come."""
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET creditor_id = '' WHERE tenant = $1", world.house)
    made = [await issue(world.noord.id, world.noord.customers["bakery"], [line(cents)]) for cents in amounts]
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET creditor_id = 'NL98ZZZ999999990000' WHERE tenant = $1", world.house)
    return made
