"""CSV imports: all rows or none, and a report by row and column."""

from __future__ import annotations

import httpx

from tests.world import World

CUSTOMERS = '''name;segment;main_contact.name;main_contact.email;billing_address.street;billing_address.postcode;billing_address.city;number
Bloemist Tulp;PROTECTED_BIZ;Tineke Tulp;tineke@tulp.example.com;Kade 1;1234 AB;Hoorn;K-1
"Garage ""De Bout""";OTHER_BIZ;Bart Bout;bart@bout.example.com;Weg 2;1234 AC;Hoorn;K-2
'''
SERVICES = """customer,product,label,fee_cents,starts_on,paid_until,minimum_months,renewal,renewal_months
K-1,internet,Internet Tulp,4500,2025-01-01,2026-12-01,12,FIXED,12
"""
CSV = {"content-type": "text/csv; charset=utf-8"}


async def count(client: httpx.AsyncClient) -> int:
    return len((await client.get("/api/v1/customers", params={"limit": 200})).json()["items"])


async def test_customers_and_then_their_services_are_imported(world: World, noord: httpx.AsyncClient) -> None:
    first = await noord.post("/api/v1/customers/import", content=CUSTOMERS.encode(), headers=CSV)
    assert (first.status_code, first.json()) == (201, {"rows": 2})

    second = await noord.post("/api/v1/services/import", content=SERVICES.encode(), headers=CSV)
    assert (second.status_code, second.json()) == (201, {"rows": 1})

    found = (await noord.get("/api/v1/customers", params={"q": "tulp"})).json()["items"][0]
    services = (await noord.get(f"/api/v1/customers/{found['id']}/services")).json()
    assert services[0]["terms"]["renewal_months"] == 12


async def test_one_wrong_cell_keeps_all_rows_out_and_every_fault_is_named(world: World, noord: httpx.AsyncClient) -> None:
    before = await count(noord)
    wrong = CUSTOMERS.replace("bart@bout.example.com", "geen adres").replace("PROTECTED_BIZ", "PRINS") + "Zonder adres;CONSUMER;;;;;;K-1\n"

    refused = await noord.post("/api/v1/customers/import", content=wrong.encode(), headers=CSV)

    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {
        "/rows/2/segment",
        "/rows/3/main_contact.email",
        "/rows/4/main_contact",
    }
    assert await count(noord) == before


async def test_numbers_that_are_taken_are_reported_by_row(world: World, noord: httpx.AsyncClient) -> None:
    twice = CUSTOMERS + CUSTOMERS.splitlines()[1] + "\n"

    refused = await noord.post("/api/v1/customers/import", content=twice.encode(), headers=CSV)

    assert [error["pointer"] for error in refused.json()["errors"]] == ["/rows/4/number"]


async def test_an_unknown_column_says_which_exist(world: World, noord: httpx.AsyncClient) -> None:
    refused = await noord.post("/api/v1/services/import", content=b"klant,label\nK-1,x\n", headers=CSV)

    assert refused.status_code == 422
    assert "customer" in refused.json()["errors"][0]["facts"]["known"]


async def test_a_partner_cannot_import_the_wholesale_price(world: World, noord: httpx.AsyncClient) -> None:
    await noord.post("/api/v1/customers/import", content=CUSTOMERS.encode(), headers=CSV)
    priced = "customer,product,label,fee_cents,starts_on,paid_until,wholesale_cents\nK-1,internet,x,1,2025-01-01,2025-01-01,1\n"

    refused = await noord.post("/api/v1/services/import", content=priced.encode(), headers=CSV)

    assert refused.json()["errors"][0]["code"] == "set-by-provider"


async def test_what_is_no_csv_is_refused(world: World, noord: httpx.AsyncClient) -> None:
    assert (await noord.post("/api/v1/customers/import", content=b"\xff\xfe", headers=CSV)).status_code == 415
    assert (await noord.post("/api/v1/customers/import", json={})).status_code == 415
    assert (await noord.post("/api/v1/customers/import", content=b"", headers=CSV)).status_code == 422
