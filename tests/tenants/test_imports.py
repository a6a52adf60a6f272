"""CSV imports: all rows or none, and a report by row and column."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from partner_portal.infra import db
from tests.counting import counted
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


def many(rows: int, **columns: str) -> str:
    """So many services of the two customers, each row as told."""
    given = {"product": "internet", "label": "Internet", "fee_cents": "4500", "starts_on": "2025-01-01", "paid_until": "2026-12-01"}
    given["location"] = "billing"
    named = given | columns
    lines = [",".join([f"K-{1 + nth % 2}", *named.values()]) for nth in range(rows)]
    return "\n".join([",".join(["customer", *named]), *lines]) + "\n"


async def services_of(world: World) -> list[dict[str, Any]]:
    async with db.unit_of_work(world.noord.principal()):
        rows = await db.fetch(
            "SELECT s.*, c.number AS whose FROM billing_service s JOIN customer c ON c.id = s.customer WHERE c.number LIKE 'K-%' ORDER BY s.number"
        )
    return [dict(row) for row in rows]


async def test_services_are_entered_by_as_many_statements_however_many_they_are(
    world: World, noord: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await noord.post("/api/v1/customers/import", content=CUSTOMERS.encode(), headers=CSV)
    await noord.post("/api/v1/services/import", content=many(1).encode(), headers=CSV)
    sent = counted(monkeypatch)
    counts = []
    for rows in (2, 600, 2500):
        sent.clear()
        done = await noord.post("/api/v1/services/import", content=many(rows).encode(), headers=CSV)
        assert (done.status_code, done.json()) == (201, {"rows": rows})
        counts.append(len(sent))

    assert counts[0] == counts[1] == counts[2] - 2, "one statement more for each thousand rows more"
    assert counts[0] <= 12, sent
    made = await services_of(world)
    assert [row["number"] for row in made] == [f"NRD-S-{int(made[0]['number'][-5:]) + nth:05d}" for nth in range(len(made))]
    assert [row["whose"] for row in made[-4:]] == ["K-1", "K-2", "K-1", "K-2"], "in the order of the file"
    assert len({row["location"] for row in made}) == 2


async def test_every_fault_of_services_is_named_by_row_and_nothing_is_kept(world: World, noord: httpx.AsyncClient) -> None:
    """What the terms contradict, what is not there, and numbers that are taken: by another service, or by an earlier row of the file."""
    await noord.post("/api/v1/customers/import", content=CUSTOMERS.encode(), headers=CSV)
    head = "customer,product,label,fee_cents,starts_on,paid_until,number,renewal,buyout_rule,location,wholesale_cents\n"
    rows = [
        "K-1,internet,goed,1,2025-01-01,2025-01-01,X-1,,,,",
        "K-9,nergens,onbekende klant,1,2025-01-01,2025-01-01,,,,,",
        "K-1,nergens,veel mis,1,2025-01-01,2024-01-01,X-1,FIXED,geen regel,visit,",
        "K-2,internet,nummer twee keer,1,2025-01-01,2025-01-01,X-1,,,,",
        "K-2,internet,inkoop,1,2025-01-01,2025-01-01,,,,,5",
        "K-2,internet,geen getal,veel,2025-01-01,2025-01-01,,,,,",
        "K-2,internet,ook goed,1,2025-01-01,2025-01-01,X-2,,,billing,",
    ]

    refused = await noord.post("/api/v1/services/import", content=(head + "\n".join(rows)).encode(), headers=CSV)

    assert refused.status_code == 422
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/rows/3/customer", "unknown-customer"),
        ("/rows/4/renewal_months", "needs-renewal-months"),
        ("/rows/4/minimum_months", "needs-an-end"),
        ("/rows/4/paid_until", "before-start"),
        ("/rows/4/product", "unknown-product"),
        ("/rows/4/buyout_rule", "unknown-buyout-rule"),
        ("/rows/4/location", "no-such-location"),
        ("/rows/5/number", "taken"),
        ("/rows/6/wholesale_cents", "set-by-provider"),
        ("/rows/7/fee_cents", "not-valid"),
    ]
    assert await services_of(world) == []


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
