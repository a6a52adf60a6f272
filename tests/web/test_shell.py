"""What holds for every request: a name, an actor, limits, one transaction, headers, and a line in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from partner_portal.infra import db, redis, settings
from partner_portal.web.middleware import Shell
from tests.web import thing_app
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import People

Lines = Callable[[], list[dict[str, Any]]]


async def test_a_line_in_the_log_tells_who_and_what(noord: httpx.AsyncClient, log_lines: Lines) -> None:
    await noord.post("/things", json={"name": "bell"}, headers={"x-request-id": "journey-0001"})
    await noord.request("MADEUP", "/things")

    first, second = log_lines()
    assert first["timestamp"].endswith("+00:00")
    assert {name: first[name] for name in ("event", "level", "request", "actor", "tenant", "method", "route", "status")} == {
        "event": "web.request",
        "level": "info",
        "request": "journey-0001",
        "actor": "member:owner-noord",
        "tenant": str(thing_app.NOORD),
        "method": "POST",
        "route": "/things",
        "status": 201,
    }
    assert second["method"] == "other"


async def test_a_member_makes_and_sees_a_thing(noord: httpx.AsyncClient) -> None:
    made = await noord.post("/things", json={"name": "bell"})

    assert made.status_code == 201, made.text
    assert made.json() == {"id": made.json()["id"], "name": "bell", "version": 1, "price": None}
    assert (await noord.get(made.headers["location"])).json()["name"] == "bell"


async def test_another_tenants_thing_is_not_found(noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    place = (await noord.post("/things", json={"name": "bell"})).headers["location"]

    answers = [await zuid.get(place), await zuid.patch(place, json={"name": "mine"}), await zuid.post(f"{place}/refusal")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await zuid.get("/count")).json() == {"things": 0}


async def test_a_stranger_sees_no_rows(noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await noord.post("/things", json={"name": "bell"})

    assert (await stranger.get("/count")).json() == {"things": 0}
    assert (await stranger.get("/things")).status_code == 401


async def test_staff_see_all_tenants_inside_the_admin_only(noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await noord.post("/things", json={"name": "bell"})
    stranger.cookies.set("id", "admin-session")

    assert (await stranger.get("/admin/count")).json() == {"things": 1, "actor": "staff:7"}
    assert (await stranger.get("/count")).json() == {"things": 0}
    assert (await noord.get("/admin/count")).json()["actor"] is None  # a member is nobody in the admin
    assert (await noord.get("/administration")).status_code == 404


async def test_a_sane_request_id_is_kept_and_another_is_made(stranger: httpx.AsyncClient) -> None:
    names = ["journey-0001", "x", "a b c d e f g h", "a" * 65, "<script>alert(1)</script>", "ümlaut-in-the-name"]

    kept = [(await stranger.get("/hello", headers={b"x-request-id": name.encode()})).headers["x-request-id"] for name in names]

    assert kept[0] == names[0]
    assert not set(kept[1:]) & set(names)
    assert all(name.isalnum() and len(name) == 24 for name in kept[1:])


async def test_every_answer_bears_the_security_headers(noord: httpx.AsyncClient) -> None:
    answers = [await noord.get(path) for path in ("/hello", "/nowhere", "/healthz", "/admin/count")] + [await noord.post("/broken")]

    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe-eval" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "strict-transport-security" not in answer.headers
        assert answer.headers.get_list("content-type") == [answer.headers["content-type"]]


async def test_in_production_tls_is_demanded_and_cookies_are_tied_to_the_host(people: People) -> None:
    with settings.use(env=settings.Env.PRODUCTION):
        async with browser(thing_app.portal(people)) as client:
            answer = await client.post("/session")

    cookies = answer.headers.get_list("set-cookie")
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert cookies[0].startswith("__Host-session=")
    assert all("; Secure" in cookie and "Path=/" in cookie and "SameSite=lax" in cookie and "Domain" not in cookie for cookie in cookies)
    assert ["HttpOnly" in cookie for cookie in cookies] == [True, False]


async def test_a_failing_request_leaves_nothing_behind(noord: httpx.AsyncClient) -> None:
    place = (await noord.post("/things", json={"name": "bell"})).headers["location"]

    broken = await noord.post("/broken")
    refused = await noord.post(f"{place}/refusal")

    assert [broken.status_code, refused.status_code] == [500, 409]
    assert (await noord.get("/count")).json() == {"things": 1}
    assert (await noord.get(place)).json()["name"] == "bell"


async def test_a_commit_that_fails_is_a_problem_and_never_a_success(noord: httpx.AsyncClient) -> None:
    await noord.post("/things", json={"name": "bell"})

    again = await noord.post("/things", json={"name": "bell"})  # its unique key is checked at the commit

    assert again.status_code == 409
    assert again.json()["type"] == "/problems/already-exists"
    assert "location" not in again.headers
    assert (await noord.get("/count")).json() == {"things": 1}


async def test_a_swallowed_database_error_is_no_success(noord: httpx.AsyncClient) -> None:
    answer = await noord.post("/sql/swallowed")

    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/unexpected-failure"
    assert "pretended" not in answer.text


async def test_no_connection_is_lost_whatever_happens(noord: httpx.AsyncClient) -> None:
    for path in ("/broken", "/sql/swallowed", "/sql/deadlock", "/sql/unknown-parent", f"/things/{uuid4()}/refusal"):
        for _ in range(5):
            await noord.post(path)

    pools = db.DB.pools.values()
    assert [pool.get_idle_size() for pool in pools] == [pool.get_size() for pool in pools]
    assert db.DB.current_transaction.get() is None


async def test_a_client_that_leaves_in_the_middle_is_no_failure_of_ours(portal: Shell, people: People, log_lines: Lines) -> None:
    client = browser(portal)
    token = await signed_in(client, people.owner_of_noord)
    sent: list[Any] = []
    pieces = iter([{"type": "http.request", "body": b'{"name": ', "more_body": True}, {"type": "http.disconnect"}])

    with capture_logs() as lines:
        await portal(_post("/things", token, client.headers["x-csrf-token"]), _from(pieces), _into(sent))

    assert sent[0]["status"] == 400
    assert lines == []
    assert [line["status"] for line in log_lines()] == [400]


async def test_a_request_that_is_torn_down_rolls_back(noord: httpx.AsyncClient) -> None:
    task = asyncio.create_task(noord.post("/things", json={"name": "bell", "wait": 5000}))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await noord.get("/count")).json() == {"things": 0}
    assert [pool.get_idle_size() for pool in db.DB.pools.values()] == [pool.get_size() for pool in db.DB.pools.values()]


async def test_a_body_above_the_limit_is_refused_by_its_announcement(noord: httpx.AsyncClient) -> None:
    answer = await noord.post("/things", content=b"{}", headers={"content-type": "application/json", "content-length": str(10**9)})

    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/body-too-large"


@pytest.mark.parametrize("megabytes", [2, 20])
async def test_a_body_above_the_limit_is_refused_while_it_arrives(noord: httpx.AsyncClient, megabytes: int) -> None:
    arrived = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal arrived
        for _ in range(megabytes * 16):
            arrived += 65536
            yield b" " * 65536

    answer = await noord.post("/things", content=endless(), headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/body-too-large"


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1, 2", ""])
async def test_a_content_length_that_is_no_number_is_refused(noord: httpx.AsyncClient, length: str) -> None:
    answer = await noord.post("/things", content=b"{}", headers={"content-type": "application/json", "content-length": length})

    assert answer.status_code == 400


async def test_requests_are_counted_per_actor_over_all_sessions(people: People) -> None:
    with settings.use(requests_per_minute=3):
        portal = thing_app.portal(people)
    async with browser(portal) as laptop, browser(portal) as phone, browser(portal) as elsewhere:
        for client in (laptop, phone):
            await signed_in(client, people.owner_of_noord)
        await signed_in(elsewhere, people.owner_of_zuid)

        answers = [await laptop.get("/hello"), await phone.get("/hello"), await laptop.get("/hello"), await phone.get("/hello")]
        other = await elsewhere.get("/hello")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers[:3]] == ["2", "1", "0"]
    assert answers[0].headers["x-ratelimit-limit"] == answers[0].headers["ratelimit-limit"] == "3"
    assert 0 < int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].json()["facts"]["retry_after"] == int(answers[3].headers["retry-after"])
    assert other.status_code == 200


async def test_strangers_are_counted_by_address_whatever_they_pretend_to_be(people: People) -> None:
    with settings.use(requests_per_minute=3):
        portal = thing_app.portal(people)
    async with browser(portal) as client:
        pretences: list[dict[str, str]] = [
            {"authorization": "Bearer pp_wrong"},
            {"cookie": f"session={'a' * 43}"},
            {"authorization": "Basic eDp5"},
            {},
        ]
        answers = [await client.get("/hello", headers=pretence) for pretence in pretences]

    assert [answer.status_code for answer in answers] == [401, 200, 401, 429]


async def test_when_redis_is_away_strangers_are_served_and_members_are_told_to_wait(
    noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    working = redis._Pool.client
    redis.open_pool("redis://127.0.0.1:1")
    try:
        answers = [await stranger.get("/hello"), await noord.get("/hello"), await stranger.get("/readyz")]
    finally:
        await redis.close_pool()
        redis._Pool.client = working

    assert [answer.status_code for answer in answers] == [200, 503, 503]
    assert answers[1].headers["retry-after"] == "5"
    assert answers[2].json()["parts"]["redis"] == "failing"
    assert answers[2].json()["parts"]["database as tenant"] == "ok"


async def test_a_lost_redis_connection_is_made_anew(noord: httpx.AsyncClient) -> None:
    await redis.client().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")  # type: ignore[no-untyped-call]

    assert (await noord.get("/hello")).json() == {"hello": "member:owner-noord"}


async def test_redis_that_forgot_our_scripts_is_told_them_again(noord: httpx.AsyncClient) -> None:
    await redis.client().script_flush()

    assert (await noord.get("/hello")).json() == {"hello": "member:owner-noord"}


async def test_the_log_names_the_route_and_never_the_path(stranger: httpx.AsyncClient, log_lines: Lines) -> None:
    await stranger.get("/confirm/very-secret-token?email=jan@example.com")
    await stranger.get("/no/such/very-secret-token")

    lines = log_lines()
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/confirm/{token}", 200),
        ("GET", "unmatched", 404),
    ]
    assert "secret" not in str(lines)
    assert "example.com" not in str(lines)


async def test_a_link_acts_for_whom_it_was_made(noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await noord.post("/things", json={"name": "bell"})

    assert (await stranger.get("/confirm/token")).json() == {"things": 1}
    assert (await stranger.get("/count")).json() == {"things": 0}


async def test_the_actor_cannot_change_once_the_database_was_asked(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/late-switch")).status_code == 500


async def test_health_and_metrics_need_nobody(stranger: httpx.AsyncClient) -> None:
    await stranger.get("/hello")
    ready = await stranger.get("/readyz")

    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    assert ready.json()["parts"]["database as staff"] == ready.json()["parts"]["redis"] == "ok"
    counted = (await stranger.get("/metrics")).text
    assert 'portal_requests_total{method="GET",route="/hello",status="200"}' in counted


async def test_metrics_do_not_grow_with_what_strangers_invent(stranger: httpx.AsyncClient) -> None:
    for number in range(5):
        await stranger.request(f"INVENTED{number}", f"/nowhere/{number}")

    counted = (await stranger.get("/metrics")).text
    assert "INVENTED" not in counted
    assert "nowhere" not in counted


@pytest.mark.parametrize("path", ["/hello%00", "/hello?q=%00", "/hello?x=%00"])
async def test_nul_in_an_address_is_refused(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 400


async def test_hostile_headers_break_nothing(noord: httpx.AsyncClient) -> None:
    hostile: list[dict[str, bytes]] = [
        {"accept-language": b"q=;;;,,nl;q=abc,en;q=99999999999999999999,*;q=0." + b"9" * 5000},
        {"accept": b"text/html" + b";" * 5000},
        {"cookie": b"session=" + b"a" * 8000 + b"; session; =; ;;;"},
        {"cookie": b"session=\xff\xfe; portal_csrf=\x80"},
        {"if-none-match": b'W/"' + b"x" * 5000},
        {"x-request-id": b"\xff\xff\xff\xff\xff\xff\xff\xff"},
        {"content-type": b"application/json; charset=\xff"},
        {"range": b"bytes=0-99999999999"},
        {"host": b"evil.test"},
        {"x-forwarded-for": b"'; DROP TABLE web_thing; --"},
        {"user-agent": b"\x7f" * 3000},
    ]

    answers = [await noord.get("/things", headers=[(name.encode(), value) for name, value in one.items()]) for one in hostile]

    assert {answer.status_code for answer in answers} <= {200, 401}


def _post(path: str, token: str, csrf: str) -> Any:
    headers = {"content-type": "application/json", "cookie": f"session={token}", "x-csrf-token": csrf, "host": "portal.test"}
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": given,
        "client": ("192.0.2.1", 1),
    }
    return scope | {"scheme": "http", "server": ("portal.test", 80), "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"}}


def _from(pieces: Any) -> Any:
    async def receive() -> Any:
        return next(pieces)

    return receive


def _into(sent: list[Any]) -> Any:
    async def send(message: Any) -> None:
        sent.append(message)

    return send
