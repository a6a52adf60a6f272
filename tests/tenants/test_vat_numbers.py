"""VAT numbers of customers and partners: one of the EU has its country's form and check digits, whoever enters it; it is kept without spaces and dots."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from partner_portal.infra import db
from partner_portal.kernel.errors import Invalid
from tenants.policy import vat_id
from tests.tenants.test_api import NEW
from tests.tenants.test_imports import CSV
from tests.world import STAFF_DOOR, World


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("nl 1234.56.782.b90", "NL", "NL123456782B90"),
        ("NL123456782B90", "BE", "NL123456782B90"),
        ("BE 0403.019.261", "BE", "BE0403019261"),
        ("be0403-019-261", "US", "BE0403019261"),
        ("GR 094259216", "GR", "EL094259216"),
        ("el094259216", "GR", "EL094259216"),
        ("XI 980 7806 84", "GB", "XI980780684"),
        ("ATU13585627", "AT", "ATU13585627"),
        ("CHE-123.456.788 MWST", "CH", "CHE123456788MWST"),
        ("CHE-123.456.788 MWST", "NL", "CHE123456788MWST"),
        ("GB 980 7806 84", "GB", "GB980780684"),
        ("NO 974 760 673 MVA", "NO", "NO974760673MVA"),
        ("974760673", "NO", "974760673"),
        ("12-3456789", "US", "123456789"),
        ("DEX990101AB1", "MX", "DEX990101AB1"),
        ("EU372022452", "NL", "EU372022452"),
        ("", "NL", None),
        (" . ", "NL", None),
        (None, "NL", None),
    ],
)
def test_a_number_is_kept_without_what_only_makes_it_readable(typed: str | None, country: str, kept: str | None) -> None:
    assert vat_id(typed, country) == kept


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("NL123456789B01", "NL"),  # its check digits are wrong
        ("NL123456782", "NL"),
        ("BE0403019262", "BE"),
        ("DEX990101AB1", "DE"),
        ("0403019261", "BE"),  # of which country?
        ("123456782B90", "NL"),
        ("onbekend", "NL"),
        ("n.v.t.", "NL"),
        ("volgt", "US"),
        ("?", "NO"),
        ("CHE-123;456", "CH"),
        ("ＮＬ１２３", "NL"),
    ],
)
def test_what_is_no_number_is_refused_at_its_field(typed: str, country: str) -> None:
    with pytest.raises(Invalid) as refused:
        vat_id(typed, country)
    assert [(fault.pointer, fault.code) for fault in refused.value.fields] == [("/vat_id", "not-a-vat-id")]


async def kept(world: World) -> list[Any]:
    """The VAT numbers of Noord's customers, of whoever has one."""
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT vat_id FROM customer WHERE tenant = $1 AND vat_id IS NOT NULL ORDER BY id", world.noord.id)
    return [row["vat_id"] for row in rows]


async def test_the_api_keeps_a_number_tidily_and_refuses_what_is_none_at_its_field(world: World, noord: httpx.AsyncClient) -> None:
    made = await noord.post("/api/v1/customers", json=NEW | {"vat_id": "nl 1234.56.782.b90"})
    assert (made.status_code, made.json()["vat_id"]) == (201, "NL123456782B90")

    refused = await noord.post("/api/v1/customers", json=NEW | {"vat_id": "hallo"})
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/vat_id", "not-a-vat-id")
    assert await kept(world) == ["NL123456782B90"]


async def test_a_change_by_the_api_is_judged_by_the_country_on_record_or_the_one_that_comes_with_it(
    world: World, noord: httpx.AsyncClient
) -> None:
    path = f"/api/v1/customers/{world.noord.customers['bakery']}"

    async def change(**wanted: str | None) -> httpx.Response:
        return await noord.patch(path, json=wanted, headers={"if-match": (await noord.get(path)).headers["etag"]})

    assert (await change(vat_id="974760673")).status_code == 422, "a Dutch customer's has letters"
    both = await change(vat_id="974 760 673", country="NO")
    assert (both.status_code, both.json()["vat_id"]) == (200, "974760673")
    assert (await change(vat_id="BE0403019262", country="BE")).status_code == 422
    assert (await change(name="De Korst AS")).json()["vat_id"] == "974760673", "what is not given stays"
    assert (await change(vat_id=None)).json()["vat_id"] is None


async def test_an_import_names_the_row_of_a_number_that_is_none(world: World, noord: httpx.AsyncClient) -> None:
    head = "name;segment;main_contact.name;main_contact.email;billing_address.street;billing_address.postcode;billing_address.city;vat_id"
    rows = [
        f"Tulp {nth};OTHER_BIZ;T;t{nth}@tulp.example.com;Kade 1;1234 AB;Hoorn;{vat}" for nth, vat in enumerate(("BE 0403.019.261", "BE1"))
    ]

    refused = await noord.post("/api/v1/customers/import", content="\n".join([head, *rows]).encode(), headers=CSV)

    assert refused.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [("/rows/3/vat_id", "not-a-vat-id")]
    assert await kept(world) == []
