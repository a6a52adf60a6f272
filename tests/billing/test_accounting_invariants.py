"""What must never be between our books and the package's is found when it is; and what operators ask by the command line is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from billing.service.accounting import chosen, smoke
from billing.service.accounting.connections import Connection
from partner_portal import invariants, invariants_billing
from partner_portal.infra import clock, db
from tests.billing import booked
from tests.billing.booked import carry, connect, look
from tests.billing.books import Books, Failure
from tests.billing.money import issue
from tests.world import STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session")
async def there(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with booked.package(monkeypatch) as package:
        yield package


@pytest_asyncio.fixture(loop_scope="session")
async def connection(world: World, there: Books) -> Connection:
    """An invoice is there, and hours have passed since."""
    made = await connect(there, world.house)
    await issue(world.noord.id, world.noord.customers["bakery"])
    await carry()
    clock.set_to(clock.now() + timedelta(hours=5))
    await look(made)
    clock.set_to(clock.now() + timedelta(hours=5))
    return made


async def broken() -> set[str]:
    async with db.unit_of_work(STAFF_DOOR):
        return {breach.rule for breach in await invariants.breaches_of(invariants_billing.RULES)}


PLANTED = {
    "an invoice without a link": (
        "UPDATE billing_accounting_link SET subject = gen_random_uuid() WHERE what = 'document'",
        "what is issued is in the issuer's books, or on its way there",
    ),
    "a link that waits in vain": (
        "UPDATE billing_accounting_link SET state = 'waiting', due_at = wanted_at WHERE what = 'document'",
        "what is issued is in the issuer's books, or on its way there",
    ),
    "a link that nobody sees": (
        "UPDATE billing_accounting_link SET state = 'stuck' WHERE what = 'contact'",
        "what cannot go to the books is on the list of conflicts",
    ),
    "a connection that nobody looks at": (
        "UPDATE billing_accounting_connection SET synced_at = synced_at - interval '2 days', made_at = made_at - interval '3 days'",
        "accounting in use is looked at",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.breaks_the_books
@pytest.mark.usefixtures("connection")
async def test_each_breach_is_found(planted: str) -> None:
    change, rule = PLANTED[planted]
    assert await broken() == set()

    async with db.unit_of_work(STAFF_DOOR):
        assert not (await db.execute(change)).endswith(" 0")

    assert rule in await broken()


async def test_a_look_at_the_package_itself_says_what_is_wrong_and_writes_nothing(there: Books, connection: Connection) -> None:
    before = len([one for one in there.asked if one.method != "GET"])
    async with db.unit_of_work(STAFF_DOOR):
        report = await smoke.run(connection, writes=False)

    assert [(step.is_good, step.said) for step in report.steps] == [
        (True, "plain opens: Proefadministratie"),
        (False, "ledger accounts: not there: money = 1100, product:hosting = 8020, usage = 8010"),
        (False, "VAT codes: not there: AE = verlegd, O = geen, S:NL:9 = laag"),
        (True, "news: 0 payments, 2 changes"),
        (True, "HUIS-F2026-000001 is there"),
    ]
    assert len([one for one in there.asked if one.method != "GET"]) == before


async def test_with_leave_to_write_a_debtor_for_tests_is_there_once(there: Books, connection: Connection) -> None:
    for _time in range(2):
        async with db.unit_of_work(STAFF_DOOR):
            report = await smoke.run(connection, writes=True)
        assert report.steps[-1].is_good

    assert [one["name"] for one in there.kept["contact"].values()].count("Portal smoke test") == 1


@pytest.mark.parametrize("status", [401, 500])
async def test_a_package_that_does_not_open_is_one_line(there: Books, connection: Connection, status: int) -> None:
    there.failures = [Failure(status=status, times=5)]
    async with db.unit_of_work(STAFF_DOOR):
        report = await smoke.run(connection, writes=True)

    assert (len(report.steps), report.is_good) == (1, False)


async def test_a_connection_whose_package_is_no_longer_known_is_one_line(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "PACKAGES", {})
    async with db.unit_of_work(STAFF_DOOR):
        report = await smoke.run(connection, writes=False)

    assert [step.said for step in report.steps] == ["package-unknown: package-unknown(package=plain)"]
