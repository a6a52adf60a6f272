"""A consumer ordered, asked for an early start, and withdraws: one sum on its pages, in its letter, on its bill and in its partner's software."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from billing.events import OrderPlaced
from billing.jobs import orders as order_jobs
from billing.policy.crediting import Part
from billing.policy.ledger import Kind, Layer, LineKind
from billing.service import charges, credit_notes, documents, invoice_view, offers, orders, port_ins, ubl
from billing.service.charges import Charge
from billing.service.credit_notes import Wanted
from billing.service.offers import NewOffer
from billing.service.port_ins import PortWanted
from billing.workflow import PortAction
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.settings import Settings
from tenants.policy import Segment
from terminations.events import ServicesEnded
from terminations.jobs import final_bills as jobs
from terminations.policy.facts import Ground
from terminations.service import cases, quotes, scheduling
from terminations.tables import Termination
from tests.billing import validator
from tests.billing.offering import wanted
from tests.journeys.partner import newest
from tests.tenants import people
from tests.tenants.people import open_page, read
from tests.terminations import ended
from tests.terminations.customer import fields, fresh_consumer, post
from tests.terminations.test_service_final_bills import documents as all_documents
from tests.terminations.test_service_final_bills import lines, sums
from tests.world import FINANCE, STAFF_DOOR, Partner, World, make_customer

EMAIL = "petra@klant.example.com"
FIBRE = NewOffer(
    code="glasvezel-thuis",
    product="internet",
    name_nl="Glasvezel thuis",
    name_en="Fibre at home",
    fee_cents=4500,
    setup_cents=4800,
    wholesale_cents=3000,
    wholesale_setup_cents=2400,
    is_for_consumers=True,
    minimum_months=24,
    sold_from=date(2026, 1, 1),
)
LINE = msgspec.structs.replace(FIBRE, code="bellen-thuis", product="telephony", name_nl="Bellen thuis", name_en="Calls at home")
ORDERED, WITHDRAWN = date(2026, 11, 22), date(2026, 11, 28)
NOT_TAKEN = """
UPDATE infra_mail SET sent_at = NULL WHERE name = 'billing/order_confirmed';
UPDATE infra_outbox SET dead_at = now(), done_at = NULL WHERE topic = 'MailQueued'
   AND payload ->> 'mail_id' = (SELECT id::text FROM infra_mail WHERE name = 'billing/order_confirmed')
"""
USED = 940  # 6/30 x (45.00 + 48.00/24)


async def documents_of() -> list[Any]:
    """Every document, in the order in which they were issued."""
    return sorted(await all_documents(), key=lambda row: row["issued_at"])


async def ordered(partner: Partner, *, asks: bool = True, email: str = EMAIL, **line: Any) -> UUID:
    """The service of a consumer that ordered fibre today, to begin at once; its first invoice is made and its confirmation sent."""
    async with db.unit_of_work(STAFF_DOOR):
        known = await db.fetch("SELECT 1 FROM billing_offer WHERE code = $1", FIBRE.code)
        for offer in () if known else (FIBRE, LINE):
            await offers.put_up(offer)
    async with db.unit_of_work(partner.principal()):
        partner.customers["petra"] = await make_customer(partner, "Petra Bedenktijd", segment=Segment.CONSUMER, email=email)
        order = await wanted(partner, "petra", {"offer": "glasvezel-thuis", "starts_on": clock.today(), **line}, starts_early=asks)
        made = await orders.place(partner.actor, order)
        _, (first, *_) = await orders.one(made)
    await outbox.drain()
    service: UUID = first["service"]
    return service


async def shown(partner: Partner, service: UUID) -> quotes.Shown:
    async with db.unit_of_work(partner.principal()):
        request = quotes.Request(services=(service,), received_on=clock.today(), ground=Ground.COOLING_OFF)
        return await quotes.show(partner.actor, request, with_calendar=False)


async def withdraw(partner: Partner, service: UUID) -> Termination:
    """The consumer withdraws today."""
    async with db.unit_of_work(partner.principal()):
        request = quotes.Request(services=(service,), received_on=clock.today(), ground=Ground.COOLING_OFF)
        quote = await quotes.keep(partner.actor, request)
        case = await cases.file(partner.actor, quote.id, cases.Filing(reason=cases.Reason.NOT_SAID, by=cases.FiledBy.CUSTOMER))
    await outbox.drain()
    return case


async def total(partner: Partner, service: UUID, layer: Layer = Layer.CUSTOMER) -> int:
    return (await shown(partner, service)).previews[layer].bill.total_cents


async def test_the_rest_of_what_was_paid_comes_back_on_one_credit_note(world: World) -> None:
    service = await ordered(world.noord)
    (first,) = await documents_of()
    ended.on(WITHDRAWN)

    case = await withdraw(world.noord, service)
    assert len(await documents_of()) == 1
    await ended.over(case.ends_on)

    _, note = await documents_of()
    assert (note["kind"], note["refers_to"], note["gross_cents"]) == (Kind.CREDIT_NOTE, first["id"], 4500 + 4800 - USED)
    assert sorted(await sums(note["id"])) == [("credit", 4500), ("credit", 4800), ("early use", -USED)]
    assert {row["vat_rate"] for row in await lines(note["id"])} == {Decimal(21)}
    days = next(row for row in await lines(note["id"]) if row["kind"] == "early use")
    assert (days["period_from"], days["period_until"]) == (ORDERED, WITHDRAWN)
    assert first["gross_cents"] - note["gross_cents"] == USED, "what is left of the first invoice is the price of the days used"
    assert (await documents_of())[0]["open_cents"] == USED


async def test_it_is_billed_once_however_often_it_is_asked_for(world: World) -> None:
    service = await ordered(world.noord)
    ended.on(WITHDRAWN)
    case = await withdraw(world.noord, service)
    await ended.over(case.ends_on)

    for _ in range(2):
        async with db.unit_of_work(STAFF_DOOR):
            await jobs.bill_customer_in_part(ServicesEnded(tenant_id=world.noord.id, termination_id=case.id))
            await order_jobs.bill_at_once(OrderPlaced(tenant_id=world.noord.id, order_id=(await _order())["id"]))

    assert len(await documents_of()) == 2


async def _order() -> Any:
    (row,) = await db.fetch("SELECT id FROM billing_order")
    return row


@pytest.mark.parametrize(
    ("asks", "mishap", "why"),
    [
        (False, "", "ground.early_use.not_asked"),
        (True, "DELETE FROM infra_mail WHERE name = 'billing/order_confirmed'", "ground.early_use.not_told"),
        (True, "UPDATE infra_mail SET queued_at = '2026-11-24 12:00Z' WHERE name = 'billing/order_confirmed'", "ground.early_use.not_told"),
        (True, NOT_TAKEN, "ground.early_use.not_told"),
    ],
)
async def test_without_the_wish_or_the_confirmation_all_of_it_comes_back(
    running: Settings,
    world: World,
    asks: bool,  # noqa: FBT001 - a table's column
    mishap: str,
    why: str,
) -> None:
    service = await ordered(world.noord, asks=asks)
    if mishap:
        owner = await asyncpg.connect(running.database_url)
        await owner.execute(mishap)
        await owner.close()
    ended.on(WITHDRAWN)

    (seen,) = (await shown(world.noord, service)).previews[Layer.CUSTOMER].services
    assert why in {note.key for note in seen.notes}
    case = await withdraw(world.noord, service)
    await ended.over(case.ends_on)

    first, note = await documents_of()
    assert note["gross_cents"] == first["gross_cents"] == 9300
    assert first["open_cents"] == 0


async def test_a_service_that_no_order_made_costs_nothing_and_says_that_no_wish_is_on_record(world: World) -> None:
    _, service = await fresh_consumer(world)

    (seen,) = (await shown(world.noord, service)).previews[Layer.CUSTOMER].services

    assert "ground.early_use.not_on_record" in {note.key for note in seen.notes}
    assert all(line.amount_cents < 0 for line in seen.ending.sheet.lines)


async def test_set_up_that_still_waits_to_be_billed_never_is(world: World) -> None:
    service = await ordered(world.noord)
    again = await ordered(world.noord, email="tweede@klant.example.com")
    ended.on(WITHDRAWN)
    case = await withdraw(world.noord, again)
    async with db.unit_of_work(STAFF_DOOR):
        waiting = Charge(
            key="order:late:2:setup",
            kind=LineKind.SETUP,
            description="Aansluiting",
            amount_cents=700,
            unit_price=Decimal(7),
            bill_from=date(2027, 1, 1),
            customer=world.noord.customers["petra"],
            service=again,
        )
        await charges.put(world.noord.id, [waiting, msgspec.structs.replace(waiting, key="order:late:1:setup", service=service)])

    await ended.over(case.ends_on)

    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT service, dropped_because FROM billing_charge WHERE key LIKE 'order:late%'")
    assert {row["service"]: row["dropped_because"] for row in rows} == {
        service: None,
        again: f"De overeenkomst is binnen de bedenktijd herroepen ({case.number})",
    }


async def test_what_finance_gave_back_of_set_up_before_is_not_given_back_again(world: World) -> None:
    service = await ordered(world.noord)
    (first,) = await documents_of()
    setup = next(row for row in await lines(first["id"]) if row["kind"] == "setup")
    async with db.unit_of_work(STAFF_DOOR):
        part = Part(line=setup["id"], amount_cents=3000)
        await credit_notes.give_back(FINANCE, first["id"], Wanted(reason="Coulance", parts=(part,)))
    ended.on(WITHDRAWN)
    assert await total(world.noord, service) == USED - 4500 - 1800

    case = await withdraw(world.noord, service)
    await ended.over(case.ends_on)

    *_, note = await documents_of()
    assert note["gross_cents"] == 4500 + 1800 - USED


async def test_billed_afterwards_the_days_used_are_an_invoice_of_their_own(world: World) -> None:
    service = await ordered(world.noord)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET paid_until = starts_on, in_advance = false WHERE id = $1", service)
        (first,) = await db.fetch("SELECT id FROM billing_invoice")
        await credit_notes.give_back(FINANCE, first["id"], Wanted(reason="Nog niet gefactureerd"))
    ended.on(WITHDRAWN)

    case = await withdraw(world.noord, service)
    await ended.over(case.ends_on)

    *_, bill = await documents_of()
    assert (bill["kind"], bill["gross_cents"], await sums(bill["id"])) == (Kind.INVOICE, USED, [("early use", USED)])


async def test_taken_back_in_time_nothing_is_charged_and_set_up_stays(world: World) -> None:
    service = await ordered(world.noord)
    ended.on(WITHDRAWN)
    case = await withdraw(world.noord, service)
    async with db.unit_of_work(world.noord.principal()):
        assert await scheduling.withdraw(world.noord.actor, await Termination.find(case.id))
    await outbox.drain()

    assert len(await documents_of()) == 1
    async with db.unit_of_work(STAFF_DOOR):
        left = await db.fetch("SELECT kind, dropped_at IS NOT NULL AS is_dropped FROM billing_charge WHERE kind <> 'setup'")
    assert [(row["kind"], row["is_dropped"]) for row in left] == [("early use", True)]


async def test_numbers_that_have_not_come_were_not_used(world: World) -> None:
    port = PortWanted(numbers=["0201234567"], donor="Oude Telefoon", accepts_fee=True)
    service = await ordered(world.noord, offer="bellen-thuis", port=port)
    ended.on(date(2026, 11, 25))
    assert await total(world.noord, service) == -9300
    async with db.unit_of_work(STAFF_DOOR):
        (row,) = await db.fetch("SELECT id FROM billing_port_in")
        await port_ins.move(FINANCE, row["id"], PortAction.ACCEPT)
        await port_ins.move(FINANCE, row["id"], PortAction.PLAN, planned_on=date(2026, 11, 25))
        await port_ins.move(FINANCE, row["id"], PortAction.FINISH)
    ended.on(WITHDRAWN)

    assert await total(world.noord, service) == 470 - 9300  # three days of them


async def test_where_the_partner_bills_both_layers_pay_for_the_same_days(world: World) -> None:
    zuid = world.zuid
    service = await ordered(zuid, fee_cents=6000, setup_cents=2400)
    ended.on(WITHDRAWN)

    seen = await shown(zuid, service)
    used = {
        layer: [line.amount_cents for line in preview.bill.lines if line.code == "EARLY_USE"] for layer, preview in seen.previews.items()
    }

    assert used == {Layer.CUSTOMER: [1220], Layer.PARTNER: [620]}  # 6/30 x (60.00 + 24.00/24), 6/30 x (30.00 + 24.00/24)


async def test_the_consumer_sees_one_sum_from_its_page_to_its_bill(world: World, noord: httpx.AsyncClient) -> None:
    service = await ordered(world.noord)
    await people.main_user(world.noord, "petra")
    ended.on(WITHDRAWN)
    path = f"/portal/own/services/{service}/withdrawal"
    async with people.signed_in(EMAIL) as client:
        page = await open_page(client, path)
        for said in (
            "Gebruikte dagen",
            "EUR 9,40",
            "6 dagen x (EUR 45,00 + EUR 48,00 / 24 maanden) per maand",
            "min de prijs van de dagen die u op uw eigen uitdrukkelijke verzoek hebt gebruikt",
            "EUR 83,60",
        ):
            assert said in read(page), said
        answer = await post(client, path, fields(page.text, path))
        assert answer.status_code == 303, answer.text
        own = read(await open_page(client, answer.headers["location"]))
        assert "Gebruikte dagen" in own
        assert "EUR 83,60" in own

    case = (await noord.get("/api/v1/terminations")).json()["items"][0]
    told = newest(world.mailbox, EMAIL)
    assert "EUR 83,60" in told.text.replace("\xa0", " ")
    await ended.over(date.fromisoformat(case["ends_on"]))
    async with people.signed_in(EMAIL) as client:
        bills = read(await open_page(client, "/portal/own/invoices"))
        assert "EUR 93,00 EUR 9,40" in bills, "of what was billed the days used are left to pay"
        _, note = await documents_of()
        assert note["gross_cents"] == 8360
        credit = read(await open_page(client, f"/portal/own/invoices/{note['id']}"))
    assert "Gebruikte dagen" in credit
    assert "EUR 83,60" in credit


async def test_a_day_later_the_sum_is_another_one_and_is_shown_anew(world: World) -> None:
    service = await ordered(world.noord)
    await people.main_user(world.noord, "petra")
    ended.on(WITHDRAWN)
    path = f"/portal/own/services/{service}/withdrawal"
    async with people.signed_in(EMAIL) as client:
        page = await open_page(client, path)
        clock.set_to(datetime(2026, 11, 29, 11, tzinfo=UTC))

        refused = await post(client, path, fields(page.text, path))

    assert refused.status_code == 409
    assert "EUR 10,97" in read(refused)


async def test_the_document_explains_the_line_and_is_a_valid_e_invoice(world: World) -> None:
    service = await ordered(world.noord)
    ended.on(WITHDRAWN)
    case = await withdraw(world.noord, service)
    await ended.over(case.ends_on)
    _, note = await documents_of()

    async with db.unit_of_work(STAFF_DOOR):
        document = await documents.one(note["id"])
    (line,) = [line for line in document.lines if line.kind == "early use"]
    said = invoice_view.why(document, line, "nl")

    assert said[0].startswith("De dagen die vóór de herroeping zijn gebruikt")
    assert document.reason == "Herroeping binnen de bedenktijd"
    if (validator.FOLDER / "validate.py").exists():
        assert validator.fatal(ubl.render(document)) == []
