"""A request that is repeated has its effect once, and its answer as often as it is asked for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from partner_portal.infra import clock, db, settings
from partner_portal.web import idempotency
from partner_portal.web.middleware import Shell
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import People

BELL = {"name": "bell"}


def key(value: str = "") -> dict[str, str]:
    return {"idempotency-key": value or str(uuid4())}


async def test_the_same_request_gets_the_first_answer_again(noord: httpx.AsyncClient) -> None:
    same = key()
    first = await noord.post("/things", json=BELL, headers=same)
    again = await noord.post("/things", json=BELL, headers=same)

    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert first.headers["content-type"] == again.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert again.headers["x-content-type-options"] == "nosniff"
    assert (await noord.get("/count")).json() == {"things": 1}


async def test_another_request_with_the_same_key_is_refused(noord: httpx.AsyncClient) -> None:
    same = key()
    await noord.post("/things", json=BELL, headers=same)

    answers = [
        await noord.post("/things", json={"name": "drum"}, headers=same),
        await noord.post("/things?x=1", json=BELL, headers=same),
        await noord.post("/secrets", json=BELL, headers=same),
    ]

    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {(422, "/problems/idempotency-key-reused")}


async def test_twins_at_the_same_moment_have_one_effect(noord: httpx.AsyncClient) -> None:
    same, slow = key(), {"name": "bell", "wait": 300}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(noord.post("/things", json=slow, headers=same)) for _ in range(4)]
    answers = [task.result() for task in tasks]

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.json()["type"] == "/problems/twin-in-flight" and answer.headers["retry-after"] == "1" for answer in waiting)
    assert (await noord.post("/things", json=slow, headers=same)).headers["idempotency-replayed"] == "true"
    assert (await noord.get("/count")).json() == {"things": 1}


async def test_many_twins_over_and_over_have_one_effect_each(noord: httpx.AsyncClient) -> None:
    async def insist(name: str, same: dict[str, str]) -> httpx.Response:
        while True:
            answer = await noord.post("/things", json={"name": name}, headers=same)
            if answer.status_code != 409:
                return answer
            await asyncio.sleep(0.005)

    keys = {f"thing {number}": key() for number in range(15)}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(insist(name, same)) for name, same in keys.items() for _ in range(3)]
    answers = [task.result() for task in tasks]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 15
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 30


async def test_each_actor_and_tenant_has_its_own_keys(
    noord: httpx.AsyncClient, zuid: httpx.AsyncClient, portal: Shell, people: People
) -> None:
    same = key()
    async with browser(portal) as colleague:
        await signed_in(colleague, people.reader_of_noord)
        made = [await client.post("/things", json={"name": str(uuid4())}, headers=same) for client in (noord, zuid, colleague)]

    assert [answer.status_code for answer in made] == [201, 201, 201]


async def test_a_request_that_failed_may_be_tried_again_with_its_key(noord: httpx.AsyncClient) -> None:
    same = key()
    refused = [
        await noord.post("/things", json={"nam": "bell"}, headers=same),
        await noord.post("/broken", headers=same),
        await noord.post("/sql/deadlock", headers=same),
    ]

    assert [answer.status_code for answer in refused] == [422, 500, 409]
    assert (await noord.post("/things", json=BELL, headers=same)).status_code == 201


async def test_when_the_commit_fails_nothing_is_remembered(noord: httpx.AsyncClient) -> None:
    await noord.post("/things", json=BELL)
    same = key()

    assert (await noord.post("/things", json=BELL, headers=same)).status_code == 409
    assert (await noord.post("/things", json=BELL, headers=same)).json()["type"] == "/problems/already-exists"


async def test_a_swallowed_database_error_is_not_remembered_as_success(noord: httpx.AsyncClient) -> None:
    same = key()

    assert [(await noord.post("/sql/swallowed", headers=same)).status_code for _ in range(2)] == [500, 500]


async def test_an_answer_with_a_secret_is_not_kept(noord: httpx.AsyncClient, parts: settings.Settings) -> None:
    same = key()
    first = await noord.post("/secrets", headers=same)
    again = await noord.post("/secrets", headers=same)

    assert first.json() == {"secret": "shown once"}
    assert (again.status_code, again.json()["type"]) == (409, "/problems/answer-not-kept")
    assert (await noord.get("/count")).json() == {"things": 1}
    owner = await asyncpg.connect(parts.database_url)
    assert await owner.fetchval("SELECT count(*) FROM infra_idempotency WHERE body IS NOT NULL") == 0
    await owner.close()


async def test_an_answer_with_cookies_is_not_kept(noord: httpx.AsyncClient, portal: Shell, people: People) -> None:
    same = key()
    first = await noord.post("/session", headers=same)
    async with browser(portal) as again:
        await signed_in(again, people.owner_of_noord)
        replayed = await again.post("/session", headers=same)

    assert first.headers.get_list("set-cookie")
    assert (replayed.status_code, replayed.json()["type"]) == (409, "/problems/answer-not-kept")
    assert "set-cookie" not in replayed.headers


@pytest.mark.parametrize("bad", [" ", "a" * 256, "a b", "a\tb", "\x7f"])
async def test_a_bad_key_is_refused(noord: httpx.AsyncClient, bad: str) -> None:
    answer = await noord.post("/things", json=BELL, headers=key(bad))

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-idempotency-key")
    assert (await noord.get("/count")).json() == {"things": 0}


@pytest.mark.parametrize("good", ["a", "a" * 255, '"quoted"', "'; DROP TABLE web_thing; --".replace(" ", "_")])
async def test_any_printable_key_will_do(noord: httpx.AsyncClient, good: str) -> None:
    assert [(await noord.post("/things", json=BELL, headers=key(good))).status_code for _ in range(2)] == [201, 201]


async def test_a_key_is_forgotten_after_a_day(noord: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    same = key()
    await noord.post("/things", json=BELL, headers=same)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(hours=25))

    late = await noord.post("/things", json={"name": "drum"}, headers=same)
    replayed = await noord.post("/things", json={"name": "drum"}, headers=same)
    async with db.unit_of_work(db.Principal(db.Door.STAFF)):
        kept = await idempotency.purge(real())
        purged = await idempotency.purge(clock.now() + timedelta(hours=24))

    assert late.status_code == 201
    assert replayed.headers["idempotency-replayed"] == "true"
    assert (kept, purged) == (0, 1)


async def test_a_large_body_with_a_key_is_refused_as_any_other(noord: httpx.AsyncClient) -> None:
    answer = await noord.post("/things", content=b" " * 17_000_000, headers={"content-type": "application/json", **key()})

    assert answer.status_code == 413
