"""The list of terminations: exactly what its address says, page by page, and taken along just so."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from partner_portal.infra import clock, db, outbox, settings
from terminations.service import buyouts
from terminations.service.buyouts import Decision
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, World, make_customer, make_service

LIST = "/portal/terminations"
NUMBER = re.compile(r'<span class="second"><span class="whole">([A-Z]{3}-T-\d+)</span> ·')
EARLY: dict[str, Any] = {"early": True, "wished_on": "2027-01-31"}


def numbers(answer: httpx.Response) -> list[str]:
    """The cases of the list, in its order."""
    assert answer.status_code == 200, answer.text[:2000]
    return NUMBER.findall(answer.text)


def words(answer: httpx.Response) -> str:
    """What a person reads, on one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])))


async def asked(client: httpx.AsyncClient, **query: Any) -> httpx.Response:
    return await client.get(LIST, params=query)


async def several(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> dict[str, str]:
    """Cases in different states, by what they are about; the numbers rise in this order."""
    async with db.unit_of_work(world.noord.principal()):
        pieter, korst = world.noord.customers["private"], world.noord.customers["bakery"]
        telephone = await make_service(world.noord, pieter, product="telephony", label="Telefoon thuis")
        soon = await make_service(world.noord, korst, label="Alarmlijn", notice_n=0)
        hosting = await make_service(
            world.noord,
            korst,
            product="hosting",
            label="Archief",
            starts_on="2026-03-01",
            minimum_months=24,
            renewal="FIXED",
            renewal_months=12,
            buyout_rule="75 %",
        )
    waiting = await people.filed(noord, world.noord.services["free"])
    scheduled = await people.filed(noord, telephone)
    await people.press(stranger, people.link_in(people.newest(world.mailbox, "pieter@")), "approve")
    proposed = await people.filed(noord, world.noord.services["bound"], **EARLY)
    async with db.unit_of_work(STAFF_DOOR):
        await buyouts.decide(FINANCE, await buyouts.case_by_number(proposed["number"]), Decision.APPROVE)
    at_finance = await people.filed(noord, hosting, **EARLY)
    week = await people.filed(noord, soon, wished_on="2026-11-22")
    await people.press(stranger, people.link_in(people.newest(world.mailbox, "bakkerij@")), "approve")
    await outbox.drain()
    cases = {"waiting": waiting, "scheduled": scheduled, "proposed": proposed, "at_finance": at_finance, "week": week}
    return {name: case["number"] for name, case in cases.items()}


async def test_each_filter_shows_what_it_says_and_nothing_else(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    is_ = await several(world, noord, stranger)
    newest_first = [is_[name] for name in ("week", "at_finance", "proposed", "scheduled", "waiting")]
    expected: list[tuple[dict[str, str], list[str]]] = [
        ({}, newest_first),
        ({"sort": "filed"}, newest_first[::-1]),
        ({"sort": "ends"}, [is_[name] for name in ("week", "waiting", "scheduled", "proposed", "at_finance")]),
        ({"state": "scheduled"}, [is_["week"], is_["scheduled"]]),
        ({"waits_for": "customer"}, [is_["waiting"]]),
        ({"waits_for": "finance"}, [is_["at_finance"]]),
        ({"waits_for": "payer"}, [is_["proposed"]]),
        ({"state": "proposed", "payer": "customer"}, [is_["proposed"]]),
        ({"payer": "partner"}, []),
        ({"withdrawal": "asked"}, []),
        ({"ends": "this-week"}, [is_["week"]]),
        ({"ends_from": "2026-12-01", "ends_until": "2026-12-31"}, [is_["scheduled"], is_["waiting"]]),
        ({"ends_until": "2026-11-30"}, [is_["week"]]),
        ({"ends_from": "2027-01-31"}, [is_["at_finance"], is_["proposed"]]),
        ({"buyout": "yes"}, [is_["at_finance"], is_["proposed"]]),
        ({"buyout": "no"}, [is_["week"], is_["scheduled"], is_["waiting"]]),
        ({"reason": "switches"}, newest_first),
        ({"reason": "price"}, []),
        ({"customer": str(world.noord.customers["private"])}, [is_["scheduled"]]),
        ({"customer": str(world.zuid.customers["bakery"])}, []),
        ({"q": "pieter"}, [is_["scheduled"]]),
        ({"q": "telefoon"}, [is_["scheduled"]]),
        ({"q": is_["proposed"].lower()}, [is_["proposed"]]),
        ({"q": "korst archief"}, [is_["at_finance"]]),
        ({"q": "%"}, []),
        ({"q": "niemand"}, []),
        ({"state": "nonsense", "ends_from": "gisteren", "customer": "x", "sort": "password", "after": "x", "columns": "x"}, newest_first),
    ]

    found = [(query, numbers(await asked(noord, **query))) for query, _ in expected]

    assert found == expected


async def test_the_sentence_above_the_list_says_what_is_shown_and_leads_back_part_by_part(world: World, noord: httpx.AsyncClient) -> None:
    await people.filed(noord, world.noord.services["free"])

    answer = await asked(noord, waits_for="customer", ends_from="2026-12-01", q="bakkerij")

    said = (
        "Getoond worden opzeggingen met “bakkerij” {x} die wachten op akkoord van de klant {x} die stoppen op 1 december 2026 of later {x}"
    )
    assert said.format(x="toon zonder dit") in words(answer)
    without = re.findall(r'<p class="shown">(.*?)</p>', answer.text, re.DOTALL)[0]
    addresses = [html.unescape(address) for address in re.findall(r'<a [^>]*href="([^"]*)"', without)]
    assert addresses == [
        f"{LIST}?waits_for=customer&ends_from=2026-12-01",
        f"{LIST}?q=bakkerij&ends_from=2026-12-01",
        f"{LIST}?q=bakkerij&waits_for=customer",
        LIST,
    ]


async def test_an_empty_list_says_why_and_what_to_do(world: World, noord: httpx.AsyncClient) -> None:
    none = await asked(noord)
    assert "Nog geen opzeggingen" in words(none)
    assert 'href="/portal/terminations/new"' in none.text

    await people.filed(noord, world.noord.services["free"])
    filtered = await asked(noord, buyout="yes")

    assert "Geen opzegging voldoet hieraan" in words(filtered)
    assert f'href="{LIST}"' in filtered.text


async def test_while_one_types_only_the_rows_come_back(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    rows = await noord.get(LIST, params={"q": "bakk"}, headers={"hx-request": "true"})

    assert numbers(rows) == [case["number"]]
    assert "<html" not in rows.text
    assert "<form" not in rows.text
    assert rows.headers["hx-replace-url"] == f"{LIST}?q=bakk"


async def many(world: World, count: int) -> None:
    """So many cases more, filed at a few different moments: copies of one, with quotes and lines of their own."""
    connection = await asyncpg.connect(settings.current().database_url)
    try:
        await connection.execute(
            """
            CREATE TEMP TABLE copied AS SELECT n, gen_random_uuid() AS quote, gen_random_uuid() AS case FROM generate_series(1, $COUNT) n;
            INSERT INTO termination_quote
            SELECT (jsonb_populate_record(NULL::termination_quote, to_jsonb(q) || jsonb_build_object('id', c.quote, 'number', 'NRD-Q-9' || c.n))).*
              FROM (SELECT * FROM termination_quote ORDER BY number LIMIT 1) q, copied c;
            INSERT INTO termination
            SELECT (jsonb_populate_record(NULL::termination, to_jsonb(t) || jsonb_build_object(
                       'id', c.case, 'quote', c.quote, 'state', 'withdrawn', 'number', 'NRD-T-9' || lpad(c.n::text, 5, '0'),
                       'filed_at', t.filed_at - (c.n % 7) * interval '1 hour'))).*
              FROM (SELECT * FROM termination ORDER BY number LIMIT 1) t, copied c;
            INSERT INTO termination_line
            SELECT (jsonb_populate_record(NULL::termination_line, to_jsonb(l) || jsonb_build_object(
                       'id', gen_random_uuid(), 'termination', c.case, 'is_open', false))).*
              FROM (SELECT * FROM termination_line LIMIT 1) l, copied c;
            DROP TABLE copied;
            """.replace("$COUNT", str(count))
        )
    finally:
        await connection.close()


@pytest.mark.parametrize("sort", ["-filed", "filed", "ends", "-ends", "until"])
async def test_walking_the_pages_shows_each_case_once_in_order(world: World, noord: httpx.AsyncClient, sort: str) -> None:
    await people.filed(noord, world.noord.services["free"])
    await many(world, 120)

    walked, address, pages = [], f"{LIST}?sort={sort}", 0
    while address:
        answer = await noord.get(address)
        walked += numbers(answer)
        pages += 1
        found = re.search(r'href="([^"]*)" rel="next"', answer.text)
        address = html.unescape(found[1]) if found else ""

    assert pages == 3
    assert len(walked) == len(set(walked)) == 121


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_however_many_cases_there_are_a_page_shows_fifty_and_the_file_all(world: World, noord: httpx.AsyncClient, count: int) -> None:
    await people.filed(noord, world.noord.services["free"])
    await many(world, count)

    page = await asked(noord, sort="ends")
    exported = await noord.get(f"{LIST}/export.csv")

    assert len(numbers(page)) == 50
    assert 'rel="next"' in page.text
    assert len(page.content) < 150_000
    assert len(exported.text.splitlines()) == 1 + 1 + count


async def test_the_columns_are_those_that_were_chosen_and_stay_so_from_page_to_page(world: World, noord: httpx.AsyncClient) -> None:
    await people.filed(noord, world.noord.services["free"])
    await many(world, 60)

    answer = await asked(noord, columns=["name", "filed_by", "reason"])

    heads = [html.unescape(head.strip()) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', answer.text)]
    assert heads == ["Klant", "Ingediend door", "Reden"]
    assert "columns=name&amp;columns=filed_by&amp;columns=reason&amp;after=" in answer.text
    assert "Owner of Noord ICT" in words(answer)


async def test_a_file_holds_exactly_the_filter_with_the_chosen_columns(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    is_ = await several(world, noord, stranger)
    query = {"buyout": "yes", "sort": "filed", "columns": ["name", "ends", "sum", "payer"]}

    answer = await noord.get(f"{LIST}/export.csv", params=query)
    book = await noord.get(f"{LIST}/export.xlsx", params=query)

    table = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert table[0] == ["Nummer", "Klantnummer", "Klant", "Diensten", "Stand", "Laatste dag", "Wie betaalt", "Afkoop"]
    assert [row[0] for row in table[1:]] == [is_["proposed"], is_["at_finance"]]
    # 13 months x 89.95 x 75 % + 25.00
    assert table[1][2:] == ["Bakkerij De Korst", "Webshop hosting", "Voorgesteld", "2027-01-31", "de klant", "902.01"]
    assert answer.headers["content-disposition"] == 'attachment; filename="opzeggingen-2026-11-22.csv"'
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        text = parts.read("xl/sharedStrings.xml").decode()
    assert is_["proposed"] in text
    assert is_["waiting"] not in text


async def test_no_name_becomes_a_formula_in_a_file(world: World, noord: httpx.AsyncClient) -> None:
    formula = '=HYPERLINK("http://evil.example.com";"klik")'
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, formula, email="boef@klant.example.com")
        service = await make_service(world.noord, customer, label="@SUM(A1)")
    await people.filed(noord, service)

    answer = await noord.get(f"{LIST}/export.csv")
    book = await noord.get(f"{LIST}/export.xlsx")

    row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1]
    assert row[2:4] == [f"'{formula}", "'@SUM(A1)"]
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        assert "<f>" not in parts.read("xl/worksheets/sheet1.xml").decode()


async def test_software_gets_the_same_list(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    is_ = await several(world, noord, stranger)

    answer = await noord.get("/api/v1/terminations", params={"state": "scheduled"})

    assert [row["number"] for row in answer.json()["items"]] == [is_["week"], is_["scheduled"]]
    assert clock.now() < datetime(2027, 1, 1, tzinfo=UTC)
