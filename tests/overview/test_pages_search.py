"""One field finds customers, contacts, services and cases: however they are written, of one's own only, changing nothing."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from partner_portal.infra import db, search
from partner_portal.overview.service.search import MOST
from tests.attack.intruder import dump
from tests.conftest import browser, sign_in
from tests.journeys import partner
from tests.world import World, make_customer, make_service

SEARCH = "/portal/search"


async def hits(client: httpx.AsyncClient, q: str) -> dict[str, list[str]]:
    """What is found, by kind, in the order in which it is shown."""
    answer = await client.get(SEARCH, params={"q": q})
    assert answer.status_code == 200, answer.text[:2000]
    groups = re.findall(r'<section aria-labelledby="of-(\w+)">(.*?)</section>', answer.text, re.DOTALL)
    return {
        kind: [html.unescape(name) for name in re.findall(r'<li><a href="[^"]+">(?:<span class="whole">)?([^<]*)(?:</span>)?</a>', inside)]
        for kind, inside in groups
    }


async def test_each_kind_is_found_by_what_it_is_called(world: World, noord: httpx.AsyncClient) -> None:
    case = await partner.filed(noord, world.noord.services["free"])

    found = {q: await hits(noord, q) for q in ("korst", "pieter@klant.example.com", "webshop", case["number"], "nrd-s-2")}

    assert found == {
        "korst": {"customers": ["Bakkerij De Korst"], "cases": ["NRD-T-00001"], "contacts": ["Contact van Bakkerij De Korst"]},
        "pieter@klant.example.com": {"contacts": ["Contact van Pieter Particulier"]},
        "webshop": {"services": ["Webshop hosting"]},
        "NRD-T-00001": {"cases": ["NRD-T-00001"]},
        "nrd-s-2": {"services": ["Webshop hosting"]},
    }


@pytest.mark.parametrize("typed", ["bakerij", "bakkkerij", "bakkerji", "bakkarij", "BAKKERIJ", "bakk", "bäkkerij", "  bakkerij  "])
async def test_one_mistake_is_forgiven(world: World, noord: httpx.AsyncClient, typed: str) -> None:
    assert (await hits(noord, typed))["customers"] == ["Bakkerij De Korst"]


@pytest.mark.parametrize("typed", ["bkkrij", "bakkerijjj", "wakkere", "NRD-C-00009", "ba de xx"])
async def test_more_than_one_mistake_is_something_else(world: World, noord: httpx.AsyncClient, typed: str) -> None:
    assert await hits(noord, typed) == {}


async def test_what_is_only_close_is_said_to_be(world: World, noord: httpx.AsyncClient) -> None:
    close = await noord.get(SEARCH, params={"q": "bakerij"})
    exact = await noord.get(SEARCH, params={"q": "bakkerij"})

    assert ("dit komt in de buurt" in close.text, "dit komt in de buurt" in exact.text) == (True, False)


async def test_a_few_of_many_are_shown_with_the_way_to_all(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        many = [await make_customer(world.noord, f"Vestiging {nth:02d}") for nth in range(MOST + 3)]
        for nth in range(MOST + 3):
            await make_service(world.noord, many[0], label=f"Vestigingslijn {nth:02d}")

    answer = await noord.get(SEARCH, params={"q": "vestiging"})
    found = await hits(noord, "vestiging")

    assert {kind: len(names) for kind, names in found.items()} == {"customers": MOST, "services": MOST, "contacts": MOST}
    assert 'href="/portal/customers?q=vestiging"' in answer.text


async def test_a_service_with_the_same_word_twice_is_one_result(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await make_service(world.noord, world.noord.customers["bakery"], label="Lijn lijnen lijnwerk lijn-lijn")

    assert (await hits(noord, "lijn"))["services"] == ["Lijn lijnen lijnwerk lijn-lijn"]


async def test_searching_changes_nothing(world: World, noord: httpx.AsyncClient) -> None:
    before = await dump(world.noord.id)

    for q in ("korst", "bakerij", "' OR true", "😀", ""):
        await noord.get(SEARCH, params={"q": q})

    assert await dump(world.noord.id) == before


async def test_a_reader_searches_too(world: World) -> None:
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)
        assert (await hits(reader, "korst"))["customers"] == ["Bakkerij De Korst"]


async def test_the_same_word_finds_each_partners_own(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    answers = [await client.get(SEARCH, params={"q": "korst"}) for client in (noord, zuid)]
    numbers = [set(re.findall(r"\b(?:NRD|ZUD)-C-\d+", answer.text)) for answer in answers]

    assert numbers == [{"NRD-C-00001"}, {"ZUD-C-00001"}]


async def test_htmx_gets_the_results_only(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.get(SEARCH, params={"q": "korst"}, headers={"hx-request": "true"})

    assert "Bakkerij De Korst" in answer.text
    assert "<html" not in answer.text


async def test_words_of_what_is_gone_are_gone(world: World) -> None:
    """The words follow every row: added, changed, removed; nobody else's are touched."""
    async with db.unit_of_work(world.noord.principal()):
        bakery = world.noord.customers["bakery"]
        await db.execute(
            "INSERT INTO contact (id, tenant, customer, name, email, is_main)"
            " VALUES (gen_random_uuid(), $1, $2, 'Wim Weg', 'wim@weg.example.com', false)",
            *(world.noord.id, bakery),
        )
        found = [not (await search.understand("wim weg", ["contact"])).is_hopeless]
        await db.execute("UPDATE contact SET name = 'Wilma Blijft' WHERE name = 'Wim Weg'")
        found += [not (await search.understand(q, ["contact"])).is_hopeless for q in ("wim@weg", "wilma")]
        await db.execute("DELETE FROM contact WHERE name = 'Wilma Blijft'")
        found += [not (await search.understand(q, ["contact"])).is_hopeless for q in ("wilma", "wim@weg", "korst")]

    assert found == [True, True, True, False, False, True]
