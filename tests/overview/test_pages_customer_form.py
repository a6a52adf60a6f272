"""Entering, importing and changing customers: faults at their fields, nothing typed lost, doubles told beforehand, colleagues not overwritten."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from partner_portal.infra import db
from tests.conftest import browser, sign_in
from tests.world import World, make_service

NEW = "/portal/customers/new"
IMPORT = "/portal/customers/import"
TYPED: dict[str, Any] = {
    "name": "Drukkerij Inkt",
    "segment": "PROTECTED_BIZ",
    "staff_count": "12",
    "language": "nl",
    "country": "NL",
    "chamber_number": "12 34 56 78",
    "vat_id": "nl 1234.56.782.b90",
    "main_contact.name": "Ida Inkt",
    "main_contact.email": "ida@inkt.example.com",
    "main_contact.phone": "06 - 123 45 678",
    "billing_address.street": "Persweg 1",
    "billing_address.postcode": "1234ab",
    "billing_address.city": "Delft",
    "billing_address.country": "NL",
    "visit_address.country": "",
}


def errors(answer: httpx.Response) -> dict[str, str]:
    """The sentence at each field."""
    found = re.findall(r'<p class="error" id="([^"]+)-error">.*?</svg> ?(.*?)</p>', answer.text)
    return {name: html.unescape(said) for name, said in found}


async def record(client: httpx.AsyncClient, place: str) -> dict[str, Any]:
    """The customer at this address of the portal, as the API tells it."""
    told: dict[str, Any] = (await client.get(f"/api/v1/customers/{place.rpartition('/')[2]}")).json()
    return told


async def test_a_customer_is_entered_as_it_was_meant(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.post(NEW, data=TYPED)

    assert answer.status_code == 303, answer.text[:3000]
    made = await record(noord, answer.headers["location"])
    assert (made["number"], made["vat_id"], made["chamber_number"], made["staff_count"]) == (
        "NRD-C-00003",
        "NL123456782B90",
        "12345678",
        12,
    )
    assert made["main_contact"] == {"name": "Ida Inkt", "email": "ida@inkt.example.com", "phone": "+31612345678"}
    assert made["billing_address"]["postcode"] == "1234 AB"
    assert made["visit_address"] is None
    assert "Drukkerij Inkt is ingevoerd." in (await noord.get(answer.headers["location"])).text


async def test_every_fault_is_told_at_its_field_and_nothing_typed_is_lost(world: World, noord: httpx.AsyncClient) -> None:
    wrong = TYPED | {
        "name": "  ",
        "segment": "",
        "staff_count": "veel",
        "number": "!!",
        "chamber_number": "1234",
        "main_contact.email": "ida",
        "main_contact.phone": "bel me",
        "billing_address.city": "",
        "visit_address.street": "Alleen een straat",
    }

    answer = await noord.post(NEW, data=wrong)

    assert answer.status_code == 422
    assert errors(answer) == {
        "name": "Dit is verplicht.",
        "number": "Een nummer bestaat alleen uit letters, cijfers, spaties, punten, streepjes en schuine strepen, bijvoorbeeld K-1024.",
        "segment": "Dit is verplicht.",
        "staff_count": errors(answer)["staff_count"],
        "chamber_number": "Een KvK-nummer heeft acht cijfers, bijvoorbeeld 12345678.",
        "main_contact-email": "Dit is geen e-mailadres; het ziet eruit als naam@voorbeeld.nl.",
        "main_contact-phone": "Dit is geen telefoonnummer; schrijf het als +31612345678 of 0612345678.",
        "billing_address-city": "Dit is verplicht.",
        "visit_address-postcode": "Dit is verplicht.",
        "visit_address-city": "Dit is verplicht.",
    }
    values = re.findall(r'name="([^"]+)" type="[^"]*" value="([^"]*)"', answer.text)
    chosen = {"segment", "language", "country", "billing_address.country", "visit_address.country"}
    assert {name: html.unescape(value) for name, value in values if name in wrong} == {
        name: value.strip() for name, value in wrong.items() if name not in chosen
    }
    assert [row["name"] for row in (await noord.get("/api/v1/customers")).json()["items"]] == ["Bakkerij De Korst", "Pieter Particulier"]


async def test_the_summary_names_what_is_wrong_in_the_order_of_the_page(noord: httpx.AsyncClient) -> None:
    answer = await noord.post(NEW, data={})

    summary = answer.text.partition('class="problem" role="alert"')[2].partition("</ul>")[0]
    named = re.findall(r'href="#([^"]+)"', summary)
    assert named == sorted(named, key=lambda name: answer.text.index(f' id="{name}"'))
    assert named[:2] == ["name", "segment"]
    assert len(named) == len(errors(answer))


async def test_an_empty_form_names_what_is_needed(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.post(NEW, data={})

    assert answer.status_code == 422
    assert set(errors(answer)) == {
        "name",
        "segment",
        "main_contact-name",
        "main_contact-email",
        "billing_address-street",
        "billing_address-postcode",
        "billing_address-city",
    }


@pytest.mark.parametrize(
    ("changed", "likeness"),
    [
        ({"main_contact.email": "BAKKERIJ@klant.example.com"}, "hetzelfde e-mailadres"),
        ({"name": "bakkerij, de KÓRST"}, "dezelfde naam"),
    ],
)
async def test_a_customer_that_is_there_already_is_told_before_another_is_entered(
    world: World, noord: httpx.AsyncClient, changed: dict[str, str], likeness: str
) -> None:
    first = await noord.post(NEW, data=TYPED | changed)
    seen = re.findall(r'name="seen" value="([^"]+)"', first.text)
    second = await noord.post(NEW, data=TYPED | changed | {"seen": seen})

    assert first.status_code == 409
    assert f'Bakkerij De Korst</a> (<span class="whole">NRD-C-00001</span>): {likeness}' in first.text
    assert 'value="Persweg 1"' in first.text
    assert seen == [str(world.noord.customers["bakery"])]
    assert second.status_code == 303


async def test_the_same_form_sent_twice_makes_one_customer(world: World, noord: httpx.AsyncClient) -> None:
    first, second = [await noord.post(NEW, data=TYPED) for _ in range(2)]

    assert (first.status_code, second.status_code) == (303, 409)
    assert all(word in second.text for word in ("hetzelfde e-mailadres", "hetzelfde KvK-nummer", "hetzelfde btw-nummer", "dezelfde naam"))


async def test_nobody_is_like_another_partners_customer(world: World, zuid: httpx.AsyncClient, noord: httpx.AsyncClient) -> None:
    await noord.post(NEW, data=TYPED)

    assert (await zuid.post(NEW, data=TYPED)).status_code == 303


async def test_a_number_in_use_is_told_at_its_field(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.post(NEW, data=TYPED | {"number": "NRD-C-00001"})

    assert answer.status_code == 422
    assert errors(answer) == {"number": "Dit is al in gebruik."}


def edit(customer: UUID) -> str:
    return f"/portal/customers/{customer}/edit"


def typed_in(answer: httpx.Response) -> dict[str, str]:
    """What the form holds, as a browser would send it."""
    fields = dict(re.findall(r'name="([^"]+)" type="[^"]*" value="([^"]*)"', answer.text))
    fields |= dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
    fields |= dict(re.findall(r'type="radio" name="([^"]+)" id="[^"]+" value="([^"]*)" checked', answer.text))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', answer.text):
        fields[name] = next(iter(re.findall(r'value="([^"]*)" selected', options)), "")
    return {name: html.unescape(value) for name, value in fields.items() if name != "q"}


async def test_what_is_changed_and_emptied_is_saved_and_the_rest_stays(world: World, noord: httpx.AsyncClient) -> None:
    visit = {"visit_address.street": "Haven 2", "visit_address.postcode": "1234 AC", "visit_address.city": "Hoorn"}
    made = (await noord.post(NEW, data=TYPED | visit)).headers["location"]
    page = await noord.get(f"{made}/edit")
    before = await record(noord, made)
    emptied = dict.fromkeys((*visit, "visit_address.country"), "")

    answer = await noord.post(
        f"{made}/edit", data=typed_in(page) | emptied | {"name": "Drukkerij Inkt B.V.", "vat_id": "", "staff_count": ""}
    )

    assert answer.status_code == 303, errors(answer)
    assert await record(noord, made) == before | {"name": "Drukkerij Inkt B.V.", "vat_id": None, "staff_count": None, "visit_address": None}


async def test_a_form_as_it_stands_changes_nothing(world: World, noord: httpx.AsyncClient) -> None:
    place = f"/portal/customers/{world.noord.customers['bakery']}"
    before = await record(noord, place)

    answer = await noord.post(f"{place}/edit", data=typed_in(await noord.get(f"{place}/edit")))

    assert answer.status_code == 303, errors(answer)
    assert await record(noord, place) == before


async def test_whoever_changes_second_sees_both_and_overwrites_only_knowingly(world: World, noord: httpx.AsyncClient) -> None:
    place = edit(world.noord.customers["bakery"])
    mine = typed_in(await noord.get(place))
    theirs = await noord.post(place, data=mine | {"name": "Bakkerij Korst & Zn", "billing_address.city": "Zeist"})

    refused = await noord.post(place, data=mine | {"name": "De Korst VOF"})
    shown = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", refused.text)]
    again = await noord.post(place, data=typed_in(refused))

    assert (theirs.status_code, refused.status_code, again.status_code) == (303, 409, 303)
    assert [html.unescape(row).strip("|").split("|") for row in shown] == [
        ["Naam", "", "Bakkerij Korst & Zn", "", "De Korst VOF"],
        ["Factuuradres: Plaats", "", "Zeist", "", "Utrecht"],
    ]
    assert typed_in(refused)["name"] == "De Korst VOF"
    assert (await record(noord, place.removesuffix("/edit")))["name"] == "De Korst VOF"


async def test_an_address_where_a_service_stands_is_not_taken_away(world: World, noord: httpx.AsyncClient) -> None:
    bakery = world.noord.customers["bakery"]
    visit = {
        "visit_address.street": "Haven 2",
        "visit_address.postcode": "1234 AC",
        "visit_address.city": "Hoorn",
        "visit_address.country": "NL",
    }
    assert (await noord.post(edit(bakery), data=typed_in(await noord.get(edit(bakery))) | visit)).status_code == 303
    async with db.unit_of_work(world.noord.principal()):
        service = await make_service(world.noord, bakery)
        await db.execute(
            "UPDATE billing_service SET location = (SELECT id FROM location WHERE customer = $1 AND kind = 'visit') WHERE id = $2",
            bakery,
            service,
        )

    answer = await noord.post(edit(bakery), data=typed_in(await noord.get(edit(bakery))) | dict.fromkeys(visit, "") | {"name": "Anders"})

    assert answer.status_code == 422
    assert list(errors(answer)) == ["visit_address-street"]
    told = await record(noord, f"/portal/customers/{bakery}")
    assert (told["name"], told["visit_address"]["city"]) == ("Bakkerij De Korst", "Hoorn")


async def test_forms_of_another_partners_customer_are_not_there(world: World, zuid: httpx.AsyncClient) -> None:
    place = edit(world.noord.customers["bakery"])

    assert [(await zuid.get(place)).status_code, (await zuid.post(place, data=TYPED | {"version": "1"})).status_code] == [404, 404]


async def test_a_reader_changes_nothing(world: World) -> None:
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)

        answers = [await reader.request(method, edit(world.noord.customers["bakery"])) for method in ("GET", "POST")]

    assert [answer.status_code for answer in answers] == [403, 403]


def as_file(content: bytes) -> dict[str, Any]:
    return {"files": {"file": ("klanten.csv", content, "text/csv")}}


async def test_the_sample_file_can_be_imported_as_it_is(world: World, noord: httpx.AsyncClient) -> None:
    """Its telephone number begins with a plus, which is made harmless on the way out and meant as it was on the way in."""
    sample = await noord.get(f"{IMPORT}/sample.csv")

    answer = await noord.post(IMPORT, **as_file(sample.content))

    assert answer.status_code == 303, answer.text[:3000]
    found = (await noord.get("/api/v1/customers", params={"q": "K-1024"})).json()["items"]
    assert [row["contact_email"] for row in found] == ["bram@dekorst.example.com"]


async def test_a_wrong_cell_is_named_by_row_and_column_and_nothing_is_imported(world: World, noord: httpx.AsyncClient) -> None:
    [heading, row] = csv.reader(io.StringIO((await noord.get(f"{IMPORT}/sample.csv")).content.decode("utf-8-sig")))
    wrong = [*row]
    wrong[heading.index("segment")], wrong[heading.index("number")] = "BIG", "K-2"
    out = io.StringIO()
    csv.writer(out).writerows([heading, row, wrong])

    answer = await noord.post(IMPORT, **as_file(out.getvalue().encode()))

    told = [re.sub(r"<[^>]+>", "|", line) for line in re.findall(r'<tr><td class="sum">(.*?)</tr>', answer.text)]
    assert answer.status_code == 422
    assert [line.split("|")[0] + line.split("|")[3] for line in told] == ["3segment"]
    assert len((await noord.get("/api/v1/customers")).json()["items"]) == 2


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
async def test_a_file_of_excel_keeps_its_accents(world: World, noord: httpx.AsyncClient, encoding: str) -> None:
    lines = (
        "name;segment;main_contact.name;main_contact.email;billing_address.street;billing_address.postcode;billing_address.city\r\n"
        "Café Zoë;OTHER_BIZ;Zoë;zoe@cafe.example.com;Kade 1;1234 AB;Hoorn\r\n"
    )

    answer = await noord.post(IMPORT, **as_file(lines.encode(encoding)))

    assert answer.status_code == 303, answer.text[:3000]
    assert (await noord.get("/api/v1/customers", params={"q": "Zoë"})).json()["items"][0]["name"] == "Café Zoë"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02\xff", b"a" * 100_000, b'name,segment\n"never closed', "\u202e😀".encode(), b";;;;\n;;;;"]
)
async def test_what_is_no_table_is_refused_with_a_reason(world: World, noord: httpx.AsyncClient, content: bytes) -> None:
    answer = await noord.post(IMPORT, **as_file(content))

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_without_a_file_the_form_says_so(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.post(IMPORT, data={"x": "y"})

    assert answer.status_code == 422
    assert "Kies eerst een bestand." in answer.text
