"""Whatever is typed, sent or asked for by its address, nobody gets an answer of ours that we did not mean: no route breaks on it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import httpx
import pytest

from tests.attack import intruder, routes
from tests.attack.test_hammer import signed_in_contact
from tests.conftest import browser
from tests.world import World

TYPED = (
    "a\x00b",
    "9" * 400,
    "-1",
    "1e400",
    "NaN",
    "٣",
    "\u202e=cmd|'/c calc'!A1\r\nBcc: dief@example.com",
    "\ud800",
    "../../etc/passwd",
    "x" * 70_000,
)
SENT: tuple[Any, ...] = (None, True, -1, 10**30, 0.1, [], {}, [[]], *TYPED)
ASKED = (b"%00", b"%FF", b"%ED%A0%80", quote_from_bytes(b"9" * 400).encode(), b"-1", b"9223372036854775808", b"2026-99-99", b"x" * 5000)
_FIELD = re.compile(r'name="([^"]+)"')
_BROKEN = 500
NOT_TRIED = ("/portal/sign-out", "/api/v1/session")
"""Whoever goes there is signed out, and tries nothing more."""


def mutated(good: Any, bad: Any) -> Iterator[Any]:
    """The good body with one thing in it replaced, each in turn."""
    if isinstance(good, dict):
        for name, value in good.items():
            for changed in (bad, *mutated(value, bad)):
                yield {**good, name: changed}
    elif isinstance(good, list):
        for nth, value in enumerate(good):
            for changed in (bad, *mutated(value, bad)):
                yield [*good[:nth], changed, *good[nth + 1 :]]


def written(body: Any) -> bytes:
    """As JSON, also where no careful program would write it: a lone surrogate escaped."""
    return json.dumps(body).encode()


async def broken(client: httpx.AsyncClient, method: str, path: str, **sent: Any) -> str | None:
    answer = await client.request(method, path, **sent)
    return f"{method} {path[:90]}: {answer.status_code} {answer.text[:120]}" if answer.status_code >= _BROKEN else None


def tried(method: str) -> list[routes.Way]:
    return [way for way in routes.ways() if way.method == method and not way.path.startswith(NOT_TRIED)]


@pytest.fixture
def bodies(world: World) -> dict[str, Any]:
    """Ids of its own, so that what is wrong is the body and nothing before it."""
    return {"service_id": world.noord.services["free"], "customer_id": world.noord.customers["bakery"]}


async def test_no_body_breaks_a_route(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, bodies: dict[str, Any]) -> None:
    noords = await intruder.victim(world, noord, stranger)
    own = bodies | {"quote_id": noords.quote, "invoice_id": noords.invoice}
    kind, wrong, walked = {"content-type": "application/json", "if-match": "*"}, [], 0

    for way in (way for method in ("POST", "PUT", "PATCH") for way in tried(method) if way.body not in {None, dict[str, str]}):
        good = intruder.BODIES[way.body.__name__](own)
        path = way.filled(noords.ids(noords.proposed))
        raw = [b"", b"\x00", b"[" * 5000, b'{"a":', b"\xff\xfe", b'"' + b"x" * 100_000 + b'"', b"null", b"[]"]
        for content in [*raw, *(written(one) for bad in SENT for one in mutated(good, bad))]:
            wrong.append(await broken(noord, way.method, path, content=content, headers=kind))
            walked += 1

    assert [one for one in wrong if one] == []
    assert walked > 500


async def test_no_address_breaks_a_route(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    noords = await intruder.victim(world, noord, stranger)
    wrong = []
    for way in tried("GET"):
        path = way.filled(noords.ids(noords.proposed))
        for name in sorted(_asked(way)):
            wrong += [await broken(noord, "GET", f"{path}?{name}={value.decode()}") for value in ASKED]

    assert [one for one in wrong if one] == []


def _asked(way: routes.Way) -> set[str]:
    """The names that its query may have."""
    given = way.handler.parsed_fn_signature.parameters
    plain = {name for name in given if name not in {"request", "actor", "perhaps_actor", "data", "state", "scope", *way.parameters}}
    return plain | {"q", "page", "before", "after"}


async def test_no_form_breaks_a_page(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    noords = await intruder.victim(world, noord, stranger)

    wrong, posted, refused = await _posted(noord, noords.ids(noords.proposed))

    assert wrong == []
    assert posted > 100
    assert refused > posted / 5, "many of them came as far as being read"


async def test_no_form_breaks_a_page_of_a_customers(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    noords = await intruder.victim(world, noord, stranger)
    _contact, headers = await signed_in_contact(world.noord, noords.customer)
    async with browser(headers=headers) as client:
        wrong, posted, _refused = await _posted(client, noords.ids(noords.proposed), only="/portal/own")

    assert wrong == []
    assert posted > 20


async def _posted(client: httpx.AsyncClient, ids: dict[str, object], only: str = "/") -> tuple[list[str], int, int]:
    """Every form with the same hostile words in all its fields: what broke, how many were sent, and how many were refused as wrong."""
    ways = [way for way in tried("GET") if way.path.startswith(only) and not way.path.startswith("/api/")]
    names = {way.path: await _typed(client, way, ids) for way in ways}
    everywhere = sorted({name for found in names.values() for name in found})
    wrong, statuses = [], Counter[int]()
    for way in (way for way in tried("POST") if way.path.startswith(only) and not way.path.startswith("/api/")):
        own = sorted(names.get(way.path, set())) or everywhere
        for bad in TYPED:
            typed = urlencode(dict.fromkeys(own, bad), errors="surrogatepass")
            answer = await client.post(way.filled(ids), content=typed, headers={"content-type": "application/x-www-form-urlencoded"})
            wrong += [f"{way.name}: {answer.status_code} {answer.text[:120]}"] if answer.status_code >= _BROKEN else []
            statuses[answer.status_code] += 1
    return wrong, statuses.total(), statuses[422]


async def _typed(client: httpx.AsyncClient, way: routes.Way, ids: dict[str, object]) -> set[str]:
    answer = await client.get(way.filled(ids))
    found = set(_FIELD.findall(answer.text)) if "html" in answer.headers.get("content-type", "") else set()
    return found - {"csrf", "viewport", "color-scheme", "htmx-config"}
