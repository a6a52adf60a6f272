"""Invoices that wait for Xero go there together; each is there once, or stands on the list for a reason of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from billing.service.accounting import xero_batches, xero_words
from billing.service.accounting.port import AccountingRefuses, AccountingUnavailable
from partner_portal.infra import clock, settings
from tests.billing import at_books, at_xero, to_books, xero
from tests.billing.booked import carry, conflicts, link_of, rows
from tests.billing.money import issue, line
from tests.world import World

ALONE = {"papers": "none"}


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World) -> AsyncIterator[xero.FakeXero]:
    async with at_books.running("xero") as side:
        assert isinstance(side, xero.FakeXero)
        yield side


async def connect(there: xero.FakeXero, world: World, **options: str) -> None:
    tokens = f"{there.url.rsplit('/api', 1)[0]}/connect/token"
    await at_books.connect(there, world, options={"token_url": tokens, **options})
    await carry()


async def bills(world: World, count: int, *, first: int = 1000) -> list[UUID]:
    whose = [world.noord.customers["bakery"], world.noord.customers["private"]]
    return [await issue(world.noord.id, whose[nth % 2], [line(first + nth)]) for nth in range(count)]


def asked(there: xero.FakeXero, method: str, place: str = "Invoices") -> list[int]:
    """How many objects each such question held (of GET: numbers)."""
    found = [one for one in there.done(method, f"/{place}") if one.path.endswith(place)]
    return [len(one.json[place]) if method == "PUT" else len(one.query.get("InvoiceNumbers", "").split(",")) for one in found]


async def states() -> dict[str, int]:
    return {
        row["state"]: row["n"]
        for row in await rows("SELECT state, count(*) AS n FROM billing_accounting_link WHERE what = 'document' GROUP BY 1")
    }


async def test_many_invoices_go_in_a_few_questions_each_once(world: World, there: xero.FakeXero) -> None:
    await connect(there, world, **ALONE)
    await bills(world, 12)
    await carry()

    assert (await states(), await conflicts(), len(there.things["Invoices"])) == ({"sent": 12}, [], 12)
    assert sorted(asked(there, "PUT")) == [6, 6], "those of one debtor at a time, as the other is not there yet"
    await bills(world, 8, first=2000)
    await carry()
    assert sorted(asked(there, "PUT")) == [6, 6, 8]
    assert asked(there, "GET") == asked(there, "PUT")
    assert there.files == {}


async def test_with_papers_fewer_go_together_and_each_has_its_own(world: World, there: xero.FakeXero) -> None:
    await connect(there, world)
    whose = world.noord.customers["bakery"]
    for nth in range(12):
        await issue(world.noord.id, whose, [line(1000 + nth)])
    await carry()

    assert (await states(), sorted(asked(there, "PUT"))) == ({"sent": 12}, [2, 5, 5])
    assert sorted(there.files) == [f"HUIS-F2026-{nth:06d}.xml" for nth in range(1, 13)]


async def test_what_is_wrong_with_one_hinders_no_other(world: World, there: xero.FakeXero) -> None:
    await connect(there, world, **ALONE)
    first, *rest = await bills(world, 1) + [await issue(world.noord.id, world.noord.customers["bakery"]) for _nth in range(4)]
    wrong = await issue(world.noord.id, world.noord.customers["bakery"], [line(-500)])
    await carry()

    (conflict,) = await conflicts()
    assert (conflict["why"], conflict["detail"]) == ("refused", "The total amount must be greater than or equal to zero")
    assert (await link_of(wrong))["state"] == "stuck"
    assert {(await link_of(one))["state"] for one in (first, *rest)} == {"sent"}
    assert asked(there, "PUT") == [6]


async def test_what_stands_there_otherwise_is_a_conflict_of_its_own_and_what_is_there_is_found(world: World, there: xero.FakeXero) -> None:
    await connect(there, world, **ALONE)
    await carry()
    made = [await issue(world.noord.id, world.noord.customers["bakery"]) for _nth in range(4)]
    template = await _typed_there(there, "HUIS-F2026-000002", 9999)
    await _typed_there(there, "HUIS-F2026-000003", 1000)
    await carry()

    (conflict,) = await conflicts()
    assert (conflict["why"], conflict["about"], (await link_of(made[1]))["state"]) == ("differs", "HUIS-F2026-000002", "stuck")
    assert (await states(), len(there.things["Invoices"])) == ({"sent": 3, "stuck": 1}, 4)
    assert template["InvoiceNumber"] == "HUIS-F2026-000002"


async def _typed_there(there: xero.FakeXero, number: str, cents: int) -> dict[str, Any]:
    contact = there._put("Contacts", {"Name": number, "Addresses": []})
    told = xero_words.document_told(
        to_books.document(to_books.line(cents, code=xero.HIGH, ledger=xero.SALES), contact=contact["ContactID"], number=number)
    )
    return there._put("Invoices", told)


async def test_an_answer_for_many_that_got_lost_makes_none_of_them_twice(world: World, there: xero.FakeXero) -> None:
    await connect(there, world, **ALONE)
    await bills(world, 2)
    await carry()
    await bills(world, 8, first=2000)
    there.lost = 1
    with settings.use(accounting_seconds=1):
        for _attempt in range(4):
            await carry(ahead=timedelta(hours=1))
            clock.set_to(clock.now() + timedelta(hours=1))

    assert (await states(), await conflicts(), len(there.things["Invoices"]), there.lost) == ({"sent": 10}, [], 10, 0)


@pytest.mark.parametrize("status", [400, 500])
async def test_a_question_that_fails_as_a_whole_counts_for_its_first_only(world: World, there: xero.FakeXero, status: int) -> None:
    await connect(there, world, **ALONE)
    await bills(world, 2)
    await carry()
    made = await bills(world, 4, first=2000)
    there.fails(status, b'{"Message": "odd"}')
    for _attempt in range(3):
        await carry(ahead=timedelta(hours=1))
        clock.set_to(clock.now() + timedelta(hours=1))

    assert (await states(), await conflicts(), len(there.things["Invoices"])) == ({"sent": 6}, [], 6)
    assert {(await link_of(one))["attempts"] for one in made} == {0}


async def test_what_waits_longer_or_for_something_else_does_not_go_along(world: World, there: xero.FakeXero) -> None:
    await connect(there, world, **ALONE)
    await bills(world, 2)
    await carry()
    one, other = await bills(world, 2, first=2000)
    there.fails(503)
    there.fails(503)
    await carry()
    waiting = await rows("SELECT subject, attempts FROM billing_accounting_link WHERE state = 'waiting'")

    assert sorted(row["attempts"] for row in waiting) in ([0, 1], [1, 1])
    assert {row["subject"] for row in waiting} == {one, other}


def test_no_more_go_together_than_fit_in_the_question_and_in_the_answer() -> None:
    plain = to_books.document(to_books.line(100), contact="Contacts/1")

    def many(count: int, **more: Any) -> list[Any]:
        return [msgspec.structs.replace(plain, **{"number": f"HUIS-F2026-{nth:06d}", **more}) for nth in range(count)]

    long = to_books.document(*(to_books.line(1, position=nth) for nth in range(1, 401)), contact="Contacts/1")
    assert len(xero_batches.portion(many(80))) == 50
    assert len(xero_batches.portion(many(50, number="N" * 100))) == 14
    assert len(xero_batches.portion([long] * 4)) == 2
    assert len(xero_batches.portion([msgspec.structs.replace(long, lines=long.lines * 9)])) == 1
    assert [one.number for one in xero_batches.portion([plain, msgspec.structs.replace(plain, number="a,b"), plain])] == [plain.number]


async def test_a_number_that_would_change_the_question_is_not_asked(there: xero.FakeXero) -> None:
    odd = to_books.document(to_books.line(100), contact="Contacts/1", number="A,B")

    with pytest.raises(AccountingRefuses, match="cannot be looked for"):
        await at_xero.adapter(there).several([odd])
    assert there.asked == []


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"Invoices": [1]}', b'{"Invoices": [{"InvoiceNumber": "A"}]}', b"\xff"])
def test_an_answer_for_many_that_cannot_be_read_is_none(answer: bytes) -> None:
    with pytest.raises(AccountingUnavailable):
        xero_batches.outcomes(answer)
