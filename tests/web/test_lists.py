"""Pages of a list, versions of a row, and amounts on the wire."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_portal.infra import settings
from partner_portal.kernel.errors import Invalid
from partner_portal.kernel.money import Money
from partner_portal.web import lists
from partner_portal.web.money import MoneyIn, MoneyOut, text
from tests.web.thing_app import NOORD, THINGS


async def _fill(parts: settings.Settings, number: int) -> None:
    owner = await asyncpg.connect(parts.database_url)
    await owner.execute(
        "INSERT INTO web_thing (tenant, name, made_on) SELECT $1, 'thing ' || to_char(n, 'FM000'), date '2026-01-01' + n % 3 FROM generate_series(1, $2) n",
        NOORD,
        number,
    )
    await owner.close()


async def _all(client: httpx.AsyncClient, address: str) -> list[str]:
    names: list[str] = []
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        names += [one["name"] for one in answer.json()["items"]]
        link = answer.headers.get("link", "")
        assert ('rel="next"' in link) == (answer.json()["next"] is not None)
        address = link.partition(">")[0].removeprefix("<")
    return names


@pytest.mark.parametrize("sort", ["name", "-name", "made_on", "-made_on"])
async def test_page_by_page_every_row_comes_once_and_in_order(noord: httpx.AsyncClient, parts: settings.Settings, sort: str) -> None:
    await _fill(parts, 25)

    names = await _all(noord, f"/things?limit=7&sort={sort}")

    assert len(names) == len(set(names)) == 25
    if sort.endswith("name"):
        assert names == sorted(names, reverse=sort.startswith("-"))


async def test_a_page_that_is_just_full_is_the_last(noord: httpx.AsyncClient, parts: settings.Settings) -> None:
    await _fill(parts, 10)
    answer = await noord.get("/things?limit=10")

    assert len(answer.json()["items"]) == 10
    assert answer.json()["next"] is None
    assert "link" not in answer.headers


async def test_rows_that_come_and_go_shift_nothing(noord: httpx.AsyncClient, parts: settings.Settings) -> None:
    await _fill(parts, 10)
    first = await noord.get("/things?limit=5")
    owner = await asyncpg.connect(parts.database_url)
    await owner.execute("DELETE FROM web_thing WHERE name < 'thing 004'")
    await owner.execute("INSERT INTO web_thing (tenant, name) VALUES ($1, 'a first')", NOORD)
    await owner.close()

    rest = await _all(noord, f"/things?limit=5&after={first.json()['next']}")

    assert rest == [f"thing {number:03}" for number in range(6, 11)]


async def test_the_filter_stays_on_the_next_page(noord: httpx.AsyncClient, parts: settings.Settings) -> None:
    await _fill(parts, 25)

    assert await _all(noord, "/things?limit=3&q=thing%2001") == [f"thing {number:03}" for number in range(10, 20)]
    assert await _all(noord, "/things?q=%25") == []
    assert await _all(noord, "/things?q=_") == []
    assert await _all(noord, "/things?q=%5C") == []


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "9" * 50])
async def test_a_limit_that_makes_no_sense_is_refused(noord: httpx.AsyncClient, limit: str) -> None:
    answer = await noord.get(f"/things?limit={limit}")

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/limit"]


async def test_an_unknown_sorting_names_those_there_are(noord: httpx.AsyncClient) -> None:
    answer = await noord.get("/things?sort=name;DROP")

    assert answer.json()["errors"][0]["facts"]["allowed"] == ["made_on", "name"]


async def test_a_cursor_works_for_the_list_it_was_made_for_only(noord: httpx.AsyncClient, parts: settings.Settings) -> None:
    await _fill(parts, 10)
    cursor = (await noord.get("/things?limit=5")).json()["next"]
    raw = base64.urlsafe_b64decode(cursor + "==")
    forged = base64.urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()

    for wrong in (
        f"after={forged}",
        f"after={cursor}&sort=-name",
        f"after={cursor}&q=x",
        "after=%21%21",
        "after=AAAA",
        f"after={cursor[:-4]}",
    ):
        answer = await noord.get(f"/things?{wrong}")
        assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, ["/after"]), wrong
    assert (await noord.get(f"/things?after={cursor}&limit=2")).status_code == 200


@given(st.text(max_size=60))
def test_no_text_is_a_cursor(anything: str) -> None:
    with settings.use(settings.Settings(secret_key="x" * 40)), pytest.raises(Invalid):
        THINGS.window(after=anything or "x")


def test_a_signature_depends_on_the_secret() -> None:
    with settings.use(settings.Settings(secret_key="x" * 40)):
        window = THINGS.window(limit=1)
        rows = [{"name": "a", "id": NOORD}, {"name": "b", "id": NOORD}]
        cursor = window.page(rows).next
        assert THINGS.window(after=cursor).last == ("a", str(NOORD))
    with settings.use(settings.Settings(secret_key="y" * 40)), pytest.raises(Invalid):
        THINGS.window(after=cursor)


async def test_what_is_known_already_is_not_sent_again(noord: httpx.AsyncClient) -> None:
    place = (await noord.post("/things", json={"name": "bell"})).headers["location"]
    seen = await noord.get(place)
    tag = seen.headers["etag"]

    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await noord.get(place, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await noord.get(place, headers={"if-none-match": '"x"'})).status_code == 200


async def test_a_change_names_the_version_it_changes(noord: httpx.AsyncClient) -> None:
    place = (await noord.post("/things", json={"name": "bell"})).headers["location"]
    tag = (await noord.get(place)).headers["etag"]

    without = await noord.patch(place, json={"name": "drum"})
    weak = await noord.patch(place, json={"name": "drum"}, headers={"if-match": f"W/{tag}"})
    done = await noord.patch(place, json={"name": "drum"}, headers={"if-match": f'"x", {tag}'})
    late = await noord.patch(place, json={"name": "horn"}, headers={"if-match": tag})
    anyway = await noord.patch(place, json={"name": "horn"}, headers={"if-match": "*"})

    assert [answer.status_code for answer in (without, weak, done, late, anyway)] == [428, 412, 200, 412, 200]
    assert late.json()["facts"] == {"current": done.headers["etag"]}
    assert done.headers["etag"] != tag


@pytest.mark.parametrize(("cents", "shown"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123456, "1234.56"), (-100, "-1.00")])
def test_amounts_have_two_decimals(cents: int, shown: str) -> None:
    assert text(cents) == shown
    assert MoneyOut.of(Money(cents)) == MoneyOut(shown, "EUR")
    assert MoneyIn(shown).money() == Money(cents)


@given(st.integers(-(10**13) + 1, 10**13 - 1))
def test_amounts_survive_the_wire(cents: int) -> None:
    assert Decimal(text(cents)) * 100 == cents
    assert MoneyIn(text(cents)).money().cents == cents


def test_a_page_knows_rows_by_attribute_or_by_name() -> None:
    class Row:
        name, id = "a", NOORD

    rows: list[Any] = [Row(), Row()]
    with settings.use(settings.Settings(secret_key="x" * 40)):
        assert THINGS.window(limit=1).page(rows).next == THINGS.window(limit=1).page([{"name": "a", "id": NOORD}] * 2).next
        assert lists.contains("50%_\\") == "%50\\%\\_\\\\%"


class Sought(msgspec.Struct, frozen=True):
    """Filters of a page."""

    word: str = ""
    day: date | None = None
    is_open: bool = False


def test_of_an_address_what_is_understood_counts_and_the_rest_is_left_out() -> None:
    asked = {"word": "null", "day": "soon", "is_open": "true"}

    assert lists.understood(Sought, asked) == Sought(word="null")
    assert lists.understood(Sought, asked, strict=False) == Sought(word="null", is_open=True)
    assert lists.understood(Sought, {"day": "2027-01-31"}) == Sought(day=date(2027, 1, 31))


@pytest.mark.usefixtures("parts")
def test_an_old_cursor_leads_to_the_first_page_and_a_sorting_that_is_none_still_does_not() -> None:
    made = lists.Listing("things", {"name": lists.Column("name", "varchar", "name")}, usual="name").window(word="old")
    cursor = msgspec.structs.replace(made, limit=1).page([{"name": "a", "id": "1"}, {"name": "b", "id": "2"}]).next

    assert made.listing.window_or_first(after=cursor, word="old").last == ("a", "1")
    assert made.listing.window_or_first(after=cursor, word="new").last is None
    with pytest.raises(Invalid):
        made.listing.window_or_first(sort="size")
