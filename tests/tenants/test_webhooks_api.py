"""Webhook endpoints by the API: owners and software with the scope, nobody else, and every mistake named at its field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from partner_portal import invariants
from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.settings import Settings
from tenants.policy import Scope
from tests.attack.intruder import key_client
from tests.conftest import browser, sign_in
from tests.infra.receiver import Receiver, Said, receiver
from tests.journeys import partner as people
from tests.tenants import hooks
from tests.world import STAFF_DOOR, World

PATH = "/api/v1/webhook-endpoints"
PUBLIC = "https://hooks.example.com/portal"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def outside(world: World, running: Settings) -> AsyncIterator[None]:
    async with hooks.on_this_machine(running):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def listener() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


async def added(client: httpx.AsyncClient, url: str = PUBLIC, **more: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]


async def test_an_endpoint_is_made_and_its_secret_shown_once(noord: httpx.AsyncClient) -> None:
    made = await noord.post(PATH, json={"url": "HTTPS://Hooks.Example.com:443/portal", "description": "Boekhouding"})

    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    shown = await noord.get(made.headers["location"])
    assert shown.json() | {"id": "", "created_at": ""} == {
        "id": "",
        "url": PUBLIC,
        "description": "Boekhouding",
        "types": None,
        "on": True,
        "off_since": None,
        "off_because": None,
        "failing_since": None,
        "delivered_at": None,
        "waiting": 0,
        "earlier_secret_until": None,
        "created_at": "",
    }
    assert made.json()["secret"] not in shown.text
    assert [row["id"] for row in (await noord.get(PATH)).json()] == [made.json()["id"]]


async def test_the_same_request_again_makes_no_second_one_and_tells_no_secret_twice(noord: httpx.AsyncClient) -> None:
    first, second = [await noord.post(PATH, json={"url": PUBLIC}, headers={"idempotency-key": "k1"}) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 409)
    assert "whsec_" not in second.text
    assert len((await noord.get(PATH)).json()) == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"url": "ftp://hooks.example.com/"}, ("/url", "not-https")),
        ({"url": "https://user:pw@hooks.example.com/"}, ("/url", "credentials-in-address")),
        ({"url": "https://10.0.0.1/"}, ("/url", "private-network")),
        ({"url": "https://[::1]/"}, ("/url", "private-network")),
        ({"url": "https://intranet/"}, ("/url", "private-network")),
        ({"url": "https://hooks.example.com:25/"}, ("/url", "port-not-allowed")),
        ({"url": "https://ho oks.example.com/"}, ("/url", "not-an-address")),
        ({"url": "https://hooks.example.com/" + "x" * 1000}, ("/url", "too-long")),
        ({"url": "https://hooks.example.com/" + "é" * 500}, ("/url", "not-an-address")),
        ({"url": ""}, ("/url", "too-short")),
        ({"url": PUBLIC, "types": []}, ("/types", "empty")),
        ({"url": PUBLIC, "types": ["termination.everything"]}, ("/types", "choice")),
        ({"url": PUBLIC, "description": "x" * 201}, ("/description", "too-long")),
        ({"url": PUBLIC, "secret": "whsec_mine"}, ("/secret", "unknown")),
        ({}, ("/url", "missing")),
    ],
)
async def test_a_mistake_is_named_at_its_field(noord: httpx.AsyncClient, body: dict[str, Any], fault: tuple[str, str]) -> None:
    with settings.use(outgoing_networks=""):
        answer = await noord.post(PATH, json=body)

    assert fault in faults(answer)


async def test_one_address_is_entered_once(noord: httpx.AsyncClient) -> None:
    first = await added(noord)

    assert faults(await noord.post(PATH, json={"url": PUBLIC})) == [("/url", "taken")]
    assert (await noord.delete(f"{PATH}/{first['id']}")).status_code == 204
    await added(noord)


async def test_there_are_at_most_ten(noord: httpx.AsyncClient) -> None:
    for nth in range(10):
        await added(noord, f"{PUBLIC}/{nth}")

    answer = await noord.post(PATH, json={"url": PUBLIC})

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "too-many-endpoints")


async def test_an_endpoint_is_changed_by_whoever_read_its_newest_version(noord: httpx.AsyncClient) -> None:
    path = f"{PATH}/{(await added(noord))['id']}"
    etag = (await noord.get(path)).headers["etag"]
    wanted = {"url": f"{PUBLIC}/new", "types": [hooks.KIND], "on": False}

    assert (await noord.patch(path, json=wanted)).status_code == 428
    changed = await noord.patch(path, json=wanted, headers={"if-match": etag})
    assert (await noord.patch(path, json={"on": True}, headers={"if-match": etag})).status_code == 412

    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in ("url", "types", "on", "off_because")} == wanted | {"off_because": "owner"}
    on = await noord.patch(path, json={"on": True, "types": None}, headers={"if-match": changed.headers["etag"]})
    assert (on.json()["on"], on.json()["types"], on.json()["off_since"]) == (True, None, None)


async def test_a_test_event_is_sent_and_its_outcome_read(noord: httpx.AsyncClient, listener: Receiver) -> None:
    made = await added(noord, listener.url)
    listener.answers = [Said(200, body=b"dank u")]

    answer = await noord.post(f"{PATH}/{made['id']}/test")
    await outbox.drain()

    assert (answer.status_code, answer.json()["state"]) == (201, "waiting")
    shown = (await noord.get(f"{PATH}/{made['id']}/deliveries/{answer.json()['id']}")).json()
    [came] = listener.received
    Webhook(made["secret"]).verify(came.body, came.headers)
    assert shown["message_id"] == came.headers["webhook-id"]
    assert shown["body"] == came.body.decode()
    [attempt] = shown["attempts"]
    assert (shown["state"], attempt["status"], attempt["error"], attempt["answer"]) == ("delivered", 200, None, "dank u")


async def test_a_new_secret_signs_beside_the_earlier_one(noord: httpx.AsyncClient, listener: Receiver) -> None:
    made = await added(noord, listener.url)

    answer = await noord.post(f"{PATH}/{made['id']}/secret", json={})
    at_once = await noord.post(f"{PATH}/{made['id']}/secret", json={"at_once": True})

    assert (answer.status_code, at_once.status_code) == (201, 201)
    assert answer.json()["earlier_until"] is not None
    assert at_once.json()["earlier_until"] is None
    assert len({made["secret"], answer.json()["secret"], at_once.json()["secret"]}) == 3


async def test_deliveries_are_listed_page_by_page_and_by_state(world: World, noord: httpx.AsyncClient, listener: Receiver) -> None:
    made = await added(noord, listener.url)
    await hooks.announce(world.noord, *(f"event {nth}" for nth in range(5)))
    await outbox.drain()
    listener.answers = [Said(500)]
    await hooks.announce(world.noord, "fails")
    await outbox.drain()

    path = f"{PATH}/{made['id']}/deliveries"
    first = await noord.get(path, params={"limit": 4})
    rest = await noord.get(path, params={"limit": 4, "after": first.json()["next"]})
    waiting = await noord.get(path, params={"state": "waiting"})

    assert [len(first.json()["items"]), len(rest.json()["items"])] == [4, 2]
    [row] = waiting.json()["items"]
    assert (row["status"], row["attempts"], row["type"], row["error"]) == (500, 1, hooks.KIND, None)
    assert row["due_at"] > row["attempted_at"]
    assert first.json()["items"][0]["id"] == row["id"]
    assert (await noord.get(path, params={"state": "lost"})).status_code == 422


async def test_deliveries_are_sent_again_one_or_all_that_failed(world: World, noord: httpx.AsyncClient, listener: Receiver) -> None:
    made = await added(noord, listener.url)
    listener.answers = [Said(410), Said(204)]
    await hooks.announce(world.noord, "one", "two")
    await outbox.drain()
    path = f"{PATH}/{made['id']}"
    rows = (await noord.get(f"{path}/deliveries")).json()["items"]

    refused = await noord.post(f"{path}/deliveries/{rows[0]['id']}/resend")
    await noord.patch(path, json={"on": True}, headers={"if-match": "*"})
    one = await noord.post(f"{path}/deliveries/{rows[0]['id']}/resend")
    all_others = await noord.post(f"{path}/deliveries/resend", json={"since": rows[-1]["created_at"]})
    await outbox.drain()

    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "endpoint-is-off")
    assert (one.status_code, one.json()["state"]) == (201, "waiting")
    assert (all_others.status_code, all_others.json()["deliveries"]) == (201, 1)
    assert [row["state"] for row in (await noord.get(f"{path}/deliveries")).json()["items"]] == ["delivered", "delivered"]
    assert faults(await noord.post(f"{path}/deliveries/resend", json={"since": "2026-11-22T10:00:00"}))[0][0] == "/since"


@pytest.mark.parametrize("who", ["clerk", "reader", "key"])
async def test_others_than_owners_are_refused_on_every_route(world: World, noord: httpx.AsyncClient, who: str) -> None:
    made = await added(noord)
    client = await key_client(world.noord, *(set(Scope) - {Scope.WEBHOOKS})) if who == "key" else browser()
    async with client:
        if who != "key":
            await sign_in(client, getattr(world.noord, who))
        path = f"{PATH}/{made['id']}"
        answers = [
            await client.get(PATH),
            await client.post(PATH, json={"url": f"{PUBLIC}/x"}),
            await client.get(path),
            await client.patch(path, json={"on": False}, headers={"if-match": "*"}),
            await client.delete(path),
            await client.post(f"{path}/secret", json={}),
            await client.post(f"{path}/test"),
            await client.get(f"{path}/deliveries"),
            await client.get(f"{path}/deliveries/{uuid4()}"),
            await client.post(f"{path}/deliveries/{uuid4()}/resend"),
            await client.post(f"{path}/deliveries/resend", json={"since": "2026-11-22T10:00:00Z"}),
        ]

    assert {answer.status_code for answer in answers} == {403}
    assert len((await noord.get(PATH)).json()) == 1


async def test_software_with_the_scope_does_the_same_as_an_owner(world: World) -> None:
    async with await key_client(world.noord, Scope.WEBHOOKS) as software:
        made = await added(software)

        assert (await software.post(f"{PATH}/{made['id']}/secret", json={})).status_code == 201
        assert (await software.delete(f"{PATH}/{made['id']}")).status_code == 204
        assert (await software.get(f"{PATH}/{made['id']}")).status_code == 404


async def test_another_partners_endpoint_is_not_there(noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    made = await added(noord)
    path = f"{PATH}/{made['id']}"

    answers = [
        await zuid.get(path),
        await zuid.patch(path, json={"on": False}, headers={"if-match": "*"}),
        await zuid.delete(path),
        await zuid.post(f"{path}/secret", json={}),
        await zuid.post(f"{path}/test"),
        await zuid.get(f"{path}/deliveries"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    await added(zuid)


async def test_each_state_of_a_case_is_told_as_the_api_shows_it(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, listener: Receiver, running: Settings
) -> None:
    made = await added(noord, listener.url)

    filed = await people.filed(noord, world.noord.services["free"])
    link = people.link_in(people.newest(world.mailbox, "bakkerij@"))
    await people.press(stranger, link, "approve")
    await outbox.drain()

    told = [Webhook(made["secret"]).verify(came.body, came.headers) for came in listener.received]
    assert sorted(message["type"] for message in told) == ["termination.scheduled", "termination.waiting_for_customer"]
    [scheduled] = [message for message in told if message["type"] == "termination.scheduled"]
    shown = await people.case(noord, filed["id"])
    data = scheduled["data"]
    same = {name: value for name, value in data.items() if name not in {"lines", "url"}}
    assert same == {name: shown[name] for name in same}
    assert data["lines"] == [{name: line[name] for name in data["lines"][0]} for line in shown["lines"]]
    assert data["url"].endswith(f"/api/v1/terminations/{filed['id']}")
    assert scheduled["timestamp"] == shown["steps"][-1]["at"]
    assert "Korst" not in str(told), "nobody's name travels"


async def test_operators_see_how_many_wait_and_how_many_were_given_up(
    world: World, noord: httpx.AsyncClient, listener: Receiver, stranger: httpx.AsyncClient
) -> None:
    await added(noord, listener.url)
    listener.answers = [Said(500)]
    await hooks.announce(world.noord, "waits", "waits too")
    await outbox.drain()

    counted = (await stranger.get("/metrics")).text

    assert 'portal_webhook_deliveries{state="waiting"} 2.0' in counted
    assert 'portal_webhook_deliveries{state="failed"} 0.0' in counted
    assert 'portal_jobs{state="waiting"} 2.0' in counted
    assert 'portal_jobs{state="dead"} 0.0' in counted


async def test_a_webhook_whose_job_was_lost_shows_as_a_broken_rule(world: World, noord: httpx.AsyncClient, listener: Receiver) -> None:
    await added(noord, listener.url)
    listener.answers = [Said(500)]
    await hooks.announce(world.noord, "waits")
    await outbox.drain()
    clock.move(timedelta(days=1))
    rule = "a webhook that waits is on its way"

    async with db.unit_of_work(STAFF_DOOR):
        before = await invariants.breaches()
        await db.execute("DELETE FROM infra_outbox WHERE topic = 'WebhookDue'")
        after = await invariants.breaches()

    assert rule not in [breach.rule for breach in before]
    assert [len(breach.rows) for breach in after if breach.rule == rule] == [1]
