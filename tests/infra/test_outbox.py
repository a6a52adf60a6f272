"""Events leave with their transaction, reach each handler, and are never lost, doubled or silently given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import Problem, Refused, Unavailable
from partner_portal.kernel.events import Event
from tests.infra.conftest import NOORD, ZUID, as_tenant

STAFF = db.Principal(db.Door.STAFF, actor="staff:test")


class Rung(Event, frozen=True, kw_only=True):
    """A bell was rung."""

    bell: str


class Unheard(Event, frozen=True, kw_only=True):
    """Nobody listens to this."""


class Stumbled(Unavailable):
    """A handler could not do its work now."""


class NeverWill(Refused):
    """A handler will never do this work, however often it is tried."""


class Heard:
    """What the handlers did, and how often they shall fail first."""

    def __init__(self) -> None:
        self.bells: list[str] = []
        self.fail = 0
        self.slow = 0.0
        self.error: type[Problem] = Stumbled

    async def write(self, bell: str) -> None:
        """Leaves a row, then fails if it shall: what a handler wrote must be gone with its failure."""
        await db.execute(
            "INSERT INTO infra_counter (tenant, series, last) VALUES ($1, $2, 1)", db.current().principal.tenant, f"bell {bell}"
        )
        await asyncio.sleep(self.slow)
        if self.fail:
            self.fail -= 1
            raise self.error(bell=bell)
        self.bells.append(bell)


_heard = Heard()


async def listen(event: Rung) -> None:
    await _heard.write(event.bell)


async def listen_too(event: Rung) -> None:
    _heard.bells.append(f"{event.bell} too")


@outbox.through_staff_door
async def watch(event: Rung) -> None:
    _heard.bells.append(f"{event.bell} by {db.current().principal.door.value}")


@pytest_asyncio.fixture(loop_scope="session")
async def heard(database: settings.Settings) -> AsyncIterator[Heard]:  # must be there first
    """Handlers that listen, and nothing waiting."""
    _heard.__init__()  # type: ignore[misc]
    async with db.unit_of_work(STAFF):
        await db.execute("DELETE FROM infra_outbox")
        await db.execute("UPDATE infra_counter SET series = id::text WHERE series LIKE 'bell %'")
    with listening():
        yield _heard
    async with db.unit_of_work(STAFF):
        await db.execute("DELETE FROM infra_outbox")


def listening() -> Any:
    """Only our handlers are known inside the block."""
    return _Listening()


class _Listening:
    def __enter__(self) -> None:
        self.routes, self.topics = dict(outbox._routes), {event: list(names) for event, names in outbox._topics.items()}
        outbox.register({Rung: [listen, listen_too, watch]}.items())

    def __exit__(self, *_error: object) -> None:
        outbox._routes.clear()
        outbox._routes.update(self.routes)
        outbox._topics.clear()
        outbox._topics.update(self.topics)


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """The database's clock and ours agree."""
    before, clock._shift.file = clock._shift.file, None
    yield
    clock._shift.file = before


async def ring(bell: str = "north", tenant: UUID = NOORD) -> None:
    async with db.unit_of_work(as_tenant(tenant)):
        await outbox.publish(Rung(tenant_id=tenant, bell=bell))


async def rows(handler: str = "listen") -> list[Any]:
    async with db.unit_of_work(STAFF):
        return await db.fetch("SELECT * FROM infra_outbox WHERE handler LIKE '%.' || $1 ORDER BY id", handler)


async def make_due() -> None:
    """Whatever is planned for later is due now, and every lease is over."""
    async with db.unit_of_work(STAFF):
        await db.execute("UPDATE infra_outbox SET available_at = now() - interval '1 s', leased_until = now() - interval '1 s'")


async def bells_written() -> int:
    async with db.unit_of_work(as_tenant()):
        found = await db.fetch("SELECT 1 FROM infra_counter WHERE series = 'bell north'")
    return len(found)


async def test_an_event_reaches_each_handler_once_by_its_own_door(heard: Heard) -> None:
    await ring()

    assert await outbox.drain() == 3
    assert await outbox.drain() == 0
    assert sorted(heard.bells) == ["north", "north by portal_staff", "north too"]


async def test_what_is_rolled_back_was_never_said(heard: Heard) -> None:
    with pytest.raises(Stumbled):
        async with db.unit_of_work(as_tenant()):
            await outbox.publish(Rung(tenant_id=NOORD, bell="north"))
            raise Stumbled
    async with db.unit_of_work(as_tenant()):
        with pytest.raises(Stumbled):
            async with db.savepoint():
                await outbox.publish(Rung(tenant_id=NOORD, bell="savepoint"))
                raise Stumbled
    work = db.begin(as_tenant())
    async with work:
        await outbox.publish(Rung(tenant_id=NOORD, bell="doomed"))
        work.doom()

    assert await outbox.drain() == 0
    assert heard.bells == []


@pytest.mark.usefixtures("heard")
async def test_nothing_is_said_outside_a_unit_of_work_or_for_another_tenant() -> None:
    with pytest.raises(db.NoUnitOfWork):
        await outbox.publish(Rung(tenant_id=NOORD, bell="north"))
    with pytest.raises(Exception, match="row-level security"):
        async with db.unit_of_work(as_tenant(ZUID)):
            await outbox.publish(Rung(tenant_id=NOORD, bell="north"))
    async with db.unit_of_work(as_tenant()):
        await outbox.publish(Unheard(tenant_id=NOORD))

    assert await outbox.drain() == 0


async def test_a_failed_handler_leaves_nothing_is_tried_later_and_holds_up_nobody(heard: Heard) -> None:
    heard.fail = 1
    await ring()

    await outbox.drain()

    assert sorted(heard.bells) == ["north by portal_staff", "north too"]
    assert await bells_written() == 0, "what it wrote before it failed is gone"
    row = (await rows())[0]
    assert (row["attempts"], row["done_at"], row["dead_at"]) == (1, None, None)
    assert row["last_error"].startswith("Stumbled")
    assert timedelta(0) < row["available_at"] - row["occurred_at"] < timedelta(seconds=5)
    await make_due()
    await outbox.drain()
    assert "north" in heard.bells
    assert await bells_written() == 1
    assert (await rows())[0]["last_error"] is None


async def test_each_failure_waits_longer_until_the_message_is_given_up_and_staff_lets_it_run_again(heard: Heard) -> None:
    heard.fail, waits = 100, []
    await ring()
    for _ in range(outbox.MAX_ATTEMPTS):
        await outbox.drain()
        async with db.unit_of_work(STAFF):
            left = await db.fetch(
                "SELECT extract(epoch FROM available_at - now()) AS seconds FROM infra_outbox WHERE handler LIKE '%.listen'"
            )
        waits.append(round(float(left[0]["seconds"])))
        await make_due()

    row = (await rows())[0]
    assert row["dead_at"] is not None
    assert waits == sorted(waits)
    assert waits[0] < 2
    assert waits[-1] > 3000
    assert await outbox.drain() == 0, "what is dead is not tried"
    async with db.unit_of_work(STAFF):
        assert [message["id"] for message in await outbox.dead()] == [row["id"]]
    heard.fail = 0
    async with db.unit_of_work(STAFF):
        assert await outbox.run_again(row["id"])
        assert not await outbox.run_again(row["id"])
    await outbox.drain()
    assert heard.bells.count("north") == 1
    async with db.unit_of_work(STAFF):
        assert not await outbox.run_again(row["id"]), "what is done is not done again"


@pytest.mark.usefixtures("heard")
async def test_a_message_for_a_handler_that_is_not_here_is_dead_at_once() -> None:
    await ring()
    async with db.unit_of_work(STAFF):
        await db.execute("UPDATE infra_outbox SET handler = 'gone.' || handler")

    await outbox.drain()

    async with db.unit_of_work(STAFF):
        dead = await outbox.dead()
    assert len(dead) == 3
    assert {message["last_error"].partition(": gone.")[0] for message in dead} == {"UnknownHandler"}


async def test_what_trying_again_cannot_mend_is_given_up_at_once(heard: Heard) -> None:
    heard.fail, heard.error = 1, NeverWill
    await ring()

    await outbox.drain()

    row = (await rows())[0]
    assert row["dead_at"] is not None
    assert row["attempts"] == 1
    assert sorted(heard.bells) == ["north by portal_staff", "north too"]


@pytest.mark.usefixtures("heard")
async def test_a_message_that_cannot_be_read_is_not_lost() -> None:
    await ring()
    async with db.unit_of_work(STAFF):
        await db.execute("""UPDATE infra_outbox SET payload = '{"bell": 7}'""")

    await outbox.drain()

    assert (await rows())[0]["last_error"].startswith("ValidationError")


async def test_a_lease_keeps_others_away_until_it_runs_out(heard: Heard) -> None:
    await ring()

    first = await outbox.lease(100, 0.3)
    assert len(first) == 3
    assert await outbox.lease(100, 60) == []
    await asyncio.sleep(0.4)
    second = await outbox.lease(100, 60)

    assert {message for message, _ in second} == {message for message, _ in first}
    assert {lease for _, lease in second}.isdisjoint(lease for _, lease in first)
    assert (await rows())[0]["attempts"] == 0, "to wait in a queue is no attempt"
    for message, _ in second:
        await outbox.deliver(message)
    assert len(heard.bells) == 3


async def test_two_relays_at_once_share_the_work(heard: Heard) -> None:
    for nth in range(20):
        await ring(f"bell {nth}")

    shares = await asyncio.gather(*(outbox.lease(15, 60) for _ in range(6)))

    leased = [message for share in shares for message, _ in share]
    assert len(leased) == len(set(leased)) == 60
    assert heard.bells == []


async def test_twins_of_a_message_run_its_handler_once(heard: Heard) -> None:
    heard.slow = 0.2
    await ring()
    message = (await rows())[0]["id"]

    await asyncio.gather(*(outbox.deliver(message) for _ in range(6)))
    await outbox.deliver(message)

    assert heard.bells == ["north"]
    assert await bells_written() == 1


@pytest.mark.usefixtures("heard")
async def test_a_message_of_nothing_is_no_error() -> None:
    await outbox.deliver(new_id())


async def test_a_killed_worker_is_no_failure_of_the_job_however_often(heard: Heard) -> None:
    heard.slow = 0.05
    await ring()
    message = (await rows())[0]["id"]

    for _ in range(outbox.MAX_ATTEMPTS + 2):
        run = asyncio.create_task(outbox.deliver(message))
        await asyncio.sleep(0.02)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    row = (await rows())[0]
    assert (row["attempts"], row["dead_at"], row["done_at"]) == (0, None, None)
    assert await bells_written() == 0
    await outbox.deliver(message)
    assert heard.bells == ["north"]


async def test_a_job_that_takes_too_long_has_failed(heard: Heard) -> None:
    heard.slow = 5
    await ring()
    message = (await rows())[0]["id"]

    await outbox.deliver(message, within=0.1)

    row = (await rows())[0]
    assert row["attempts"] == 1
    assert row["last_error"].startswith("TimeoutError")
    assert await bells_written() == 0


async def bell(name: str, *, turn: str | None = None, after: timedelta = timedelta()) -> None:
    async with db.unit_of_work(as_tenant()):
        await outbox.publish(Rung(tenant_id=NOORD, bell=name), turn=turn, after=after)


async def leased(limit: int = 100, *, turns: int = 100) -> list[str]:
    """The bells of what was leased, in the order of being due."""
    ids = [message for message, _lease in await outbox.lease(limit, 60, turns=turns)]
    async with db.unit_of_work(STAFF):
        rows = await db.fetch(
            "SELECT payload ->> 'bell' AS bell FROM infra_outbox WHERE id = ANY($1) AND handler LIKE '%.listen' ORDER BY available_at, id",
            ids,
        )
    return [row["bell"] for row in rows]


@pytest.fixture
def one_handler(heard: Heard) -> Heard:
    """Only `listen` hears, so that one event is one row."""
    outbox._topics[Rung] = [name for name in outbox._topics[Rung] if name.endswith(".listen")]
    return heard


async def test_what_shares_a_turn_is_delivered_one_at_a_time_and_in_its_order(one_handler: Heard) -> None:
    for name in ("first", "second", "third"):
        await bell(name, turn="north")
    await bell("other", turn="south")
    await bell("free")

    assert await leased() == ["first", "other", "free"]
    assert await leased() == []
    async with db.unit_of_work(STAFF):
        await db.execute("UPDATE infra_outbox SET leased_until = NULL")
    await outbox.drain()

    assert [name for name in one_handler.bells if name in {"first", "second", "third"}] == ["first", "second", "third"]
    assert sorted(one_handler.bells) == ["first", "free", "other", "second", "third"]


async def test_one_that_fails_lets_the_next_of_its_turn_go_first(one_handler: Heard) -> None:
    await bell("first", turn="north")
    await bell("second", turn="north")
    one_handler.fail = 1

    [(message, _lease)] = await outbox.lease(100, 60)
    await outbox.deliver(message)

    assert await leased() == ["second"]


async def test_a_killed_worker_does_not_block_a_turn_for_longer_than_its_lease(one_handler: Heard) -> None:
    await bell("first", turn="north")
    await bell("second", turn="north")
    await outbox.lease(100, 0.2)

    assert await leased() == []
    await asyncio.sleep(0.3)
    assert await leased() == ["first"]


async def test_turns_never_take_more_places_than_they_are_given(one_handler: Heard) -> None:
    for name in ("north", "south", "east", "west"):
        await bell(name, turn=name)
    await bell("free")

    assert await leased(turns=3) == ["north", "south", "east", "free"]
    assert await leased(turns=3) == []
    assert await leased(turns=4) == ["west"]


async def test_two_relays_never_lease_the_same_turn_at_once(one_handler: Heard) -> None:
    for nth in range(20):
        await bell(f"{nth}", turn="north")

    found = await asyncio.gather(*(outbox.lease(100, 60) for _ in range(8)))

    assert sum(len(rows) for rows in found) == 1


async def test_what_is_to_come_later_comes_later(one_handler: Heard) -> None:
    await bell("later", turn="north", after=timedelta(hours=1))
    await bell("now", turn="north")
    await bell("later too", after=timedelta(hours=1))

    assert await leased() == ["now"]
    async with db.unit_of_work(STAFF):
        await db.execute("UPDATE infra_outbox SET leased_until = NULL, available_at = available_at - interval '1 hour'")
    assert sorted(await leased()) == ["later too", "now"]


async def test_a_turn_that_is_held_waits_and_others_do_not(one_handler: Heard) -> None:
    await bell("held", turn="north")
    await bell("later anyway", turn="north", after=timedelta(hours=9))
    await bell("free", turn="south")

    async with db.unit_of_work(as_tenant()):
        await outbox.hold("north", timedelta(minutes=5))

    assert await leased() == ["free"]
    async with db.unit_of_work(STAFF):
        rows = await db.fetch("SELECT payload ->> 'bell' AS bell, available_at - now() AS wait FROM infra_outbox WHERE turn = 'north'")
    waits = {row["bell"]: row["wait"] for row in rows}
    assert timedelta(minutes=4) < waits["held"] <= timedelta(minutes=5)
    assert waits["later anyway"] > timedelta(hours=8)


async def test_no_tenant_holds_the_turn_of_another(one_handler: Heard) -> None:
    await bell("ours", turn="north")

    async with db.unit_of_work(as_tenant(ZUID)):
        await outbox.hold("north", timedelta(minutes=5))

    assert await leased() == ["ours"]
