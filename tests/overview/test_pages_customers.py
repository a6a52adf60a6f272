"""The list of customers: found however it is written, filtered, sorted, page by page, and taken along exactly as it is shown."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from partner_portal.infra import db, settings
from partner_portal.infra.ids import new_id
from partner_portal.overview.service import customers
from tests.conftest import browser, sign_in
from tests.journeys import partner
from tests.world import World, make_customer, make_service

LIST = "/portal/customers"
NAME = re.compile(r'class="row-link" href="/portal/customers/[0-9a-f-]+">([^<]*)</a>')


def names(answer: httpx.Response) -> list[str]:
    """Who is in the list, in its order."""
    assert answer.status_code == 200, answer.text[:2000]
    return [html.unescape(name) for name in NAME.findall(answer.text)]


async def asked(client: httpx.AsyncClient, **query: Any) -> httpx.Response:
    return await client.get(LIST, params=query)


async def test_each_row_says_where_who_how_many_services_and_what_they_bring_in(world: World, noord: httpx.AsyncClient) -> None:
    answer = await asked(noord)

    assert names(answer) == ["Bakkerij De Korst", "Pieter Particulier"]
    row = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<tbody>")[2].partition("</tr>")[0])))
    assert row.split(" · ")[1:2] == ["Utrecht"]
    assert "Contact van Bakkerij De Korst" in row
    assert "EUR 139,95" in row


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("korst", ["Bakkerij De Korst"]),
        ("KORST bak", ["Bakkerij De Korst"]),
        ("bakérij", ["Bakkerij De Korst"]),  # an accent too many, and a letter too few
        ("bakkeirj", ["Bakkerij De Korst"]),
        ("pieter@klant", ["Pieter Particulier"]),
        ("contact bakkerij", ["Bakkerij De Korst"]),
        ("NRD-C-00002", ["Pieter Particulier"]),
        ("nrdc2", ["Pieter Particulier"]),
        ("ZUD-C-00001", []),
        ("rst", []),  # beginnings of words, and a number is right or wrong
        ("NRD-C-00003", []),
    ],
)
async def test_customers_are_found_however_their_words_are_written(
    world: World, noord: httpx.AsyncClient, q: str, found: list[str]
) -> None:
    assert names(await asked(noord, q=q)) == found


async def test_a_changed_name_is_found_by_its_new_words_only(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE customer SET name = 'Molen Windlust' WHERE id = $1", world.noord.customers["bakery"])
        await db.execute(
            "UPDATE contact SET name = 'Mo', email = 'mo@windlust.example.com' WHERE customer = $1", world.noord.customers["bakery"]
        )

    assert names(await asked(noord, q="windlust")) == ["Molen Windlust"]
    assert names(await asked(noord, q="korst")) == []


HOSTILE = [
    "%",
    "_",
    "%%%",
    "'",
    '"',
    "\\",
    "' OR 1=1 --",
    "a" * 10_000,
    "😀",
    "\u202eabc",
    "-- ; DROP",
    "$$",
    "{{7*7}}",
    "é" * 500,
    " \t ",
    "()|&!:*",
]


@pytest.mark.parametrize("q", HOSTILE)
async def test_hostile_words_find_nothing_and_break_nothing(world: World, noord: httpx.AsyncClient, q: str) -> None:
    answers = [await asked(noord, q=q), await noord.get("/portal/search", params={"q": q})]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert names(answers[0]) == ([] if q.strip() else ["Bakkerij De Korst", "Pieter Particulier"])
    assert "49" not in answers[1].text.partition("</form>")[2][:500]


async def test_htmx_gets_the_rows_only_and_the_address_that_belongs_to_them(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.get(LIST, params={"q": "korst", "segment": "", "columns": "name"}, headers={"hx-request": "true"})

    assert names(answer) == ["Bakkerij De Korst"]
    assert "<html" not in answer.text
    assert answer.headers["hx-replace-url"] == "/portal/customers?q=korst&columns=name"


async def test_filters_say_which_customers_are_meant(world: World, noord: httpx.AsyncClient) -> None:
    noords = world.noord
    async with db.unit_of_work(noords.principal()):
        await db.execute(
            "INSERT INTO customer (id, tenant, number, name, segment, language, country) VALUES ($1, $2, 'K-1', 'Zonder Contact', 'GOV', 'en', 'NL')",
            *(new_id(), noords.id),
        )
    await partner.filed(noord, noords.services["free"])

    found = {
        asked_for: names(await noord.get(f"{LIST}?{asked_for}"))
        for asked_for in (
            "segment=CONSUMER", "segment=GOV", "language=en", "services=with", "services=without", "contact=none", "state=waiting", "state=ending",
            "segment=GOV&services=with", "q=zonder&contact=none", "segment=NONSENSE", "state=%27",
        )
    }  # fmt: skip

    bakery, private, none = "Bakkerij De Korst", "Pieter Particulier", "Zonder Contact"
    assert found == {
        "segment=CONSUMER": [private],
        "segment=GOV": [none],
        "language=en": [none],
        "services=with": [bakery],
        "services=without": [private, none],
        "contact=none": [none],
        "state=waiting": [bakery],
        "state=ending": [],
        "segment=GOV&services=with": [],
        "q=zonder&contact=none": [none],
        "segment=NONSENSE": [bakery, private, none],  # what makes no sense is as if it had not been said
        "state=%27": [bakery, private, none],
    }


async def test_a_customer_with_a_service_that_ends_says_so(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await db.execute(
            "UPDATE billing_service SET ends_on = $2, billing_ends_on = $2 WHERE id = $1", world.noord.services["free"], date(2026, 12, 31)
        )

    answer = await asked(noord, state="ending")

    assert names(answer) == ["Bakkerij De Korst"]
    assert "1 dienst eindigt, op 31-12-2026" in answer.text


async def test_pages_follow_each_other_without_a_gap_or_a_repetition(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        for nth in range(120):
            await make_customer(world.noord, f"Klant {nth:03d}")

    lists = {sort: await whole(noord, f"{LIST}?sort={sort}&q=klant") for sort in ("name", "number", "-since")}

    assert {sort: (len(seen), len(set(seen))) for sort, seen in lists.items()} == dict.fromkeys(lists, (122, 122))
    assert lists["-since"][0] == lists["number"][-1] == "Klant 119"


async def whole(client: httpx.AsyncClient, address: str) -> list[str]:
    """Who is in the list, page after page."""
    seen: list[str] = []
    while address:
        answer = await client.get(address)
        assert len(names(answer)) <= 50
        seen += names(answer)
        following = re.search(r'href="([^"]+)" rel="next"', answer.text)
        address = html.unescape(following[1]) if following else ""
    return seen


async def test_a_cursor_of_another_question_leads_to_the_first_page(world: World, noord: httpx.AsyncClient) -> None:
    for after in ("AAAA", "x" * 900, "%F0"):
        assert names(await noord.get(f"{LIST}?after={after}")) == ["Bakkerij De Korst", "Pieter Particulier"]


async def test_columns_are_chosen_in_the_address(world: World, noord: httpx.AsyncClient) -> None:
    usual, chosen, none = [
        await asked(noord, **query) for query in ({}, {"columns": ["name", "email", "country", "since"]}, {"columns": ["name"]})
    ]

    heads = [re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', answer.text) for answer in (usual, chosen, none)]
    assert heads == [["Klant", "Diensten", "Per maand"], ["Klant", "Land", "E-mail", "Klant sinds"], ["Klant"]]
    assert "bakkerij@klant.example.com" in chosen.text
    assert "Nederland" in chosen.text


async def test_without_customers_the_list_says_what_to_do(world: World, noord: httpx.AsyncClient) -> None:
    owner = await asyncpg.connect(settings.current().database_url)
    await owner.execute("TRUNCATE customer CASCADE")
    await owner.close()

    empty, searched = await asked(noord), await asked(noord, q="nobody")

    assert "Nog geen klanten" in empty.text
    assert 'href="/portal/customers/new"' in empty.text
    assert "Geen klant past hierbij" in searched.text


async def test_a_reader_sees_the_list_and_no_button_that_writes(world: World) -> None:
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)

        listed = await reader.get(LIST)
        refused = [await reader.get(f"{LIST}/{page}") for page in ("new", "import", "import/sample.csv")]
        posted = [await reader.post(f"{LIST}/{page}", data={"name": "x"}) for page in ("new", "import")]

    assert names(listed) == ["Bakkerij De Korst", "Pieter Particulier"]
    assert "/portal/customers/new" not in listed.text
    assert [answer.status_code for answer in (*refused, *posted)] == [403] * 5


async def test_a_file_holds_exactly_the_customers_and_columns_that_are_shown(world: World, noord: httpx.AsyncClient) -> None:
    asked_for = {"q": "korst", "columns": ["name", "segment", "services", "fee"]}

    answer = await noord.get(f"{LIST}/export.csv", params=asked_for)

    assert answer.headers["content-disposition"] == 'attachment; filename="klanten-2026-11-22.csv"'
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["Klantnummer", "Naam", "Plaats", "Hoofdcontact", "Soort klant", "Diensten", "Per maand", "Eerste dienst eindigt op"],
        ["NRD-C-00001", "Bakkerij De Korst", "Utrecht", "Contact van Bakkerij De Korst", "Beschermd klein bedrijf", "2", "139.95", ""],
    ]


async def test_a_name_that_is_a_formula_is_none_in_a_file(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await make_customer(world.noord, '=HYPERLINK("http://evil.example.com")', email="a@evil.example.com")

    as_csv = await noord.get(f"{LIST}/export.csv")
    as_xlsx = await noord.get(f"{LIST}/export.xlsx")

    assert "'=HYPERLINK(" in as_csv.text
    with zipfile.ZipFile(io.BytesIO(as_xlsx.content)) as book:
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        assert "Bakkerij De Korst" in book.read("xl/sharedStrings.xml").decode()


async def test_more_than_a_file_holds_is_refused_with_what_to_do(
    world: World, noord: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "LARGEST_EXPORT", 1)

    answer = await noord.get(f"{LIST}/export.csv", headers={"accept": "text/html"})

    assert answer.status_code == 409
    assert "verklein de selectie" in answer.text


async def test_other_partners_customers_are_in_no_list_file_or_search(world: World, zuid: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await make_customer(world.noord, "Geheim & Zonen", email="geheim@geheim.example.com")
    words = ("geheim", "NRD-C-00001", "nrdc", "geheim@geheim.example.com", "Geheim Zonen")

    answers = [
        await zuid.get(path, params={"q": q})
        for q in (*words, "")
        for path in (LIST, f"{LIST}/export.csv", f"{LIST}/export.xlsx", "/portal/search")
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert not any(
        re.search(r"Geheim &|NRD-C|geheim\.example", re.sub(r'value="[^"]*"|<title>.*?</title>|“.*?”', "", answer.text))
        for answer in answers
    )


async def test_the_numbers_of_a_row_are_its_customers_own(world: World, noord: httpx.AsyncClient) -> None:
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(world.noord.principal()):
        await make_service(world.noord, bakery, label="Drie stuks", fee_cents=100, quantity=3)
        ended = await make_service(world.noord, bakery, label="Voorbij", fee_cents=100_000)
        await db.execute(
            "UPDATE billing_service SET ends_on = $2, billing_ends_on = $2, ended_at = now() WHERE id = $1", ended, date(2026, 1, 31)
        )

        [row] = (await customers.page(customers.LISTING.window(q="korst"), customers.Filter(q="korst"))).rows

    assert (row["running"], row["monthly_cents"], row["ending"]) == (3, 5000 + 8995 + 300, 0)
    assert isinstance(row["id"], UUID)
