"""A customer reads its own orders: terms, numbers, and as a consumer until when and how to withdraw."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from billing.service import orders, port_ins
from billing.service.orders import OrderLineWanted, OrderWanted
from billing.service.port_ins import PortWanted
from billing.workflow import PortAction
from partner_portal.infra import clock, db
from tests.billing.offering import location_of, on_offer
from tests.tenants import people
from tests.tenants.people import open_page, read
from tests.terminations.customer import baker, colleague, fresh_consumer
from tests.world import FINANCE, STAFF_DOOR, World

OWN = "/portal/own/orders"


async def ordered(world: World, customer: UUID, offer: str, port: PortWanted | None = None) -> UUID:
    await on_offer()
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        lines = [OrderLineWanted(offer=offer, starts_on=clock.today(), label="Nieuwe lijn", port=port)]
        wanted = OrderWanted(
            customer_id=customer,
            location=await location_of(customer),
            lines=lines,
            terms_sha256=(await orders.show(customer, lines)).sha256,
            accepted_by="Bram Bakker",
        )
        return await orders.place(noord.actor, wanted)


async def test_a_contact_reads_terms_and_where_the_numbers_are(world: World) -> None:
    wished = PortWanted(
        numbers=["0201234567"], donor="Oude Telefoon", donor_contract="OT-7", wished_on=date(2026, 12, 18), accepts_fee=True
    )
    made = await ordered(world, world.noord.customers["bakery"], "bellen", wished)
    async with db.unit_of_work(STAFF_DOOR):
        (port,) = await db.fetch("SELECT id FROM billing_port_in")
        await port_ins.move(FINANCE, port["id"], PortAction.REJECT, note="Klantnummer ontbreekt")

    async with baker(world) as client:
        listed, seen = read(await open_page(client, OWN)), read(await open_page(client, f"{OWN}/{made}"))

    assert "NRD-B-00001" in listed
    for said in (
        "namens u akkoord gegeven door Bram Bakker",
        "EUR 12,50",
        "0201234567",
        "Klantnummer ontbreekt",
        "Nieuwe lijn",
        "vrijdag 18 december 2026",
    ):
        assert said in seen, said
    assert "Van gedachten veranderd" not in seen
    assert "8,00" not in seen, "what the partner pays is not the customer's to see"


async def test_a_consumer_finds_the_way_to_withdraw_until_the_last_day(world: World) -> None:
    email, service = await fresh_consumer(world)
    async with db.unit_of_work(STAFF_DOOR):
        (row,) = await db.fetch("SELECT customer FROM billing_service WHERE id = $1", service)
    made = await ordered(world, row["customer"], "thuis-internet")
    async with people.signed_in(email) as client:
        seen = await open_page(client, f"{OWN}/{made}")
        assert "Tot en met 7 december 2026" in read(seen), "the fourteenth day is a Sunday"
        (line,) = [part for part in seen.text.split('"') if part.startswith("/portal/own/services/") and part.endswith("/withdrawal")]
        assert (await client.get(line)).status_code == 200

    clock.set_to(datetime(2026, 12, 8, 9, tzinfo=UTC))
    async with people.signed_in(email) as client:
        late = read(await open_page(client, f"{OWN}/{made}"))
    assert "De bedenktijd is op 7 december 2026 afgelopen" in late


async def test_who_may_only_look_is_told_who_can(world: World) -> None:
    made = await ordered(world, world.noord.customers["bakery"], "bellen")
    async with colleague(world) as client:
        assert "NRD-B-00001" in read(await open_page(client, f"{OWN}/{made}"))


async def test_another_customers_order_is_not_there(world: World) -> None:
    made = await ordered(world, world.noord.customers["bakery"], "bellen")
    email, _ = await fresh_consumer(world)
    async with people.signed_in(email) as client:
        assert (await client.get(f"{OWN}/{made}")).status_code == 404
        assert "NRD-B-00001" not in (await client.get(OWN)).text
