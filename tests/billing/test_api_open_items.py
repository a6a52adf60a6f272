"""What is open, as software and a customer's own people read it: to the cent, page by page, and no more than their own."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from pypdf import PdfReader

from billing.policy.ledger import Kind, Layer
from billing.policy.reminding import Held
from billing.service import holds
from partner_portal.infra import clock, db
from tests.billing.money import issue, line, pay
from tests.tenants import people
from tests.world import FINANCE, STAFF_DOOR, World

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")


@pytest_asyncio.fixture(loop_scope="session")
async def baker(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The bakery's main contact, signed in."""
    async with people.signed_in(await people.main_user(world.noord)) as client:
        yield client


async def owed(world: World) -> dict[str, UUID]:
    """Noord's bakery owes something for long, for a while and not yet; the consumer for a while; a credit note and what was paid are no debts."""
    bakery, private = (world.noord.customers[name] for name in ("bakery", "private"))
    made = {"old": await issue(world.noord.id, bakery, [line(1000)])}
    clock.set_to(clock.now() + timedelta(days=100))
    made |= {"late": await issue(world.noord.id, bakery, [line(2000)]), "private": await issue(world.noord.id, private, [line(90_000)])}
    clock.set_to(clock.now() + timedelta(days=45))
    made |= {"new": await issue(world.noord.id, bakery, [line(3000)]), "paid": await issue(world.noord.id, bakery, [line(4000)])}
    await pay(made["paid"], 4840)
    made["credit"] = await issue(
        world.noord.id, bakery, [line(500)], kind=Kind.CREDIT_NOTE, refers_to=made["paid"], reason="Te veel berekend"
    )
    await issue(world.zuid.id, world.zuid.customers["bakery"], [line(7700)])
    return made


async def asked(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(client: httpx.AsyncClient, query: str = "", at: str = "open-items") -> list[str]:
    return [item["id"] for item in (await asked(client, f"{at}{query}"))["items"]]


async def test_items_come_oldest_first_page_by_page(world: World, noord: httpx.AsyncClient) -> None:
    made = await owed(world)

    first = await asked(noord, "open-items?limit=3")
    rest = await asked(noord, f"open-items?limit=3&after={first['next']}")

    seen = [item["id"] for item in first["items"] + rest["items"]]
    assert (seen[0], seen[-1], len(first["items"]), rest["next"]) == (str(made["old"]), str(made["new"]), 3, None)
    assert set(seen) == {str(made[name]) for name in ("old", "late", "private", "new")}


async def test_an_item_says_how_old_it_is_and_how_far_its_reminders_are(world: World, noord: httpx.AsyncClient) -> None:
    made = await owed(world)
    async with db.unit_of_work(STAFF_DOOR):
        await holds.on_invoice(FINANCE, made["old"], Held.DISPUTED)

    old, late = (await asked(noord, f"open-items?customer={world.noord.customers['bakery']}"))["items"][:2]

    assert (old["age"], old["days_overdue"], old["held"], old["reminded"]) == ("over 90", 115, "disputed", None)
    assert (late["age"], late["days_overdue"], late["held"]) == ("1-30", 15, None)
    assert (old["total"], old["open"], old["customer_number"]) == ({"amount": "12.10", "currency": "EUR"},) * 2 + ("NRD-C-00001",)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?age=overdue", {"old", "late", "private"}),
        ("?age=over+90", {"old"}),
        ("?age=not+due", {"new"}),
        ("?q=bakk", {"old", "late", "new"}),
        ("?q=NRD-C-00002", {"private"}),
        ("?whose=own", set()),
        ("?q=%25", set()),
    ],
)
async def test_items_are_found_by_age_words_and_debtor(world: World, noord: httpx.AsyncClient, query: str, expected: set[str]) -> None:
    made = await owed(world)

    assert set(await ids(noord, query)) == {str(made[name]) for name in expected}


async def test_sums_by_age_add_up_to_the_items(world: World, noord: httpx.AsyncClient) -> None:
    await owed(world)

    all_of_it = await asked(noord, "open-items/ageing")
    one = await asked(noord, f"open-items/ageing?customer={world.noord.customers['private']}")

    assert [(age["age"], age["amount"]["amount"], age["items"]) for age in all_of_it["ages"]] == [
        ("not due", "36.30", 1),
        ("1-30", "24.20", 1),
        ("31-60", "1089.00", 1),
        ("61-90", "0.00", 0),
        ("over 90", "12.10", 1),
    ]
    assert [all_of_it[name]["amount"] for name in ("total", "overdue", "in_favour", "balance")] == ["1161.60", "1125.30", "6.05", "1155.55"]
    assert one["total"]["amount"] == "1089.00"


async def test_debtors_come_with_what_is_overdue_page_by_page_in_any_order(world: World, noord: httpx.AsyncClient) -> None:
    await owed(world)

    first = await asked(noord, "open-items/debtors?limit=1")
    second = await asked(noord, f"open-items/debtors?limit=1&after={first['next']}")
    by_age = await asked(noord, "open-items/debtors?sort=oldest")

    (private,), (bakery,) = first["items"], second["items"]
    assert (private["customer_number"], private["overdue"]["amount"]) == ("NRD-C-00002", "1089.00")
    assert [bakery[name]["amount"] for name in ("total", "overdue")] == ["72.60", "36.30"]
    assert second["next"] is None
    assert [one["customer_id"] for one in by_age["items"]] == [bakery["customer_id"], private["customer_id"]]


async def test_what_a_partner_owes_itself_stands_apart_from_what_its_customers_owe(world: World, zuid: httpx.AsyncClient) -> None:
    await issue(world.zuid.id, world.zuid.customers["bakery"], [line(1000)])
    own = await issue(world.zuid.id, None, [line(2000)], layer=Layer.PARTNER)

    assert await ids(zuid, "?whose=own") == [str(own)]
    assert len(await ids(zuid)) == 1
    (debtor,) = (await asked(zuid, "open-items/debtors?whose=own"))["items"]
    assert (debtor["customer_id"], debtor["debtor"], debtor["total"]["amount"]) == (None, "Zuid Telecom", "24.20")
    told = await asked(zuid, "statement")
    assert (told["customer_id"], told["recipient"][0], told["ageing"]["balance"]["amount"]) == (None, "Zuid Telecom B.V.", "24.20")


async def test_a_statement_says_in_json_what_the_letter_says(world: World, noord: httpx.AsyncClient) -> None:
    made = await owed(world)

    told = await asked(noord, f"customers/{world.noord.customers['bakery']}/statement")
    letter = await noord.get(told["pdf"])

    assert [item["id"] for item in told["items"]] == [str(made[name]) for name in ("old", "late", "new")]
    assert [told["ageing"][name]["amount"] for name in ("total", "in_favour", "balance")] == ["72.60", "6.05", "66.55"]
    assert letter.headers["content-type"] == "application/pdf"
    words = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(letter.content)).pages)
    assert "66,55" in words
    assert all(item["number"] in words for item in told["items"])


async def test_a_contact_reads_its_own_organisations_and_not_why_the_provider_waits(world: World, baker: httpx.AsyncClient) -> None:
    made = await owed(world)
    async with db.unit_of_work(STAFF_DOOR):
        await holds.on_invoice(FINANCE, made["old"], Held.DISPUTED)

    items = (await asked(baker, "own/open-items"))["items"]
    told = await asked(baker, "own/statement")
    letter = await baker.get(told["pdf"])

    assert [item["id"] for item in items] == [str(made[name]) for name in ("old", "late", "new")]
    assert {item["held"] for item in items} == {None}
    assert await ids(baker, "?age=overdue", at="own/open-items") == [str(made["old"]), str(made["late"])]
    assert (told["ageing"]["balance"]["amount"], letter.status_code) == ("66.55", 200)
    assert (await baker.get("/api/v1/open-items")).status_code == 403


@pytest.mark.parametrize(
    "query", ["?age=ancient", "?whose=everybody", "?customer=none", "?after=x", "?limit=0", "?unknown=1", "/debtors?sort=name"]
)
async def test_what_makes_no_sense_is_said_at_its_parameter(world: World, noord: httpx.AsyncClient, query: str) -> None:
    answer = await noord.get(f"/api/v1/open-items{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_another_partners_customer_has_no_statement_here(world: World, zuid: httpx.AsyncClient) -> None:
    await owed(world)
    bakery = world.noord.customers["bakery"]

    for path in (f"customers/{bakery}/statement", f"customers/{bakery}/statement.pdf"):
        assert (await zuid.get(f"/api/v1/{path}")).status_code == 404
    assert await ids(zuid, f"?customer={bakery}") == []
