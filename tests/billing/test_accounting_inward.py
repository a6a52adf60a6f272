"""What was paid and changed at the accounting package comes home once; what does not fit stands on the list until a person decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from billing.policy.accounting import Decision
from billing.service.accounting import connections, deciding, inward, sweeping
from billing.service.accounting.connections import Connection
from billing.service.accounting.deciding import ConflictSolved, NotToBeDecided
from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from tests.billing import booked
from tests.billing.booked import carry, conflicts, connect, link_of, look, rows
from tests.billing.books import Books, Failure
from tests.billing.money import issue, pay
from tests.world import FINANCE, STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with booked.package(monkeypatch) as package:
        yield package


@pytest_asyncio.fixture(loop_scope="session")
async def connection(world: World, there: Books) -> Connection:
    return await connect(there, world.house)


@pytest_asyncio.fixture(loop_scope="session")
async def invoice(world: World, connection: Connection) -> UUID:
    """EUR 12.10 of the bakery, which is at the package."""
    made = await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    return made


async def remote(invoice: UUID) -> str:
    """The invoice's id there."""
    found: str = (await link_of(invoice))["remote_id"]
    return found


async def open_cents(invoice: UUID) -> int:
    """What is open of it here."""
    found: int = (await rows("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice))[0]["open_cents"]
    return found


async def booked_here() -> list[tuple[int, str]]:
    """Payments that the package told of."""
    found = await rows("SELECT amount_cents, received_on::text AS day FROM billing_payment WHERE source = 'accounting' ORDER BY booked_at")
    return [(row["amount_cents"], row["day"]) for row in found]


async def decide(decision: Decision, reason: str = "") -> None:
    """The one open conflict is solved so."""
    (conflict,) = await conflicts()
    async with db.unit_of_work(STAFF_DOOR):
        await deciding.decide(FINANCE, conflict["id"], decision, reason)


async def test_what_was_paid_there_is_booked_here_once_and_not_told_back(connection: Connection, there: Books, invoice: UUID) -> None:
    there.pay(await remote(invoice), 1210, "2026-11-20")
    await look(connection)
    async with db.unit_of_work(STAFF_DOOR):  # all of it is told once more
        await db.execute("UPDATE billing_accounting_connection SET cursor = NULL")
    await look(connection)

    assert await booked_here() == [(1210, "2026-11-20")]
    assert await open_cents(invoice) == 0
    assert len(there.kept["payment"]) == 1
    assert await conflicts() == []


async def test_what_we_wrote_there_is_not_booked_again(connection: Connection, there: Books, invoice: UUID) -> None:
    await pay(invoice, 1210)
    await look(connection)
    await look(connection)

    assert [one["cents"] for one in there.kept["payment"].values()] == [1210]
    assert await booked_here() == []


async def test_payments_of_documents_that_are_none_of_ours_are_left_alone(connection: Connection, there: Books, invoice: UUID) -> None:
    other = there.store("document", {"key": "from the shop", "number": "W-1", "gross": 5000})
    there.pay(other["id"], 5000)
    await look(connection)

    assert (await booked_here(), await conflicts()) == ([], [])
    assert await open_cents(invoice) == 1210


@pytest.mark.parametrize(
    ("given", "why"),
    [({"cents": 2000}, "paid more"), ({"cents": 1210, "currency": "USD"}, "currency"), ({"cents": -500}, "taken back")],
    ids=["more than open", "dollars", "below zero"],
)
async def test_what_does_not_fit_is_not_booked_and_told_once(
    connection: Connection, there: Books, invoice: UUID, given: dict[str, Any], why: str
) -> None:
    there.pay(await remote(invoice), **given)
    await look(connection)
    await look(connection)
    (conflict,) = await conflicts()

    assert (conflict["why"], conflict["about"]) == (why, "HUIS-F2026-000001")
    assert (await booked_here(), await open_cents(invoice)) == ([], 1210)

    await decide(Decision.LEAVE, "Dat is een ander")
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_accounting_connection SET cursor = NULL")
    await look(connection)
    assert await conflicts() == []


async def test_more_than_is_open_is_booked_when_a_person_says_so_and_the_rest_is_on_account(
    connection: Connection, there: Books, invoice: UUID
) -> None:
    there.pay(await remote(invoice), 2000)
    await look(connection)
    await decide(Decision.THEIRS)

    assert (await booked_here(), await open_cents(invoice)) == ([(2000, "2026-11-22")], 0)
    with pytest.raises(ConflictSolved):
        async with db.unit_of_work(STAFF_DOOR):
            (row,) = await db.fetch("SELECT id FROM billing_accounting_conflict")
            await deciding.decide(FINANCE, row["id"], Decision.THEIRS)


async def test_a_payment_that_was_removed_there_is_taken_back_here_when_a_person_says_so(
    connection: Connection, there: Books, invoice: UUID
) -> None:
    payment = there.pay(await remote(invoice), 1210)
    await look(connection)
    there.remove("payment", payment["id"])
    await look(connection)
    (conflict,) = await conflicts()
    assert (conflict["why"], await open_cents(invoice)) == ("payment gone", 0)

    await decide(Decision.THEIRS)

    assert (await open_cents(invoice), [cents for cents, _day in await booked_here()]) == (1210, [1210, -1210])


async def test_a_payment_whose_sum_changed_there_is_told_and_booked_no_second_time(
    connection: Connection, there: Books, invoice: UUID
) -> None:
    payment = there.pay(await remote(invoice), 1000)
    await look(connection)
    there.alter("payment", payment["id"], cents=900)
    await look(connection)

    assert [one["why"] for one in await conflicts()] == ["payment changed"]
    assert [cents for cents, _day in await booked_here()] == [1000]


async def test_a_payment_of_ours_that_was_removed_there_can_be_sent_again(connection: Connection, there: Books, invoice: UUID) -> None:
    await pay(invoice, 1210)
    await look(connection)
    there.remove("payment", next(iter(there.kept["payment"])))
    await look(connection)
    assert [one["why"] for one in await conflicts()] == ["gone"]

    await decide(Decision.AGAIN)
    await carry()

    assert [one["cents"] for one in there.kept["payment"].values()] == [1210]


@pytest.mark.parametrize("silently", [False, True], ids=["with news", "without a word"])
async def test_an_invoice_that_was_removed_there_is_noticed_and_can_be_sent_again(
    connection: Connection,
    there: Books,
    invoice: UUID,
    silently: bool,  # noqa: FBT001  # a parameter
) -> None:
    there.remove("document", await remote(invoice), silently=silently)
    await look(connection)
    await look(connection)
    assert [one["why"] for one in await conflicts()] == ["gone"]

    await decide(Decision.AGAIN)
    await carry()

    assert [one["number"] for one in there.kept["document"].values()] == ["HUIS-F2026-000001"]
    assert (await link_of(invoice))["state"] == "sent"


async def test_an_invoice_that_was_changed_there_is_compared_until_it_is_as_ours(
    connection: Connection, there: Books, invoice: UUID
) -> None:
    there.alter("document", await remote(invoice), gross=999)
    await look(connection)
    (conflict,) = await conflicts()
    assert (conflict["why"], '"EUR 9.99"' in conflict["theirs"]) == ("changed", True)

    await decide(Decision.AGAIN)
    await carry()
    assert [one["why"] for one in await conflicts()] == ["changed"]

    there.alter("document", await remote(invoice), gross=1210)
    await decide(Decision.AGAIN)
    await carry()
    await look(connection)

    assert (await conflicts(), (await link_of(invoice))["state"]) == ([], "sent")


async def test_what_was_left_as_it_is_is_told_again_only_when_it_changes_again(connection: Connection, there: Books, invoice: UUID) -> None:
    there.alter("document", await remote(invoice), number="F-1")
    await look(connection)
    with pytest.raises(Invalid):
        await decide(Decision.LEAVE, " ")
    await decide(Decision.LEAVE, "Eigen nummer van het pakket")
    await look(connection)
    assert await conflicts() == []

    there.alter("document", await remote(invoice), number="F-2")
    await look(connection)
    assert len(await conflicts()) == 1


async def test_what_is_no_way_to_solve_it_is_refused_and_a_partner_decides_nothing(
    world: World, connection: Connection, there: Books, invoice: UUID
) -> None:
    there.remove("document", await remote(invoice))
    await look(connection)

    with pytest.raises(NotToBeDecided):
        await decide(Decision.THEIRS)
    (conflict,) = await conflicts()
    with pytest.raises(NotAllowed):
        async with db.unit_of_work(STAFF_DOOR):
            await deciding.decide(world.noord.actor, conflict["id"], Decision.AGAIN)


async def test_a_package_that_does_not_answer_is_noted_and_asked_again_from_where_it_was(
    connection: Connection, there: Books, invoice: UUID
) -> None:
    await look(connection)
    (before,) = await rows("SELECT cursor FROM billing_accounting_connection")
    there.pay(await remote(invoice), 1210)
    there.failures = [Failure(status=503)]
    await look(connection)
    (row,) = await rows("SELECT cursor, last_error FROM billing_accounting_connection")
    assert (row["cursor"], row["last_error"]) == (before["cursor"], "503")

    await look(connection)

    (row,) = await rows("SELECT last_error FROM billing_accounting_connection")
    assert (row["last_error"], len(await booked_here())) == (None, 1)


async def test_many_news_are_heard_page_by_page(connection: Connection, there: Books, invoice: UUID) -> None:
    there_id = await remote(invoice)
    for _nth in range(605):
        there.pay(there_id, 2)
    await look(connection)

    assert len(await booked_here()) == 605
    assert await open_cents(invoice) == 0


async def test_another_issuer_cannot_look_through_our_connection(world: World, connection: Connection) -> None:
    with pytest.raises(NotFound):
        async with db.unit_of_work(STAFF_DOOR):
            await inward.look(world.zuid.id, connection.id)


async def test_documents_that_no_event_told_of_are_found_by_looking(
    world: World, there: Books, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "MOST", 2)
    made = [await issue(world.noord.id, world.noord.customers["bakery"]) for _nth in range(5)]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("DELETE FROM infra_outbox")
    for _time in range(3):
        await look(connection)

    assert len(there.kept["document"]) == len(made)


async def test_what_was_given_up_by_the_outbox_is_found_and_sent(world: World, there: Books, connection: Connection) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE infra_outbox SET dead_at = now() WHERE handler LIKE 'billing.jobs.accounting.%' AND done_at IS NULL")
        await connections.catch_up(FINANCE, connection.id, clock.today())
    await carry()

    assert (await link_of(invoice))["state"] == "sent"
