"""Two people at the same moment: one wins, the other gets a clear answer, and nothing happens twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from partner_portal import invariants
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Principal
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Problem
from terminations.service import scheduling
from terminations.service.buyouts import Decision, case_by_number, decide
from tests.attack.test_links import actions, mails, proposed, rows, version_on
from tests.conftest import browser, sign_in
from tests.journeys import partner as people
from tests.world import FINANCE, FINANCE_TOO, STAFF_DOOR, World

Post = Callable[[], Awaitable[httpx.Response]]


@pytest_asyncio.fixture(loop_scope="session")
async def clerks(world: World) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Eight open browsers of Noord, of the owner and of the clerk by turns."""
    async with AsyncExitStack() as leaving:
        clients = [await leaving.enter_async_context(browser()) for _ in range(8)]
        for client, email in zip(clients, (world.noord.owner, world.noord.clerk), strict=False):
            await sign_in(client, email)
        for nth, client in enumerate(clients[2:]):
            client.cookies, client.headers = clients[nth % 2].cookies, clients[nth % 2].headers
        yield clients


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_doubled(world: World) -> AsyncIterator[None]:
    """Whatever was tried: no step, mail or outbox row is there twice, and every invariant holds."""
    yield
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []
    assert await rows("SELECT key FROM infra_mail GROUP BY key HAVING count(*) > 1") == []
    assert await rows("SELECT topic, payload FROM infra_outbox GROUP BY topic, payload, handler HAVING count(*) > 1") == []
    assert world.mailbox.mailbox.arrivals == [] or {mail.arrivals for mail in world.mailbox.mailbox.mails()} == {1}


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_the_same_quote_filed_by_everybody_at_once_is_one_case(world: World, clerks: list[httpx.AsyncClient]) -> None:
    quote = await people.quote(clerks[0], world.noord.services["free"])
    body = {"quote_id": quote["id"], "reason": "price", "mandate": True}

    answers = await asyncio.gather(*(client.post("/api/v1/terminations", json=body) for client in clerks))
    await outbox.drain()

    assert statuses(answers) == {201: 1, 409: 7}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/quote-used"}
    assert len(await rows("SELECT 1 FROM termination")) == 1
    assert await mails() == {"approval_requested": 1}


async def test_two_quotes_for_the_same_service_filed_at_once_are_one_case(world: World, clerks: list[httpx.AsyncClient]) -> None:
    quotes = [await people.quote(client, world.noord.services["free"]) for client in clerks]

    answers = await asyncio.gather(
        *(
            client.post("/api/v1/terminations", json={"quote_id": quote["id"], "reason": "price", "mandate": True})
            for client, quote in zip(clerks, quotes, strict=True)
        )
    )
    await outbox.drain()

    assert statuses(answers) == {201: 1, 409: 7}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/service-already-ending"}
    numbers = await rows("SELECT number FROM termination")
    assert [row["number"] for row in numbers] == ["NRD-T-00001"], "a refused filing takes no number"
    assert len(await rows("SELECT 1 FROM termination_line")) == 1
    assert await mails() == {"approval_requested": 1}


async def test_bundles_that_overlap_crosswise_never_wait_for_each_other(world: World, clerks: list[httpx.AsyncClient]) -> None:
    free, bound = world.noord.services["free"], world.noord.services["bound"]
    quotes = [await people.quote(client, *order) for client, order in zip(clerks, [(free, bound), (bound, free)] * 4, strict=True)]

    answers = await asyncio.gather(
        *(
            client.post("/api/v1/terminations", json={"quote_id": quote["id"], "reason": "price", "mandate": True})
            for client, quote in zip(clerks, quotes, strict=True)
        )
    )

    assert statuses(answers) == {201: 1, 409: 7}


async def test_twins_with_one_idempotency_key_file_once_and_are_told_the_same(world: World, clerks: list[httpx.AsyncClient]) -> None:
    quote = await people.quote(clerks[0], world.noord.services["free"])
    body = {"quote_id": quote["id"], "reason": "price", "mandate": True}
    owners = clerks[::2]

    async def file(client: httpx.AsyncClient) -> httpx.Response:
        while True:
            answer = await client.post("/api/v1/terminations", json=body, headers={"idempotency-key": "the-same-key"})
            if answer.status_code != 409 or "twin" not in answer.json()["type"]:
                return answer
            await asyncio.sleep(0.05)

    answers = await asyncio.gather(*(file(client) for client in owners))
    await outbox.drain()

    assert statuses(answers) == {201: 4}
    assert len({answer.content for answer in answers}) == 1
    assert Counter("idempotency-replayed" in answer.headers for answer in answers) == {True: 3, False: 1}
    assert len(await rows("SELECT 1 FROM termination")) == 1
    assert await mails() == {"approval_requested": 1}


async def in_admin(actor: Actor, do: Callable[[], Awaitable[Any]]) -> str:
    """What somebody does in the admin, in a unit of work of its own: "done", or the name of the refusal."""
    try:
        async with db.unit_of_work(Principal(STAFF_DOOR.door, None, actor.trail)):
            await do()
    except Problem as problem:
        return problem.code
    return "done"


async def test_two_people_of_finance_at_once_are_one_decision(world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["bound"], early=True, wished_on="2026-12-31")

    def deciding(actor: Actor, decision: Decision, amount: int | None) -> Callable[[], Awaitable[Any]]:
        async def do() -> None:
            await decide(actor, await case_by_number(case["number"]), decision, amount_cents=amount, reason="daarom")

        return do

    said = await asyncio.gather(
        *(
            in_admin(actor, deciding(actor, decision, amount))
            for actor, decision, amount in [
                (FINANCE, Decision.APPROVE, None), (FINANCE_TOO, Decision.APPROVE, None),
                (FINANCE, Decision.ADJUST, 1000), (FINANCE_TOO, Decision.REFUSE, None),
            ]
        )
    )  # fmt: skip
    await outbox.drain()

    assert Counter(said) == {"done": 1, "illegal-step": 3}
    assert len(await actions(case)) == 2
    assert len(await rows("SELECT 1 FROM termination_buyout_decision")) == 1
    sent = await mails()
    assert sent["buyout_proposed"] + sent["buyout_refused_by_finance"] == 1


async def test_withdrawal_against_approval_leaves_one_of_the_two(
    world: World, clerks: list[httpx.AsyncClient], stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(clerks[0], world.noord.services["free"])
    link = people.link_in(people.newest(world.mailbox, "bakkerij@"))
    form = {"decision": "approve", "text_version": version_on(await stranger.get(link))}
    withdrawal = f"/api/v1/terminations/{case['id']}/withdrawal"

    pressed, *answers = await asyncio.gather(stranger.post(link, data=form), *(client.post(withdrawal, json={}) for client in clerks))
    await outbox.drain()

    # Whoever came first was answered so: the customer's yes was taken and then withdrawn, or its link decided no more.
    answered = {200: ["file", "approve", "withdraw"], 410: ["file", "withdraw"]}
    taken = await actions(case)
    assert taken == answered[pressed.status_code]
    assert statuses(list(answers)) == {201: 1, 409: 7}
    service = (await rows("SELECT ends_on FROM billing_service WHERE id = $1", world.noord.services["free"]))[0]
    assert service["ends_on"] is None, "withdrawn, before or after: nothing is planned"
    sent = await mails()
    assert sent["withdrawn"] == 3
    assert sent["scheduled"] in ((0,) if "approve" not in taken else (0, 3))


async def test_acceptance_against_expiry_leaves_one_of_the_two(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case, link = await proposed(world, noord)
    form = {"decision": "accept", "text_version": version_on(await stranger.get(link))}
    due = (await rows("SELECT waits_until FROM termination"))[0]["waits_until"]
    clock.set_to(due - timedelta(milliseconds=300))

    async def expire() -> None:
        for _ in range(20):
            await scheduling.expire()
            await asyncio.sleep(0.03)

    async def press() -> list[httpx.Response]:
        await asyncio.sleep(0.2)
        return [await stranger.post(link, data=form) for _ in range(5)]

    answers, *_others = await asyncio.gather(press(), expire(), expire())
    await outbox.drain()

    assert {answer.status_code for answer in answers} == {200}
    assert (await actions(case))[2:] in (["expire"], ["accept_with_consent"])
    sent = await mails()
    assert (sent["case_expired"], sent["scheduled"]) in ((3, 0), (0, 3))


async def test_a_service_that_ends_at_its_last_day_ends_once_however_many_workers_look(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case = await people.filed(noord, world.noord.services["free"])
    await people.press(stranger, people.link_in(people.newest(world.mailbox, "bakkerij@")), "approve")
    clock.move(timedelta(days=60))

    await asyncio.gather(*(scheduling.take_effect() for _ in range(6)))
    await outbox.drain()

    assert await actions(case) == ["file", "approve", "take_effect"]
    assert (await mails())["ended"] == 3


async def test_a_crowd_that_numbers_customers_gets_each_number_once(clerks: list[httpx.AsyncClient]) -> None:
    new = {
        "name": "Nieuw",
        "segment": "OTHER_BIZ",
        "main_contact": {"name": "Iemand", "email": "iemand@klant.example.com"},
        "billing_address": {"street": "Straat 1", "postcode": "1234 AB", "city": "Stad"},
    }

    answers = await asyncio.gather(*(client.post("/api/v1/customers", json=new) for client in clerks * 3))

    numbers = sorted(answer.json()["number"] for answer in answers)
    assert statuses(answers) == {201: 24}
    assert len(set(numbers)) == 24
    assert int(numbers[-1][-5:]) - int(numbers[0][-5:]) == 23, "none is skipped"


async def test_of_two_changes_on_one_version_one_is_refused(world: World, clerks: list[httpx.AsyncClient]) -> None:
    path = f"/api/v1/customers/{world.noord.customers['bakery']}"
    seen = (await clerks[0].get(path)).headers["etag"]

    answers = await asyncio.gather(
        *(client.patch(path, json={"name": f"Naam {nth}"}, headers={"if-match": seen}) for nth, client in enumerate(clerks))
    )

    assert statuses(answers) == {200: 1, 412: 7}
    won = next(answer for answer in answers if answer.status_code == 200)
    assert (await clerks[0].get(path)).json()["name"] == won.json()["name"]
    assert UUID(won.json()["id"]) == world.noord.customers["bakery"]


@pytest.mark.parametrize("first", ["counter", "accept"])
async def test_the_payer_answers_a_proposal_once(world: World, noord: httpx.AsyncClient, first: str) -> None:
    case, link = await proposed(world, noord)
    async with browser() as one, browser() as two:
        version = version_on(await one.get(link))
        forms = [{"decision": "accept", "text_version": version}, {"decision": "counter", "offer": "10,00", "text_version": version}]
        if first == "counter":
            forms.reverse()
        answers = await asyncio.gather(one.post(link, data=forms[0]), two.post(link, data=forms[1]))
    await outbox.drain()

    assert statuses(list(answers)) == {200: 2}
    assert len(await actions(case)) == 3
