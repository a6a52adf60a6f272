"""What stands in a log line, and above all what does not."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from partner_portal.infra import log, settings

TOKEN = "mJ8-Vx_0aQ4yTz1bWc7RfK2sLpE9uNhG5oXd3iYvB6k"
TENANT = UUID("0194fdc2-fa2f-7cc0-81d3-ff12045b73c8")
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    of_servers = logging.getLogger("uvicorn.error")  # a server that stood in for somebody else's may have turned it down
    turned_down, of_servers.level = of_servers.level, logging.NOTSET
    yield
    root.handlers[:], root.level = handlers, level
    of_servers.setLevel(turned_down)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    stream = io.StringIO()
    log.configure(settings.load({"DATA": str(tmp_path), "LOG_FORMAT": "json"}), stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_when_and_on_whose_behalf(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1", tenant=str(TENANT), actor="member:7"):
        structlog.get_logger().info("termination.approved", termination=TENANT, step=3)

    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "termination.approved",
        "level": "info",
        "request_id": "r-1",
        "tenant": str(TENANT),
        "actor": "member:7",
        "termination": str(TENANT),
        "step": 3,
    }


HOSTILE = {
    "address": {"note": "mail jan@example.com today"},
    "address in capitals": {"note": "JAN.DE.VRIES+x@EXAMPLE.CO.UK"},
    "address of other letters": {"note": "jörg@exämple.test"},
    "address in a query": {"note": "/portal?who=jan%40example.com&page=2"},
    "address in angles": {"note": "Jan <jan@example.com>,"},
    "address in a key": {"facts": {"jan@example.com": 1}},
    "address deep inside": {"facts": {"rows": [{"x": ("a", {"y": "jan@example.com"})}]}},
    "password by name": {"password": "hunter2"},
    "password by a longer name": {"facts": {"New-Password": "hunter2"}},
    "password in words": {"note": 'body was {"password": "hunter2", "name": "x"}'},
    "password in a URL": {"note": "cannot connect to postgresql://portal_app:hunter2@db/portal"},
    "password with an at in a URL": {"note": "cannot connect to redis://:hunter2@x@cache:6379"},
    "token by name": {"csrf_token": "hunter2"},
    "token by value": {"note": TOKEN},
    "token in a path": {"note": f"/confirm/{TOKEN}?x=1"},
    "token as bearer": {"note": f"Authorization: Bearer {TOKEN[:20]}"},
    "token hashed": {"note": "4bf92f3577b34da6a3ce929d0e0e4736aa"},
    "JSON web token": {"note": "eyJhbGciOi.eyJzdWIiOi.SflKxw"},
    "cookie": {"headers": {"cookie": "portal_session=hunter2"}},
    "bank account": {"note": "paid from NL91ABNA0417164300 and NL91 ABNA 0417 1643 00"},
    "bytes": {"content": b"jan@example.com"},
    "object": {"thing": type("Person", (), {"__repr__": lambda _self: "jan@example.com"})()},
    "error": {"error": ValueError("Key (email)=(jan@example.com) already exists.")},
    "in the event itself": {"event": "mail to jan@example.com failed"},
}
NEVER = ("jan", "JAN", "jörg", "hunter2", "0417", TOKEN[:20], "4bf92f", "SflKxw")


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_nothing_personal_and_nothing_secret_is_written(lines: Lines, facts: dict[str, Any]) -> None:
    words = {"event": "test"} | facts
    structlog.get_logger().info(words.pop("event"), **words)

    [line] = lines()
    assert log.HIDDEN in json.dumps(line) or "<" in json.dumps(line)
    assert not [word for word in NEVER if word in json.dumps(line, ensure_ascii=False)]


def test_an_exception_is_told_with_its_trace_but_not_with_its_values(lines: Lines) -> None:
    try:
        raise ValueError(f"Key (email)=(jan@example.com) and {TOKEN}")
    except ValueError:
        structlog.get_logger().exception("web.failed")

    [line] = lines()
    assert "test_log.py" in line["exception"]
    assert "ValueError" in line["exception"]
    assert not [word for word in NEVER if word in line["exception"]]


def test_what_is_useful_stays_readable(lines: Lines) -> None:
    useful = {
        "migration": "tenants_2026_11_22t13_14_51_382263",
        "test": "test_a_server_killed_under_its_users_comes_back",
        "id": str(TENANT),
        "topic": "terminations.TerminationScheduled",
        "route": "/api/v1/terminations/{termination_id:uuid}/withdrawal",
        "state": "waiting for finance",
        "status": 409,
        "ms": 12.5,
        "ok": True,
        "code": "quote-expired",
    }
    structlog.get_logger().info("test", **useful)
    assert lines()[0].items() >= useful.items()


def test_a_line_stays_one_line_whatever_is_in_it(lines: Lines) -> None:
    structlog.get_logger().info("test", note='x\n{"event": "forged"}\r\x1b[2J\u2028y')
    assert [line["event"] for line in lines()] == ["test"]
    assert "\x1b" not in lines()[0]["note"]


def test_a_forged_line_is_impossible_in_text_too(tmp_path: Path) -> None:
    stream = io.StringIO()
    log.configure(settings.load({"DATA": str(tmp_path), "LOG_FORMAT": "text"}), stream)
    structlog.get_logger().info("test\nforged", note="x\nforged\x1b[2J")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_endless_and_circular_values_end(lines: Lines) -> None:
    circle: dict[str, Any] = {"many": list(range(100_000)), "long": "x" * 1_000_000}
    circle["again"] = circle
    structlog.get_logger().info("test", circle=circle)
    assert len(json.dumps(lines()[0])) < 100_000


def test_hostile_text_costs_no_time(lines: Lines) -> None:
    begun = time.process_time()
    for text in ("a" * 100_000, "a%4" * 50_000, "eyJ" * 50_000, "token=" * 50_000, "AB12" * 50_000, "bearer " * 20_000, "://" * 50_000):
        structlog.get_logger().info("test", note=text)
    assert time.process_time() - begun < 2
    assert len(lines()) == 7


@given(st.from_regex(log._PLAIN, fullmatch=True))
@settings_of_hypothesis(max_examples=500, deadline=None)
def test_what_is_passed_at_a_glance_would_have_passed_a_close_look(text: str) -> None:
    assert not [pattern.pattern for pattern in log._WORDS_TO_HIDE if pattern.search(text)]


def test_lines_of_libraries_take_the_same_way(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").info("Started with %s", "jan@example.com")
    logging.getLogger("arq.worker").warning("job failed for %s", "jan@example.com")
    logging.getLogger("uvicorn.access").info('127.0.0.1 - "GET /confirm/%s HTTP/1.1" 200', TOKEN)

    assert [line["logger"] for line in lines()] == ["uvicorn.error", "arq.worker"]
    assert "jan" not in json.dumps(lines())


def test_production_writes_json_and_others_text(tmp_path: Path) -> None:
    for env, is_json in (("production", True), ("demo", False)):
        stream = io.StringIO()
        base = settings.load({"DATA": str(tmp_path)})
        with settings.use(base, env=settings.Env(env)) as chosen:
            log.configure(chosen, stream)
        structlog.get_logger().info("test")
        assert stream.getvalue().startswith("{") is is_json
