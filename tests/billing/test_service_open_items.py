"""What is open, by age, by debtor and by partner, to the cent; each sees no more than its own."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from billing.policy.ledger import Kind, Layer
from billing.policy.reminding import Bucket
from billing.service import open_items
from billing.service.open_items import Filter
from partner_portal.infra import db
from partner_portal.infra.db import Door, Principal
from tests.billing.money import issue, line, pay
from tests.billing.test_service_reminders import START, at, due
from tests.world import STAFF_DOOR, World

BAKERY_DAYS = 30


async def aged(principal: Principal, wanted: Filter = Filter()) -> dict[Bucket, tuple[int, int]]:  # noqa: B008  # frozen
    async with db.unit_of_work(principal):
        found = await open_items.ageing(wanted)
    return {one.bucket: (one.cents, one.count) for one in found.buckets if one.count}


async def numbers(principal: Principal, wanted: Filter) -> list[UUID]:
    async with db.unit_of_work(principal):
        return [row["id"] for row in await open_items.page(open_items.LISTING.window(), wanted)]


@pytest.mark.parametrize(
    ("late", "bucket"),
    [
        (0, Bucket.NOT_DUE),
        (1, Bucket.TO_30),
        (30, Bucket.TO_30),
        (31, Bucket.TO_60),
        (60, Bucket.TO_60),
        (61, Bucket.TO_90),
        (91, Bucket.OLDER),
    ],
)
async def test_an_item_stands_in_the_bucket_of_its_age_as_the_rule_has_it(world: World, late: int, bucket: Bucket) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    at(await due(invoice) + timedelta(days=late))

    assert await aged(world.noord.principal()) == {bucket: (1210, 1)}
    assert await numbers(world.noord.principal(), Filter(age=bucket.value)) == [invoice]
    others = [await numbers(world.noord.principal(), Filter(age=one.value)) for one in Bucket if one is not bucket]
    assert others == [[]] * 4


async def test_what_was_paid_is_open_no_more_and_a_part_lessens_it(world: World) -> None:
    paid, part = [await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)]) for _ in range(2)]
    await pay(paid, 1210)
    await pay(part, 210)

    assert await aged(world.noord.principal()) == {Bucket.NOT_DUE: (1000, 1)}
    assert await numbers(world.noord.principal(), Filter()) == [part]


async def test_a_partner_sees_what_its_customers_owe_apart_from_what_it_owes_itself_and_nothing_of_others(world: World) -> None:
    theirs = await issue(world.zuid.id, world.zuid.customers["bakery"], [line(1000)])
    own = await issue(world.zuid.id, None, [line(500)], layer=Layer.PARTNER)
    other = await issue(world.noord.id, world.noord.customers["bakery"], [line(7000)])

    assert await numbers(world.zuid.principal(), Filter()) == [theirs]
    assert await numbers(world.zuid.principal(), Filter(whose="own")) == [own]
    assert await numbers(world.noord.principal(), Filter()) == [other]
    assert await numbers(world.noord.principal(), Filter(customer=world.zuid.customers["bakery"])) == []


async def test_a_contact_sees_its_own_organisations_items_only(world: World) -> None:
    mine = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    await issue(world.noord.id, world.noord.customers["private"], [line(2000)])
    contact = Principal(Door.TENANT, world.noord.id, "contact:test", world.noord.customers["bakery"])

    assert await numbers(contact, Filter()) == [mine]
    assert await aged(contact) == {Bucket.NOT_DUE: (1210, 1)}


async def test_words_find_by_number_and_customer_and_mean_nothing_else(world: World) -> None:
    bakery = await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    private = await issue(world.noord.id, world.noord.customers["private"], [line(2000)])

    assert await numbers(world.noord.principal(), Filter(q="korst")) == [bakery]
    assert await numbers(world.noord.principal(), Filter(q="000002")) == [private]
    assert await numbers(world.noord.principal(), Filter(q="%")) == []
    assert await numbers(world.noord.principal(), Filter(q="_")) == []


async def test_what_a_debtor_has_coming_is_told_beside_what_is_open(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)], kind=Kind.CREDIT_NOTE, refers_to=invoice, reason="test")
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, amount_cents, received_on, booked_by)"
            " VALUES (gen_random_uuid(), $1, $2, $3, 'manual', 'x', 300, $4, 'test')",
            *(world.noord.id, world.noord.customers["bakery"], world.house, START),
        )
    async with db.unit_of_work(world.noord.principal()):
        told = await open_items.statement(world.noord.id, world.noord.customers["bakery"])

    assert (told.ageing.cents, told.in_favour_cents, told.balance_cents) == (12_100, 1510, 10_590)


async def test_staff_sees_who_owes_most_first_and_every_partner(world: World) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(1000)])
    await issue(world.noord.id, world.noord.customers["private"], [line(9000)])
    await issue(world.zuid.id, world.zuid.customers["bakery"], [line(5000)])
    at(START + timedelta(days=40))
    async with db.unit_of_work(STAFF_DOOR):
        debtors, partners = await open_items.by_debtor(), await open_items.by_partner()
        one = await open_items.by_debtor(tenant=world.zuid.id)

    assert [(owing.name, owing.ageing.overdue_cents) for owing in debtors] == [
        ("Pieter Particulier", 10_890),
        (one[0].name, 6050),
        ("Bakkerij De Korst", 1210),
    ]
    assert {owing.partner: owing.ageing.cents for owing in partners} == {"Noord ICT": 12_100, "Zuid Telecom": 6050}
    assert [owing.tenant for owing in one] == [world.zuid.id]


async def test_the_sum_of_all_buckets_is_the_sum_of_all_items_at_a_month_end(world: World) -> None:
    for day in (date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 1)):
        at(day)
        await issue(world.noord.id, world.noord.customers["bakery"], [line(day.day * 100)])
    at(date(2027, 5, 31))
    async with db.unit_of_work(world.noord.principal()):
        found = await open_items.ageing(Filter())
        rows = await open_items.export(Filter())

    assert found.cents == sum(row["open_cents"] for row in rows) == 7260
    assert sum(one.count for one in found.buckets) == len(rows) == 3
    assert [row["due_on"] for row in rows] == sorted(row["due_on"] for row in rows)
