"""How a partner is billed that bills its customers itself: entered by finance, with every fault at its field; what waited for it is billed."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from billing.service import parking, parties, partner_accounts
from billing.service.partner_accounts import BillingDataChanged, PartnerBilling
from partner_portal.infra import db, outbox
from partner_portal.kernel.actor import StaffRole
from partner_portal.kernel.errors import NotFound
from tests.admin.conftest import SignsIn
from tests.admin.test_bank import page, press
from tests.admin.test_tables import trail
from tests.billing.test_statements import rows
from tests.tenants.people import open_page, signed_in
from tests.terminations import ended
from tests.world import FINANCE, STAFF_DOOR, World

LIST = "/admin/partner-billing"
ADDRESS = {"street": "Postbus 12", "postcode": "3000 AA", "city": "Rotterdam", "country": "NL"}
ALL = ADDRESS | {
    "name": "Zuid Telecom Holding B.V.",
    "email": "crediteuren@zuid.example.com",
    "vat_id": "nl 1234.56.782.b90",
    "buyer_reference": "PO 4711",
    "endpoint_scheme": "0106",
    "endpoint_id": "12345678",
    "payment_days": "21",
}


@pytest_asyncio.fixture(loop_scope="session")
async def fien(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


async def save(world: World, client: httpx.AsyncClient, typed: dict[str, str], version: str = "0") -> httpx.Response:
    given: dict[str, Any] = typed | {"version": version}
    return await press(client, "save", f"{LIST}/{world.zuid.id}", **given)


async def owes(world: World) -> parties.Debtor | None:
    async with db.unit_of_work(STAFF_DOOR):
        return await parties.partner(world.zuid.id)


async def nobody_knows_where(world: World) -> None:
    """Zuid has not entered with which details it sends its invoices."""
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET street = '' WHERE tenant = $1", world.zuid.id)


async def test_finance_enters_everything_and_it_stands_on_the_next_invoice(world: World, fien: httpx.AsyncClient) -> None:
    assert f"{LIST}/{world.zuid.id}" in await page(fien, LIST)
    assert str(world.noord.id) not in await page(fien, LIST), "the provider bills Noord's customers, not Noord"

    saved = await save(world, fien, ALL)

    assert (saved.status_code, saved.headers["location"]) == (303, f"{LIST}/{world.zuid.id}?done=save")
    debtor = await owes(world)
    assert debtor is not None
    party = debtor.party
    assert (party.name, party.street, party.postcode, party.city, party.located_in) == (
        "Zuid Telecom Holding B.V.", "Postbus 12", "3000 AA", "Rotterdam", "NL",
    )  # fmt: skip
    assert (party.email, party.vat_id, debtor.buyer_reference, debtor.payment_days) == (
        "crediteuren@zuid.example.com", "NL123456782B90", "PO 4711", 21,
    )  # fmt: skip
    assert (party.endpoint_scheme, party.endpoint_id) == ("0106", "12345678")
    shown = await page(fien, f"{LIST}/{world.zuid.id}?done=save")
    assert all(said in shown for said in ("Opgeslagen", "Postbus 12", 'value="NL123456782B90"', 'value="21"'))
    async with signed_in(world.zuid.owner) as owner:
        settings = (await open_page(owner, "/portal/settings/billing")).text
    assert all(said in settings for said in ("Hoe u zelf gefactureerd wordt", "Postbus 12", "crediteuren@zuid.example.com", "21 dagen"))


async def test_the_trail_says_who_changed_what(world: World, fien: httpx.AsyncClient) -> None:
    await save(world, fien, ALL)
    await save(world, fien, ALL | {"payment_days": "", "vat_id": ""}, "1")

    entries = await trail("billing_account")
    assert [(one["action"], one["actor"].startswith("staff:")) for one in entries] == [("insert", True), ("update", True)]
    assert '"payment_days": [21, null]' in entries[1]["changes"]
    assert '"vat_id": ["NL123456782B90", null]' in (await trail("tenant"))[-1]["changes"]


WRONG: list[tuple[dict[str, str], list[str]]] = [
    ({"street": "Postbus 12"}, ["postcode", "city"]),
    ({"city": "Rotterdam", "postcode": "3000 AA"}, ["street"]),
    (ADDRESS | {"country": ""}, ["country"]),
    ({"email": "geen adres"}, ["email"]),
    ({"vat_id": "NL1"}, ["vat_id"]),
    ({"endpoint_scheme": "0190", "endpoint_id": "12"}, ["endpoint_id"]),
    ({"endpoint_scheme": "9", "endpoint_id": "12"}, ["endpoint_scheme"]),
    ({"endpoint_id": "12345678"}, ["endpoint_scheme"]),
    ({"payment_days": "121"}, ["payment_days"]),
    ({"payment_days": "veel"}, ["payment_days"]),
    ({"buyer_reference": "x" * 101}, ["buyer_reference"]),
    ({"street": "x" * 5000, "postcode": "3000 AA", "city": "Rotterdam", "country": "NL"}, ["street"]),
]


@pytest.mark.parametrize(("typed", "wrong"), WRONG)
async def test_what_is_wrong_stands_at_its_field_and_nothing_is_changed_or_lost(
    world: World, fien: httpx.AsyncClient, typed: dict[str, str], wrong: list[str]
) -> None:
    before = await owes(world)

    refused = await save(world, fien, typed)

    assert refused.status_code == 422
    for name in wrong:
        assert f'id="{name}-error"' in refused.text, name
        assert f'href="#{name}"' in refused.text, name
    assert all(value in refused.text for value in typed.values())
    assert (await owes(world), await rows("SELECT 1 FROM billing_account")) == (before, [])


async def test_an_empty_form_bills_as_usual_and_the_country_alone_is_no_address(world: World, fien: httpx.AsyncClient) -> None:
    before = await owes(world)
    assert (await save(world, fien, ALL)).status_code == 303
    assert (await save(world, fien, {"country": "BE"}, "1")).status_code == 303
    now = await owes(world)
    assert before is not None
    assert now == before


async def test_who_read_an_older_version_is_told_and_overwrites_nothing(world: World, fien: httpx.AsyncClient) -> None:
    assert (await save(world, fien, ALL)).status_code == 303

    late = await save(world, fien, ALL | {"city": "Delft"})

    assert late.status_code == 409
    assert "Iemand anders heeft dit intussen gewijzigd" in late.text
    assert 'value="Delft"' in late.text
    assert (await rows("SELECT city, version FROM billing_account"))[0][:] == ("Rotterdam", 1)
    again = await save(world, fien, ALL, "")
    assert again.status_code == 422, "a form says which version it read"


async def test_desk_strangers_and_forms_from_elsewhere_are_kept_out(
    world: World, fien: httpx.AsyncClient, staff: SignsIn, stranger: httpx.AsyncClient
) -> None:
    one = f"{LIST}/{world.zuid.id}"
    desk = await staff(StaffRole.SERVICE_DESK)
    assert [(await desk.get(path)).status_code for path in (LIST, one)] == [403, 403]
    assert (await stranger.get(one)).headers["location"] == "/admin/"
    for token in ("", "0" * 64):
        assert (await fien.post(one, data={"csrf_token": token, "decision": "save", "version": "0"} | ALL)).status_code == 403
    for nobody in (world.noord.id, world.house, UUID(int=7)):
        assert (await fien.get(f"{LIST}/{nobody}")).status_code == 404
    assert await rows("SELECT 1 FROM billing_account") == []


async def test_what_waited_for_the_address_is_billed_when_it_is_entered(world: World, staff: SignsIn) -> None:
    zuid, last = world.zuid, date(2027, 1, 31)
    billed = "SELECT debtor_details ->> 'street' AS street FROM billing_invoice WHERE tenant = $1 AND layer = 'partner'"
    await ended.agreed(zuid, zuid.services["bound"], wished_on=last, early=True)
    await nobody_knows_where(world)
    await ended.over(last)
    assert await rows(billed, zuid.id) == []
    fien = await staff(StaffRole.FINANCE, name="fien")
    assert "er kan niets gefactureerd worden" in await page(fien, LIST)
    assert (await save(world, fien, {"payment_days": "14"})).status_code == 303, "the rest can be entered first"
    await outbox.drain()
    assert await rows(billed, zuid.id) == []

    assert (await save(world, fien, ALL, "1")).status_code == 303
    await outbox.drain()

    assert [row["street"] for row in await rows(billed, zuid.id)] == ["Postbus 12"]
    async with db.unit_of_work(STAFF_DOOR):
        assert [row for row in await parking.waiting() if row["customer"] is None] == []
    assert "compleet" in await page(fien, LIST)


async def test_a_partner_without_an_address_reads_that_it_has_none(world: World) -> None:
    await nobody_knows_where(world)
    async with signed_in(world.zuid.owner) as owner:
        assert "Er is geen adres van u bekend" in (await open_page(owner, "/portal/settings/billing")).text
    async with signed_in(world.noord.owner) as owner:
        assert "Hoe u zelf gefactureerd wordt" not in (await open_page(owner, "/portal/settings/billing")).text


async def test_two_at_once_are_one_after_the_other(world: World) -> None:
    async def enter(version: int, **wanted: Any) -> None:
        async with db.unit_of_work(STAFF_DOOR):
            await partner_accounts.enter(FINANCE, world.zuid.id, version, PartnerBilling(**wanted))

    await enter(0, payment_days=14)
    with pytest.raises(BillingDataChanged):
        await enter(0, payment_days=30)
    with pytest.raises(NotFound):
        async with db.unit_of_work(STAFF_DOOR):
            await partner_accounts.enter(FINANCE, world.noord.id, 0, PartnerBilling())
    assert [row["payment_days"] for row in await rows("SELECT payment_days FROM billing_account")] == [14]


async def test_half_an_address_or_one_of_a_customer_never_stands_in_the_table(world: World) -> None:
    for sql in (
        "INSERT INTO billing_account (id, tenant, street) VALUES (gen_random_uuid(), $1, 'Kade 1')",
        "INSERT INTO billing_account (id, tenant, customer, name) SELECT gen_random_uuid(), tenant, id, 'B' FROM customer WHERE tenant = $1 LIMIT 1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            async with db.unit_of_work(STAFF_DOOR):
                await db.execute(sql, world.zuid.id)
