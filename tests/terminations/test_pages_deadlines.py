"""The pages and the API of the deadlines: found, filtered, taken along, decided on; by whom it may be, and by nobody else."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import date
from uuid import UUID
from zipfile import ZipFile

import httpx
import pytest

from partner_portal.infra import clock, db
from tests.conftest import browser, sign_in, work
from tests.journeys import partner
from tests.terminations.test_service_deadlines import yearly
from tests.world import World, make_customer, make_service

LIST, BULK = "/portal/deadlines", "/portal/deadlines/bulk"


async def page(client: httpx.AsyncClient, path: str, **headers: str) -> str:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\N{NO-BREAK SPACE}", " ")


async def begun(client: httpx.AsyncClient, *services: UUID) -> str:
    """The path of a new round."""
    answer = await client.post(BULK, data={"service": [str(service) for service in services], "scope": "chosen"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_the_list_says_of_each_service_what_missing_its_day_costs(world: World, noord: httpx.AsyncClient) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 31), label="Glasvezel <b>")

    seen = await page(noord, LIST)

    assert "Glasvezel &lt;b&gt;" in seen
    assert "31 december 2026" in seen
    assert "EUR 600,00" in seen
    assert f'href="/portal/services/{service}"' in seen
    assert "over 39 dagen" in seen


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Er hoeft niets te worden opgezegd"),
        ("?window=overdue", "Niets gemist"),
        ("?q=nergens", "Geen dienst voldoet hieraan"),
        ("?window=365&product=cloud", "Geen dienst voldoet hieraan"),
    ],
)
async def test_an_empty_list_says_why_it_is_empty(world: World, noord: httpx.AsyncClient, query: str, says: str) -> None:
    assert says in await page(noord, LIST + query)


@pytest.mark.parametrize(
    "query",
    ["?window=nonsense", "?fee_from=-3", "?fee_from=9e99", "?customer=me", "?after=x", "?renews=perhaps", "?q=%00", "?q=" + "x" * 300],
)
async def test_what_makes_no_sense_in_the_address_is_as_if_it_had_not_been_said(world: World, noord: httpx.AsyncClient, query: str) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 31))

    answer = await noord.get(LIST + query)

    assert answer.status_code in {200, 400}
    assert answer.status_code == 400 or str(service) in answer.text


@pytest.mark.parametrize(
    ("query", "is_open"),
    [
        ("", False),
        ("?q=kassa&window=30", False),
        ("?renews=yes", True),
        ("?state=ending", True),
        ("?fee_from=10", True),
        ("?product=x", True),
    ],
)
async def test_filters_are_folded_until_one_is_set(world: World, noord: httpx.AsyncClient, query: str, *, is_open: bool) -> None:
    assert ('<details class="more-filters" open>' in await page(noord, LIST + query)) is is_open


async def test_htmx_gets_the_rows_only_and_the_address_to_show(world: World, noord: httpx.AsyncClient) -> None:
    await yearly(world.noord, "bakery", date(2027, 1, 31), label="Zoekbaar")

    answer = await noord.get(f"{LIST}?window=90&q=zoek&product=&fee_from=", headers={"hx-request": "true"})

    assert "<html" not in answer.text
    assert "Zoekbaar" in answer.text
    assert answer.headers["hx-replace-url"] == f"{LIST}?q=zoek"


async def test_one_customers_list_is_another_partners_nothing(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    customer = world.noord.customers["bakery"]
    await yearly(world.noord, "bakery", date(2027, 1, 31), label="Alleen hier")

    assert "Bakkerij De Korst" in await page(noord, f"{LIST}?customer={customer}")
    assert (await zuid.get(f"{LIST}?customer={customer}")).status_code == 404
    assert "Alleen hier" not in await page(zuid, f"{LIST}?window=365")


async def test_the_files_hold_exactly_the_filter_and_no_formula(world: World, noord: httpx.AsyncClient) -> None:
    await yearly(world.noord, "bakery", date(2027, 1, 31), label='=HYPERLINK("http://evil")', fee_cents=9900)
    await yearly(world.noord, "bakery", date(2027, 2, 10), label="Goedkoop", fee_cents=100)

    csv = await noord.get(f"{LIST}/export.csv?fee_from=50")
    xlsx = await noord.get(f"{LIST}/export.xlsx?fee_from=50")

    rows = csv.content.decode("utf-8-sig").splitlines()
    assert csv.headers["content-disposition"] == 'attachment; filename="opzegtermijnen-2026-11-22.csv"'
    assert len(rows) == 2
    assert rows[1].startswith("2026-12-31,NRD-S-")
    assert "'=HYPERLINK" in rows[1]
    assert rows[1].endswith("99.00,12,1188.00,")
    strings = ZipFile(io.BytesIO(xlsx.content)).read("xl/sharedStrings.xml").decode()
    assert "HYPERLINK" in strings
    assert "Goedkoop" not in strings


async def test_a_reader_looks_but_decides_nothing(world: World) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 31))
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)

        seen = await page(reader, LIST)
        assert str(service) in seen
        assert BULK not in seen
        assert (await reader.post(BULK, data={"service": str(service)})).status_code == 403


async def test_many_are_looked_at_filed_once_and_told_with_numbers(world: World, noord: httpx.AsyncClient) -> None:
    one, two = await yearly(world.noord, "bakery", date(2027, 1, 31)), await yearly(world.noord, "private", date(2027, 2, 20))
    held = await yearly(world.noord, "bakery", date(2027, 2, 10), label="Loopt al")
    case = await partner.filed(noord, held)
    path = await begun(noord, one, two, held)

    looked = await page(noord, path)
    assert "2 diensten zouden eindigen" in looked
    assert "31 januari 2027" in looked
    assert f"Opzegging {case['number']} loopt al voor deze dienst, met 10 februari 2027 als laatste dag." in looked
    assert "2 opzeggingen indienen" in looked

    answers = [await noord.post(f"{path}/filing", data={"reason": "switches", "mandate": "yes"}) for _ in range(2)]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, path)] * 2
    await work()

    told = await page(noord, path)
    assert "2 opzeggingen zijn ingediend, voor 2 diensten." in told
    assert "1 dienst is gebleven zoals hij was" in told
    assert len((await noord.get("/api/v1/terminations")).json()["items"]) == 3


async def test_two_who_confirm_at_the_same_moment_file_once(world: World, noord: httpx.AsyncClient) -> None:
    path = await begun(
        noord, await yearly(world.noord, "bakery", date(2027, 1, 31)), await yearly(world.noord, "private", date(2027, 2, 20))
    )

    async with asyncio.TaskGroup() as both:
        pressed = [both.create_task(noord.post(f"{path}/filing", data={"reason": "price", "mandate": "yes"})) for _ in range(4)]

    assert {answer.result().status_code for answer in pressed} == {303}
    assert len((await noord.get("/api/v1/terminations")).json()["items"]) == 2


async def test_another_day_is_asked_for_and_a_wrong_one_is_told_at_its_field(world: World, noord: httpx.AsyncClient) -> None:
    path = await begun(noord, world.noord.services["free"], world.noord.services["bound"])

    for day in ("", "31-31-2026", "2026-11-21", "2099-01-01"):
        wrong = await noord.post(f"{path}/day", data={"when": "day", "wished_on": day})
        assert wrong.status_code == 422
        assert 'id="wished_on-error"' in wrong.text
    right = await noord.post(f"{path}/day", data={"when": "day", "wished_on": "31-12-2026"})

    assert right.status_code == 303
    looked = await page(noord, path)
    assert "1 dienst zou eindigen" in looked
    assert "31 december 2026" in looked
    assert "eerder weg kan alleen met afkoop" in looked
    assert "29 februari 2028" in looked


async def test_what_is_not_answered_is_told_at_its_field_and_nothing_typed_is_lost(world: World, noord: httpx.AsyncClient) -> None:
    path = await begun(noord, world.noord.services["free"])

    answer = await noord.post(f"{path}/filing", data={"comment": "Belangrijk & lang", "mandate": "perhaps"})

    assert answer.status_code == 422
    assert 'id="reason-error"' in answer.text
    assert 'id="mandate-error"' in answer.text
    assert "Belangrijk &amp; lang</textarea>" in answer.text
    assert (await noord.get("/api/v1/terminations")).json()["items"] == []


async def test_without_a_mandate_it_says_until_when_the_customer_must_answer(world: World, noord: httpx.AsyncClient) -> None:
    yearly_one = await yearly(world.noord, "bakery", date(2027, 1, 31))

    assert "donderdag 31 december 2026" in await page(noord, await begun(noord, yearly_one))
    assert "met een akkoord vandaag" in await page(noord, await begun(noord, yearly_one, world.noord.services["free"]))


async def test_all_that_is_listed_is_exactly_the_filter(world: World, noord: httpx.AsyncClient) -> None:
    await yearly(world.noord, "bakery", date(2027, 1, 31), label="Duur", fee_cents=9900)
    await yearly(world.noord, "bakery", date(2027, 1, 31), label="Goedkoop", fee_cents=100)

    answer = await noord.post(BULK, data={"scope": "all", "window": "90", "fee_from": "50"})

    looked = await page(noord, answer.headers["location"])
    assert "Duur" in looked
    assert "Goedkoop" not in looked


async def test_nothing_chosen_says_what_to_do(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.post(BULK, data={"scope": "chosen", "window": "60"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}?window=60")
    assert "Kies eerst de diensten" in (await noord.get(answer.headers["location"])).text


async def test_without_a_choice_there_is_a_way_to_the_list(world: World, noord: httpx.AsyncClient) -> None:
    assert f'href="{LIST}"' in await page(noord, BULK)


async def test_many_customers_follow_in_the_background_and_the_page_says_how_far_it_is(world: World, noord: httpx.AsyncClient) -> None:
    async with db.unit_of_work(world.noord.principal()):
        chosen = [await make_service(world.noord, await make_customer(world.noord, f"Klant{nth} BV")) for nth in range(23)]
    path = await begun(noord, *chosen)

    await noord.post(f"{path}/filing", data={"reason": "price", "mandate": "yes"})
    under_way = await page(noord, path)
    block = await page(noord, path, **{"hx-request": "true"})
    await work()

    assert "20 van 23 diensten zijn gedaan." in under_way
    assert 'hx-trigger="load delay:2s"' in block
    assert "<html" not in block
    done = await page(noord, path)
    assert "23 opzeggingen zijn ingediend" in done
    assert "hx-trigger" not in done[done.index('id="progress"') :]


async def test_a_round_of_yesterday_is_computed_anew_before_it_is_filed(world: World, noord: httpx.AsyncClient) -> None:
    path = await begun(noord, world.noord.services["free"])
    clock.move_to(date(2026, 11, 23))
    await sign_in(noord, world.noord.owner)

    answer = await noord.post(f"{path}/filing", data={"reason": "price", "mandate": "yes"})

    assert answer.headers["location"] == path
    seen = await page(noord, path)
    assert "Het is opnieuw berekend" in seen
    assert "23 december 2026" in seen


async def test_another_partners_round_and_services_do_not_exist(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    path = await begun(noord, world.noord.services["free"])

    answers = [
        await zuid.get(path),
        await zuid.post(f"{path}/day", data={"when": "free"}),
        await zuid.post(f"{path}/filing", data={"reason": "price", "mandate": "yes"}),
        await zuid.post(BULK, data={"service": str(world.noord.services["free"])}),
        await zuid.post(BULK, data={"service": "no-id"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5


async def test_the_api_lists_the_same_page_by_page(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    first, second = await yearly(world.noord, "bakery", date(2027, 1, 31)), await yearly(world.noord, "bakery", date(2027, 2, 10))

    answer = await noord.get("/api/v1/deadlines?limit=1")
    said = answer.json()
    (row,) = said["items"]
    assert (row["service_id"], row["notice_by"], row["ends_on"]) == (str(first), "2026-12-31", "2027-01-31")
    assert (row["renewal_months"], row["renewal"]["amount"], row["includes_vat"], row["termination"]) == (12, "600.00", False, None)
    following = (await noord.get(re.search(r"<(.*?)>", answer.headers["link"])[1])).json()  # type: ignore[index]
    assert ([one["service_id"] for one in following["items"]], following["next"]) == ([str(second)], None)

    case = await partner.filed(noord, first)
    (held,) = (await noord.get("/api/v1/deadlines?state=ending")).json()["items"]
    assert held["termination"]["number"] == case["number"]
    assert (await zuid.get("/api/v1/deadlines?window=365")).json()["items"] == []
    assert (await noord.get("/api/v1/deadlines?window=45")).status_code == 422
    assert (await noord.get("/api/v1/deadlines?days=45")).status_code == 422


async def test_strangers_are_sent_to_the_sign_in_and_software_needs_its_key(world: World, stranger: httpx.AsyncClient) -> None:
    page_asked = await stranger.get(LIST, headers={"accept": "text/html"})
    assert page_asked.status_code == 303
    assert page_asked.headers["location"].startswith("/portal/sign-in")
    assert (await stranger.get("/api/v1/deadlines")).status_code == 401
