"""An order: terms shown, accepted as shown, services made, numbers asked for."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from billing.policy.agreed import Channel
from billing.service import offers, orders, port_ins
from billing.service.offers import PriceFrom
from billing.service.orders import OrderLineWanted, TermsDiffer
from billing.service.port_ins import PortWanted
from billing.workflow import IllegalPortStep, PortAction, PortState
from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid, NotFound
from tests.billing.offering import on_offer, wanted
from tests.world import DESK, STAFF_DOOR, World

PORT = PortWanted(numbers=["020 123 4567", "+31 20 765 43 21"], donor="Oude Telefoon B.V.", accepts_fee=True, wished_on=date(2026, 12, 20))


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def offered(world: World) -> None:
    await on_offer()


async def test_an_order_makes_services_with_the_terms_that_were_accepted(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        order = await wanted(noord, "bakery", {"offer": "zakelijk-internet", "quantity": 2, "label": "Internet kassa"}, {"offer": "bellen"})
        made = await orders.place(noord.actor, order)
        row, lines = await orders.one(made)
        service = await db.fetch_one("SELECT * FROM billing_service WHERE id = $1", lines[0]["service"])

    assert service
    assert row["number"] == "NRD-B-00001"
    assert [(line["label"], line["quantity"], line["fee_cents"], line["setup_cents"]) for line in lines] == [
        ("Internet kassa", 2, 4500, 19800),
        ("Zakelijk bellen", 1, 1250, 0),
    ]
    assert (service["starts_on"], service["signed_on"], service["paid_until"]) == (
        date(2026, 12, 16),
        date(2026, 11, 22),
        date(2026, 12, 16),
    )
    assert (service["minimum_months"], service["wholesale_cents"], service["location"]) == (12, None, row["location"])
    terms = msgspec.json.decode(row["terms"])
    assert (terms[0]["bound_until"], terms[0]["fee_cents"], row["accepted_by"]) == ("2027-12-15", 4500, "Bram Bakker")


async def test_terms_that_changed_since_they_were_shown_are_not_accepted(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(STAFF_DOOR):
        await offers.price("bellen", PriceFrom(since=date(2026, 11, 23), fee_cents=1400))
    async with db.unit_of_work(noord.principal()):
        order = await wanted(noord, "bakery", {"offer": "bellen"})
    clock.set_to(clock.now().replace(day=23))

    with pytest.raises(TermsDiffer):
        async with db.unit_of_work(noord.principal()):
            await orders.place(noord.actor, order)

    async with db.unit_of_work(noord.principal()):
        again = await wanted(noord, "bakery", {"offer": "bellen"})
        _, lines = await orders.one(await orders.place(noord.actor, again))
    assert [line["fee_cents"] for line in lines] == [1400]


async def test_the_same_form_sent_twice_is_one_order(world: World) -> None:
    noord, once = world.noord, uuid4()
    made = set()
    for _ in range(2):
        async with db.unit_of_work(noord.principal()):
            made.add(await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen"}), once))

    assert len(made) == 1


async def test_a_partner_that_bills_itself_says_its_price_and_pays_the_providers(world: World) -> None:
    zuid = world.zuid
    async with db.unit_of_work(zuid.principal()):
        order = await wanted(zuid, "bakery", {"offer": "zakelijk-internet", "fee_cents": 6000})
        _, lines = await orders.one(await orders.place(zuid.actor, order))
        service = await db.fetch_one("SELECT fee_cents, wholesale_cents FROM billing_service WHERE id = $1", lines[0]["service"])

    assert service
    assert (service["fee_cents"], service["wholesale_cents"]) == (6000, 3000)


@pytest.mark.parametrize(
    ("who", "line", "code"),
    [
        ("bakery", {"offer": "bestaat-niet"}, "not-on-offer"),
        ("bakery", {"offer": "thuis-internet"}, "not-for-this-customer"),
        ("private", {"offer": "bellen"}, "not-for-this-customer"),
        ("bakery", {"offer": "bellen", "fee_cents": 1}, "price-is-fixed"),
        ("bakery", {"offer": "bellen", "starts_on": date(2026, 11, 21)}, "in-the-past"),
        ("bakery", {"offer": "bellen", "starts_on": date(2027, 11, 23)}, "too-far-ahead"),
        ("bakery", {"offer": "zakelijk-internet", "port": PORT}, "has-no-numbers"),
    ],
)
async def test_what_cannot_be_ordered_is_named_by_line(world: World, who: str, line: dict[str, Any], code: str) -> None:
    noord = world.noord

    with pytest.raises(Invalid) as refused:
        async with db.unit_of_work(noord.principal()):
            await orders.show(noord.customers[who], [OrderLineWanted(**{"starts_on": date(2026, 12, 1), **one}) for one in (line,)])

    assert [fault.code for fault in refused.value.fields] == [code]
    assert refused.value.fields[0].pointer.startswith("/lines/0/")


async def test_a_consumer_hears_of_the_cooling_off_only_where_the_contract_is_made_at_a_distance(world: World) -> None:
    noord = world.noord
    line = [OrderLineWanted(offer="thuis-internet", starts_on=date(2026, 12, 1))]
    async with db.unit_of_work(noord.principal()):
        seen = {channel: (await orders.show(noord.customers["private"], line, channel)).has_cooling_off for channel in Channel}

    assert seen == {Channel.ONLINE: True, Channel.DISTANCE: True, Channel.OFF_PREMISES: True, Channel.ON_PREMISES: False}


async def test_another_partners_customer_or_address_is_not_there(world: World) -> None:
    noord, zuid = world.noord, world.zuid
    async with db.unit_of_work(zuid.principal()):
        theirs = await wanted(zuid, "bakery", {"offer": "bellen", "fee_cents": 100})
    async with db.unit_of_work(noord.principal()):
        ours = await wanted(noord, "bakery", {"offer": "bellen"})

    with pytest.raises(NotFound):
        async with db.unit_of_work(noord.principal()):
            await orders.place(noord.actor, theirs)
    with pytest.raises(Invalid):
        async with db.unit_of_work(noord.principal()):
            await orders.place(noord.actor, msgspec.structs.replace(ours, location=theirs.location))


async def test_numbers_come_along_step_by_step(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        made = await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen", "port": PORT}))
        (port, _), *_ = await port_ins.of_order(made)
    async with db.unit_of_work(STAFF_DOOR):
        waiting = await port_ins.waiting()
        await port_ins.move(DESK, port["id"], PortAction.ACCEPT)
        await port_ins.move(DESK, port["id"], PortAction.PLAN, planned_on=date(2026, 12, 18))
        with pytest.raises(IllegalPortStep):
            await port_ins.move(DESK, port["id"], PortAction.ACCEPT)
        ends = await port_ins.move(DESK, port["id"], PortAction.FINISH)
    async with db.unit_of_work(noord.principal()):
        (row, steps), *_ = await port_ins.of_order(made)

    assert (port["numbers"], [one["order_number"] for one in waiting]) == ("0201234567, +31207654321", ["NRD-B-00001"])
    assert (ends, row["planned_on"]) == (PortState.DONE, date(2026, 12, 18))
    assert [step["action"] for step in steps] == ["finish", "plan", "accept", "request"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"numbers": ["geen nummer"]}, "not-a-number"),
        ({"accepts_fee": False}, "acceptance-needed"),
        ({"wished_on": date(2026, 11, 1)}, "in-the-past"),
    ],
)
async def test_a_port_in_that_lacks_something_is_refused_and_nothing_is_ordered(world: World, change: dict[str, Any], code: str) -> None:
    noord = world.noord
    port = msgspec.structs.replace(PORT, **change)

    with pytest.raises(Invalid) as refused:
        async with db.unit_of_work(noord.principal()):
            await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen", "port": port}))

    assert [fault.code for fault in refused.value.fields] == [code]
    async with db.unit_of_work(noord.principal()):
        assert await db.fetch("SELECT 1 FROM billing_order") == []


async def test_a_rejection_has_a_reason_and_a_plan_a_day(world: World) -> None:
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        made = await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen", "port": PORT}))
        (port, _), *_ = await port_ins.of_order(made)

    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(Invalid):
            await port_ins.move(DESK, port["id"], PortAction.REJECT, note=" ")
        with pytest.raises(Invalid):
            await port_ins.move(DESK, port["id"], PortAction.PLAN)
