"""Ordering in the browser: choose, read the terms, let them be accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from partner_portal.bench.pressing import pressed
from partner_portal.infra import db
from tests.billing.offering import location_of, on_offer
from tests.tenants.people import PAGE, open_page, read, rows, send, signed_in
from tests.world import World


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Noord's clerk in a browser, with something on offer."""
    await on_offer()
    async with signed_in(world.noord.clerk) as client:
        yield client


async def choice(world: World, **typed: str) -> tuple[str, dict[str, str]]:
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(world.noord.principal()):
        location = await location_of(bakery)
    usual = {"offer": "bellen", "quantity": "1", "starts_on": "2026-12-16", "location": str(location)}
    return f"/portal/customers/{bakery}/orders", {**usual, **typed}


async def accept(client: httpx.AsyncClient, path: str, shown: httpx.Response, **typed: str) -> httpx.Response:
    _, fields = pressed(shown.text)
    return await client.post(path, data={**fields, "accepted_by": "Bram Bakker", **typed}, headers=PAGE)


async def test_a_clerk_orders_in_three_steps(world: World, clerk: httpx.AsyncClient) -> None:
    path, typed = await choice(world, numbers="020 123 4567\n0207654321", donor="Oude Telefoon", wished_on="2026-12-18", accepts_fee="yes")

    blank = await open_page(clerk, f"{path}/new")
    shown = await send(clerk, f"{path}/new", **typed)
    placed = await accept(clerk, path, shown)
    order = await clerk.get(placed.headers["location"])
    listed = await open_page(clerk, "/portal/orders")

    assert "Zakelijk bellen" in read(blank)
    assert "Internet thuis" not in read(blank)
    assert (shown.status_code, placed.status_code, order.status_code) == (200, 303, 200)
    assert "€ 12,50" in read(shown) or "12,50" in read(shown)
    for page in (shown, order):
        assert "Nummers 0201234567, 0207654321" in read(page)
        assert "Gewenste dag vrijdag 18 december 2026" in read(page)
    assert "De klant aanvaardt dat de huidige aanbieder kosten kan rekenen" in read(shown)
    assert "NRD-B-00001" in read(listed)


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(world: World, clerk: httpx.AsyncClient) -> None:
    path, typed = await choice(world, numbers="geen nummer", starts_on="2026-11-01", label="Kassa")

    refused = await send(clerk, f"{path}/new", **typed)

    assert refused.status_code == 422
    assert 'href="#donor"' in refused.text
    assert 'value="Kassa"' in refused.text
    assert await rows("SELECT id FROM billing_order") == []


async def test_numbers_lack_nothing_before_the_terms_are_shown(world: World, clerk: httpx.AsyncClient) -> None:
    path, typed = await choice(world, numbers="06", donor="Oude Telefoon", wished_on="2020-01-01")

    refused = await send(clerk, f"{path}/new", **typed)

    assert refused.status_code == 422
    assert all(f'href="#{name}"' in refused.text for name in ("numbers", "wished_on", "accepts_fee"))


async def test_nobody_accepted_nothing_is_ordered(world: World, clerk: httpx.AsyncClient) -> None:
    path, typed = await choice(world)
    shown = await send(clerk, f"{path}/new", **typed)

    refused = await accept(clerk, path, shown, accepted_by="")

    assert refused.status_code == 422
    assert 'href="#accepted_by"' in refused.text
    assert await rows("SELECT id FROM billing_order") == []


async def test_terms_that_changed_are_shown_again(world: World, clerk: httpx.AsyncClient) -> None:
    path, typed = await choice(world)
    shown = await send(clerk, f"{path}/new", **typed)

    again = await accept(clerk, path, shown, quantity="3")
    placed = await accept(clerk, path, again)

    assert (again.status_code, placed.status_code) == (409, 303)


async def test_pressed_twice_it_is_one_order(world: World, clerk: httpx.AsyncClient) -> None:
    path, typed = await choice(world)
    shown = await send(clerk, f"{path}/new", **typed)

    answers: list[Any] = [await accept(clerk, path, shown) for _ in range(2)]

    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await rows("SELECT id FROM billing_order")) == 1


async def test_a_reader_orders_nothing(world: World, clerk: httpx.AsyncClient) -> None:
    path, _ = await choice(world)
    async with signed_in(world.noord.reader) as reader:
        assert (await reader.get(f"{path}/new")).status_code == 403
