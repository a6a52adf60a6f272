"""A partner reads what was paid by its API: filtered, page by page, and each payment with what it settled."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from billing.policy.money_in import Source
from billing.service import payments
from billing.service.payments import Back, Debtor, Receipt
from partner_portal.infra import db
from tenants.policy import Scope
from tests.attack.intruder import key_client
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World

PATH = "/api/v1/payments"


class Paid:
    """What the partner's customers paid: `half` of an invoice of 121.00, `more` than the other half, and `old` of somebody else on account."""

    invoice: UUID
    half: UUID
    more: UUID
    old: UUID


async def book(world: World, customer: str, cents: int, on: date, *invoices: UUID, source: Source = Source.STATEMENT) -> UUID:
    debtor = Debtor(world.noord.id, world.noord.customers[customer], world.house)
    async with db.unit_of_work(STAFF_DOOR):
        return await payments.book(
            FINANCE,
            Receipt(
                debtor=debtor, source=source, source_key=str(uuid4()), amount_cents=cents, received_on=on, invoices=invoices, note="intern"
            ),
        )


@pytest_asyncio.fixture(loop_scope="session")
async def paid(world: World) -> Paid:
    made = Paid()
    made.invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    made.half = await book(world, "bakery", 6050, date(2026, 11, 20), made.invoice)
    made.more = await book(world, "bakery", 7000, date(2026, 11, 22), made.invoice, source=Source.GATEWAY)
    made.old = await book(world, "private", 500, date(2026, 10, 1))
    return made


async def listed(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    answer = await client.get(PATH, params=asked)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def test_the_list_is_filtered_and_sorted(world: World, noord: httpx.AsyncClient, paid: Paid) -> None:
    half, more, old = str(paid.half), str(paid.more), str(paid.old)

    assert await listed(noord) == [more, half, old]
    assert await listed(noord, sort="received") == [old, half, more]
    assert await listed(noord, customer=str(world.noord.customers["private"])) == [old]
    assert await listed(noord, invoice=str(paid.invoice)) == [more, half]
    assert await listed(noord, source="gateway") == [more]
    assert await listed(noord, received_from="2026-11-20", received_until="2026-11-21") == [half]
    assert await listed(noord, on_account="true") == [more, old]
    assert await listed(noord, own="true") == []
    row = (await noord.get(PATH)).json()["items"][0]
    assert row == {
        "id": more,
        "customer_id": str(world.noord.customers["bakery"]),
        "customer_number": row["customer_number"],
        "debtor": "Bakkerij De Korst",
        "source": "gateway",
        "method": "transfer",
        "amount": {"amount": "70.00", "currency": "EUR"},
        "received_on": "2026-11-22",
        "on_account": {"amount": "9.50", "currency": "EUR"},
        "reverses": None,
    }


async def test_page_by_page_nothing_is_left_out_or_seen_twice(world: World, noord: httpx.AsyncClient, paid: Paid) -> None:
    same_day = [str(await book(world, "private", 100 + nth, date(2026, 11, 20))) for nth in range(5)]
    found, after = [], None
    while True:
        asked = {"limit": 2} | ({"after": after} if after else {})
        page = (await noord.get(PATH, params=asked)).json()
        found += [row["id"] for row in page["items"]]
        if not (after := page["next"]):
            break

    assert sorted(found) == sorted([*same_day, str(paid.half), str(paid.more), str(paid.old)])
    assert len(found) == len(set(found))
    first = (await noord.get(PATH, params={"limit": 2})).json()["next"]
    assert (await noord.get(PATH, params={"after": first, "source": "gateway"})).status_code == 422, "a cursor of another filter"


async def test_one_payment_says_what_it_settled_and_what_went_back(noord: httpx.AsyncClient, paid: Paid) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        back = Back(payment=paid.half, source=Source.STATEMENT, source_key="terug", on=date(2026, 11, 22), amount_cents=1000)
        gone = await payments.charge_back(FINANCE, back)

    one = (await noord.get(f"{PATH}/{paid.half}")).json()

    assert [(row["invoice_id"], row["amount"]["amount"]) for row in one["allocations"]] == [
        (str(paid.invoice), "60.50"),
        (str(paid.invoice), "-10.00"),
    ]
    assert [(row["id"], row["amount"]["amount"], row["on"]) for row in one["went_back"]] == [(str(gone), "-10.00", "2026-11-22")]
    reversal = (await noord.get(f"{PATH}/{gone}")).json()
    assert (reversal["reverses"], reversal["amount"]["amount"], reversal["allocations"]) == (str(paid.half), "-10.00", [])
    assert "intern" not in str(one), "what staff noted is staff's"


@pytest.mark.usefixtures("noord")
async def test_it_is_nobody_elses(world: World, zuid: httpx.AsyncClient, stranger: httpx.AsyncClient, paid: Paid) -> None:
    assert await listed(zuid) == []
    assert await listed(zuid, invoice=str(paid.invoice)) == []
    assert (await zuid.get(f"{PATH}/{paid.half}")).status_code == 404
    assert (await stranger.get(PATH)).status_code == 401
    async with await key_client(world.noord, Scope.READ) as key:
        assert (await key.get(f"{PATH}/{paid.half}")).status_code == 200


@pytest.mark.parametrize("asked", [{"sort": "amount"}, {"source": "kas"}, {"received_from": "morgen"}, {"after": "x"}, {"limit": "0"}])
async def test_what_makes_no_sense_is_said(noord: httpx.AsyncClient, asked: dict[str, str]) -> None:
    assert (await noord.get(PATH, params=asked)).status_code in {400, 422}
